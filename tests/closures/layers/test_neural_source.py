"""Networks of layers: what they are equivariant to, what their sources keep, and the gradient that is written out."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.closures.layers.convolution import periodic_convolution
from ocean_gcm.closures.layers.neural_source import NeuralSourceConfig
from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.stochastic.periodic_fields import PeriodicFields, PeriodicFieldsConfig

GRID = PeriodicGrid((2, 12, 12), (1e6, 1e6))
CORE = QuasiGeostrophy(
    GRID,
    QuasiGeostrophicConfig.model_validate(
        {
            "core": "quasi_geostrophic",
            "layers": {"thickness": [500, 2000], "deformation_radius": 6e4},
            "time_stepper": "crank_nicolson_rk2",
        }
    ),
    1.0,
)
RANDOM = np.random.default_rng(0)
Q = 1e-5 * RANDOM.standard_normal(GRID.shape)
FEATURES = ("potential_vorticity", "velocity", "deformation", "vortex_force", "advection")
SMALL = {"architecture": "convolution", "width": 3, "depth": 3}
FOURIER = {"architecture": "fourier", "width": 3, "blocks": 2, "modes": 3}


def built(**keys):
    """A closure whose numbers are not those of the start, all of them of order one."""
    keys = {"network": SMALL, "features": FEATURES, **keys}
    closure = NeuralSourceConfig.model_validate(keys).build(GRID, jnp.float64)
    last = closure.network.layers[-1] if hasattr(closure.network, "layers") else closure.network.decoder
    last.kernel[...] = jnp.asarray(np.random.default_rng(1).standard_normal(last.kernel.shape))
    return closure


def source_of(closure, q):
    static = CORE.static(CORE.arrays(jnp.float64))
    fields = CORE.fields({"potential_vorticity": q}, jnp.float64)
    columns = CORE.columns(static, CORE.prepare(static, fields), None, 3600.0)
    memory = closure.initial_memory(GRID.shape, jnp.float64, jax.random.key(0))
    return np.asarray(closure(columns, memory, jax.random.key(1))[0].potential_vorticity_source)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_convolution_and_its_gradient(size):
    x, kernel = RANDOM.standard_normal((7, 5, 2)), RANDOM.standard_normal((size, size, 2, 3))
    gradient = RANDOM.standard_normal((7, 5, 3))
    found, back = jax.vjp(periodic_convolution, x, kernel)
    by_x, by_kernel = back(jnp.asarray(gradient))
    expected, expected_x, expected_kernel = np.zeros((7, 5, 3)), np.zeros(x.shape), np.zeros(kernel.shape)
    for b in range(size):
        for a in range(size):
            shift = (size // 2 - b, size // 2 - a)
            moved = np.roll(x, shift, (0, 1))
            expected += moved @ kernel[b, a]
            expected_kernel[b, a] = np.einsum("yxc,yxd->cd", moved, gradient)
            expected_x += np.roll(gradient @ kernel[b, a].T, (-shift[0], -shift[1]), (0, 1))
    for one, other in ((found, expected), (by_x, expected_x), (by_kernel, expected_kernel)):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_nothing_before_training():
    closure = NeuralSourceConfig.model_validate({"network": SMALL}).build(GRID, jnp.float64)
    assert not source_of(closure, Q).any()


@pytest.mark.parametrize("network", [SMALL, FOURIER], ids=lambda network: network["architecture"])
@pytest.mark.parametrize("output", ["source", "flux", "stress"])
def test_translation_and_mean(network, output):
    closure = built(network=network, output=output)
    found, moved = source_of(closure, Q), source_of(closure, np.roll(Q, (3, -2), (1, 2)))
    assert np.abs(found).max() > 1e-14
    np.testing.assert_allclose(moved, np.roll(found, (3, -2), (1, 2)), atol=1e-10 * np.abs(found).max())
    hat = np.abs(np.fft.rfft2(found))
    assert hat[:, 0, 0].max() <= 1e-10 * hat.max()


@pytest.mark.parametrize("output", ["source", "flux", "stress"])
def test_symmetry(output):
    """Mirrored water has the opposite vorticity; so has what a network with the symmetry makes of it."""
    closure, plain = built(output=output, symmetry="square"), built(output=output)
    for turn in (lambda f: -f[:, ::-1], lambda f: -f[:, :, ::-1], lambda f: np.rot90(f, 1, (1, 2))):
        found = turn(source_of(closure, Q))
        np.testing.assert_allclose(source_of(closure, turn(Q)), found, atol=1e-10 * np.abs(found).max())
        assert np.abs(source_of(plain, turn(Q)) - turn(source_of(plain, Q))).max() > 1e-3 * np.abs(found).max()


def test_flow_scales_time():
    """Normalised by the flow, twice the vorticity makes four times the source."""
    closure = built()
    np.testing.assert_allclose(source_of(closure, 2 * Q), 4 * source_of(closure, Q), rtol=1e-9)
    assert np.isfinite(source_of(closure, 0 * Q)).all()


def test_network_of_each_layer():
    """The same function of each layer's own flow and random fields, bilinear in velocity and vorticity."""
    keys = {
        "layers": "each",
        "normalisation": "product",
        "output": "flux",
        "features": ("potential_vorticity", "vorticity"),
    }
    closure, noisy = built(**keys), built(**keys, random={"number": 1, "time": 1e4})
    assert closure.network.layers[0].kernel.shape[2:] == (2, 3)
    assert noisy.network.layers[0].kernel.shape[2:] == (3, 3)
    alike = np.stack([Q[0], Q[0]])  # no stretching: the flow of both layers is the same
    for each in (closure, noisy):
        found = source_of(each, Q)
        np.testing.assert_allclose(source_of(each, 2 * Q), 4 * found, rtol=1e-9)
        both = source_of(each, alike)
        assert np.abs(both[0] - found[0]).max() > 1e-3 * np.abs(found).max() > 0
        differ = np.abs(both[0] - both[1]).max() / np.abs(both).max()
        assert differ > 1e-2 if each is noisy else differ < 1e-9


