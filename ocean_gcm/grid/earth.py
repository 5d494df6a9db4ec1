"""The embedded Earth: a map of land and depth classes written as text, so that a global ocean needs no data."""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np

from ocean_gcm.grid.geometry import Geometry

CELL = 4.0  # degrees
SOUTH = -80.0  # degrees north, southern edge of the map; its western edge is 0 E
CLASS_STEP = 600.0  # m per depth class
SHELF_DEPTH = 200.0  # m, class 0
LAND = "#"


@functools.cache
def depth_map() -> np.ndarray:
    """(40, 90) depth in m on the map's own 4-degree cells, from south to north and from 0 E eastward, 0 on land."""
    text = importlib.resources.files("ocean_gcm.grid").joinpath("earth.txt").read_text()
    rows = [line for line in text.splitlines() if line and not line.startswith("%")]
    depth = [[0.0 if c == LAND else max(CLASS_STEP * int(c), SHELF_DEPTH) for c in row] for row in reversed(rows)]
    return np.array(depth)


def _overlap(low: np.ndarray, high: np.ndarray, edges: np.ndarray, period: float | None) -> np.ndarray:
    """(cells, map cells) lengths in degrees that intervals [low, high] share with those between `edges`."""
    result = 0.0
    for shift in (0.0,) if period is None else (-2 * period, -period, 0.0, period, 2 * period):
        start = np.maximum(low[:, None] + shift, edges[None, :-1])
        stop = np.minimum(high[:, None] + shift, edges[None, 1:])
        result = result + np.maximum(stop - start, 0.0)
    return result


def depth(geometry: Geometry) -> np.ndarray:
    """(ny, nx) depth in m, 0 on land, of a latitude-longitude grid.

    A cell is wet where more than half of it is (block majority); beyond 80 degrees there is land.  Its depth is the
    mean of the wet part, taken over at least 4 degrees so that finer grids see slopes instead of steps.
    """
    chart = depth_map()
    ny, nx = chart.shape
    x_edges, y_edges = CELL * np.arange(nx + 1), SOUTH + CELL * np.arange(ny + 1)
    x, east = geometry.x["T"][0], geometry.x["U"][0]
    y, north = geometry.y["T"][:, 0], geometry.y["V"][:, 0]

    def means(half_x, half_y, field):
        along_x = _overlap(x - half_x, x + half_x, x_edges, 360.0)
        along_y = _overlap(y - half_y, y + half_y, y_edges, None)
        return along_y @ field @ along_x.T

    half_x, half_y = east - x, north - y
    wet = (chart > 0).astype(float)
    majority = means(half_x, half_y, wet) / (4.0 * half_y[:, None] * half_x[None, :]) > 0.5
    wide_x, wide_y = np.maximum(half_x, CELL / 2), np.maximum(half_y, CELL / 2)
    water = means(wide_x, wide_y, wet)
    mean_depth = means(wide_x, wide_y, chart * wet) / np.where(water > 0, water, 1.0)
    return np.where(majority, mean_depth, 0.0)
