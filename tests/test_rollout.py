"""The time loop: what it keeps, sums and averages, and what its reverse pass stores."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm import rollout
from ocean_gcm.state import Diagnostics

NOTHING = Diagnostics.zero(jnp.float64)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Toy:
    """A state with the one part that the loops look into."""

    ocean: jax.Array
    count: jax.Array


def step(state):
    count = state.count + 1
    one = jnp.ones(())
    diagnostics = Diagnostics(one, 2.0 * one, -one, jnp.where(count == 3, 0.9, 0.1))
    return Toy(jnp.sin(1.5 * state.ocean), count), diagnostics


@pytest.fixture
def start():
    return Toy(jnp.asarray([0.3, 0.7]), jnp.zeros((), jnp.int32))


def by_hand(state, number):
    states = []
    for _ in range(number):
        state, _ = step(state)
        states.append(np.asarray(state.ocean))
    return np.stack(states)


@pytest.fixture
def two_levels(monkeypatch):
    """As for states so large that no program keeps more than four."""
    monkeypatch.setattr(rollout, "STATE_BYTES", 0)
    monkeypatch.setattr(rollout, "ONE_LEVEL", 4)


@pytest.mark.parametrize("number", [1, 2, 3, 7, 12, 16, 23])
def test_repeat_counts_right(start, number, two_levels):
    """Whatever the number of steps, prime or square: whole chunks and the rest."""
    last = rollout.repeat(lambda s: step(s)[0], start, number)
    assert int(last.count) == number
    np.testing.assert_allclose(last.ocean, by_hand(start, number)[-1], rtol=1e-15)


def test_trajectory(start):
    end, kept = rollout.trajectory(step, start, 12, 4, NOTHING)
    np.testing.assert_array_equal(kept.states.count, [4, 8, 12])
    np.testing.assert_allclose(kept.states.ocean, by_hand(start, 12)[3::4], rtol=1e-15)
    np.testing.assert_array_equal(end.ocean, kept.states.ocean[-1])
    np.testing.assert_array_equal(kept.diagnostics.heat_input, 8.0)
    np.testing.assert_array_equal(kept.diagnostics.courant, [0.9, 0.1, 0.1])


@pytest.mark.parametrize("save_every", [0, 5, 24])
def test_intervals_must_divide(start, save_every):
    with pytest.raises(ValueError, match=f"save_every = {save_every} does not divide steps = 12"):
        rollout.trajectory(step, start, 12, save_every, NOTHING)


def test_interval_mean(start):
    run = jax.jit(lambda s, n: rollout.interval_mean(step, s, n, NOTHING))
    for number in (1, 5, 9):
        end, report = run(start, number)
        assert int(end.count) == number
        np.testing.assert_allclose(report.mean, by_hand(start, number).mean(0), rtol=1e-13)
        assert float(report.diagnostics.salt_input) == -number
        assert float(report.diagnostics.courant) == (0.9 if number >= 3 else 0.1)
    assert run._cache_size() == 1, "one compilation for all lengths"


def test_gradient_through_the_loop(start, two_levels):
    loss = lambda x, n: jnp.sum(rollout.repeat(lambda s: step(s)[0], Toy(x, start.count), n).ocean)  # noqa: E731

    def direct(x, n):
        for _ in range(n):
            x = jnp.sin(1.5 * x)
        return jnp.sum(x)

    for number in (3, 14):
        np.testing.assert_allclose(
            jax.grad(loss)(start.ocean, number), jax.grad(direct)(start.ocean, number), rtol=1e-13
        )


def test_reverse_pass_stores_the_square_root(start, two_levels):
    """Residuals of 16 times as many steps take 4 times the memory, or little more."""

    def stored(number):
        state = Toy(jnp.zeros(10000), start.count)
        loss = lambda x: jnp.sum(  # noqa: E731
            rollout.repeat(lambda s: step(s)[0], dataclasses.replace(state, ocean=x), number).ocean
        )
        analysis = jax.jit(jax.grad(loss)).lower(state.ocean).compile().memory_analysis()
        return analysis.temp_size_in_bytes / 80000

    few, many = stored(100), stored(1600)
    assert 2.0 < many / few < 6.0 and many < 3 * 2 * 40


def test_all_states_are_kept_where_they_are_few(start, monkeypatch):
    size = start.ocean.nbytes + start.count.nbytes
    monkeypatch.setattr(rollout, "STATE_BYTES", 100 * size)
    assert rollout.one_level(start) == 100
    monkeypatch.setattr(rollout, "STATE_BYTES", 10 * size)
    assert rollout.one_level(start) == rollout.ONE_LEVEL


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_each_of_a_batch_and_its_members(monkeypatch, backend):
    """One after another or at once: the same."""
    monkeypatch.setattr(rollout.jax, "default_backend", lambda: backend)
    state = state_of(jnp.arange(6.0).reshape(2, 3, 1))
    found = rollout.each(lambda s: 2.0 * s.ocean, state, axes=2)
    np.testing.assert_array_equal(found, 2.0 * np.arange(6.0).reshape(2, 3, 1))
    one = rollout.each(lambda s: 2.0 * s.ocean, state_of(jnp.ones((1, 2))))
    np.testing.assert_array_equal(one, np.full((1, 2), 2.0))


def state_of(ocean):
    return Toy(ocean, jnp.zeros(ocean.shape[:-1], jnp.int32))


@pytest.mark.parametrize("steps, save_every", [(1, 1), (12, 12), (40, 4), (40, 40)])
def test_offloaded_states_give_the_same_gradient(start, steps, save_every, two_levels):
    """One level, two by saved intervals, two by chunks: the same numbers, and something is offloaded."""

    def loss(ocean, offload):
        state = dataclasses.replace(start, ocean=ocean)
        end, saved = rollout.trajectory(step, state, steps, save_every, NOTHING, offload)
        return jnp.sum(end.ocean) + jnp.sum(saved.states.ocean**2)

    results = [jax.jit(jax.value_and_grad(loss), static_argnums=1)(start.ocean, offload) for offload in (False, True)]
    for plain, offloaded in zip(*results, strict=True):
        np.testing.assert_array_equal(offloaded, plain)
    program = str(jax.make_jaxpr(jax.grad(loss), static_argnums=1)(start.ocean, True))
    assert ("MemorySpace.Host" in program) == (steps > 1)
