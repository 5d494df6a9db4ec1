"""Boxes of longitude, latitude and depth: the cells of an analysis, and those of the model at each of its points.

Everything here is float64 numpy on the host.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ocean_gcm.grid.geometry import Geometry
from ocean_gcm.grid.grid import Grid

FULL_TURN = 360.0


@dataclasses.dataclass(frozen=True, eq=False)
class Intervals:
    """Consecutive intervals along one axis.

    Attributes:
      edges: (n + 1,) ascending.
      pivots: (n,) where an interval has its value: its middle for a mean, a depth for a value at that depth.
      period: after which the axis repeats; None: never.
    """

    edges: np.ndarray
    pivots: np.ndarray
    period: float | None = None

    @classmethod
    def between(cls, edges: np.ndarray, period: float | None = None) -> Intervals:
        """Intervals that hold means."""
        edges = np.asarray(edges, float)
        return cls(edges, 0.5 * (edges[:-1] + edges[1:]), period)

    def __len__(self) -> int:
        return len(self.pivots)

    @property
    def closed(self) -> bool:
        """Whether the last interval is followed by the first one."""
        return self.period is not None and abs(self.edges[-1] - self.edges[0] - self.period) < 1e-6 * self.period

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.edges)

    @property
    def means(self) -> bool:
        """Whether values are means over the intervals, not those at places in them."""
        return bool(np.allclose(self.pivots, 0.5 * (self.edges[:-1] + self.edges[1:]), rtol=1e-9))

    @property
    def sampled(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper sides of what is averaged for the value of each interval: all of it for a mean; for the value
        at a place as much as lies evenly around it."""
        low, high = self.edges[:-1], self.edges[1:]
        if self.means:
            return low, high
        reach = np.maximum(np.minimum(self.pivots - low, high - self.pivots), 0.05 * (high - low))
        return np.maximum(self.pivots - reach, low), np.minimum(self.pivots + reach, high)


@dataclasses.dataclass(frozen=True, eq=False)
class Boxes:
    """Cells of a rectilinear grid.

    Attributes:
      x: degrees east, or m on a plane.
      y: sine of the latitude, so that lengths are areas; m on a plane.
      z: depth in m, positive down.
    """

    x: Intervals
    y: Intervals
    z: Intervals

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.z), len(self.y), len(self.x)

    def at_the_surface(self) -> Boxes:
        """The same with one level of thickness 1, for fields of (y, x)."""
        return dataclasses.replace(self, z=Intervals.between(np.array([0.0, 1.0])))


def area_coordinate(y: np.ndarray, spherical: bool) -> np.ndarray:
    """The coordinate in which equal lengths are equal areas: sin(latitude), or y itself on a plane."""
    return np.sin(np.deg2rad(np.clip(y, -90.0, 90.0))) if spherical else np.asarray(y, float)


def cell_edges(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the cells along x and y in the units of the geometry."""
    x, y = geometry.x["T"][0], geometry.y["T"][:, 0]
    east, north = geometry.x["U"][0], geometry.y["V"][:, 0]
    return np.append(2 * x[0] - east[0], east), np.append(2 * y[0] - north[0], north)


def periods(geometry: Geometry) -> tuple[float | None, float | None]:
    """After which lengths x and y repeat; a longitude always does."""
    x, y = cell_edges(geometry)
    turn = FULL_TURN if geometry.spherical else (x[-1] - x[0] if geometry.topology.periodic_x else None)
    return turn, (y[-1] - y[0] if geometry.topology.periodic_y else None)


def model_boxes(grid: Grid, place: str = "T", *, with_walls: bool = False) -> Boxes:
    """Cells of the model at T, or those around its faces at U (or V): from cell centre to cell centre.

    Args:
      place: T, U or V.
      with_walls: at U and V, another first box between the western (southern) wall and the first centres, where the
        domain is closed: together they fill the domain.
    """
    geometry = grid.geometry
    (x, y), (period_x, period_y) = cell_edges(geometry), periods(geometry)
    if place == "U":
        x = _staggered(x, geometry.topology.periodic_x, with_walls)
    elif place == "V":
        y = _staggered(y, geometry.topology.periodic_y, with_walls)
    return Boxes(
        Intervals.between(x, period_x),
        Intervals.between(area_coordinate(y, geometry.spherical), period_y),
        Intervals.between(grid.levels.faces),
    )


def _staggered(edges: np.ndarray, periodic: bool, with_walls: bool) -> np.ndarray:
    centres = 0.5 * (edges[:-1] + edges[1:])
    end = centres[0] + edges[-1] - edges[0] if periodic else edges[-1]
    first = [edges[0]] if with_walls and not periodic else []
    return np.concatenate([first, centres, [end]])


def overlaps(target: Intervals, source: Intervals) -> tuple[np.ndarray, np.ndarray]:
    """What intervals have in common: lengths l and first moments l (middle - pivot of the source), (n, N) each."""
    return overlaps_between(target.edges[:-1, None], target.edges[1:, None], source)


def overlaps_between(low: np.ndarray, high: np.ndarray, source: Intervals) -> tuple[np.ndarray, np.ndarray]:
    """As `overlaps`, for any `low` < `high` that broadcast with a last axis of sources."""
    lengths = moments = 0.0
    turns = range(-3, 4) if source.period else (0,)
    for turn in turns:
        shift = turn * (source.period or 0.0)
        lower = np.maximum(low, source.edges[:-1] + shift)
        upper = np.minimum(high, source.edges[1:] + shift)
        length = np.maximum(upper - lower, 0.0)
        lengths = lengths + length
        moments = moments + length * (0.5 * (lower + upper) - source.pivots - shift)
    return lengths, moments
