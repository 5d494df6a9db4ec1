"""The pressure force at rest, over partial cells, and of a known gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eval.verification import balance
from ocean_gcm.dynamics.finite_volume.hydrostatic_pressure import (
    centre_depth,
    hydrostatic_pressure,
    pressure_gradient_force,
)
from ocean_gcm.grid.levels import Levels

CONSTANTS = dict(gravity=9.81, reference_density=1026.0)


def force(basin, profile, eta):
    """Force and pressure of a density that is `profile` of the depth below the level of rest, on the interior."""
    m = basin.static

    @jax.jit
    def run(eta):
        thickness = basin.thickness(eta)
        depth = centre_depth(thickness.t)
        density = depth.like(profile(depth.data - eta.data)) * m.mask_t
        along = pressure_gradient_force(m, density, eta, depth, thickness, **CONSTANTS)
        return *along, hydrostatic_pressure(density, thickness.t, 9.81), density

    return tuple(basin.inner(f) for f in run(eta))


def still(basin):
    return basin.field(np.zeros(basin.shape[1:]), "T", "s")


def test_centre_depth(sphere):
    depth = sphere.inner(centre_depth(sphere.static.thickness_t))
    np.testing.assert_allclose(depth * sphere.grid.mask, sphere.grid.centre_depth * sphere.grid.mask)


@pytest.mark.parametrize("surface", ["level", "rough"])
def test_linear_density_has_no_force(basin, rng, surface):
    """Over partial cells and under a sea surface of some metres: only the gradient of the surface's own weight."""
    eta = still(basin) if surface == "level" else basin.surface(rng, 2.0)
    offset, slope = 3.0, 2e-3
    along_x, along_y, pressure, _ = force(basin, lambda z: offset + slope * z, eta)
    # the anomaly of the water above level 0 pushes as -g rho(0) grad eta; uppermost half cells are of one density
    scale = np.abs(pressure).max() / 1e5 / 1026.0
    if surface == "level":
        assert max(np.abs(along_x).max(), np.abs(along_y).max()) < 1e-14 * scale
    else:
        g = basin.grid.geometry
        top = eta.like(eta.data).map(lambda e: 9.81 * (offset * e - 0.5 * slope * e * e)) * basin.static.surface_mask_t
        top_x = basin.inner(top.diff_x() * basin.static.inv_dx_u) * basin.grid.mask_u / -1026.0
        remains = np.abs(along_x - top_x).max()
        assert remains < 1e-2 * np.abs(top_x).max(), g.shape


def test_quadratic_density_has_no_force_below_two_cells(make_rugged):
    basin = make_rugged("plane", ny=8, nx=10, levels=Levels(np.array([50.0, 100.0, 150.0, 300.0, 500.0])))
    along_x, along_y, pressure, _ = force(basin, lambda z: 30.0 * (z / 1000.0) ** 2, still(basin))
    scale = np.abs(pressure).max() / 1e5 / 1026.0
    assert np.abs(basin.grid.thickness[2:] % 50.0).max() > 1.0, "there are partial cells"
    assert max(np.abs(along_x[2:]).max(), np.abs(along_y[2:]).max()) < 1e-13 * scale


def test_level_cells_have_no_force_for_any_profile(make_rugged):
    basin = make_rugged("sphere", partial_cells=False)
    along_x, along_y, _, _ = force(basin, lambda z: jnp.sin(z), still(basin))
    assert np.abs(along_x).max() == 0.0 and np.abs(along_y).max() == 0.0


def test_error_over_partial_cells_falls_with_the_layers(make_rugged):
    """A thermocline over random depths: third order in the thickness of the layers."""
    largest = []
    for number in (10, 20, 40):
        basin = make_rugged("plane", ny=8, nx=10, levels=Levels(np.full(number, 2000.0 / number)))
        along_x, along_y, *_ = force(basin, lambda z: 3.0 * (1 - jnp.exp(-z / 400.0)), still(basin))
        largest.append(np.sqrt(np.mean(along_x**2) + np.mean(along_y**2)))
    orders = np.log2(np.asarray(largest[:-1]) / np.asarray(largest[1:]))
    assert np.all(orders > 2.5), orders


def test_force_of_a_front(make_flat):
    """A density that falls linearly along x: -g/rho0 d rho/dx times depth, at every level."""
    basin = make_flat(nx=12)
    m, nx = basin.static, basin.shape[-1]
    slope = 1e-6
    density = basin.field(np.broadcast_to(slope * 1e5 * np.arange(nx), basin.shape))
    thickness = basin.thickness(still(basin))
    depth = centre_depth(thickness.t)
    along_x, along_y = pressure_gradient_force(m, density, still(basin), depth, thickness, **CONSTANTS)
    expected = -9.81 / 1026.0 * slope * basin.grid.centre_depth
    np.testing.assert_allclose(basin.inner(along_x)[:, :, 1:-2], expected[:, :, 1:-2], rtol=1e-11)
    np.testing.assert_array_equal(basin.inner(along_y), 0.0)


def test_rest_over_a_steep_seamount():
    """z-levels stay at rest to the last bit; over partial cells the spurious speed stays below 1 cm/s."""
    coarse = {"nx": 14, "ny": 14}
    assert balance.speeds("seamount", False, 1, **coarse).max() < 1e-10
    assert 0.0 < balance.speeds("seamount", True, 1, **coarse).max() < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("case", balance.CASES)
def test_ten_days_of_rest(case):
    assert balance.speeds(case, False).max() < 1e-10
    assert balance.speeds(case, True).max() < 1.0
