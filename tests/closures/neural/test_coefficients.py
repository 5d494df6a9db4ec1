"""Learned coefficients: constants at the start, bounded ever after."""

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
import pytest
from flax import nnx

from ocean_gcm.closures.config import ClosureConfig


def leaves(sea, effects):
    return [sea.interior(f) for f in jax.tree.leaves(effects, is_leaf=lambda x: hasattr(x, "interior"))]


def test_vertical_mixing_starts_as_background_mixing(sphere):
    learned = sphere.closure(
        "neural_vertical_mixing",
        viscosity={"minimum": 1e-5, "maximum": 1e-1, "start": 2e-3},
        diffusivity={"minimum": 1e-6, "maximum": 1.0, "start": 4e-5},
    )
    classical = sphere.closure_of("background_mixing", viscosity=2e-3, diffusivity=4e-5)
    arrays = sphere.random()
    for a, b in zip(*(leaves(sphere, sphere.effects(c, arrays)) for c in (learned, classical)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("size", [1.0, 1e3])
def test_vertical_mixing_is_bounded(sphere, size):
    closure = sphere.closure("neural_vertical_mixing", seed=1, size=size)
    effects = sphere.effects(closure, sphere.random())
    wet = sphere.interior(sphere.static.mask_w) > 0
    for name, low, high in (("viscosity", 1e-5, 1.0), ("diffusivity", 1e-6, 10.0)):
        value = sphere.interior(getattr(effects, f"vertical_{name}"))
        assert not value[~wet].any() and (size > 1.0 or np.ptp(value[wet]) > 0)
        assert value[wet].min() >= low * (1 - 1e-12) and value[wet].max() <= high * (1 + 1e-12)


def test_a_part_can_be_left_out(sphere):
    effects = sphere.effects(sphere.closure("neural_vertical_mixing", viscosity=None), sphere.random())
    assert effects.vertical_viscosity is None and effects.vertical_diffusivity is not None


@pytest.mark.parametrize("structure", [False, True])
def test_mesoscale_starts_as_gent_mcwilliams(sphere, structure):
    """kappa = c l sqrt(2 E) = 0.5 x 4e4 m x 0.05 m/s = 1000 m2/s."""
    learned = sphere.closure(
        "neural_mesoscale",
        energy={"minimum": 1e-6, "maximum": 1.0, "start": 1.25e-3},
        length=4e4,
        redi_ratio=1.2,
        vertical_structure=structure,
    )
    classical = sphere.closure_of("gent_mcwilliams_redi", diffusivity=1000.0, isoneutral_diffusivity=1200.0)
    arrays = sphere.random()
    for a, b in zip(*(leaves(sphere, sphere.effects(c, arrays)) for c in (learned, classical)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15 * np.abs(b).max())


def test_mesoscale_follows_its_energy(plane):
    """Bounded, the same factor for transport and mixing, no transport through the surface and the sea floor."""
    arrays = plane.random()
    closure = plane.closure("neural_mesoscale", seed=1, vertical_structure=True, length=4e4)
    unit = plane.closure_of("gent_mcwilliams_redi", diffusivity=1.0, isoneutral_diffusivity=1.0)
    learned, one = (plane.effects(c, arrays) for c in (closure, unit))
    psi, reference = (plane.interior(e.eddy_streamfunction[0]) for e in (learned, one))
    ks, ks_reference = (plane.interior(e.isoneutral_diffusion[2]) for e in (learned, one))
    wet = np.abs(reference) > 0
    kappa = psi[wet] / reference[wet]
    largest = 2 * 0.5 * 4e4 * np.sqrt(2.0)  # profile 2, energy 1 m2 s-2
    assert kappa.min() > 0 and kappa.max() < largest and np.ptp(kappa) > 0
    np.testing.assert_allclose(ks[wet] / ks_reference[wet], kappa, rtol=1e-9)
    assert not psi[0].any()


def test_mixing_length_is_bounded_at_the_equator(sphere):
    columns = sphere.columns(sphere.random())
    closure = sphere.closure("neural_mesoscale")
    at_rest = columns.static.coriolis_t * 0.0
    columns.static.fields["coriolis_t"] = at_rest
    assert np.all(sphere.interior(closure.mixing_length(columns)) == 100e3)


def test_backscatter(plane):
    arrays = plane.random()
    start = plane.effects(plane.closure("neural_backscatter", start=300.0), arrays)
    wet = plane.grid.mask
    np.testing.assert_allclose(plane.interior(start.harmonic_viscosity[0]), 300.0 * wet, rtol=1e-12)
    effects = plane.effects(plane.closure("neural_backscatter", seed=1, size=10.0, minimum=-500.0), arrays)
    centre, corner = (plane.interior(f) for f in effects.harmonic_viscosity)
    assert -500 <= centre.min() < -100 and 100 < centre.max() <= 1000
    assert not corner[~plane.grid.mask_f].any()
    spacing = 2.0 / (1e5**-2 + 2e5**-2)
    for field in effects.biharmonic_viscosity:
        np.testing.assert_allclose(plane.interior(field), 0.5 * 500.0 * spacing, rtol=1e-12)


def test_companion_beats_the_strongest_backscatter_at_the_scale_of_the_grid():
    """Symbols of the discrete operators on a square grid: growth of u = exp(i k x), all wavenumbers."""
    k = np.linspace(0.01, np.pi, 200)
    kx, ky = np.meshgrid(k, k)
    laplacian = 4.0 * (np.sin(kx / 2) ** 2 + np.sin(ky / 2) ** 2)  # times 1 / Delta^2
    for companion in (0.125, 0.5, 1.0):
        growth = laplacian - companion * laplacian**2
        assert (growth[laplacian > 1.0 / companion] < 0).all()
        assert growth[-1, -1] <= 1e-12  # the shortest wave of the grid


@pytest.mark.parametrize(
    "kind", ["neural_tendencies", "neural_vertical_mixing", "neural_mesoscale", "neural_backscatter"]
)
def test_every_parameter_has_a_gradient(sphere, kind):
    """In float32, where overflow comes early; and none is not a number at rest."""
    dtype = jnp.float32
    sea = type(sphere)(sphere.grid, dtype)
    settings = {"vertical_structure": True} if kind == "neural_mesoscale" else {}
    closure = sea.closure(kind, seed=1, **settings)

    def total(closure, arrays):
        effects, _ = closure(sea.columns(arrays), (), None)
        fields = [f.interior(6, 8) for f in jax.tree.leaves(effects, is_leaf=lambda x: hasattr(x, "interior"))]
        # sizes count as constants, and float32 holds no square of one over the smallest of them
        sizes = [1e-12 + jax.lax.stop_gradient(jnp.max(jnp.abs(f))) for f in fields]
        weight = jnp.cos(jnp.arange(8.0, dtype=dtype))
        return sum(jnp.sum(f * weight) / size for f, size in zip(fields, sizes, strict=True))

    graph, parameters, rest = nnx.split(closure, nnx.Param, ...)
    gradient = jax.jit(jax.grad(lambda p, a: total(nnx.merge(graph, p, rest), a)))
    slopes = jax.tree_util.tree_leaves_with_path(gradient(parameters, sea.random()))
    for path, slope in slopes:
        assert np.isfinite(slope).all() and np.any(slope), jax.tree_util.keystr(path)
        assert slope.dtype == dtype
    rest_state = {name: 0 * a for name, a in sea.random().items()}
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradient(parameters, rest_state)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "neural_tendencys"}, "neural_tendencies"),
        ({"kind": "neural_tendencies", "features": ["temprature"]}, "temperature"),
        ({"kind": "neural_tendencies", "features": []}, "empty"),
        ({"kind": "neural_tendencies", "features": ["mask", "mask"]}, "twice"),
        ({"kind": "neural_tendencies", "outputs": ["oxygen"]}, "salinity"),
        ({"kind": "neural_tendencies", "clip": 0.0}, "greater"),
        ({"kind": "neural_vertical_mixing", "viscosity": None, "diffusivity": None}, "neither"),
        ({"kind": "neural_mesoscale", "energy": {"minimum": 1.0, "maximum": 0.1, "start": 0.5}}, "start"),
        ({"kind": "neural_backscatter", "start": 1e6}, "between"),
        ({"kind": "neural_backscatter", "companion": 0.01}, "0.125"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        pydantic.TypeAdapter(ClosureConfig).validate_python(settings)


def test_every_number_has_a_unit():
    for definition in pydantic.TypeAdapter(ClosureConfig).json_schema()["$defs"].values():
        for name, field in definition["properties"].items():
            assert name == "kind" or any(u in field["description"] for u in ("in m", "in s", "no unit", "m2 s-1")), name
