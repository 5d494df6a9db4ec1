"""How far drifters of a forecast part from those of the truth."""

from __future__ import annotations

import dataclasses

import numpy as np

EARTH_RADIUS = 6.371e6  # m


@dataclasses.dataclass(frozen=True)
class Surface:
    """Where velocities are.

    Attributes:
      x, y: (nx,), (ny,) cell centres, degrees on the sphere or m on a plane, ascending.
      spherical: True for degrees.
      periodic_x, periodic_y: whether rows and columns are closed circles.  Places go on beyond them.
    """

    x: np.ndarray
    y: np.ndarray
    spherical: bool
    periodic_x: bool = False
    periodic_y: bool = False

    def velocity(self, u: np.ndarray, v: np.ndarray, place: np.ndarray) -> np.ndarray:
        """(..., 2) bilinear velocity at places (..., 2), in units of x and y per second; 0 on land and outside.

        u, v: (ny, nx) m s-1 at cell centres; NaN on land counts as rest.
        """
        x, y = place[..., 0], place[..., 1]
        i, east, a = _neighbours(self.x, x, periodic=self.periodic_x)
        j, north, b = _neighbours(self.y, y, periodic=self.periodic_y)
        found = []
        for field in (u, v):
            field = np.nan_to_num(field)
            south_side = (1 - a) * field[j, i] + a * field[j, east]
            north_side = (1 - a) * field[north, i] + a * field[north, east]
            found.append((1 - b) * south_side + b * north_side)
        speed = np.stack(found, -1)
        if not self.spherical:
            return speed
        per_degree = EARTH_RADIUS * np.pi / 180
        return speed / np.stack([per_degree * np.cos(np.radians(np.clip(y, -89, 89))), np.full_like(y, per_degree)], -1)

    def distance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """m between places (..., 2): great circles on the sphere."""
        if not self.spherical:
            return np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])
        (x, y), (s, t) = (np.moveaxis(np.radians(p), -1, 0) for p in (a, b))
        half = np.sin((t - y) / 2) ** 2 + np.cos(y) * np.cos(t) * np.sin((s - x) / 2) ** 2
        return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def _neighbours(centres: np.ndarray, at: np.ndarray, *, periodic: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the centres below and above, and the share of the way between them."""
    if periodic:
        width = centres[-1] - centres[0] + (centres[1] - centres[0])
        at = (at - centres[0]) % width + centres[0]
    below, share = _interval(centres, at, periodic=periodic)
    above = (below + 1) % len(centres) if periodic else np.minimum(below + 1, len(centres) - 1)
    return below, above, share


def _interval(centres: np.ndarray, at: np.ndarray, *, periodic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Index of the centre below, and the share of the way to the next; the ends are held."""
    n = np.clip(np.searchsorted(centres, at, side="right") - 1, 0, len(centres) - (1 if periodic else 2))
    width = centres[min(1, len(centres) - 1)] - centres[0]
    upper = np.append(centres[1:], centres[-1] + width)[n]
    return n, np.clip((at - centres[n]) / (upper - centres[n]), 0.0, 1.0)


def trajectories(
    surface: Surface, u: np.ndarray, v: np.ndarray, times: np.ndarray, places: np.ndarray, substeps: int = 4
) -> np.ndarray:
    """(time, particle, 2) places of particles that drift with a velocity given at `times` (s), linear in between.

    u, v: (time, ny, nx); places: (particle, 2) at the first time.  Runge-Kutta of fourth order with `substeps` steps
    between two times.
    """
    places = np.asarray(places, float)
    found = [places]
    for n in range(len(times) - 1):
        step = (times[n + 1] - times[n]) / substeps

        def flow(share, at, n=n):
            here = [(1 - share) * w[n] + share * w[n + 1] for w in (u, v)]
            return surface.velocity(*here, at)

        for k in range(substeps):
            begin, middle, end = k / substeps, (k + 0.5) / substeps, (k + 1) / substeps
            k1 = flow(begin, places)
            k2 = flow(middle, places + 0.5 * step * k1)
            k3 = flow(middle, places + 0.5 * step * k2)
            k4 = flow(end, places + step * k3)
            places = places + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        found.append(places)
    return np.stack(found)


def separation(surface: Surface, forecast: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(time,) mean distance in m between particles of two sets of trajectories (time, particle, 2)."""
    return surface.distance(forecast, truth).mean(1)


def skill_score(surface: Surface, forecast: np.ndarray, truth: np.ndarray, tolerance: float = 1.0) -> np.ndarray:
    """(particle,) 1 - s/n, at least 0, with the cumulative separation over the cumulative length of the true path s.

    Liu and Weisberg (2011, doi:10.1029/2010JC006837): 1 for equal paths, 0 where s reaches the tolerance n.
    """
    apart = surface.distance(forecast, truth)[1:].sum(0)
    length = np.cumsum(surface.distance(truth[1:], truth[:-1]), 0).sum(0)
    index = np.where(length > 0, apart / np.where(length > 0, length, 1.0), np.where(apart > 0, np.inf, 0.0))
    return np.clip(1 - index / tolerance, 0.0, 1.0)
