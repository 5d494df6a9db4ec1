"""Observed annual means on the cells of a model's grid."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from ocean_gcm.data.reading import Source, read_variable
from ocean_gcm.data.regridding import to_depths, to_points
from ocean_gcm.grid.grid import Grid


@dataclasses.dataclass(frozen=True)
class Climatology:
    """Annual means; NaN where the source knows nothing or the model has land.

    Attributes:
      name: for tables and figures.
      temperature, salinity: (nz, ny, nx) potential temperature in degC and practical salinity.
    """

    name: str
    temperature: np.ndarray
    salinity: np.ndarray


def read_climatology(name: str, path: Path, grid: Grid, temperature: str, salinity: str) -> Climatology:
    """Two variables of a file, averaged over its records and interpolated to the grid's cells.

    Values are taken at the depths of the layers' centres; a partial cell takes that of its layer.
    """
    fields = [_on_grid(read_variable(path, variable, spherical=True), grid) for variable in (temperature, salinity)]
    return Climatology(name, *fields)


def read_surface(path: Path, variable: str, grid: Grid) -> np.ndarray:
    """(ny, nx) mean over the records of a surface variable, NaN on land."""
    source = read_variable(path, variable, spherical=True)
    return np.where(grid.wet, _horizontally(_annual_mean(source), source, grid)[0], np.nan)


def _annual_mean(source: Source) -> np.ndarray:
    """(levels, y, x)."""
    return source.values.mean(0)


def _horizontally(values: np.ndarray, source: Source, grid: Grid) -> np.ndarray:
    return to_points(values, source.x, source.y, grid.geometry, "T", np.zeros(grid.wet.shape, bool), "the climatology")


def _on_grid(source: Source, grid: Grid) -> np.ndarray:
    values = _horizontally(_annual_mean(source), source, grid)
    return np.where(grid.mask, to_depths(values, source.depth, grid.levels.centres), np.nan)
