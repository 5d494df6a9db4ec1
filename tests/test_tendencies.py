"""Tendencies of closures without a step: against what a step does, conservation, and classical closures."""

import dataclasses

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
import tiny_run
from flax import nnx

from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict
from ocean_gcm.tendencies import eddy_transports, explicit_tendencies

NETWORK = {
    "kind": "neural_tendencies",
    "features": ["temperature", "coriolis", "mask"],
    "horizontal_fluxes": True,
    "network": {"architecture": "convolution", "width": 4, "blocks": 1},
}


@pytest.fixture(scope="module")
def model():
    """A tiny ocean with a network whose weights are random, and nothing else that moves heat."""
    built = build_model(config_from_dict({**tiny_run.TREE, "surface": {}, "closures": {"learned": NETWORK}}))
    kernel = built.closures.learned.tower.decoder.kernel
    kernel[...] = 0.3 * jax.random.normal(jax.random.key(1), kernel[...].shape, kernel[...].dtype)
    return built


@pytest.fixture(scope="module")
def tendencies(model):
    state = model.initial_state()
    return explicit_tendencies(model, state.ocean, jdt.Timedelta(0, 0), jax.random.key(0))


def test_they_are_what_a_step_adds(model, tendencies):
    """At rest a step changes temperature by the closure alone, up to the advection of its own small flow."""
    start = model.initial_state()
    after, _ = model.step(start)
    change = np.asarray(after.ocean.temperature - start.ocean.temperature)
    added = np.asarray(tendencies.temperature) * model.time_step
    assert np.abs(added).max() > 1e-4
    np.testing.assert_allclose(change, added, atol=0.02 * np.abs(added).max())


def test_heat_and_salt_stay(model, tendencies):
    volume = model.grid.volume
    for name in ("temperature", "salinity"):
        field = np.asarray(getattr(tendencies, name))
        assert np.abs((volume * field).sum()) < 1e-12 * (volume * np.abs(field)).sum()


def test_no_tendency_of_the_sea_surface_nor_on_land(model, tendencies):
    assert tendencies.sea_surface_height is None
    assert not np.asarray(tendencies.u)[~model.grid.mask_u].any()


def test_eddies_carry_no_net_volume_and_flatten_slopes():
    """Warm water reaches deeper in the north: it goes south at the top, and as much cold water goes north below."""
    closures = {"eddies": {"kind": "gent_mcwilliams_redi", "diffusivity": 1000.0}}
    model = build_model(config_from_dict({**tiny_run.TREE, "surface": {}, "closures": closures}))
    start = model.initial_state().ocean
    y, z = model.grid.geometry.y["T"], model.grid.centre_depth
    tilted = dataclasses.replace(start, temperature=jnp.asarray(10.0 - 0.01 * z + 0.02 * y))
    east, north = eddy_transports(model, tilted, jdt.Timedelta(0, 0), jax.random.key(0))
    assert np.abs(north).max() > 1e3
    np.testing.assert_allclose(np.asarray(north).sum(0), 0.0, atol=1e-9 * np.abs(north).max())
    np.testing.assert_allclose(east, 0.0, atol=1e-9 * np.abs(north).max())
    inner = np.asarray(north)[:, 1:3]
    assert (inner[0] < 0).all() and (inner[-1] > 0).all()
    bare = build_model(config_from_dict({**tiny_run.TREE, "surface": {}, "closures": {}}))
    assert not np.any(eddy_transports(bare, tilted, jdt.Timedelta(0, 0), jax.random.key(0))[1])


def test_coefficients_have_no_part_in_them():
    model = build_model(config_from_dict(tiny_run.TREE))
    ocean = model.initial_state().ocean
    found = explicit_tendencies(model, ocean, jdt.Timedelta(0, 0), jax.random.key(0))
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(found))


def test_gradient_with_respect_to_weights(model):
    graph, weights, rest = nnx.split(model, nnx.Param, ...)
    ocean = model.initial_state().ocean

    @jax.jit
    @jax.value_and_grad
    def energy(weights):
        whole = nnx.merge(graph, weights, rest)
        found = explicit_tendencies(whole, ocean, jdt.Timedelta(0, 0), jax.random.key(0))
        return jnp.sum((found.temperature * 1e6) ** 2)

    _, gradient = energy(weights)
    kernel = np.asarray(weights["closures"]["learned"]["tower"]["decoder"]["kernel"][...])
    slope = np.asarray(gradient["closures"]["learned"]["tower"]["decoder"]["kernel"][...])
    direction = np.sign(slope)
    step = 1e-6

    def shifted(sign):
        moved = jax.tree.map(lambda x: x, weights)
        moved["closures"]["learned"]["tower"]["decoder"]["kernel"][...] = jnp.asarray(kernel + sign * step * direction)
        return float(energy(moved)[0])

    difference = (shifted(1) - shifted(-1)) / (2 * step)
    np.testing.assert_allclose(difference, (slope * direction).sum(), rtol=1e-6)
