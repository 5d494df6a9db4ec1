"""Drifters in flows with known paths."""

import numpy as np
import pytest

from ocean_gcm.metrics import drift

PLANE = drift.Surface(np.arange(-10, 11) * 1e4, np.arange(-10, 11) * 1e4, spherical=False)


def test_solid_body_rotation_on_a_plane():
    """Bilinear interpolation is exact for it: after one turn everybody is back."""
    rate = 2 * np.pi / 86400
    y, x = np.meshgrid(PLANE.y, PLANE.x, indexing="ij")
    u, v = np.stack([-rate * y] * 9), np.stack([rate * x] * 9)
    begin = np.array([[3e4, 0.0], [0.0, 5e4]])
    paths = drift.trajectories(PLANE, u, v, np.linspace(0, 86400, 9), begin, substeps=8)
    np.testing.assert_allclose(paths[-1], begin, atol=20.0)
    np.testing.assert_allclose(paths[2], [[0.0, 3e4], [-5e4, 0.0]], atol=20.0)


def test_a_flow_that_changes_in_time():
    """u = t: half of the square of the time."""
    times = np.linspace(0, 10000, 6)
    u = times[:, None, None] * 1e-4 * np.ones((6, 21, 21))
    paths = drift.trajectories(PLANE, u, 0 * u, times, np.zeros((1, 2)))
    np.testing.assert_allclose(paths[:, 0, 0], 0.5e-4 * times**2, rtol=1e-9)


def test_around_the_sphere():
    surface = drift.Surface(np.arange(2.0, 360.0, 4.0), np.arange(-78.0, 80.0, 4.0), spherical=True, periodic_x=True)
    u = np.broadcast_to(np.cos(np.radians(surface.y))[:, None], (2, 40, 90))  # one angular speed
    turn = 2 * np.pi * drift.EARTH_RADIUS
    paths = drift.trajectories(surface, u, 0 * u, np.array([0.0, turn]), np.array([[350.0, 2.0], [0.0, 58.0]]), 40)
    np.testing.assert_allclose(paths[-1] - paths[0], [[360.0, 0.0], [360.0, 0.0]], rtol=1e-3, atol=1e-9)
    assert surface.distance(paths[-1], paths[0]).max() < 4e4
    assert surface.distance(np.array([0.0, 0.0]), np.array([0.0, 90.0])) == pytest.approx(turn / 4)


def test_separation_and_skill():
    truth = np.stack([np.stack([np.arange(5) * 1e3, np.zeros(5)], -1)], 1)  # 1 km a step
    same = drift.skill_score(PLANE, truth, truth)
    np.testing.assert_allclose(same, 1.0)
    beside = truth + [0.0, 500.0]
    np.testing.assert_allclose(drift.separation(PLANE, beside, truth), 500.0)
    # four separations of 0.5 km over cumulative lengths of 1 + 2 + 3 + 4 km
    np.testing.assert_allclose(drift.skill_score(PLANE, beside, truth), 1 - 0.2)
    np.testing.assert_allclose(drift.skill_score(PLANE, 0 * truth, truth), 0.0)


def test_land_is_at_rest():
    u = np.full((21, 21), np.nan)
    assert not PLANE.velocity(u, u, np.zeros((3, 2))).any()
