r"""Linear long waves of a reduced-gravity ocean on a coarse grid: what carries sea level from one place to another.

Sea level is a part that long Rossby waves carry along each row of cells, r, and a Kelvin wave along the equator, k,
with its meridional profile phi (Gill 1982, sections 11.5 and 11.8; Battisti 1988 for the reflections),

    dr/dt = c_R(x, y) dr/dx,       dk/dt = -c_K dk/dx,       zos = r + phi(y) k.

What the Kelvin wave brings to an eastern coast leaves as Rossby waves, what they bring to a western coast near the
equator leaves as a Kelvin wave.  Each row is a linear system whose propagator over a time is a matrix exponential, so
that any speed is stable; derivatives are third-order upwind away from coasts, first-order at them.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from eval.monthly.wave_speed import EARTH_RADIUS, ROTATION
from ocean_gcm.metrics import basins

OCEANS = (basins.PACIFIC, basins.INDIAN, basins.ATLANTIC)
EAST_REACH = 20.0
"""Degrees of latitude up to which a Kelvin wave makes Rossby waves at an eastern coast."""
WEST_REACH = 10.0
"""The same for Rossby waves that make a Kelvin wave at a western coast."""


def westward_derivative(wet: np.ndarray) -> np.ndarray:
    """(nx, nx) matrix D of a row of cells around the globe: D h is dh/dx times the width of a cell.

    Upwind for waves that go west.  Nothing comes in from land; on land all is zero.
    """
    n = len(wet)
    matrix = np.zeros((n, n))
    for i in np.flatnonzero(wet):
        west, east, beyond = (i - 1) % n, (i + 1) % n, (i + 2) % n
        if wet[[west, east, beyond]].all():
            matrix[i, [beyond, east, i, west]] = np.array([-1, 6, -3, -2]) / 6
        else:
            matrix[i, i] = -1.0
            matrix[i, east] = float(wet[east])
    return matrix


@dataclasses.dataclass(frozen=True)
class Coast:
    """Cells where one kind of wave becomes the other.

    Attributes:
      row, column: (cell,) of the Rossby waves.
      kelvin: (cell,) column on the equator of the same ocean's coast.
    """

    row: np.ndarray
    column: np.ndarray
    kelvin: np.ndarray


@dataclasses.dataclass(frozen=True)
class WaveCore:
    """Geometry of the waves.

    Attributes:
      wet: (ny, nx).
      equator: index of the row on the equator.
      width: (ny,) m, of cells.
      westward: (ny, nx, nx) and eastward (nx, nx) derivatives, see `westward_derivative`.
      profile: (ny,) phi of the Kelvin wave.
      east, west: coasts.
    """

    wet: np.ndarray
    equator: int
    width: np.ndarray
    westward: np.ndarray
    eastward: np.ndarray
    profile: np.ndarray
    east: Coast
    west: Coast

    def propagators(self, rossby_speed: jax.Array, kelvin_speed: jax.Array, seconds: float) -> dict[str, jax.Array]:
        """Matrices that carry r along each row and k along the equator for a time, and what enters at coasts.

        rossby_speed: (ny, nx) m s-1, kelvin_speed: m s-1; both >= 0.
        """
        courant = rossby_speed * (seconds / self.width[:, None]).astype(rossby_speed.dtype)
        courant_kelvin = kelvin_speed * float(seconds / self.width[self.equator])
        return {
            "rossby": _exponential(courant[:, :, None] * self.westward.astype(courant.dtype)),
            "kelvin": _exponential(courant_kelvin * self.eastward.astype(courant.dtype)),
            "into_rossby": 1 - jnp.exp(-courant[self.east.row, self.east.column]),
            "into_kelvin": 1 - jnp.exp(-courant_kelvin),
        }

    def carry(self, propagators, r: jax.Array, k: jax.Array, transmission, reflection) -> tuple[jax.Array, jax.Array]:
        """r (..., ny, nx) and k (..., nx) after the time of the propagators.

        transmission: share of k that each cell of the eastern coasts takes over; reflection: weight of r of each cell
        of the western coasts in the Kelvin wave.
        """
        moved = jnp.einsum("yij,...yj->...yi", propagators["rossby"], r)
        arrived = jnp.einsum("ij,...j->...i", propagators["kelvin"], k)
        made = propagators["into_rossby"] * transmission * k[..., self.east.kelvin]
        sent = propagators["into_kelvin"] * reflection * r[..., self.west.row, self.west.column]
        moved = moved.at[..., self.east.row, self.east.column].add(made)
        return moved, arrived.at[..., self.west.kelvin].add(sent)

    def sea_level(self, r: jax.Array, k: jax.Array) -> jax.Array:
        """(..., ny, nx) r + phi k."""
        return r + jnp.asarray(self.profile, k.dtype)[:, None] * k[..., None, :] * self.wet

    def split(self, sea_level: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(r, k) of a sea level (..., ny, nx): k = w_0 zos(0) + w_1 times the mean of the rows beside the equator."""
        beside = 0.5 * (sea_level[..., self.equator - 1, :] + sea_level[..., self.equator + 1, :])
        k = (weights[0] * sea_level[..., self.equator, :] + weights[1] * beside) * self.wet[self.equator]
        return sea_level - self.sea_level(jnp.zeros_like(sea_level), k), k


