"""A perturbed closure: what stays positive, what is conserved, and that amplitude zero is the closure itself."""

import copy
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
import pytest
import tiny_run
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from small_seas import HALO, NX, NY, Sea

import ocean_gcm as og
from ocean_gcm.closures.config import ClosureConfig
from ocean_gcm.closures.interface import Effects
from ocean_gcm.config import config_from_dict
from ocean_gcm.data import restart
from ocean_gcm.errors import UserError
from ocean_gcm.grid.field import Field
from ocean_gcm.info import step_limits
from ocean_gcm.stochastic.perturbed import bounded_factor, lognormal_factor, multiplied

EDDIES = {"kind": "gent_mcwilliams_redi", "diffusivity": 500.0, "isoneutral_diffusivity": 800.0}
CLOSURES = {
    "friction": {"kind": "harmonic_viscosity", "viscosity": 2e5, "scaling": "cos_latitude"},
    "hyper": {"kind": "biharmonic_viscosity", "viscosity": 1e14, "scaling": "grid_spacing"},
    "drag": {"kind": "bottom_drag", "linear": 1e-4, "quadratic": 1e-3},
    "richardson": {"kind": "richardson_mixing"},
    "eddies": EDDIES,
}


def world(amplitude, precision="float64", **settings):
    """An Earth at 12 degrees, every closure perturbed; amplitude None: the closures themselves."""
    tree = og.load_config("configs/global_4deg.yaml").model_dump(mode="json", exclude={"provenance"})
    tree["precision"] = precision
    tree["grid"].update(nx=30, ny=14, y=[-70, 70])
    tree["grid"]["levels"] = {"thickness": [50, 200, 800, 2000]}
    tree["closures"] = CLOSURES
    if amplitude is not None:
        wrap = {"kind": "perturbed", "amplitude": amplitude, "time": "P2D", "length": 2e6, **settings}
        tree["closures"] = {name: {**wrap, "closure": closure} for name, closure in CLOSURES.items()}
    return og.build_model(config_from_dict(tree))


@pytest.fixture(scope="module")
def perturbed():
    return world(0.5)


@pytest.fixture(scope="module")
def run(perturbed):
    """The initial state, 12 steps of it and 12 more with their report."""
    start = perturbed.initial_state()
    half, _ = perturbed.advance(start, steps=12)
    return start, half, *perturbed.advance(half, steps=12)


def contents(model, ocean):
    grid = model.grid
    stretching = 1 + np.asarray(ocean.sea_surface_height) / np.where(grid.wet, grid.depth, 1.0)
    volume = grid.volume * stretching
    return np.array([volume.sum(), (volume * ocean.temperature).sum(), (volume * ocean.salinity).sum()])


def test_heat_and_salt_close(perturbed, run):
    _, half, end, report = run
    d = report.diagnostics
    put_in = np.array([float(x) for x in (d.volume_input, d.heat_input, d.salt_input)])
    before, after = contents(perturbed, half.ocean), contents(perturbed, end.ocean)
    assert (np.abs(after - before - put_in) <= 1e-12 * np.abs(before)).all()
    assert np.isfinite(np.asarray(end.ocean.u)).all()


