"""What every classical closure must do."""

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
import pytest
from flax import nnx

from ocean_gcm.closures.classical import ClosureConfig
from ocean_gcm.grid.field import Field

NY, NX, SHAPE = 6, 8, (4, 6, 8)
SCHEMES = {
    "harmonic": {"kind": "harmonic_viscosity", "scaling": "cos_latitude"},
    "biharmonic": {"kind": "biharmonic_viscosity", "scaling": "grid_spacing"},
    "smagorinsky": {"kind": "smagorinsky"},
    "smagorinsky_biharmonic": {"kind": "smagorinsky", "order": "biharmonic"},
    "leith": {"kind": "leith"},
    "leith_biharmonic": {"kind": "leith", "order": "biharmonic", "divergence_coefficient": 1.0},
    "drag": {"kind": "bottom_drag", "linear": 1e-4, "quadratic": 1e-3, "tidal_speed": 0.05},
    "background": {"kind": "background_mixing", "bryan_lewis": {}},
    "richardson": {"kind": "richardson_mixing", "wind_mixing": 1e-3},
    "convection": {"kind": "convective_adjustment", "viscosity": 1.0},
    "eddies": {"kind": "gent_mcwilliams_redi", "surface_taper": {}, "horizontal_diffusivity": 10.0},
    "eddies_tapered": {"kind": "gent_mcwilliams_redi", "steep_slopes": "none"},
    "horizontal": {"kind": "horizontal_diffusion"},
}
SIZES = {
    "u": 0.1,
    "v": 0.1,
    "buoyancy_frequency_squared": 1e-6,
    "shear_squared": 1e-6,
    "slope_x": 5e-3,
    "slope_y": 5e-3,
    "vorticity": 1e-5,
    "divergence": 1e-6,
    "tension": 1e-5,
    "shear": 1e-5,
}
NEGATIVE = {"eddy_streamfunction", "isoneutral_diffusion"}


def build(basin, name):
    settings = dict(SCHEMES[name])
    return basin.closure(settings.pop("kind"), **settings)


def inputs(seed, dtype):
    rng = np.random.default_rng(seed)
    fields = {name: size * rng.normal(size=SHAPE) for name, size in SIZES.items()}
    fields["shear_squared"] = np.abs(fields["shear_squared"])
    return {name: jnp.asarray(a, dtype) for name, a in fields.items()}


def parts(effects):
    """(name, field) of all that a closure asks for."""
    for name, value in vars(effects).items():
        if value is not None:
            yield from ((name, f) for f in (value if isinstance(value, tuple) else (value,)))


def total(basin, closure, arrays):
    """A number that depends on all effects, each counted in its own size."""
    effects, _ = closure(basin.columns(**arrays), (), None)
    fields = [f.interior(NY, NX) for _, f in parts(effects)]
    scale = [1.0 / (1e-30 + jax.lax.stop_gradient(jnp.max(jnp.abs(f)))) for f in fields]
    weight = jnp.cos(jnp.arange(NX, dtype=basin.dtype))
    return sum(s * jnp.sum(f * weight) for s, f in zip(scale, fields, strict=True))


