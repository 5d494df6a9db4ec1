"""Depth of the sea floor from a file."""

from __future__ import annotations

import os

import numpy as np

from ocean_gcm.data import regridding, units
from ocean_gcm.data.reading import Source, read_variable
from ocean_gcm.errors import UserError
from ocean_gcm.grid.geometry import Geometry

_DOWN = ("sea_floor_depth_below_geoid", "sea_floor_depth_below_mean_sea_level", "sea_floor_depth", "depth")
_UP = ("height_above_geoid", "height_above_mean_sea_level", "surface_altitude", "height", "altitude")


def read(path: str | os.PathLike, variable: str, geometry: Geometry) -> np.ndarray:
    """Depth in m (ny, nx), positive down, 0 on land.

    The direction is taken from the attributes `positive` or `standard_name`; without them a variable without negative
    values is a depth, one without positive values a height.  NaN is land in files that mark land in no other way.  On a
    grid other than the file's, depth is the mean over the water in each cell, and a cell is land where less than half
    of it is water.

    Raises UserError for what `read_variable` refuses, values that are not depths in m, missing values among wet cells,
    a grid that the file does not cover, and a grid without water.
    """
    source = read_variable(path, variable, spherical=geometry.spherical)
    if source.values.shape[:2] != (1, 1):
        raise UserError(f"{source.label} has a time or depth axis; expected a depth of (y, x)")
    depth = _positive_down(source.converted(units.DEPTH)[0, 0], source)
    if _same_points(source, geometry):
        needed = np.ones(geometry.shape, bool)
        depth = regridding.to_points(depth, source.x, source.y, geometry, "T", needed, source.label)
    else:
        depth = _regridded(depth, source, geometry)
    if not (depth > 0).any():
        raise UserError(f"{source.label} has no water on this grid; expected depths in m, positive down, 0 on land")
    return depth


def _positive_down(values: np.ndarray, source: Source) -> np.ndarray:
    direction = str(source.attributes.get("positive", "")).lower()
    if direction not in ("up", "down"):
        direction = "down" if source.standard_name in _DOWN else "up" if source.standard_name in _UP else ""
    negative, positive = (values < 0).any(), (values > 0).any()
    if not direction and negative and positive:
        raise UserError(
            f"{source.label} holds values from {np.nanmin(values):g} to {np.nanmax(values):g} m and no attribute "
            "'positive' says whether they count up or down"
        )
    if direction == "down" and negative and not positive:
        raise UserError(
            f"{source.label} is called positive down but holds no positive value (lowest {np.nanmin(values):g} m); "
            "expected depths, or the attribute positive: up"
        )
    if direction == "up" and positive and not negative:
        raise UserError(
            f"{source.label} is called positive up but holds no negative value (highest {np.nanmax(values):g} m); "
            "expected heights, or the attribute positive: down"
        )
    depth = -values if direction == "up" or (not direction and negative) else values
    missing = np.isnan(depth)
    if missing.any() and (depth <= 0).any():
        j, i = np.argwhere(missing)[0]
        raise UserError(
            f"{source.label} is missing at {missing.sum()} points, first at x = {source.x[i]:g}, y = {source.y[j]:g}; "
            "expected a depth everywhere, 0 on land"
        )
    return np.where(missing, 0.0, np.maximum(depth, 0.0))


def _same_points(source: Source, geometry: Geometry) -> bool:
    x = regridding.along_axis(source.x, geometry.x["T"], cyclic=geometry.spherical)
    y = regridding.along_axis(source.y, geometry.y["T"], cyclic=False)
    exact = all((np.isin(axis.weight, (0.0, 1.0)) & (axis.outside == 0)).all() for axis in (x, y))
    return exact and not regridding.coarser_than(source.x, source.y, geometry)


def _regridded(depth: np.ndarray, source: Source, geometry: Geometry) -> np.ndarray:
    """Mean depth of the water of each cell; land where water is the smaller part."""
    needed = np.ones(geometry.shape, bool)
    parts = np.stack([(depth > 0).astype(float), depth])
    water, depth = regridding.to_points(parts, source.x, source.y, geometry, "T", needed, source.label)
    return np.where(water >= 0.5, depth / np.maximum(water, 0.5), 0.0)
