"""Currents in balance with known sea levels."""

import numpy as np
import pytest

from ocean_gcm.metrics.geostrophy import EARTH_RADIUS, GRAVITY, ROTATION_RATE, geostrophic_velocity, sphere


def test_a_slope_on_a_plane():
    y, x = np.mgrid[0:6, 0:8] * 1e4
    spacing = np.full((6, 8), 1e4)
    u, v = geostrophic_velocity(2e-6 * y - 1e-6 * x, spacing, spacing, np.full((6, 8), 1e-4))
    np.testing.assert_allclose(u, -GRAVITY / 1e-4 * 2e-6, rtol=1e-9)
    np.testing.assert_allclose(v, GRAVITY / 1e-4 * -1e-6, rtol=1e-9)


def test_zonal_flow_on_the_sphere():
    """Williamson et al. (1992), case 2: eta = -(R W u0 + u0^2/2) sin^2(lat)/g without the quadratic term."""
    lat, lon = np.arange(-75.0, 76.0, 2.5), np.arange(0.0, 360.0, 5.0)
    eta = -EARTH_RADIUS * ROTATION_RATE * 20.0 / GRAVITY * np.sin(np.radians(lat))[:, None] ** 2 + 0 * lon
    u, v = geostrophic_velocity(eta, *sphere(lat, lon), periodic_x=True)
    near = np.abs(lat) < 5
    assert np.isnan(u[near]).all()
    inner = ~near
    inner[[0, -1]] = False  # one-sided there
    expected = np.broadcast_to((20.0 * np.cos(np.radians(lat)))[:, None], u.shape)
    np.testing.assert_allclose(u[inner], expected[inner], rtol=2e-3)
    np.testing.assert_allclose(v[inner], 0.0, atol=1e-9)


def test_land_is_kept_out():
    """One-sided slopes beside an island; none on it, none between two islands."""
    y, x = np.mgrid[0:5, 0:7] * 1e4
    eta = 1e-6 * x
    eta[2, 3] = eta[2, 5] = eta[1, 4] = eta[3, 4] = np.nan
    spacing = np.full((5, 7), 1e4)
    u, v = geostrophic_velocity(eta, spacing, spacing, np.full((5, 7), 1e-4))
    assert np.isnan(v[2, 3]) and np.isnan(v[2, 4]) and np.isnan(u[2, 4])
    np.testing.assert_allclose(v[2, 2], GRAVITY / 1e-4 * 1e-6)
    assert np.isfinite(v).sum() == 35 - 4 - 2  # land, and what lies between it or between it and the wall


@pytest.mark.parametrize("shift", [1, 4])
def test_rows_that_are_circles(shift):
    lat, lon = np.arange(20.0, 40.0, 2.0), np.arange(0.0, 360.0, 10.0)
    eta = np.cos(np.radians(lon)) + 0 * lat[:, None]
    u, v = geostrophic_velocity(eta, *sphere(lat, lon), periodic_x=True)
    moved = geostrophic_velocity(np.roll(eta, shift, -1), *sphere(lat, lon), periodic_x=True)[1]
    np.testing.assert_allclose(moved, np.roll(v, shift, -1), atol=1e-12)
