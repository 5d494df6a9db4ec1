"""Reverse mode through whole runs against centred finite differences, in float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ocean_gcm.build import build_model
from ocean_gcm.config import load_config

STEPS = 100


@pytest.fixture(scope="module")
def gyre():
    """A coarse double gyre after some days, a loss of its future, and the gradient of that."""
    overrides = ["precision=float64", "grid.nx=12", "grid.ny=12", "grid.levels.number=5"]
    model = build_model(load_config("configs/double_gyre.yaml", overrides))
    state, _ = model.advance(model.initial_state(), steps=480)
    graph, parameters, rest = nnx.split(model, nnx.Param, ...)

    @jax.jit
    def loss(temperature, stress, parameters):
        run = nnx.merge(graph, parameters, rest)
        start = dataclasses.replace(state, ocean=dataclasses.replace(state.ocean, temperature=temperature))
        end, _ = run.unroll(start, dataclasses.replace(run.forcing, stress_x=stress), steps=STEPS)
        ocean = end.ocean
        kinetic = jnp.sum(ocean.u**2) + jnp.sum(ocean.v**2)
        return kinetic + jnp.sum(ocean.sea_surface_height**2) + 1e-3 * jnp.sum(ocean.temperature**2)

    arguments = (state.ocean.temperature, model.forcing.stress_x, parameters)
    return model, loss, arguments, jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*arguments)


def difference_quotient(loss, arguments, index, direction, size):
    def moved(sign):
        changed = jax.tree.map(lambda a, d: a + sign * size * d, arguments[index], direction)
        return float(loss(*arguments[:index], changed, *arguments[index + 1 :]))

    return (moved(1) - moved(-1)) / (2 * size)


@pytest.mark.parametrize("index, size", [(0, 1e-7), (1, 1e-5)], ids=["initial temperature", "wind stress"])
def test_fields(gyre, index, size):
    model, loss, arguments, gradient = gyre
    x = jnp.linspace(0, np.pi, arguments[index].shape[-1])
    direction = jnp.sin(x) * jnp.sin(x)[:, None] * (arguments[index] != 0)
    exact = float(jnp.vdot(gradient[index], direction))
    assert exact == pytest.approx(difference_quotient(loss, arguments, index, direction, size), rel=1e-5)


def test_every_parameter(gyre):
    _, loss, arguments, gradient = gyre
    leaves, structure = jax.tree.flatten(arguments[2])
    slopes = jax.tree.leaves(gradient[2])
    assert len(leaves) >= 5
    for k, (value, slope) in enumerate(zip(leaves, slopes, strict=True)):
        assert np.isfinite(slope) and slope != 0.0
        unit = [jnp.abs(value) * (j == k) for j in range(len(leaves))]
        quotient = difference_quotient(loss, arguments, 2, jax.tree.unflatten(structure, unit), 1e-4)
        assert float(slope * jnp.abs(value)) == pytest.approx(quotient, rel=1e-5, abs=1e-9 * float(loss(*arguments)))


def test_land_has_no_gradient_and_nothing_is_nan(gyre):
    model, _, _, gradient = gyre
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradient))
    assert not np.any(np.asarray(gradient[0])[~model.grid.mask])
