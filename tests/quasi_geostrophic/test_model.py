"""The one model on the quasi-geostrophic core: loops, ensembles, gradients, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from layers_model import build, changed

import ocean_gcm as og
from ocean_gcm.closures.interface import Effects
from ocean_gcm.config import config_from_dict, load_config
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def run(model):
    start = model.initial_state()
    return start, *model.unroll(start, steps=6, save_every=2)


def equal(a, b, **tolerance):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, **tolerance)


def test_step_unroll_and_advance_are_the_same(model, run):
    start, end, trajectory = run
    state, largest = start, 0.0
    for _ in range(6):
        state, diagnostics = model.step(state)
        largest = max(largest, float(diagnostics.courant))
    equal(state, end, rtol=1e-9, atol=1e-16)
    advanced, report = model.advance(start, steps=6)
    equal(advanced, end, rtol=1e-9, atol=1e-16)
    assert float(report.diagnostics.courant) == pytest.approx(largest) and 0 < largest < 1
    assert (np.asarray(trajectory.states.time.seconds) == [7200, 14400, 21600]).all()
    moved = np.abs(end.ocean.potential_vorticity - start.ocean.potential_vorticity)
    assert moved.max() > 1e-7, "something happens"


def test_members_differ_and_do_not_depend_on_their_number(model, run):
    _, end, _ = run
    two, three = (model.ensemble(end, members=n).ocean.potential_vorticity for n in (2, 3))
    np.testing.assert_array_equal(two, three[:2])
    q = np.asarray(end.ocean.potential_vorticity)
    difference = np.asarray(three) - q
    share = difference.std((-2, -1)) / q.std((-2, -1))
    assert share.shape == (3, 2) and (share > 0.003).all() and (share < 0.03).all()
    np.testing.assert_allclose(difference.mean((-2, -1)), 0, atol=1e-18)
    with pytest.raises(UserError, match="members is 0"):
        model.ensemble(end, members=0)
    states = model.ensemble(end, members=2)
    members, _ = model.unroll_ensemble(states, steps=2)
    alone, _ = model.unroll(jax.tree.map(lambda a: a[1], states), steps=2)
    equal(jax.tree.map(lambda a: a[1], members), alone, rtol=1e-9, atol=1e-16)


def test_data_set_is_cf(model, run):
    start, _, trajectory = run
    found = model.to_xarray(trajectory)
    assert found.sizes == {**found.sizes, "time": 3, "lev": 2, "y": 16, "x": 16}
    assert found.uo.attrs["standard_name"] == "sea_water_x_velocity" and found.psi.attrs["units"] == "m2 s-1"
    np.testing.assert_allclose(found.lev, [250, 1500])
    np.testing.assert_allclose(found.pv[-1], trajectory.states.ocean.potential_vorticity[-1], rtol=1e-12)
    # velocity is that of the streamfunction on top of the background
    shear = np.gradient(found.psi.values, 62.5e3, axis=-1)[..., 1:-1]
    assert np.corrcoef(shear.ravel(), found.vo.values[..., 1:-1].ravel())[0, 1] > 0.98
    np.testing.assert_allclose(found.uo.mean(("y", "x")), np.broadcast_to([0.02, 0.0], (3, 2)), atol=1e-15)
    assert (found.kinetic_energy > 0).all() and (found.available_potential_energy > 0).all()


def test_gradients_of_parameters_and_states(model, run):
    start = run[0]
    graph, parameters, rest = nnx.split(model, nnx.Param, ...)

    def loss(parameters, q):
        state = model.state_from(type(start.ocean)(q), start.time, start.key)
        end, _ = nnx.merge(graph, parameters, rest).unroll(state, steps=3)
        return 1e10 * jnp.mean(end.ocean.potential_vorticity**2)

    q = start.ocean.potential_vorticity
    by_parameter, by_state = jax.jit(jax.grad(loss, (0, 1)))(parameters, q)
    assert len(jax.tree.leaves(by_parameter)) == 1
    coefficient = float(jax.tree.leaves(by_parameter)[0])
    assert np.isfinite(coefficient) and coefficient < 0, "more friction, less enstrophy"
    way = np.random.default_rng(0).standard_normal(q.shape) * 1e-9
    way = np.asarray(
        model.state_from(type(start.ocean)(jnp.asarray(way)), start.time, start.key).ocean.potential_vorticity
    )
    plain = jax.jit(loss)
    finite = (plain(parameters, q + way) - plain(parameters, q - way)) / 2
    assert float((by_state * way).sum()) == pytest.approx(float(finite), rel=1e-4)


def test_float32_follows_float64():
    ends = {}
    for precision in ("float32", "float64"):
        single = build(precision=precision, forcing={}, closures={})
        ends[precision] = np.asarray(single.unroll(single.initial_state(), steps=6)[0].ocean.potential_vorticity)
    assert ends["float32"].dtype == np.float32
    np.testing.assert_allclose(ends["float32"], ends["float64"], atol=2e-6 * np.abs(ends["float64"]).max())


def test_physics_interval_holds_the_closures():
    """Over an interval of two steps a closure is called once, and the clock counts both steps."""
    held = build(time={"physics_interval": "PT2H"})
    state, _ = held.step(held.initial_state())
    assert int(state.time.seconds) == 7200
    with pytest.raises(ValueError, match="not a multiple"):
        held.unroll(state, steps=3)


def test_forcing_brings_in_its_energy():
    """White forcing of a resting sea: after a step, the mean energy of many draws is the rate times the step."""
    rate = 1e-9
    forcing = {"stirring": {"kind": "ring", "wavenumber": 4, "energy_rate": rate}}
    one = {"core": "quasi_geostrophic", "time_stepper": "crank_nicolson_rk2"}
    sea = build(
        forcing=forcing,
        closures={},
        dynamics=one | {"layers": {"thickness": [1000]}, "zonal_flow": None},
        initial={"kind": "rest"},
    )
    start = sea.initial_state()
    states = jax.vmap(lambda key: sea.state_from(start.ocean, start.time, key))(
        jax.random.split(jax.random.key(1), 400)
    )
    q = np.asarray(jax.vmap(lambda s: sea.step(s)[0].ocean.potential_vorticity)(states))
    kappa_squared = np.where(sea.grid.kappa_squared > 0, sea.grid.kappa_squared, np.inf)
    q_hat = np.fft.rfft2(q) / 256
    energy = 0.5 * (sea.grid.multiplicity * np.abs(q_hat) ** 2 / kappa_squared).sum((-2, -1)).mean()
    assert energy == pytest.approx(rate * 3600, rel=0.1)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        (
            {"closures": {"drag": {"kind": "bottom_drag", "linear": 1e-3}}},
            ["closures.drag", "bottom_drag", "finite_volume"],
        ),
        ({"closures": {"x": {"kind": "smagorinski"}}}, ["closures.x.kind", "'smagorinsky'"]),
        ({"dynamics": {"core": "spectral"}}, ["dynamics.core", "'spectral'", "quasi_geostrophic", "finite_volume"]),
        ({"dynamics": {"zonal_flow": [0.1]}}, ["dynamics.zonal_flow", "1 values", "2"]),
        (
            {"dynamics": {"layers": {"thickness": [1, 1, 1], "deformation_radius": 1}}},
            ["deformation_radius", "3 layers"],
        ),
        ({"dynamics": {"layers": {"thickness": [1, 1]}}}, ["dynamics.layers", "reduced_gravity"]),
        ({"dynamics": {"momentum_advection": "weno5"}}, ["unknown key", "dynamics.momentum_advection"]),
        ({"bathymetry": {"kind": "flat", "depth": 100}}, ["unknown key 'bathymetry'"]),
        ({"output": {"variables": ["thetao"]}}, ["output.variables", "'thetao'"]),
        ({"forcing": {"f": {"kind": "kolmogorov", "amplitude": 1e-12, "layer": 2}}}, ["forcing.f.layer", "2"]),
        ({"forcing": {"friction": {"kind": "kolmogorov", "amplitude": 1e-12}}}, ["forcing.friction", "closure"]),
        ({"initial": {"kind": "random"}}, ["initial", "largest", "standard_deviation"]),
    ],
    ids=str,
)
def test_mistakes_are_named(sections, words):
    tree = changed(**sections)
    with pytest.raises(UserError) as caught:
        config_from_dict(tree)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_closures_of_layers_are_refused_elsewhere():
    tree = {
        **load_config("configs/double_gyre.yaml").model_dump(mode="json"),
        "closures": {"c": {"kind": "zanna_bolton"}},
    }
    with pytest.raises(UserError, match=r"closures.c .*zanna_bolton.*quasi_geostrophic"):
        config_from_dict(tree)


def test_effects_of_the_other_core_are_refused(model):
    class Wrong(nnx.Module):
        def initial_memory(self, shape, dtype, key):
            return ()

        def __call__(self, columns, memory, key):
            return Effects(u_tendency=columns.u), memory

    other = OceanModel(model.blueprint, {"wrong": Wrong()})
    with pytest.raises(UserError, match="u_tendency, which the quasi-geostrophic core cannot apply"):
        other.step(other.initial_state())


def test_exported_models_are_loaded(model, run, tmp_path):
    from ocean_gcm.weights import export_model

    model.closures["friction"].coefficient[...] = jnp.asarray(0.2)
    try:
        export_model(model, tmp_path / "model")
    finally:
        model.closures["friction"].coefficient[...] = jnp.asarray(0.15)
    again = og.load_model(tmp_path / "model")
    assert float(again.closures["friction"].coefficient[...]) == pytest.approx(0.2)
