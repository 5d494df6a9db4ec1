"""What is held out besides a period: regions, boxes of all depths as masks of the places of the C-grid, and months."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocean_gcm.data.truth import Truth
from ocean_gcm.data.variables import MODEL_FIELDS
from ocean_gcm.grid.geometry import Geometry
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics.loss import VARIABLES
from train.config import Region


def within(regions: Sequence[Region], grid: Grid) -> dict[str, np.ndarray]:
    """(ny, nx) by variable: whether its points lie in one of the regions."""
    return {name: _inside(regions, grid.geometry, MODEL_FIELDS[name].place) for name in VARIABLES}


def outside(regions: Sequence[Region], grid: Grid) -> dict[str, np.ndarray]:
    """(ny, nx) by variable: whether its points lie in none of the regions."""
    return {name: ~inside for name, inside in within(regions, grid).items()}


def _inside(regions: Sequence[Region], geometry: Geometry, place: str) -> np.ndarray:
    x, y = geometry.x[place], geometry.y[place]
    found = np.zeros(x.shape, bool)
    for west, east, south, north in regions:
        eastward = x - west
        if geometry.spherical:  # 350 to 370 degrees is 10 degrees east and west of Greenwich
            eastward = eastward % 360.0
        found |= (eastward >= 0) & (eastward <= east - west) & (y >= south) & (y <= north)
    return found


def starts_by_month(starts: np.ndarray, truth: Truth, records: int, stride: int, held_out: Sequence[int]):
    """(starts of windows that touch no record of the months `held_out`, starts in these months)."""
    months = np.array([date.month for date in truth.dates])
    known = np.isin(months, held_out)
    touched = known[starts[:, None] + stride * np.arange(records)].any(1)
    return starts[~touched], starts[known[starts]]
