"""Gradients through the model: against finite differences, none of zero, none that is not a number."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import ocean_gcm as og
from eval.gradients_chain import Run, along, directions, inner, smooth_noise
from ocean_gcm.errors import UserError
from ocean_gcm.yaml_tree import read_tree

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
TINY = {
    "acc_channel": ["grid.nx=10", "grid.ny=14", "bathymetry.walls=[{x: [0, 6], y: [-18, 42]}]"],
    "baroclinic_channel": ["grid.nx=12", "grid.ny=12", "grid.levels={number: 5, depth: 1000}"],
    "double_gyre": ["grid.nx=10", "grid.ny=10", "grid.levels={number: 5, depth: 4000, surface_thickness: 200}"],
    "double_gyre_coarse": ["grid.nx=10", "grid.ny=10"],
    "double_gyre_eddying": ["grid.nx=10", "grid.ny=10"],
    "double_gyre_neural": ["grid.nx=10", "grid.ny=10", "grid.levels={number: 5, depth: 4000, surface_thickness: 200}"],
    "global_4deg": ["grid.nx=30", "grid.ny=20"],
    "global_4deg_observed": ["grid.nx=30", "grid.ny=20"],
    "global_4deg_stochastic": ["grid.nx=30", "grid.ny=20"],
    "lock_exchange": ["grid.nx=16", "grid.levels={number: 5, depth: 20}"],
    "rest_over_topography": ["grid.nx=10", "grid.ny=10", "grid.levels={number: 5, depth: 4500}"],
}
"""Overrides that make each configuration small."""


def build(name, *overrides, precision="float64"):
    return og.build_model(og.load_config(CONFIGS / f"{name}.yaml", [f"precision={precision}", *overrides]))


def best_error(derivative, function, control, direction, steps):
    """Relative difference to centred differences, of the best of `steps` (in directions)."""
    differences = [
        (function(along(control, direction, h)) - function(along(control, direction, -h))) / (2 * h) for h in steps
    ]
    return min(abs(derivative - d) / abs(d) for d in differences)


def attainable(value, derivative, step=1e-5):
    """Relative error that rounding of the function leaves of a centred difference (three units in its last place).

    Larger steps, in directions, meet corners of the physics: limiters, convection.
    """
    return 3 * np.finfo(float).eps * abs(value) / (step * abs(derivative))


def compare(run, steps, wanted, sizes, insensitive=None):
    """Assert that jax.grad through `steps` steps agrees with finite differences along all directions of the study and
    along each parameter; returns the gradient.

    No more can be asked for than is `attainable`, where the loss hardly depends on a parameter.
    insensitive: the agreement to ask for by path where corners spoil the smallest steps, too.
    """

    @jax.jit
    def loss(controls, rest):
        values = [controls["parameters"][path] for path in run.order]
        model = nnx.merge(run.graph, jax.tree.unflatten(run.parameters, values), rest)
        forcing = dataclasses.replace(run.forcing, stress_x=controls["stress_x"])
        return run.loss(model.unroll(run.state_at_start(controls), forcing, steps=steps)[0])

    gradient = jax.jit(jax.grad(loss))(run.controls, run.rest)
    ways = directions(run, seed=1)
    ways.pop("all parameters")
    zero = jax.tree.map(jnp.zeros_like, run.controls)
    for path, value in run.controls["parameters"].items():
        ways[path] = {**zero, "parameters": {**zero["parameters"], path: 0.1 * value}}
    assert {"temperature", "stress_x"} < set(ways) and len(ways) >= 7
    of = lambda controls: float(loss(controls, run.rest))  # noqa: E731
    value = of(run.controls)
    for name, direction in ways.items():
        derivative = inner(gradient, direction)
        assert derivative != 0.0, f"gradient along {name} is exactly zero"
        error = best_error(derivative, of, run.controls, direction, sizes)
        asked = max((insensitive or {}).get(name, wanted), attainable(value, derivative))
        assert error <= asked, f"{name}: relative error {error:.1e} of {derivative:.1e}, {asked:.1e} asked for"
    return gradient


def spun_up(model, steps):
    return model.advance(model.initial_state(), steps=steps)[0]


@pytest.fixture(scope="module")
def gyre():
    model = build("double_gyre", "grid.nx=24", "grid.ny=24", *TINY["double_gyre"][2:], "time.step=PT2H")
    return Run(model, spun_up(model, 4000))  # long enough for convection


@pytest.mark.slow  # a shorter run is differentiated in test_differentiation.py
def test_double_gyre_against_finite_differences(gyre):
    gradient = compare(gyre, 100, 1e-5, sizes=(1e-3, 1e-5, 1e-7))
    land = ~gyre.grid.mask
    assert np.all(np.isfinite(gradient["temperature"])) and np.all(np.asarray(gradient["temperature"])[land] == 0.0)


@pytest.mark.slow
def test_chain_of_days_is_the_gradient(gyre):
    """The study's chain of daily derivatives equals the derivative of the whole, in reverse and forward mode."""
    past = list(gyre.days(gyre.controls, 3))
    chained = gyre.gradient(past, 3)
    direction = directions(gyre, seed=2)["temperature"]
    slopes, _ = gyre.tangent(past, direction, [1, 3])
    np.testing.assert_allclose(inner(chained, direction), slopes[3], rtol=1e-10)