def finite(tree):
    return all(bool(np.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("name", SCHEMES)
def test_windows_places_and_signs(sphere, name):
    closure = build(sphere, name)
    effects, memory = closure(sphere.columns(**inputs(0, sphere.dtype)), (), None)
    assert memory == () == closure.initial_memory(SHAPE, sphere.dtype, None)
    fields = list(parts(effects))
    assert fields
    for kind, field in fields:
        assert isinstance(field, Field) and field.data.dtype == sphere.dtype
        # all windows reach one cell beyond the interior
        assert field.y0 <= -1 and field.x0 <= -1 and field.y1 >= NY + 1 and field.x1 >= NX + 1
        assert field.level in ("sw" if kind.startswith("vertical") else "scw")
        assert np.isfinite(field.data).all()
        if kind not in NEGATIVE:
            assert (field.data >= 0).all()


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("name", SCHEMES)
def test_gradients(sphere, name, dtype):
    """Finite at rest, in absurd columns and in random ones, where no parameter has a gradient of zero."""
    basin = type(sphere)(sphere.grid, dtype)
    closure = build(basin, name)
    gradient = jax.jit(jax.grad(lambda c, a: total(basin, c, a), argnums=(0, 1)))
    random = inputs(1, dtype)
    of_parameters, of_fields = gradient(closure, random)
    assert finite(of_fields)
    for path, value in jax.tree_util.tree_leaves_with_path(of_parameters):
        assert np.isfinite(value) and value != 0, jax.tree_util.keystr(path)
        assert value.dtype == dtype
    rest = {key: jnp.zeros_like(a) for key, a in random.items()}
    absurd = {key: a * 1e6 for key, a in random.items()} | {"slope_x": random["slope_x"] * 1e12}
    assert finite(gradient(closure, rest)) and finite(gradient(closure, absurd))


@pytest.mark.parametrize("name", ["leith_biharmonic", "richardson", "convection", "eddies", "drag"])
def test_gradient_against_differences(sphere, name):
    closure = build(sphere, name)
    graph, parameters = nnx.split(closure, nnx.Param)
    arrays = inputs(2, sphere.dtype)
    scale = {f: jnp.max(jnp.abs(x.data)) for f, x in parts(closure(sphere.columns(**arrays), (), None)[0])}

    @jax.jit
    def value(parameters):
        effects, _ = nnx.merge(graph, parameters)(sphere.columns(**arrays), (), None)
        return sum(jnp.sum(f.interior(NY, NX) ** 2) / scale[kind] ** 2 for kind, f in parts(effects))

    gradient = jax.grad(value)(parameters)
    up, down = (jax.tree.map(lambda p, s=s: p * (1 + s), parameters) for s in (1e-5, -1e-5))
    along = sum(jnp.sum(g * p) for g, p in zip(*map(jax.tree.leaves, (gradient, parameters)), strict=True))
    np.testing.assert_allclose((value(up) - value(down)) / 2e-5, along, rtol=1e-6)


def test_parameters_are_found_by_path(sphere):
    class Holder(nnx.Module):
        def __init__(self, closures):
            self.closures = nnx.Dict(closures)

    holder = Holder({"mesoscale": build(sphere, "eddies"), "interior": build(sphere, "background")})
    paths = {".".join(path) for path in nnx.to_flat_state(nnx.state(holder, nnx.Param)).paths}
    assert {"closures.mesoscale.diffusivity", "closures.interior.profile.mean"} <= paths


def test_effects_add_up(plane, interior):
    closures = [build(plane, name) for name in ("harmonic", "background", "richardson", "convection")[1:]]
    effects = [c(plane.columns(buoyancy_frequency_squared=-1e-6), (), None)[0] for c in closures]
    both = effects[0] + effects[1] + effects[2]
    expected = sum(interior(e.vertical_diffusivity) for e in effects)
    np.testing.assert_allclose(interior(both.vertical_diffusivity), expected)
    assert both.bottom_drag is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "bottom_drag"}, "linear"),
        ({"kind": "gent_mcwilliams_redi", "diffusivity": None, "isoneutral_diffusivity": None}, "both"),
        (
            {"kind": "gent_mcwilliams_redi", "isoneutral_diffusivity": None, "horizontal_diffusivity": 1.0},
            "horizontal_diffusion",
        ),
        ({"kind": "background_mixing", "bryan_lewis": {"mean": 1e-5, "range": 1e-4}}, "half"),
        ({"kind": "harmonic_viscosity", "viscosity": -1.0}, "greater"),
        ({"kind": "harmonic_viscosity", "viscousity": 1.0}, "viscousity"),
        ({"kind": "smagorinksy"}, "smagorinsky"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        pydantic.TypeAdapter(ClosureConfig).validate_python(settings)


def test_every_number_has_a_unit():
    for definition in pydantic.TypeAdapter(ClosureConfig).json_schema()["$defs"].values():
        for name, field in definition["properties"].items():
            assert name == "kind" or any(u in field["description"] for u in ("in m", "in s", "no unit", "m2 s-1")), name
