"""Fields of a longitude-latitude grid at points: bilinear between wet cells, linear in depth."""

from __future__ import annotations

import dataclasses

import numpy as np

from ocean_gcm.data.regridding import along_axis

LEAST_WATER = 0.5
"""Share of the weights around a point that must be wet: what leans on land by more is no place of the grid."""


@dataclasses.dataclass(frozen=True)
class Axes:
    """Where a field's values are.

    Attributes:
      lon, lat: (nx,), (ny,) ascending degrees.
      depth: (nz,) m of the levels' centres, or None at the surface.
      bottom: m, the lower side of the lowest level.
    """

    lon: np.ndarray
    lat: np.ndarray
    depth: np.ndarray | None = None
    bottom: float = np.inf


@dataclasses.dataclass(frozen=True)
class Stencil:
    """The cells around points and their weights.

    Attributes:
      columns, column_weights: (4, n) flat indices (ny nx) and bilinear weights.
      levels, level_weights: (2, n); of a surface field index 0 and weights 1 and 0.
      inside: (n,) False where the point is beyond the grid.
    """

    columns: np.ndarray
    column_weights: np.ndarray
    levels: np.ndarray
    level_weights: np.ndarray
    inside: np.ndarray

    @classmethod
    def of(cls, lon: np.ndarray, lat: np.ndarray, depth: np.ndarray, axes: Axes) -> Stencil:
        """The uppermost level holds up to the surface, the lowest one down to its lower side.

        Points up to half a cell beyond the outermost centres, at the outermost sides, still belong to the grid.
        """
        x = along_axis(axes.lon, np.asarray(lon, float), cyclic=True)
        y = along_axis(axes.lat, np.asarray(lat, float), cyclic=False)
        inside = (x.outside <= 0.5 + 1e-6) & (y.outside <= 0.5 + 1e-6)
        columns, weights = [], []
        for row, wy in ((y.lower, 1.0 - y.weight), (y.upper, y.weight)):
            for column, wx in ((x.lower, 1.0 - x.weight), (x.upper, x.weight)):
                columns.append(row * len(axes.lon) + column)
                weights.append(wy * wx)
        if axes.depth is None or len(axes.depth) == 1:
            levels = np.zeros((2, len(lon)), int)
            level_weights = np.stack([np.ones(len(lon)), np.zeros(len(lon))])
        else:
            z = along_axis(axes.depth, np.asarray(depth, float), cyclic=False)
            levels, level_weights = np.stack([z.lower, z.upper]), np.stack([1.0 - z.weight, z.weight])
        if axes.depth is not None:
            inside = inside & (np.asarray(depth, float) <= axes.bottom)
        return cls(np.stack(columns), np.stack(weights), levels, level_weights, inside)

    def at(self, chosen) -> Stencil:
        """The stencil of some of the points."""
        parts = (self.columns, self.column_weights, self.levels, self.level_weights)
        return Stencil(*(part[:, chosen] for part in parts), self.inside[chosen])

    def apply(self, field: np.ndarray) -> np.ndarray:
        """(member, n) of a field (member, nz, ny, nx), NaN on land; NaN where the grid knows nothing.

        A column counts if it is wet at both levels that a point lies between.  Land is where all members are NaN; one
        that is NaN in water gives NaN.
        """
        flat = field.reshape(field.shape[0], field.shape[1], -1)
        total = np.zeros((field.shape[0], self.columns.shape[1]))
        weight = np.zeros(self.columns.shape[1])
        for column, share in zip(self.columns, self.column_weights, strict=True):
            value = np.zeros_like(total)
            known = self.inside.copy()
            for level, part in zip(self.levels, self.level_weights, strict=True):
                here = flat[:, level, column]
                needed, wet = part > 0, np.isfinite(here).any(0)
                known &= ~needed | wet
                value += np.where(needed & wet, part * here, 0.0)
            total += np.where(known, share * value, 0.0)
            weight += share * known
        enough = weight > LEAST_WATER
        return np.where(enough, total / np.where(enough, weight, 1.0), np.nan)