def test_scales_of_a_file(tmp_path):
    path = tmp_path / "scales.json"
    sizes = ([1e-5, 2e-5], 0.1, 1e-5, 1e-6, 1e-11)
    scale = dict(zip(FEATURES, sizes, strict=True))
    path.write_text(json.dumps({"scale": scale, "output_scale": {"source": [1e-10, 3e-10]}}))
    closure = built(normalisation="statistics", statistics=str(path), size=1.0)
    np.testing.assert_allclose(closure.output_scale[...], [1e-10, 3e-10])
    assert np.abs(source_of(closure, 2 * Q) - 4 * source_of(closure, Q)).max() > 1e-12
    path.write_text(json.dumps({"scale": scale, "output_scale": {}}))
    with pytest.raises(UserError, match=r"scales.json have no output_scale.source"):
        built(normalisation="statistics", statistics=str(path))


def test_random_fields():
    """Variance one, correlation exp(-r^2 / (2 L^2)) in space and exp(-t / tau) in time."""
    grid = PeriodicGrid((1, 32, 32), (32.0, 32.0))
    fields = PeriodicFields(PeriodicFieldsConfig(number=40, length=3.0, time=100.0), grid, jnp.float64)
    memory = fields.initial(jax.random.key(0))
    memory, first = fields.step(memory, jax.random.key(1), 10.0)
    _, second = fields.step(memory, jax.random.key(2), 50.0)
    first, second = np.asarray(first), np.asarray(second)
    assert first.var() == pytest.approx(1.0, rel=0.05)
    assert (first * np.roll(first, 3, -1)).mean() == pytest.approx(np.exp(-0.5), abs=0.05)
    assert (first * second).mean() == pytest.approx(np.exp(-0.5), abs=0.05)
    closure = built(random={"number": 2, "time": 1e4})
    other = closure.redraw(closure.initial_memory(GRID.shape, jnp.float64, jax.random.key(0)), jax.random.key(5))
    assert other.shape == (2, 12, 12) and np.abs(source_of(closure, Q)).max() > 0


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"features": ["pv"]}, "features contains 'pv'"),
        ({"features": []}, "features is empty"),
        ({"network": {**SMALL, "kernel": 4}}, "kernel is 4; expected an odd number"),
        ({"network": {**SMALL, "kernel": 13}}, "kernel is 13; expected at most 12"),
        ({"network": {**FOURIER, "modes": 7}}, "modes is 7; expected at most 6"),
        ({"statistics": "s.json"}, "expected normalisation: statistics"),
    ],
)
def test_mistakes(keys, words):
    with pytest.raises((UserError, ValueError), match=words):
        built(**keys)