@pytest.mark.slow
def test_global_ocean_against_finite_differences():
    model = build("global_4deg")
    run = Run(model, spun_up(model, 1460))
    insensitive = {"closures.mesoscale.diffusivity": 1e-3, "closures.mesoscale.slope_max": 1e-2}
    sizes = (1e-3, 1e-4, 3e-5, 1e-5, 1e-6, 1e-7)
    gradient = compare(run, 40, 1e-4, sizes, insensitive)
    assert np.all(np.isfinite(gradient["temperature"]))


def convecting(model):
    """The initial state stirred: dense water lies on top in places, and everything moves."""
    state, grid = model.initial_state(), model.grid
    generator = np.random.default_rng(3)
    noise = [smooth_noise(grid, generator) for _ in range(3)]
    ocean = dataclasses.replace(
        state.ocean,
        temperature=state.ocean.temperature + jnp.asarray(3.0 * noise[0] * grid.mask, model.dtype),
        u=state.ocean.u + jnp.asarray(0.05 * noise[1] * grid.mask_u, model.dtype),
        v=state.ocean.v + jnp.asarray(0.05 * noise[2] * grid.mask_v, model.dtype),
    )
    return dataclasses.replace(state, ocean=ocean)


def gradients(model, steps):
    """A function of the state: the gradient of a functional of all fields after `steps` steps, with respect to the
    state and to the parameters by path."""
    graph, parameters, rest = nnx.split(model, nnx.Param, ...)

    @jax.jit
    def loss(state, parameters, rest):
        end = nnx.merge(graph, parameters, rest).unroll(state, steps=steps)[0].ocean
        squares = [jnp.mean(x * x) for x in (end.u, end.v, end.temperature, end.salinity, end.sea_surface_height)]
        return 1e4 * squares[0] + 1e4 * squares[1] + squares[2] + squares[3] + squares[4]

    derivative = jax.jit(jax.grad(loss, argnums=(0, 1)))

    def of(state):
        by_state, by_parameter = derivative(state, parameters, rest)
        largest = {path: float(jnp.max(jnp.abs(g[...]))) for path, g in nnx.to_flat_state(by_parameter)}
        return by_state, {".".join(map(str, path)): value for path, value in largest.items()}

    return of


def assert_finite(tree, what):
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        assert np.all(np.isfinite(leaf)), f"{what}: gradient of {jax.tree_util.keystr(path)} is not finite"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TINY))
def test_every_parameter_has_a_gradient(name, compiled_quickly):
    """In float32: from a stirred state none is zero, and neither there nor at rest is any not a number."""
    try:
        model = build(name, *TINY[name], precision="float32")
    except UserError as error:
        pytest.skip(f"no data: {error}")
    gradient = gradients(model, 4)
    by_state, by_parameter = gradient(convecting(model))
    assert_finite((by_state, by_parameter), "convecting")
    # the last layer of a network is zero before training and hides the others: tests/closures/neural fills it
    hidden = lambda path: ".tower." in path and ".decoder." not in path  # noqa: E731
    zero = [path for path, value in by_parameter.items() if value == 0.0 and not hidden(path)]
    assert not zero, f"parameters with a gradient of exactly zero: {zero}"
    at_rest = model.initial_state()
    still = jax.tree.map(jnp.zeros_like, (at_rest.ocean.u, at_rest.ocean.v))
    at_rest = dataclasses.replace(at_rest, ocean=dataclasses.replace(at_rest.ocean, u=still[0], v=still[1]))
    assert_finite(gradient(at_rest), "at rest")


def test_all_configurations_of_this_core_are_tested():
    """Those of layers are differentiated in tests/quasi_geostrophic."""
    cores = {path.stem: read_tree(path)["dynamics"].get("core") for path in CONFIGS.glob("*.yaml")}
    assert {name for name, core in cores.items() if core != "quasi_geostrophic"} == set(TINY)
