"""Random fields in time: decorrelation, stationarity, independence, and what they cost a gradient."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_devices import environment
from small_seas import NX, NY, Sea

from ocean_gcm.errors import UserError
from ocean_gcm.stochastic.random_field import RandomFields, RandomFieldsConfig

DAY = 86400.0


@pytest.fixture(scope="module")
def sea(plane):
    return Sea(plane.grid, jnp.float32)


@pytest.fixture(scope="module")
def run(sea):
    """64 fields with a correlation time of two days, over 1000 intervals of 6 h: (first fields, every field of 12)."""
    fields = sea.fields(time="P2D", length=1.5e5, number=64)
    memory = fields.initial(jax.random.key(1))

    @jax.jit
    def steps(memory, keys):
        def body(memory, key):
            memory, r = fields.step(memory, key, sea.columns)
            return memory, r.interior(NY, NX)

        return jax.lax.scan(body, memory, keys)

    first = fields.fields(sea.columns.static, memory).interior(NY, NX)
    keys = jax.random.split(jax.random.key(2), 1000)
    _, all_fields = steps(memory, keys)
    return np.asarray(first, float), np.asarray(all_fields, float)


def correlation(a, b, wet):
    return (a[..., wet] * b[..., wet]).mean()


def test_first_fields_are_of_the_stationary_distribution(run, plane):
    wet = plane.grid.wet
    first, _ = run
    assert (first[:, ~wet] == 0).all()
    # 64 fields of about 50 independent places
    assert abs(first[:, wet].std() - 1) < 0.06
    assert abs(first[:, wet].mean()) < 0.06


def test_the_variance_stays_one_over_a_thousand_steps(run, plane):
    _, fields = run
    wet = plane.grid.wet
    for part in (fields[:8], fields[500:508], fields[-8:]):
        assert abs(part[..., wet].std() - 1) < 0.06
    # 64 fields of 125 independent times: in every single cell
    variance = (fields**2).mean((0, 1))[wet]
    assert 0.94 < variance.min() < variance.max() < 1.06
    fourth = (fields**4).mean((0, 1))[wet] / variance**2
    assert np.abs(fourth - 3).max() < 0.3  # Gaussian


@pytest.mark.parametrize("lag", [1, 4, 8, 24])
def test_correlation_falls_like_exp_of_time(run, plane, lag):
    _, fields = run
    found = correlation(fields[:-lag], fields[lag:], plane.grid.wet)
    assert abs(found - np.exp(-lag * 0.25 / 2)) < 0.02


def test_fields_are_independent(run, plane):
    _, fields = run
    wet = plane.grid.wet
    samples = fields[::16, :, wet].transpose(1, 0, 2).reshape(64, -1)
    between = np.corrcoef(samples) - np.eye(64)
    # about 63 times 50 samples: 0.018 is one standard deviation
    assert np.abs(between).max() < 0.09 and abs(between.mean()) < 2e-3


def test_members_are_independent(sea, plane):
    """vmap over keys is the ensemble."""
    fields = sea.fields(time="P1D", length=1e5, number=8)
    keys = jax.random.split(jax.random.key(3), 16)
    memories = jax.vmap(fields.initial)(keys)
    step = jax.jit(jax.vmap(lambda m, k: sea.step(fields, m, k)[1]))
    samples = np.asarray(step(memories, keys))[..., plane.grid.wet].reshape(16, -1)
    assert np.abs(np.corrcoef(samples) - np.eye(16)).max() < 0.15
    alone = sea.step(fields, fields.initial(keys[3]), keys[3])[1]
    np.testing.assert_allclose(step(memories, keys)[3], alone, atol=1e-5)


@given(interval=st.floats(60.0, 30 * DAY), days=st.floats(0.1, 300))
@settings(max_examples=30)
def test_two_memories_approach_each_other_by_phi(interval, days):
    """With the same noise the difference shrinks by exp(-dt / tau), and the noise makes up for it."""
    small = SEA_OF_TWO
    fields = small.fields(length=1e3)
    fields.time[...] = jnp.asarray(days * DAY)
    keys = jax.random.split(jax.random.key(5), 3)
    a, b, zero = fields.initial(keys[0]), fields.initial(keys[1]), jnp.zeros((1, 4, 6))
    other = Sea(small.grid, interval=interval)
    after = [other.step(fields, m, keys[2])[0] for m in (a, b, zero)]
    phi = np.exp(-interval / (days * DAY))
    np.testing.assert_allclose(after[0] - after[1], phi * (a - b), atol=1e-12)
    noise = jax.random.normal(keys[2], (1, 4, 6), jnp.float32)
    np.testing.assert_allclose(after[2], np.sqrt(-np.expm1(2 * np.log(phi))) * noise * small.grid.wet, atol=1e-6)


def test_single_and_double_precision_are_the_same_fields(plane, sea):
    fields = {s.dtype: s.fields(length=3e5, number=2) for s in (plane, sea)}
    key = jax.random.key(4)
    found = []
    for s in (plane, sea):
        memory, r = s.step(fields[s.dtype], fields[s.dtype].initial(key), key)
        assert memory.dtype == r.dtype == s.dtype
        found.append(r)
    np.testing.assert_allclose(found[1], found[0], atol=2e-5)


def test_gradients_of_time_and_length(plane):
    fields = plane.fields(length=2e5, length_range=(1e5, 4e5), number=2)
    memory, key = fields.initial(jax.random.key(6)), jax.random.key(7)
    weight = jnp.asarray(np.random.default_rng(0).normal(size=(2, NY, NX)))

    @jax.jit
    def loss(days, log_length):
        learned, state = nnx.clone(fields), memory
        learned.time[...], learned.length[...] = days * DAY, jnp.exp(log_length)
        for _ in range(2):
            state, r = plane.step(learned, state, key)
        return jnp.sum(weight * r)

    at = 5.0, np.log(2.2e5)
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))(*at)
    for k, h in ((0, 1e-5), (1, 1e-6)):
        ahead, back = (loss(*(x + s * h * (j == k) for j, x in enumerate(at))) for s in (1, -1))
        np.testing.assert_allclose(gradient[k], (ahead - back) / (2 * h), rtol=1e-6)
        assert abs(gradient[k]) > 1e-3


def test_gradients_are_finite_at_the_lengths_of_the_table_and_in_single_precision(sea):
    fields = sea.fields(length=1e5, length_range=(1e5, 4e5))
    memory, key = fields.initial(jax.random.key(6)), jax.random.key(7)
    gradient = jax.jit(jax.grad(lambda f: jnp.sum(sea.step(f, memory, key)[1][:, 5:9, 5:9] ** 2)))(fields)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))
    assert gradient.time[...] != 0 and gradient.length[...] != 0


def test_a_decomposed_grid_has_the_same_fields():
    """Eight simulated devices, in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("sharded_fields.py"))]
    done = subprocess.run(command, env=environment(8), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == "equal"


def test_mistakes_are_named(plane):
    for wrong, words in (
        ({"length": 0.0}, "greater than 0"),
        ({"time": "10 days"}, "ISO-8601"),
        ({"length": 1e5, "length_range": (2e5, 4e5)}, "outside of length_range"),
        ({"length": 1e5, "length_range": (2e5, 1e5)}, "must increase"),
        ({"number": 0}, "greater than or equal to 1"),
    ):
        with pytest.raises((pydantic.ValidationError, UserError), match=words):
            RandomFieldsConfig(**wrong)
    with pytest.raises(UserError, match="length of 1e\\+09 m takes more than 2000 sweeps"):
        RandomFields(RandomFieldsConfig(length=1e9), plane.grid, jnp.float64)


def _sea_of_two():
    from small_seas import grid_of

    wet = np.ones((4, 6), bool)
    wet[:, 3] = False
    return Sea(grid_of(wet))


SEA_OF_TWO = _sea_of_two()
