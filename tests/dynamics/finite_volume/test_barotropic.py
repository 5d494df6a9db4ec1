"""The filter of the free surface's substeps, and the substeps themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.finite_volume import barotropic
from ocean_gcm.dynamics.finite_volume.barotropic import averaging_weights
from ocean_gcm.grid.levels import Levels

NUMBERS = [*range(2, 61), 80, 100, 127, 200]


@pytest.mark.parametrize("number", NUMBERS)
def test_weights(number):
    """Shchepetkin & McWilliams (2005): both sums, the centre of the average, and the consistency of the two sets."""
    substeps = averaging_weights(3600.0, number)
    primary, secondary = np.asarray(substeps.primary), np.asarray(substeps.secondary)
    tau = np.arange(1, len(primary) + 1) / number
    assert substeps.length == pytest.approx(3600.0 / number)
    assert len(primary) == len(secondary) <= 2 * number
    assert primary.sum() == pytest.approx(1.0, abs=1e-12)
    assert (primary * tau).sum() == pytest.approx(1.0, abs=1e-9), "centred at the end of the step"
    if number > 2:
        assert (primary * (tau - 1.0) ** 2).sum() == pytest.approx(0.0, abs=1e-12), "second order in time"
    assert secondary.sum() == pytest.approx(1.0, abs=1e-9), "the transports of one step, no more"
    # the surface left by the weighted transports is the weighted mean of the substeps' surfaces
    flux = np.random.default_rng(number).normal(size=len(primary))
    surfaces = np.cumsum(flux) / number
    assert (secondary * flux).sum() == pytest.approx((primary * surfaces).sum(), abs=1e-12)


def test_one_substep():
    substeps = averaging_weights(60.0, 1)
    assert (substeps.length, substeps.primary, substeps.secondary) == (60.0, (1.0,), (1.0,))


@pytest.mark.parametrize("number", NUMBERS[::4])
def test_the_filter_damps(number):
    """No frequency is amplified, up to what substeps can carry; slow ones pass, fast ones do not."""
    primary = np.asarray(averaging_weights(1.0, number).primary)
    tau = np.arange(1, len(primary) + 1) / number
    angle = np.linspace(0.0, 2.0 * number, 4000)
    response = np.abs((primary * np.exp(1j * angle[:, None] * tau)).sum(1))
    assert response.max() <= 1.0 + 1e-12
    assert response[angle < 0.1].min() > 0.999
    if number > 4:
        assert response[angle > 10.0].max() < 0.5


def solve(basin, u, v, eta, substeps, source=None):
    nz, ny, nx = basin.shape
    m = basin.static
    zero = jnp.zeros((ny, nx))
    thickness = basin.thickness(basin.field(eta, "T", "s"))
    sum_z = lambda f: f.map(lambda a: a.sum(0)).at(level="s")  # noqa: E731
    depth_t = sum_z(thickness.t)
    from ocean_gcm.dynamics.finite_volume.momentum_advection import corner_thickness_reciprocal

    return barotropic.solve(
        m,
        (ny, nx),
        jnp.asarray(u),
        jnp.asarray(v),
        jnp.asarray(eta),
        zero,
        zero,
        zero if source is None else source,
        sum_z(thickness.u),
        sum_z(thickness.v),
        corner_thickness_reciprocal(m, depth_t),
        substeps=substeps,
        gravity=9.81,
    )


def test_mean_transports_stay_off_land_and_rest_stays_rest(plane, rng):
    _, ny, nx = plane.shape
    substeps = averaging_weights(600.0, 7)
    run = jax.jit(lambda u, v, eta: solve(plane, u, v, eta, substeps))
    for array in run(*np.zeros((3, ny, nx))):
        np.testing.assert_array_equal(array, 0.0)
    eta = rng.uniform(-1, 1, size=(ny, nx)) * plane.grid.wet
    u, v, flux_x, flux_y = run(np.zeros((ny, nx)), np.zeros((ny, nx)), eta)
    for array, mask in ((u, plane.grid.mask_u), (v, plane.grid.mask_v), (flux_x, plane.grid.mask_u)):
        assert np.abs(array).max() > 0 and np.all(np.where(mask[0], 0.0, array) == 0.0)
    outflow = plane.field(flux_x, "U", "s").diff_x() + plane.field(flux_y, "V", "s").diff_y()
    total = plane.inner(outflow)
    assert abs(total.sum()) < 1e-13 * np.abs(total).sum()


@pytest.mark.parametrize("number", [1, 12])
def test_standing_gravity_wave(make_flat, number):
    """Frequency sqrt(gH) times the discrete wave number, to second order in time; filtered, it decays slowly."""
    basin = make_flat(ny=4, nx=16, levels=Levels(np.array([1000.0])))
    m = basin.static
    object.__setattr__(basin, "static", m)
    speed, nx = np.sqrt(9.81 * 1000.0), 16
    frequency = speed * 2 * np.sin(np.pi / nx) / 1e5
    period = 2 * np.pi / frequency
    dt = period / 40 if number == 1 else period / 10
    substeps = averaging_weights(dt, number)
    still = basin.static.fields | {"coriolis_f": basin.static.coriolis_f * 0.0}
    object.__setattr__(basin, "static", type(m)(m.halo, m.topology, still))
    eta = np.broadcast_to(1e-3 * np.cos(2 * np.pi * np.arange(nx) / nx), (4, nx))

    def step(carry, _):
        u, v, eta = carry
        u, v, fx, fy = solve(basin, u, v, eta, substeps)
        outflow = basin.field(fx, "U", "s").diff_x() + basin.field(fy, "V", "s").diff_y()
        eta = eta - dt * outflow.interior(4, nx) * basin.static.inv_area_t.interior(4, nx)
        return (u, v, eta), eta[0, 0]

    zero = jnp.zeros((4, nx))
    _, series = jax.jit(lambda c: jax.lax.scan(step, c, None, length=round(period / dt)))(
        (zero, zero, jnp.asarray(eta))
    )
    assert float(series[-1]) / 1e-3 == pytest.approx(1.0, abs=0.02 if number == 1 else 0.2)
