"""A variable of a recipe as its sources have it: lazily in blocks, its axes, its times and what was found wrong."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import dask.array as da
import numpy as np
import xarray as xr

from ocean_gcm.clock import duration_seconds
from ocean_gcm.data import polygons, reading, time_axis, units
from ocean_gcm.data.quantities import PREPARED, Prepared
from ocean_gcm.data.recipe import Recipe, SourceRecipe, VariableRecipe
from ocean_gcm.encoding.analysis import horizontal_intervals, layers, unbroken
from ocean_gcm.encoding.boxes import Intervals
from ocean_gcm.errors import UserError

_LATITUDE = r"(nav_|geo|t|u|v|grid_)?lat(itude)?(_[a-z])?|yc|tlat|ulat"
_LONGITUDE = r"(nav_|geo|t|u|v|grid_)?lon(g|gitude)?(_[a-z])?|xc|tlong?|ulong?"
WORKERS = 2
"""Threads that read and average, one chunk at a time each."""

LEVELS_AT_A_TIME = 12
"""Arrays of the size of a level while one is averaged, in double precision."""

_CHUNKS_AT_A_TIME = 3 * WORKERS
_BYTES = 8
_EAST_AND_NORTH = {"uo": "eastward_sea_water_velocity", "vo": "northward_sea_water_velocity"}


@dataclasses.dataclass(frozen=True, eq=False)
class Gridded:
    """One variable.

    Attributes:
      name: its CF name.
      label: what messages call it.
      array: (records, levels, NY, NX) as the files have it, lazily; levels 1 without a depth axis.
      orders: places along depth, y and x in ascending order (y and x of a curvilinear grid: all).
      horizontal: intervals of longitude and of the sine of the latitude, or (NY, NX, 4, 3) corners of cells.
      levels: layers with values, or None for a field of the surface.
      depth: (levels,) m, or None.
      dates: (records,) of the files.
      units, standard_name: after what the recipe says.
      factor: what values are multiplied with before their units count: accumulations, directions.
      sea: (NY, NX) where values count, as the file has it; None: where there are values.
      notes: what was found and done, sentences for the reader.
    """

    name: str
    label: str
    array: da.Array
    orders: tuple[np.ndarray, np.ndarray, np.ndarray]
    horizontal: tuple[Intervals, Intervals] | np.ndarray
    levels: Intervals | None
    depth: np.ndarray | None
    dates: np.ndarray
    units: str | None
    standard_name: str
    factor: float
    sea: np.ndarray | None
    notes: tuple[str, ...]

    @property
    def prepared(self) -> Prepared:
        return PREPARED[self.name]

    @property
    def curvilinear(self) -> bool:
        return not isinstance(self.horizontal, tuple)

    def describe_grid(self) -> str:
        """Columns, rows, sides and levels in words."""
        ny, nx = (len(order) for order in self.orders[1:])
        levels = "" if self.depth is None else f", {len(self.depth)} levels {self.depth[0]:g} to {self.depth[-1]:g} m"
        if self.curvilinear:
            return f"{nx} x {ny} curvilinear{levels}"
        x, y = (axis.edges for axis in self.horizontal)
        south, north = np.rad2deg(np.arcsin(np.clip(y[[0, -1]], -1, 1)))
        return f"{nx} x {ny}, {x[0]:.4g} to {x[-1]:.4g} E, {south:.4g} to {north:.4g} N{levels}"

    def converted(self, level: np.ndarray) -> np.ndarray:
        """A level as the file has it, in ascending order and the right units.  Raises UserError as `units.to_model`."""
        if self.sea is not None:
            level = np.where(self.sea, level, np.nan)
        level = level[self.orders[1]][:, self.orders[2]].astype(np.float64)
        return units.to_model(level * self.factor, self.units, self.prepared.quantity, self.label)


def gridded(name: str, files: Sequence[tuple[str, xr.Dataset]], recipe: Recipe) -> Gridded:
    """The variable `name` of a recipe in the files of its source.

    Raises UserError for a variable that is missing, axes that are not understood, files on different grids, and
    depths where there should be none or the other way round.
    """
    source, settings = recipe.variables()[name]
    where, first = files[0]
    array, label = reading.require_numbers(first, settings.name, where)
    if len(files) > 1:
        label = f"variable {settings.name!r} of {where} and {len(files) - 1} more"
    found = _curvilinear(first, array, label)
    place = _Curvilinear(first, array, found, label) if found else _Rectilinear(first, settings.name, where)
    _require_depth(name, place, label)
    arrays, dates = [], []
    for file, dataset in files:
        records, times = _records(dataset, settings, file, place, recipe, same=dataset is first)
        arrays.append(records)
        dates.append(times)
    standard_name = settings.standard_name or str(array.attrs.get("standard_name", ""))
    _require_direction(name, standard_name, place, label)
    factor, notes = _factor(name, settings, standard_name, label)
    return Gridded(
        name=name,
        label=label,
        array=da.concatenate(arrays) if len(arrays) > 1 else arrays[0],
        orders=place.orders,
        horizontal=place.horizontal,
        levels=place.levels,
        depth=place.depth,
        dates=np.concatenate(dates),
        units=_unit(settings, array, label),
        standard_name=standard_name,
        factor=factor,
        sea=_sea(source, first, where, place),
        notes=(*place.notes, *notes, *_corrections(settings, array)),
    )


class _Rectilinear:
    """Axes of a variable on longitudes and latitudes."""

    def __init__(self, dataset: xr.Dataset, variable: str, where: str):
        layout = reading.layout_of(dataset, variable, where, spherical=True)
        x, x_order, x_bounds = layout.x, layout.order["x"], layout.bounds.get("x")
        notes = []
        if (joined := unbroken(x)) is not None:
            x, places = joined
            x_order, x_bounds = x_order[places], None if x_bounds is None else x_bounds[:, places]
        if len(layout.order["x"]) < dataset.sizes[layout.dimensions["x"]]:
            notes.append("the column that repeats the first after a full turn is left out")
        for axis, meaning in (("y", "latitudes"), ("depth", "depths")):
            if axis in layout.order and len(layout.order[axis]) > 1 and layout.order[axis][0] > 0:
                notes.append(f"{meaning} descend in the file: turned round")
        if layout.depth is not None and layout.written["depth"].min() < 0:
            notes.append("depths are heights below zero in the file: their sign is turned")
        self.dimensions, self.depth = layout.dimensions, layout.depth
        levels = np.arange(1) if layout.depth is None else layout.order["depth"]
        self.orders = (levels, layout.order["y"], x_order)
        self.horizontal = (
            horizontal_intervals(x, x_bounds, spherical=True, longitude=True),
            horizontal_intervals(layout.y, layout.bounds.get("y"), spherical=True, longitude=False),
        )
        self.levels = None if layout.depth is None else layers(layout.depth, layout.bounds.get("depth"))
        self.written = layout.written
        self.notes = tuple(notes)


class _Curvilinear:
    """Axes of a variable whose longitudes and latitudes are fields."""

    def __init__(self, dataset: xr.Dataset, array: xr.DataArray, found: tuple[str, str], label: str):
        longitude, latitude = (dataset[name] for name in found)
        rows = longitude.dims
        others = [dimension for dimension in array.dims if dimension not in rows]
        axes = reading.axes_of(dataset, others, label)
        if set(axes) - {"time", "depth"}:
            raise UserError(f"{label} has the dimensions {array.dims}; expected time, depth and {rows} at most")
        self.dimensions = {axis: axes[axis][0] for axis in ("time", "depth") if axis in axes}
        self.dimensions |= {"y": rows[0], "x": rows[1]}
        lon, lat = longitude.values.astype(float), latitude.transpose(*rows).values.astype(float)
        if np.nanmax(np.abs(lat)) > 90.0 + 1e-6:
            raise UserError(f"{label} has latitudes from {np.nanmin(lat):g} to {np.nanmax(lat):g}; expected -90 to 90")
        corners = _corners(dataset, longitude, latitude)
        given = "given" if corners is not None else "halfway between the centres"
        self.horizontal = polygons.corners_of(lon, lat) if corners is None else corners
        self.notes = (f"a curvilinear grid: cells are polygons, their corners {given}",)
        self.depth, self.levels, order = None, None, np.arange(1)
        self.written = {"y": lat, "x": lon}
        if "depth" in axes:
            coordinate = dataset[axes["depth"][1]]
            depth = reading.depth_of(coordinate, label)
            order = np.argsort(depth, kind="stable")
            self.depth = depth[order]
            if (np.diff(self.depth) <= 0).any():
                raise UserError(
                    f"the depths of {label} contain {self.depth[:-1][np.diff(self.depth) <= 0][0]:g} m twice"
                )
            bounds = reading.depth_bounds(reading.bounds_around(dataset, coordinate), coordinate, depth)
            self.levels = layers(self.depth, None if bounds is None else bounds[:, order])
            self.written["depth"] = coordinate.values.astype(float)
        self.orders = (order, *(np.arange(size) for size in lon.shape))


def _curvilinear(dataset: xr.Dataset, array: xr.DataArray, label: str) -> tuple[str, str] | None:
    """Names of the fields of longitude and latitude; None on a rectilinear grid."""
    found = {}
    for name, variable in dataset.variables.items():
        if variable.ndim != 2 or not set(variable.dims) <= set(array.dims) or "bnds" in str(name):
            continue
        standard, unit = (str(variable.attrs.get(key, "")).lower() for key in ("standard_name", "units"))
        for axis, pattern in (("longitude", _LONGITUDE), ("latitude", _LATITUDE)):
            named = re.fullmatch(pattern, str(name).lower()) is not None
            unit_fits = unit.startswith("degree") and ("east" in unit) == (axis == "longitude") and "_" in unit
            if standard == axis or (not standard and (named or unit_fits)):
                found.setdefault(axis, str(name))
    if len(found) == 1:
        raise UserError(f"{label} has a field of {next(iter(found))} but none of the other coordinate")
    return (found["longitude"], found["latitude"]) if found else None


def _corners(dataset: xr.Dataset, longitude: xr.DataArray, latitude: xr.DataArray) -> np.ndarray | None:
    """(NY, NX, 4, 3) corners that the file has; None if it has none."""
    found = []
    for coordinate, other in (
        (longitude, ("vertices_longitude", "lon_vertices")),
        (latitude, ("vertices_latitude", "lat_vertices")),
    ):
        names = (coordinate.attrs.get("bounds"), f"{coordinate.name}_bnds", f"bounds_{coordinate.name}", *other)
        name = next((n for n in names if n in dataset.variables), None)
        if name is None or dataset[name].shape != (*longitude.shape, 4):
            return None
        found.append(dataset[name].values.astype(float))
    return polygons.unit_vectors(*found)


def _records(
    dataset: xr.Dataset, settings: VariableRecipe, where: str, place, recipe: Recipe, *, same: bool
) -> tuple[da.Array, np.ndarray]:
    """Records of one file and their dates."""
    array, label = reading.require_numbers(dataset, settings.name, where)
    dimensions = place.dimensions
    if set(array.dims) != set(dimensions.values()):
        raise UserError(f"{label} has the dimensions {array.dims}; the first file has {tuple(dimensions.values())}")
    if not same:
        _require_grid(dataset, array, place, label)
    coordinate = None
    if "time" in dimensions:
        name = reading.axes_of(dataset, [dimensions["time"]], label)["time"][1]
        coordinate = None if name is None else dataset[name]
    else:
        scalar = [n for n, v in dataset.variables.items() if v.ndim == 0 and " since " in str(v.attrs.get("units", ""))]
        coordinate = dataset[scalar[0]] if scalar else None
    number = array.sizes[dimensions["time"]] if "time" in dimensions else 1
    dates = time_axis.decode(coordinate, number, recipe.time, label)
    ordered = array.transpose(*dimensions.values())
    data = ordered.variable.chunk(_chunks(ordered, dimensions, recipe.memory)).data
    for axis, name in enumerate(("time", "depth")):
        if name not in dimensions:
            data = da.expand_dims(data, axis)
    return data, dates


def _chunks(array: xr.DataArray, dimensions: dict[str, str], memory: float) -> dict[str, int]:
    """Whole levels, and as many of these and of records as one chunk of the file has, if that fits into `memory` MB."""
    room = memory * 1e6 / _CHUNKS_AT_A_TIME
    stored = array.encoding.get("preferred_chunks") or {}
    level = _BYTES * array.sizes[dimensions["y"]] * array.sizes[dimensions["x"]]
    chunks = {dimensions["y"]: -1, dimensions["x"]: -1}
    for axis in ("depth", "time"):
        if axis not in dimensions:
            continue
        size = array.sizes[dimensions[axis]]
        wanted = min(stored.get(dimensions[axis], size if axis == "depth" else 1), size)
        chunks[dimensions[axis]] = int(np.clip(room // level, 1, wanted))
        level *= chunks[dimensions[axis]]
    return chunks


def _require_grid(dataset: xr.Dataset, array: xr.DataArray, place, label: str) -> None:
    for axis, values in place.written.items():
        dimension = place.dimensions[axis]
        if array.sizes[dimension] != values.shape[-1 if axis == "x" else 0]:
            raise UserError(
                f"{label} has {array.sizes[dimension]} points along {dimension}; the first file has "
                f"{values.shape[-1 if axis == 'x' else 0]}"
            )
        if values.ndim == 1:
            name = reading.axes_of(dataset, [dimension], label)[axis][1]
            if not np.allclose(dataset[name].values.astype(float), values, atol=1e-4):
                raise UserError(f"{label} has other points along {dimension} than the first file; expected one grid")


def _require_depth(name: str, place, label: str) -> None:
    expected = PREPARED[name].variable.levels
    if expected and place.depth is None:
        raise UserError(f"{label} has no depth axis; expected a field of (depth, latitude, longitude) for {name}")
    if not expected and place.depth is not None and len(place.depth) > 1:
        raise UserError(f"{label} has {len(place.depth)} depths; expected a field of the surface for {name}")
    if not expected:
        place.levels = place.depth = None


def _require_direction(name: str, standard_name: str, place, label: str) -> None:
    if name in _EAST_AND_NORTH and isinstance(place, _Curvilinear) and standard_name != _EAST_AND_NORTH[name]:
        raise UserError(
            f"{label} lies on a curvilinear grid and has the standard name {standard_name!r}: along the grid or "
            f"{'east' if name == 'uo' else 'north'}ward?  Expected {_EAST_AND_NORTH[name]!r}, in the file or as "
            "standard_name in the recipe"
        )


def _factor(name: str, settings: VariableRecipe, standard_name: str, label: str) -> tuple[float, list[str]]:
    factor, notes = 1.0, []
    if settings.accumulated_over is not None:
        factor /= duration_seconds(settings.accumulated_over)
        notes.append(f"sums over {settings.accumulated_over} are divided by it")
    usual = "up" if "upward" in (PREPARED[name].variable.standard_name or "") else "down"
    if settings.positive is not None and settings.positive != usual:
        factor = -factor
        notes.append(f"positive {settings.positive} in the source, positive {usual} here")
    return factor, notes


def _sea(source: SourceRecipe, dataset: xr.Dataset, where: str, place) -> np.ndarray | None:
    if source.sea is None:
        return None
    array, label = reading.require_numbers(dataset, source.sea.variable, where)
    rows = (place.dimensions["y"], place.dimensions["x"])
    extra = [d for d in array.dims if d not in rows]
    array = array.isel({d: 0 for d in extra})
    if set(array.dims) != set(rows):
        raise UserError(f"{label} has the dimensions {array.dims}; expected {rows}")
    values = array.transpose(*rows).values
    low, high = source.sea.at_least, source.sea.at_most
    return values >= low if low is not None else values <= high


def _unit(settings: VariableRecipe, array: xr.DataArray, label: str) -> str | None:
    unit = settings.units or array.attrs.get("units")
    return unit if settings.accumulated_over is None else units.per_second(unit, label)


def _corrections(settings: VariableRecipe, array: xr.DataArray) -> list[str]:
    """What the recipe says against the file."""
    found = str(array.attrs.get("units", "none"))
    return [f"units {found!r} in the file, {settings.units!r} by the recipe"] if settings.units else []