def test_a_restart_goes_on_to_the_bit(perturbed, run):
    _, half, end, _ = run
    stored = restart.named_arrays(half)
    assert "closures.eddies.fields" in stored
    again = restart.into(perturbed.initial_state(jax.random.key(9)), stored)
    resumed, _ = perturbed.advance(again, steps=12)
    for a, b in zip(jax.tree.leaves(resumed), jax.tree.leaves(end), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow  # compiled as for users: other programs round otherwise
def test_amplitude_zero_is_the_closure_to_the_bit(perturbed, run):
    start, half, *_ = run
    off, plain = nnx.clone(perturbed), world(None)
    for closure in off.closures.values():
        closure.amplitude[...] = jnp.zeros(())
    end, _ = plain.advance(plain.initial_state(), steps=12)
    same, _ = off.advance(start, steps=12)
    for a, b in zip(jax.tree.leaves(same.ocean), jax.tree.leaves(end.ocean), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(half.ocean.temperature - end.ocean.temperature).max() > 1e-3


DRAG = {"kind": "bottom_drag", "linear": 1e-3}
LEARNED = {"kind": "perturbed", "closure": DRAG, "time": "P1D", "length": 3e5, "length_range": [1e5, 4e5]}
PARAMETERS = {"amplitude", "fields.time", "fields.length", "closure.linear"}


def named(tree):
    return {".".join(map(str, path)): np.asarray(value[...]) for path, value in nnx.to_flat_state(tree)}


def assert_gradients(gradient, prefix=""):
    found = named(gradient)
    assert set(found) == {prefix + name for name in PARAMETERS}
    for name, value in found.items():
        assert np.isfinite(value) and value != 0, name


def test_parameters_have_paths_and_gradients(plane):
    closure = pydantic.TypeAdapter(ClosureConfig).validate_python(LEARNED).build(plane.grid, jnp.float64)
    graph, parameters, rest = nnx.split(closure, nnx.Param, ...)
    memory = closure.initial_memory(plane.grid.shape, jnp.float64, jax.random.key(0))

    def loss(parameters):
        effects, _ = nnx.merge(graph, parameters, rest)(plane.columns, memory, jax.random.key(1))
        return jnp.sum(effects.bottom_drag.data**2)

    assert_gradients(jax.jit(jax.grad(loss))(parameters))


@pytest.mark.slow
def test_gradients_through_a_model(compiled_quickly):
    tree = copy.deepcopy(tiny_run.TREE)
    tree["closures"] = {"drag": {**LEARNED, "length": 2e6, "length_range": [1e6, 4e6]}}
    model = og.build_model(config_from_dict(tree))
    graph, parameters, rest = nnx.split(model, nnx.Param, ...)
    start = model.initial_state()

    def loss(parameters):
        end, _ = nnx.merge(graph, parameters, rest).unroll(start, steps=3)
        return jnp.sum(end.ocean.u**2)

    assert_gradients(jax.jit(jax.grad(loss))(parameters), "closures.drag.")


@given(amplitude=st.floats(0, 2), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_factors_have_mean_one_and_bounds(amplitude, seed):
    r = np.linspace(-8, 8, 4001)
    weight = np.exp(-0.5 * r**2)
    weight /= weight.sum()
    drawn = np.random.default_rng(seed).normal(size=5) * 10
    for factor, low, high in ((bounded_factor, 0.0, 2.0), (lognormal_factor, 1e-6, np.exp(3 * amplitude) + 1e-9)):
        assert abs(np.sum(weight * np.asarray(factor(jnp.asarray(r), amplitude))) - 1) < 1e-3
        found = np.asarray(factor(jnp.asarray(drawn), amplitude))
        assert (found >= low).all() and (found <= high).all()
        assert (np.asarray(factor(jnp.asarray(drawn), 0.0)) == 1).all()


@pytest.mark.parametrize("factor", [bounded_factor, lognormal_factor])
def test_factors_keep_single_precision(factor):
    assert factor(jnp.ones(2, jnp.float32), jnp.float32(0.3)).dtype == jnp.float32


@pytest.fixture(scope="module")
def effects(plane):
    """(columns, r, isoneutral and other effects of one diffusivity on random slopes)."""
    sea = Sea(plane.grid)
    columns, rng = sea.columns, np.random.default_rng(3)
    static = columns.static

    def field(place, level, scale=1.0):
        data = scale * rng.normal(size=(2, NY, NX))
        return Field(static.topology.pad(jnp.asarray(data), HALO), place, level, -HALO, -HALO)

    s_x = field("U", "w", 1e-3) * static.surface_mask_u
    s_y = field("V", "w", 1e-3) * static.surface_mask_v
    coefficients = static.mask_u, static.mask_v, s_x, s_y, (s_x * s_x).mean_x() + (s_y * s_y).mean_y()
    isoneutral = tuple(f * 1000.0 for f in coefficients)
    fields = sea.fields(length=3e5)
    r = fields.fields(static, fields.initial(jax.random.key(0))).map(lambda a: a[0])
    tendencies = {"temperature": field("T", "c"), "salinity": field("T", "c")}
    return (
        columns,
        r,
        Effects(
            u_tendency=field("U", "c"),
            tracer_tendencies=tendencies,
            vertical_diffusivity=field("T", "w").map(jnp.abs),
            isoneutral_diffusion=isoneutral,
        ),
    )


def test_one_factor_per_column(effects):
    """So what sums up to zero over a column still does; and all tracers have the same."""
    columns, r, before = effects
    after = multiplied(before, columns, r, 0.4)
    for name, tendency in before.tracer_tendencies.items():
        ratio = np.asarray(after.tracer_tendencies[name].interior(NY, NX) / tendency.interior(NY, NX))
        np.testing.assert_allclose(ratio[0], ratio[1], rtol=1e-12)
        np.testing.assert_allclose(ratio[0], 1 + 0.4 * np.clip(r.interior(NY, NX), -2.5, 2.5), rtol=1e-9)
    assert (after.vertical_diffusivity.data >= 0).all()
    assert after.v_tendency is None


def test_rotated_diffusion_stays_along_neutral_surfaces(effects):
    """K |S|^2 is the mean of what the faces have: the tensor of a varying K, nothing across, nothing negative."""
    columns, r, before = effects
    k_u, k_v, ks_x, ks_y, vertical = multiplied(before, columns, r, 0.7).isoneutral_diffusion
    s_x, s_y = (f * 1e-3 for f in before.isoneutral_diffusion[2:4])
    expected = (ks_x * s_x).mean_x() + (ks_y * s_y).mean_y()
    np.testing.assert_allclose(vertical.interior(NY, NX), expected.interior(NY, NX), rtol=1e-6, atol=1e-18)
    for along, cross, slope in ((k_u, ks_x, s_x), (k_v, ks_y, s_y)):
        np.testing.assert_allclose(
            cross.interior(NY, NX), (along * slope.at(level="c")).interior(NY, NX), rtol=1e-12, atol=1e-18
        )


def test_gradients_are_finite_in_single_precision_where_nothing_slopes(effects, plane):
    columns = Sea(plane.grid, jnp.float32).columns
    _, r, before = effects
    single, flat = (jax.tree.map(lambda a, f=f: (f * a).astype(jnp.float32), before) for f in (1.0, 0.0))
    noise = r.map(lambda a: a.astype(jnp.float32))

    @jax.jit
    @jax.grad
    def gradient(given):
        parts = jax.tree.leaves(multiplied(given[0], columns, noise, given[1]))
        return sum(jnp.sum(part) for part in parts)

    for some in (single, flat):
        assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradient((some, jnp.float32(0.4)))))


def test_the_memory_is_redrawn(plane):
    config = pydantic.TypeAdapter(ClosureConfig).validate_python({"kind": "perturbed", "closure": EDDIES})
    closure = config.build(plane.grid, jnp.float64)
    memory = closure.initial_memory(plane.grid.shape, jnp.float64, jax.random.key(0))
    other = closure.redraw(memory, jax.random.key(1))
    wet = plane.grid.wet
    assert abs(np.corrcoef(memory["fields"][0, wet], other["fields"][0, wet])[0, 1]) < 0.25
    assert other["closure"] == memory["closure"]


def test_limits_of_the_time_step_know_the_largest_factor(perturbed):
    limits = []
    for model in (world(None), perturbed):
        limits.append({limit.name: limit.seconds for limit in step_limits(model.grid, model.config)})
    for name in ("friction", "hyper"):
        np.testing.assert_allclose(limits[0][name] / limits[1][name], np.exp(1.5))


@pytest.mark.parametrize(
    "section, words",
    [
        ({"kind": "perturbed"}, "closures.x.closure"),
        ({"kind": "perturbed", "closure": {"kind": "botom_drag"}}, "closures.x.closure.kind is 'botom_drag'; did you"),
        ({"kind": "perturbed", "closure": {"kind": "bottom_drag", "lineer": 1.0}}, "closures.x.closure.lineer"),
        ({"kind": "perturbed", "closure": EDDIES, "amplitude": -1}, "closures.x.amplitude is -1"),
        ({"kind": "perturbed", "closure": EDDIES, "number": 2}, "closures.x.number is 2"),
        ({"kind": "perturbed", "closure": EDDIES, "length_range": [1e6, 1e5]}, "must increase"),
    ],
)
def test_mistakes_are_named(section, words):
    tree = og.load_config("configs/global_4deg.yaml").model_dump(mode="json", exclude={"provenance"})
    with pytest.raises(UserError, match=words):
        config_from_dict({**tree, "closures": {"x": section}})


def test_a_perturbed_closure_can_be_perturbed(plane):
    once = {"kind": "perturbed", "closure": EDDIES, "length": 1e5}
    config = pydantic.TypeAdapter(ClosureConfig).validate_python({"kind": "perturbed", "closure": once})
    assert dataclasses.is_dataclass(config.build(plane.grid, jnp.float32).closure.fields.diffusion)
