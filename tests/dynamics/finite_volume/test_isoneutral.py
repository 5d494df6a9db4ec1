"""Mixing along neutral surfaces: it never makes variance, keeps content, and leaves neutral surfaces where they are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.finite_volume import isoneutral
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.wet import over_wet

DIFFUSIVITY = 1000.0


def inverse_distance(basin):
    return isoneutral.face_distance(basin.static.thickness_t).map(over_wet)


def coefficients(basin, slope_x, slope_y):
    """As the closure gives them, for slopes at U/w and V/w that vanish where a face is dry."""
    m = basin.static
    wet = lambda mask: mask.map(lambda a: jnp.concatenate([0 * a[:1], a[:-1] * a[1:]])).at(level="w")  # noqa: E731
    slope_x, slope_y = slope_x * wet(m.mask_u), slope_y * wet(m.mask_v)
    squared = (slope_x * slope_x).mean_x() + (slope_y * slope_y).mean_y()
    return (m.mask_u * DIFFUSIVITY, m.mask_v * DIFFUSIVITY) + tuple(
        f * DIFFUSIVITY for f in (slope_x, slope_y, squared)
    )


def outflow(basin, tracer, effects):
    """Net flux out of each cell with the implicit part, tracer m3 s-1, on the interior."""
    m, inverse = basin.static, inverse_distance(basin)

    @jax.jit
    def run(tracer, effects):
        flux_x, flux_y, flux_z = isoneutral.isoneutral_fluxes(m, tracer, effects, m.thickness_u, m.thickness_v, inverse)
        steep = effects[4] * tracer.diff_z() * inverse * m.mask_w * m.area_t
        up = flux_z - steep
        vertical = up.map(lambda a: a - jnp.concatenate([a[1:], 0 * a[:1]])).at(level="c")
        return flux_x.diff_x() + flux_y.diff_y() + vertical

    return basin.inner(run(tracer, effects))


def slopes(basin, rng, size):
    return tuple(basin.field(size * rng.normal(size=basin.shape), place, "w") for place in "UV")


@pytest.mark.parametrize("size", [1e-3, 1e-2, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_variance_never_grows(make_rugged, seed, size):
    """Any tracer, any slopes, any coasts, partial cells: sum of tracer times divergence of its flux >= 0."""
    rng = np.random.default_rng(seed)
    basin = make_rugged("plane", seed=seed)
    effects = coefficients(basin, *slopes(basin, rng, size))
    tracer = basin.random(rng)
    out = outflow(basin, tracer, effects)
    assert abs(out.sum()) < 1e-13 * np.abs(out).sum(), "the content is kept"
    production = basin.inner(tracer) * out
    assert production.sum() > -1e-14 * np.abs(production).sum()
    # nor for the worst of tracers: the symmetric part of the operator has no negative eigenvalue
    wet = np.flatnonzero(basin.grid.mask)
    basis = jnp.asarray(np.eye(basin.grid.mask.size)[wet].reshape(-1, *basin.shape))
    if seed == 0:
        operator = jax.vmap(lambda t: jnp.asarray(0.0) + _flat(basin, t, effects))(basis)
        operator = np.asarray(operator).reshape(len(wet), -1)[:, wet]
        eigenvalues = np.linalg.eigvalsh(0.5 * (operator + operator.T))
        assert eigenvalues.min() > -1e-12 * eigenvalues.max()
        np.testing.assert_allclose(operator, operator.T, atol=1e-12 * eigenvalues.max())


def _flat(basin, tracer, effects):
    m, inverse = basin.static, inverse_distance(basin)
    _, ny, nx = basin.shape
    tracer = basin.field(tracer)
    flux_x, flux_y, flux_z = isoneutral.isoneutral_fluxes(m, tracer, effects, m.thickness_u, m.thickness_v, inverse)
    up = flux_z - effects[4] * tracer.diff_z() * inverse * m.mask_w * m.area_t
    vertical = up.map(lambda a: a - jnp.concatenate([a[1:], 0 * a[:1]])).at(level="c")
    return (flux_x.diff_x() + flux_y.diff_y() + vertical).interior(ny, nx)


def test_variance_on_the_sphere(sphere, rng):
    effects = coefficients(sphere, *slopes(sphere, rng, 1e-2))
    tracer = sphere.random(rng)
    production = sphere.inner(tracer) * outflow(sphere, tracer, effects)
    assert production.sum() > 0.0


def test_a_constant_has_no_flux(sphere, rng):
    effects = coefficients(sphere, *slopes(sphere, rng, 1e-2))
    tracer = sphere.field(34.7 * sphere.grid.mask)
    assert np.abs(outflow(sphere, tracer, effects)).max() == 0.0


def test_density_is_not_mixed(make_flat):
    """Linear equation of state, straight tilted isopycnals: the fluxes of density vanish at all inner levels.

    At the uppermost and lowest level half of the slopes' neighbours are missing and half of the flux along x stays.
    """
    levels = Levels(np.full(8, 100.0))
    basin = make_flat(ny=4, nx=12, levels=levels, topology=None)
    m = basin.static
    constants = dict(gravity=9.81, reference_density=1026.0)
    nz, ny, nx = basin.shape
    depth = levels.centres[:, None, None]
    # tilted isotherms, compensated in part by salinity that varies otherwise; not periodic: look away from the seam
    x, y = np.arange(nx)[None, None, :] * 1e5, np.arange(ny)[None, :, None] * 1e5
    temperature = basin.field(20.0 - 0.01 * depth + 2e-6 * x + 1e-6 * y)
    salinity = basin.field(35.0 + 1e-3 * depth + 1e-7 * x - 2e-7 * y)
    expansion = (basin.field(np.full(basin.shape, -0.2)), basin.field(np.full(basin.shape, 0.78)))
    inverse = inverse_distance(basin)
    n2 = isoneutral.buoyancy_frequency_squared(m, temperature, salinity, expansion, inverse, **constants)
    effects = coefficients(basin, *isoneutral.neutral_slopes(m, temperature, salinity, expansion, n2, **constants))
    density = temperature * expansion[0] + salinity * expansion[1]
    flux_x, flux_y, flux_z = isoneutral.isoneutral_fluxes(m, density, effects, m.thickness_u, m.thickness_v, inverse)
    steep = effects[4] * density.diff_z() * inverse * m.mask_w * m.area_t
    size = np.abs(basin.inner(density.diff_x()))[:, 1:-2, 1:-2].max() * DIFFUSIVITY * 100.0
    for flux in (flux_x, flux_y):
        assert np.abs(basin.inner(flux))[1:-1, 1:-2, 1:-2].max() < 1e-11 * size
    vertical = basin.inner(flux_z - steep)
    assert np.abs(vertical)[:, 1:-2, 2:-2].max() < 1e-11 * np.abs(basin.inner(steep)).max()
    # passive tracers are mixed by the same fluxes
    tracer = basin.field(np.broadcast_to(depth / 100.0, basin.shape))
    assert np.abs(basin.inner(isoneutral.isoneutral_fluxes(
        m, tracer, effects, m.thickness_u, m.thickness_v, inverse)[0])).max() > 0  # fmt: skip


def test_bolus_transport_closes_the_columns(sphere, rng):
    """The eddy-induced transports of a column cancel: no water moves but within it."""
    m = sphere.static
    wet = lambda mask: mask.map(lambda a: jnp.concatenate([0 * a[:1], a[:-1] * a[1:]])).at(level="w")  # noqa: E731
    psi = tuple(f * wet(k) for f, k in zip(slopes(sphere, rng, 1.0), (m.mask_u, m.mask_v), strict=True))
    for transport in isoneutral.bolus_transport(m, psi):
        total = sphere.inner(transport).sum(0)
        assert np.abs(total).max() < 1e-12 * np.abs(sphere.inner(transport)).max()
