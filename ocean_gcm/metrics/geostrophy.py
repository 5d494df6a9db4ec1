r"""Currents in geostrophic balance with the sea level: f k x u = -g grad(eta)."""

from __future__ import annotations

import numpy as np

GRAVITY = 9.80665  # m s-2
ROTATION_RATE = 7.292115e-5  # s-1
EARTH_RADIUS = 6.371e6  # m
EQUATOR = 5.0  # degrees; nearer to it the balance does not hold


def geostrophic_velocity(
    sea_level, dx, dy, coriolis, *, periodic_x: bool = False, periodic_y: bool = False, gravity: float = GRAVITY
):
    """Velocities (..., ny, nx) in m s-1 at cell centres, u = -g/f d(eta)/dy and v = g/f d(eta)/dx.

    Args:
      sea_level: (..., ny, nx) m, NaN on land.
      dx, dy: (ny, nx) distances in m from each centre to the next one along x and y.
      coriolis: (ny, nx) s-1; where it is 0 or NaN (near the equator) there is no answer, NaN.
      periodic_x, periodic_y: whether rows and columns are closed circles.

    Centred differences; beside land the one-sided one, NaN where there is neither.
    """
    f = np.where(coriolis == 0, np.nan, coriolis)
    return (
        -gravity / f * _gradient(sea_level, dy, -2, periodic=periodic_y),
        gravity / f * _gradient(sea_level, dx, -1, periodic=periodic_x),
    )


def _gradient(field, spacing, axis: int, *, periodic: bool):
    """Slope along an axis at cell centres: the mean of the slopes on both sides that exist."""
    forward = (np.roll(field, -1, axis) - field) / spacing
    if not periodic:
        last = [slice(None)] * forward.ndim
        last[axis] = slice(-1, None)
        forward[tuple(last)] = np.nan
    both = np.stack([forward, np.roll(forward, 1, axis)])
    number = np.isfinite(both).sum(0)
    return np.where(number > 0, np.nansum(both, 0) / np.maximum(number, 1), np.nan)


def sphere(lat: np.ndarray, lon: np.ndarray, radius: float = EARTH_RADIUS, equator: float = EQUATOR):
    """(dx, dy, f) of `geostrophic_velocity` on longitudes and latitudes in degrees, f NaN within `equator` degrees."""
    y, x = np.meshgrid(lat, lon, indexing="ij")
    step_x = np.radians(np.diff(lon, append=2 * lon[-1] - lon[-2]))
    step_y = np.radians(np.diff(lat, append=2 * lat[-1] - lat[-2]))
    f = np.where(np.abs(y) < equator, np.nan, 2 * ROTATION_RATE * np.sin(np.radians(y)))
    return radius * np.cos(np.radians(y)) * step_x, radius * step_y[:, None] + 0 * x, f
