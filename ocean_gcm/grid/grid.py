"""The masked three-dimensional grid: geometry, levels and bathymetry with partial bottom cells."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from ocean_gcm.grid.geometry import Geometry
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Host description of the grid (float64 numpy).

    Attributes:
      geometry, levels: horizontal and vertical geometry.
      thickness: (nz, ny, nx) thickness of each cell at rest in m, 0 on land and below the sea floor.
    """

    geometry: Geometry
    levels: Levels
    thickness: np.ndarray

    @property
    def topology(self) -> Topology:
        return self.geometry.topology

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.thickness.shape

    def _next(self, array: np.ndarray, axis: int) -> np.ndarray:
        """The neighbour to the east (axis -1) or north (axis -2); beyond a wall zeros."""
        rolled = np.roll(array, -1, axis)
        periodic = self.topology.periodic_x if axis == -1 else self.topology.periodic_y
        if not periodic:
            rolled[(..., slice(-1, None)) if axis == -1 else (..., slice(-1, None), slice(None))] = 0
        return rolled

    @functools.cached_property
    def thickness_u(self) -> np.ndarray:
        """(nz, ny, nx) thickness at rest of the eastern faces: the thinner of the two cells, m."""
        return np.minimum(self.thickness, self._next(self.thickness, -1))

    @functools.cached_property
    def thickness_v(self) -> np.ndarray:
        """(nz, ny, nx) thickness at rest of the northern faces, m."""
        return np.minimum(self.thickness, self._next(self.thickness, -2))

    @functools.cached_property
    def mask(self) -> np.ndarray:
        """(nz, ny, nx) True in wet cells."""
        return self.thickness > 0

    @functools.cached_property
    def mask_u(self) -> np.ndarray:
        return self.thickness_u > 0

    @functools.cached_property
    def mask_v(self) -> np.ndarray:
        return self.thickness_v > 0

    @functools.cached_property
    def mask_f(self) -> np.ndarray:
        """(nz, ny, nx) True where all four cells around a corner are wet."""
        return self.mask_u & self._next(self.mask_u, -2)

    @functools.cached_property
    def wet(self) -> np.ndarray:
        """(ny, nx) True where there is water."""
        return self.mask[0]

    @functools.cached_property
    def depth(self) -> np.ndarray:
        """(ny, nx) depth of the sea floor in m, 0 on land."""
        return self.thickness.sum(0)

    @functools.cached_property
    def bottom_level(self) -> np.ndarray:
        """(ny, nx) index of the deepest wet cell, -1 on land."""
        return self.mask.sum(0) - 1

    @functools.cached_property
    def centre_depth(self) -> np.ndarray:
        """(nz, ny, nx) depth of the cells' centres at rest (of the water in a partial cell), m."""
        return np.cumsum(self.thickness, 0) - 0.5 * self.thickness

    @functools.cached_property
    def volume(self) -> np.ndarray:
        """(nz, ny, nx) volume of the cells at rest in m3."""
        return self.thickness * self.geometry.area["T"]


def build_grid(
    geometry: Geometry,
    levels: Levels,
    depth: np.ndarray,
    *,
    partial_cells: bool = True,
    minimum_fraction: float = 0.2,
    minimum_levels: int = 2,
) -> Grid:
    """Cut `depth` (ny, nx; m, positive down, 0 on land) into cells.

    A partial bottom cell keeps at least `minimum_fraction` of its layer (thinner ones are rounded to nothing or to the
    minimum, whichever is nearer: Adcroft et al. 1997); without partial cells the sea floor moves to the nearest face.
    Columns shallower than `minimum_levels` layers are deepened to that many.  Water deeper than the lowest face is
    filled up.

    Raises ValueError if depth has another shape than the geometry or is not finite.
    """
    depth = np.asarray(depth, float)
    if depth.shape != geometry.shape:
        raise ValueError(f"bathymetry has the shape {depth.shape}, the grid {geometry.shape}")
    if not np.isfinite(depth).all():
        raise ValueError("bathymetry contains values that are not finite; land is 0")
    full = levels.thickness[:, None, None]
    top = levels.faces[:-1, None, None]
    land = depth <= 0
    floor = levels.faces[min(minimum_levels, len(levels.thickness))]
    depth = np.where(land, 0.0, np.maximum(depth, floor))
    fraction = np.clip((depth - top) / full, 0.0, 1.0)
    fraction = np.where(np.isclose(fraction, 1.0, atol=1e-9), 1.0, fraction)
    smallest = minimum_fraction if partial_cells else 1.0
    rounded = np.where(fraction < 0.5 * smallest, 0.0, smallest)
    fraction = np.where(fraction < smallest, rounded, fraction)
    return Grid(geometry, levels, np.where(land, 0.0, fraction * full))