_HALVINGS = 4


def _exponential(matrix: jax.Array) -> jax.Array:
    """exp of (..., n, n): sixteen steps of the fourth-order Runge-Kutta scheme, for norms below 40."""
    small = matrix / 2**_HALVINGS
    one = jnp.eye(matrix.shape[-1], dtype=matrix.dtype)
    step = one + small @ (one + small @ (one + small @ (one + small / 4) / 3) / 2)
    for _ in range(_HALVINGS):
        step = step @ step
    return step


def build(lat: np.ndarray, lon: np.ndarray, wet: np.ndarray, internal_speed: float) -> WaveCore:
    """For a grid (degrees, nx cells around the globe) with a row on the equator.

    internal_speed: m s-1, sets the width of the Kelvin wave, exp(-beta y^2 / (2 c)), as a mean over each cell.  Raises
    ValueError without a row on the equator between two others.
    """
    rows = np.flatnonzero(np.abs(lat) < 1e-6)
    if len(rows) != 1 or not 0 < rows[0] < len(lat) - 1:
        raise ValueError(f"latitudes go from {lat[0]:g} to {lat[-1]:g} without 0 inside; expected a row on the equator")
    equator = int(rows[0])
    step = np.radians(lon[1] - lon[0])
    inside = np.radians(lat[:, None] + (lat[1] - lat[0]) * (np.arange(20) + 0.5 - 10) / 20) * EARTH_RADIUS
    profile = np.exp(-(2 * ROTATION / EARTH_RADIUS) * inside**2 / (2 * internal_speed)).mean(1)
    westward = np.stack([westward_derivative(row) for row in wet])
    eastward = westward_derivative(wet[equator][::-1])[::-1, ::-1]
    code = np.where(wet, basins.basins(*np.meshgrid(lon, lat)), basins.LAND)
    coasts = (_coast(code, lat, equator, side, reach) for side, reach in ((1, EAST_REACH), (-1, WEST_REACH)))
    width = EARTH_RADIUS * np.cos(np.radians(lat)) * step
    return WaveCore(wet, equator, width, westward, eastward, profile, *coasts)


def _coast(code: np.ndarray, lat: np.ndarray, equator: int, side: int, reach: float) -> Coast:
    """The outermost cell to the east (side 1) or west (-1) of each ocean in each row up to `reach` degrees."""
    found = []
    for ocean in OCEANS:
        on_equator = _outermost(code[equator] == ocean, side)
        if on_equator is None:
            continue
        for row in np.flatnonzero(np.abs(lat) <= reach):
            column = _outermost(code[row] == ocean, side)
            if column is not None:
                found.append((row, column, on_equator))
    return Coast(*np.array(found, int).reshape(-1, 3).T)


def _outermost(inside: np.ndarray, side: int) -> int | None:
    """Last cell, going `side`, of a row around the globe."""
    if not inside.any() or inside.all():
        return None
    # the widest stretch that is not this ocean is what lies beyond its coasts
    return int(max(np.flatnonzero(inside), key=lambda i: _stretch(inside, i, side)))


def _stretch(inside: np.ndarray, i: int, side: int) -> int:
    """Cells outside of the ocean that follow cell i, going `side`."""
    count, n = 0, len(inside)
    while count < n and not inside[(i + side * (count + 1)) % n]:
        count += 1
    return count
