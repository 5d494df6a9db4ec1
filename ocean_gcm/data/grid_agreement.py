"""Whether a data set lies on a given grid, and in one sentence where not."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ocean_gcm.data.output import horizontal_names
from ocean_gcm.errors import UserError
from ocean_gcm.grid.geometry import Geometry
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.levels import Levels

_SPACING_TOLERANCE = 1e-5  # of a spacing: coordinates that another program rounded to float32 pass on small grids
_THICKNESS_TOLERANCE = 1e-5  # of the thickness


def require_geometry(dataset: xr.Dataset, geometry: Geometry, label: str) -> None:
    """UserError unless the horizontal coordinates of `dataset`, which `label` names, are those of `geometry`."""
    y, x = horizontal_names(geometry.spherical)
    kind = "sphere" if geometry.spherical else "plane"
    for name, size in ((x, geometry.shape[1]), (y, geometry.shape[0])):
        if name not in dataset.dims:
            raise UserError(f"{label} has no dimension {name}; expected one of {size} cells for the {kind}")
        if dataset.sizes[name] != size:
            raise UserError(f"{label} has {dataset.sizes[name]} cells along {name}; expected {size}")
    unit = "degrees" if geometry.spherical else "m"
    for name, table, axis in ((x, geometry.x, 0), (y, geometry.y, 1)):
        for coordinate, place in ((name, "T"), (f"{name}_{'uv'[axis]}", "UV"[axis])):
            if coordinate not in dataset.variables:
                raise UserError(f"{label} has no coordinate {coordinate}")
            expected = table[place][0] if axis == 0 else table[place][:, 0]
            _require_equal(label, coordinate, dataset[coordinate].values, expected, unit)


def require_levels(dataset: xr.Dataset, levels: Levels, label: str) -> None:
    """UserError unless the layers of `dataset` are `levels`."""
    if "lev_bnds" not in dataset.variables:
        raise UserError(f"{label} has no variable lev_bnds, the depths of its layers' faces")
    bounds = dataset["lev_bnds"].values
    if len(bounds) != len(levels.thickness):
        raise UserError(f"{label} has {len(bounds)} levels; expected {len(levels.thickness)}")
    _require_equal(label, "lev_bnds", np.append(bounds[:, 0], bounds[-1, 1]), levels.faces, "m")


def require_grid(dataset: xr.Dataset, grid: Grid, label: str) -> None:
    """UserError unless coordinates, layers, mask and thickness of `dataset` are those of `grid`."""
    require_geometry(dataset, grid.geometry, label)
    require_levels(dataset, grid.levels, label)
    thickness = thickness_of(dataset, label)
    require_mask(thickness > 0, grid, label)
    wrong = np.abs(thickness - grid.thickness) > _THICKNESS_TOLERANCE * np.maximum(grid.thickness, 1.0)
    if wrong.any():
        k, j, i = np.argwhere(wrong)[0]
        raise UserError(
            f"{label} has other bottom cells than the grid: thkcello is {thickness[k, j, i]:g} m at "
            f"{_where(grid, k, j, i)}; expected {grid.thickness[k, j, i]:g} m"
        )


def require_mask(mask: np.ndarray, grid: Grid, label: str) -> None:
    """UserError unless `mask` (nz, ny, nx; True where wet) is that of `grid`."""
    wrong = mask != grid.mask
    if wrong.any():
        k, j, i = np.argwhere(wrong)[0]
        found, expected = ("water", "land") if mask[k, j, i] else ("land", "water")
        raise UserError(
            f"{label} has another mask than the grid: {int(wrong.sum())} cells differ, the first has {found} at "
            f"{_where(grid, k, j, i)}; expected {expected}"
        )


def thickness_of(dataset: xr.Dataset, label: str) -> np.ndarray:
    """(nz, ny, nx) thickness at rest in m, 0 on land.  Raises UserError if the data set has none."""
    if "thkcello" not in dataset.variables:
        raise UserError(f"{label} has no variable thkcello; it was not written by this program")
    return np.nan_to_num(dataset["thkcello"].values.astype(float))


def _where(grid: Grid, k: int, j: int, i: int) -> str:
    x, y = grid.geometry.x["T"][j, i], grid.geometry.y["T"][j, i]
    return f"level {k}, {'lon' if grid.geometry.spherical else 'x'} = {x:g}, " + (
        f"lat = {y:g}" if grid.geometry.spherical else f"y = {y:g}"
    )


def _require_equal(label: str, name: str, found: np.ndarray, expected: np.ndarray, unit: str) -> None:
    found = np.asarray(found, float)
    spacing = np.min(np.diff(expected)) if len(expected) > 1 else max(abs(float(expected[0])), 1.0)
    wrong = ~(np.abs(found - expected) <= _SPACING_TOLERANCE * spacing)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise UserError(
            f"{label} lies on another grid: {name}[{at}] is {found[at]:g} {unit}; expected {expected[at]:g} {unit}"
        )
