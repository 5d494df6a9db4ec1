"""The model: its step, its loops, what it starts from and what it refuses."""

import copy
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ocean_gcm as og
from ocean_gcm.config import config_from_dict
from ocean_gcm.forcing.surface import no_forcing

BASIN = {
    "name": "small_basin",
    "precision": "float64",
    "grid": {
        "geometry": "sphere",
        "nx": 10,
        "ny": 8,
        "x": [0, 40],
        "y": [10, 50],
        "levels": {"number": 4, "depth": 2000, "surface_thickness": 200},
    },
    "bathymetry": {"kind": "seamount", "depth": 2000, "height": 1000, "width": 8},
    "initial": {"kind": "exponential"},
    "surface": {
        "wind_stress": {"kind": "gyre"},
        "sst_restoring": {"target": {"kind": "linear", "south": 25, "north": 5}},
    },
    "closures": {
        "friction": {"kind": "harmonic_viscosity", "viscosity": 5e4},
        "background": {"kind": "background_mixing"},
    },
    "time": {"step": "PT1H", "duration": "P1D"},
    "output": {"interval": "P1D"},
}


def build(**sections):
    tree = copy.deepcopy(BASIN)
    for name, section in sections.items():
        tree[name] = {**tree[name], **section} if isinstance(section, dict) else section
    return og.build_model(config_from_dict(tree))


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def run(model):
    """The initial state and 12 steps of it, every third kept."""
    start = model.initial_state()
    return start, *model.unroll(start, steps=12, save_every=3)


def equal(a, b, **tolerance):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, **tolerance)


def test_step_unroll_and_advance_are_the_same(model, run):
    start, end, trajectory = run
    state, total = start, None
    for _ in range(12):
        state, diagnostics = model.step(state)
        total = diagnostics if total is None else total + diagnostics
    equal(state, end, rtol=1e-9, atol=1e-13)
    advanced, report = model.advance(start, steps=12)
    equal(advanced, end, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(report.diagnostics.heat_input, total.heat_input, rtol=1e-9)
    np.testing.assert_allclose(trajectory.diagnostics.heat_input.sum(), total.heat_input, rtol=1e-9)
    assert (np.asarray(trajectory.states.time.seconds) == 3600 * np.arange(3, 13, 3)).all()
    assert np.abs(np.asarray(end.ocean.u)).max() > 1e-4, "something happens"


def test_two_halves_are_bitwise_one_whole(model, run):
    """The state holds all that the next step needs."""
    start, _, trajectory = run
    half, _ = model.advance(start, steps=6)
    whole, _ = model.advance(start, steps=12)
    for a, b in zip(jax.tree.leaves(model.advance(half, steps=6)[0]), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_land_stays_zero(model, run):
    ocean, grid = run[1].ocean, model.grid
    for array, mask in ((ocean.u, grid.mask_u), (ocean.v, grid.mask_v), (ocean.temperature, grid.mask)):
        assert np.all(np.asarray(array)[~mask] == 0.0)
        assert np.all(np.isfinite(array))


def test_initial_fields_replace_and_are_masked(model):
    shape = model.grid.shape
    state = model.initial_state(fields={"u": np.full(shape, 0.1), "temperature": np.full(shape, 7.0)})
    np.testing.assert_array_equal(state.ocean.u, np.where(model.grid.mask_u, 0.1, 0.0))
    np.testing.assert_array_equal(state.ocean.temperature, np.where(model.grid.mask, 7.0, 0.0))
    np.testing.assert_array_equal(state.ocean.salinity, model.initial_state().ocean.salinity)
    past = state.stepper.history
    assert len(past) == 2 and np.abs(past[0][0]).max() > 0, "the past of the advection is that of the flow given"
    np.testing.assert_array_equal(past[0][0], past[1][0])


def test_forcing_is_an_argument(model, run):
    """Without wind and restoring nothing moves but by the topography's pressure error."""
    start = run[0]
    still, _ = model.unroll(start, forcing=no_forcing(model.dtype), steps=3)
    assert np.abs(np.asarray(still.ocean.u)).max() < 0.1 * np.abs(np.asarray(run[2].states.ocean.u)[0]).max()


def test_ensemble_equals_its_members(model, run):
    start, _, trajectory = run
    warm = dataclasses.replace(start.ocean, temperature=start.ocean.temperature * 1.01)
    warmer = dataclasses.replace(start, ocean=warm)
    both = jax.tree.map(lambda a, b: jnp.stack([a, b]), start, warmer)
    ends, _ = model.unroll_ensemble(both, steps=3)
    # by the program of the first test, which saves what three steps make
    for member, saved in enumerate((trajectory, model.unroll(warmer, steps=12, save_every=3)[1])):
        alone = jax.tree.map(lambda a: a[0], saved.states.ocean)
        equal(jax.tree.map(lambda a, k=member: a[k], ends.ocean), alone, rtol=1e-9, atol=1e-12)


def test_physics_interval():
    """Closures called every third step: three times as long a call, nearly the same ocean."""
    slow = build(time={"physics_interval": "PT3H"})
    start = slow.initial_state()
    once, _ = slow.step(start)
    assert int(once.time.seconds) == 3 * 3600
    several, trajectory = slow.unroll(start, steps=6, save_every=3)
    assert trajectory.states.time.seconds.shape == (2,)
    with pytest.raises(ValueError, match="steps = 4 is not a multiple of the 3 steps of a physics interval"):
        slow.unroll(start, steps=4)


def test_float32_follows_float64(model, run):
    """Ten hours apart by rounding only."""
    single = build(precision="float32")
    state, _ = single.advance(single.initial_state(), steps=12)
    assert state.ocean.temperature.dtype == jnp.float32 and set(state.stepper.rounding) == {"temperature", "salinity"}
    for name, size in (("temperature", 1e-5), ("u", 2e-5), ("sea_surface_height", 2e-5)):
        np.testing.assert_allclose(getattr(state.ocean, name), getattr(run[1].ocean, name), atol=size)


@pytest.mark.slow  # the gyre on a plane is differentiated in test_differentiation.py
def test_gradient_against_finite_differences(model, run, compiled_quickly):
    """Six steps, with respect to the initial temperature in a random direction.

    From a state that varies along x and y: limiters have a corner where a tracer does not.
    """
    start = run[0]
    rng = np.random.default_rng(0)
    rough = start.ocean.temperature + jnp.asarray(0.1 * rng.normal(size=model.grid.shape) * model.grid.mask)
    direction = jnp.asarray(rng.normal(size=model.grid.shape) * model.grid.mask)
    weight = jnp.asarray(rng.normal(size=model.grid.shape))

    @jax.jit
    def loss(temperature):
        ocean = dataclasses.replace(start.ocean, temperature=temperature)
        end, _ = model.unroll(dataclasses.replace(start, ocean=ocean), steps=6)
        return jnp.sum(weight * end.ocean.temperature) + 1e3 * jnp.sum(weight * end.ocean.u)

    gradient = jax.jit(jax.grad(loss))(rough)
    assert bool(jnp.all(jnp.isfinite(gradient)))
    size = 1e-6
    ahead, back = (loss(rough + s * size * direction) for s in (1, -1))
    np.testing.assert_allclose(jnp.sum(gradient * direction), (ahead - back) / (2 * size), rtol=1e-6)
