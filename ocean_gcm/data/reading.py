"""Validated reading of one variable from NetCDF or Zarr: axes found by their meaning, put into one order."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.data import units
from ocean_gcm.data.paths import expand
from ocean_gcm.data.times import year_fractions
from ocean_gcm.errors import UserError

_STANDARD_NAMES = {
    "x": ("longitude", "projection_x_coordinate"),
    "y": ("latitude", "projection_y_coordinate"),
    "depth": ("depth", "height", "altitude"),
    "time": ("time",),
}
_NAMES = {
    "x": r"lon\w*|x[a-z]?|nav_lon",
    "y": r"lat\w*|y[a-z]?|nav_lat",
    "depth": r"depth\w*|o?lev|level|z[a-z]?|deptht|lev_t",
    "time": r"time\w*|[a-z]*months?",
}
_LETTERS = {"depth": "Z", "time": "T"}  # x and y may be numbers of cells
_UNITS = {"x": r"degrees?_?e(ast)?", "y": r"degrees?_?n(orth)?", "time": r"\w+ since .*"}


@dataclasses.dataclass(frozen=True)
class Source:
    """A variable as found, in the order (time, depth, y, x), every axis ascending, depth positive down.

    Attributes:
      values: (records, levels, ny, nx) float64 in the file's units; NaN where missing.  An axis that the file lacks has
        length 1.
      x, y: (nx,), (ny,) longitude and latitude in degrees or metres on a plane.
      depth: (levels,) in m, or None.
      times: fractions of the year of the records, or None.
      attributes: the variable's.
      label: "variable 'name' of file" for messages.
      bounds: lower and upper sides of the cells around "x", "y", "depth", (2, n), less the coordinate, where the file
        has them in the unit of the coordinate.
      written: "x", "y", "depth" as the file has them, in its order.
    """

    values: np.ndarray
    x: np.ndarray
    y: np.ndarray
    depth: np.ndarray | None
    times: tuple[float, ...] | None
    attributes: dict
    label: str
    bounds: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    written: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def standard_name(self) -> str:
        return str(self.attributes.get("standard_name", ""))

    def converted(self, quantity: units.Quantity) -> np.ndarray:
        """`values` in the model's unit; raises UserError as `units.to_model` does."""
        return units.to_model(self.values, self.attributes.get("units"), quantity, self.label)


def open_dataset(path: str | os.PathLike) -> xr.Dataset:
    """Opens a NetCDF file or a Zarr store (lazily, times not decoded).

    Raises UserError if there is none or it cannot be read.
    """
    where = expand(path)
    if isinstance(where, Path) and not where.exists():
        raise UserError(f"the file {where} does not exist")
    is_zarr = str(where).rstrip("/").endswith(".zarr") or (isinstance(where, Path) and where.is_dir())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return xr.open_dataset(where, decode_times=False, **({"engine": "zarr", "chunks": None} if is_zarr else {}))
    except Exception as error:  # every backend raises its own
        kind = "a Zarr store" if is_zarr else "a NetCDF file"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{where} cannot be read as {kind}: {reason[:200]}") from error


def read_variable(path: str | os.PathLike, variable: str, *, spherical: bool) -> Source:
    """Reads `variable` of a file, see `variable_of`.  Raises UserError also for a missing or broken file."""
    with open_dataset(path) as dataset:
        return variable_of(dataset, variable, Path(str(path)).name, spherical=spherical)


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """How a variable lies in its data set, found without reading it.

    Attributes:
      label: "variable 'name' of file" for messages.
      dimensions: its dimension along "time", "depth", "y", "x", those that there are, in this order.
      order: along "depth", "y", "x" the places to take, so that coordinates ascend and nothing is there twice.
      x, y, depth: coordinates in this order, as in `Source`.
      time: coordinate of the records as the file has it, or None.
      bounds, written: as in `Source`.
    """

    label: str
    dimensions: dict[str, str]
    order: dict[str, np.ndarray]
    x: np.ndarray
    y: np.ndarray
    depth: np.ndarray | None
    time: xr.DataArray | None
    bounds: dict[str, np.ndarray]
    written: dict[str, np.ndarray]


def variable_of(dataset: xr.Dataset, variable: str, where: str, *, spherical: bool) -> Source:
    """Reads `variable` of `dataset`, called `where` in messages; dimensions in any order are told by their coordinates.

    Raises UserError as `layout_of` does, and for times that are no climatology.
    """
    layout = layout_of(dataset, variable, where, spherical=spherical)
    array, dimensions = dataset[variable], layout.dimensions
    try:
        values = array.values.astype(float)
    except Exception as error:
        raise UserError(f"{layout.label} cannot be read: {error}") from error
    values = np.transpose(values, [array.dims.index(dimension) for dimension in dimensions.values()])
    values = values.reshape([array.sizes[dimensions[a]] if a in dimensions else 1 for a in ("time", "depth", "y", "x")])
    for axis, order in layout.order.items():
        values = np.take(values, order, {"depth": 1, "y": 2, "x": 3}[axis])
    times = year_fractions(layout.time, values.shape[0], layout.label) if "time" in dimensions else None
    return Source(
        values, layout.x, layout.y, layout.depth, times, dict(array.attrs), layout.label, layout.bounds, layout.written
    )


def layout_of(dataset: xr.Dataset, variable: str, where: str, *, spherical: bool) -> Layout:
    """Finds the axes of `variable` of `dataset`, called `where` in messages, by their meaning; reads coordinates only.

    Raises UserError for a missing variable, dimensions without a recognisable coordinate, coordinates that are not
    monotone or impossible, and data that are not numbers.
    """
    array, label = require_numbers(dataset, variable, where)
    axes = axes_of(dataset, array.dims, label)
    for axis, meaning in (("y", "latitude" if spherical else "y"), ("x", "longitude" if spherical else "x")):
        if axis not in axes:
            raise UserError(f"{label} has the dimensions {array.dims}, none of which is {meaning}")
    coordinates = {axis: None if name is None else dataset[name] for axis, (_, name) in axes.items()}
    bounds = {axis: bounds_around(dataset, coordinates[axis]) for axis in ("x", "y", "depth") if axis in axes}
    return _ordered(coordinates, axes, bounds, label, spherical)


def require_numbers(dataset: xr.Dataset, variable: str, where: str) -> tuple[xr.DataArray, str]:
    """The variable and what messages call it.  Raises UserError if it is missing or does not hold numbers."""
    if variable not in dataset.variables:
        raise UserError(_missing_variable(dataset, variable, where))
    array, label = dataset[variable], f"variable {variable!r} of {where}"
    if not np.issubdtype(array.dtype, np.number):
        raise UserError(f"{label} holds {array.dtype} values; expected numbers")
    return array, label


def axes_of(dataset: xr.Dataset, dimensions, label: str) -> dict[str, tuple[str, str | None]]:
    """The dimension along each of "x", "y", "depth", "time", and the name of its coordinate.

    Raises UserError for a dimension without a recognisable coordinate, and for two along one axis.
    """
    axes: dict[str, tuple[str, str | None]] = {}
    for dimension in dimensions:
        axis, name = _axis_of(dataset, dimension, label)
        if axis in axes:
            raise UserError(f"{label} has two dimensions along {axis}: {axes[axis][0]!r} and {dimension!r}")
        axes[axis] = (dimension, name)
    return axes


def bounds_around(dataset: xr.Dataset, coordinate: xr.DataArray) -> np.ndarray | None:
    """(2, n) lower and upper bounds of the cells around a coordinate, less the coordinate; None if there are none."""
    name = coordinate.attrs.get("bounds", f"{coordinate.name}_bnds")
    if name not in dataset.variables or dataset[name].shape != (coordinate.size, 2):
        return None
    values = dataset[name].values.astype(float)
    return np.sort(values, -1).T - coordinate.values.astype(float)


def _missing_variable(dataset: xr.Dataset, variable: str, where: str) -> str:
    names = sorted(map(str, dataset.data_vars))
    nearest = difflib.get_close_matches(variable, names, 1, 0.4)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else f"; it has {', '.join(names[:12]) or 'no variables'}"
    return f"{where} has no variable {variable!r}{hint}"


def _axis_of(dataset: xr.Dataset, dimension, label: str) -> tuple[str, str | None]:
    """The axis (x, y, depth, time) that a dimension is, and the name of its coordinate variable."""
    found = [name for name, v in dataset.variables.items() if v.dims == (dimension,)]
    found.sort(key=lambda name: name != dimension)  # its own coordinate first
    tests = (
        lambda name, axis: dataset[name].attrs.get("standard_name") in _STANDARD_NAMES[axis],
        lambda name, axis: (
            axis in _UNITS and re.fullmatch(_UNITS[axis], str(dataset[name].attrs.get("units", "")).lower()) is not None
        ),
        lambda name, axis: re.fullmatch(_NAMES[axis], str(name).lower()) is not None,
        lambda name, axis: axis in _LETTERS and _letter(dataset[name].attrs) == _LETTERS[axis],
    )
    for test in tests:
        for name in found:
            for axis in _NAMES:
                if test(name, axis):
                    return axis, name
    if re.fullmatch(_NAMES["time"], str(dimension).lower()):
        return "time", None
    raise UserError(
        f"{label} has the dimension {str(dimension)!r} without a one-dimensional coordinate that says whether it is "
        "longitude, latitude, depth or time (standard_name, units or name)"
    )


def _letter(attributes) -> str:
    return str(attributes.get("axis", attributes.get("cartesian_axis", ""))).upper()


def _ordered(coordinates, axes, bounds, label, spherical) -> Layout:
    """The layout with all axes ascending and checked."""
    x = _numbers(coordinates["x"], label)
    y = _numbers(coordinates["y"], label)
    if spherical:
        _refuse_unless(np.abs(y).max() <= 90.0 + 1e-6, f"{label} has latitudes from {y.min():g} to {y.max():g}")
        _refuse_unless(np.abs(x).max() <= 720.0, f"{label} has longitudes from {x.min():g} to {x.max():g}")
        x = np.unwrap(x, period=360.0)  # 350, 0, 10 and 170, 180, -170 are ascending
    else:
        x, y = (_metres(c, coordinates[a], label) for c, a in ((x, "x"), (y, "y")))
    values, order, found = {"x": x, "y": y}, {}, {}
    if "depth" in axes:
        values["depth"] = depth_of(coordinates["depth"], label)
        bounds = bounds | {"depth": depth_bounds(bounds["depth"], coordinates["depth"], values["depth"])}
    for axis, coordinate in values.items():
        order[axis] = _ascending(coordinate, axes[axis][1], label)
        same = spherical or axis == "depth" or np.allclose(coordinate, coordinates[axis].values)
        if bounds.get(axis) is not None and same:
            found[axis] = bounds[axis][:, order[axis]]
        values[axis] = coordinate[order[axis]]
    if spherical:
        values["x"], turned = _once_around(values["x"])
        order["x"] = order["x"][turned]
        if "x" in found:
            found["x"] = found["x"][:, turned]
    written = {axis: coordinates[axis].values.astype(float) for axis in ("x", "y", "depth") if axis in axes}
    return Layout(
        label=label,
        dimensions={axis: axes[axis][0] for axis in ("time", "depth", "y", "x") if axis in axes},
        order=order,
        x=values["x"],
        y=values["y"],
        depth=values.get("depth"),
        time=coordinates.get("time"),
        bounds=found,
        written=written,
    )


def _once_around(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes within [0, 360), ascending, and their places; a column repeated after a full turn is dropped."""
    order = np.arange(x.size)
    if x.size > 1 and x[-1] - x[0] >= 360.0 - 1e-6:
        x, order = x[:-1], order[:-1]
    x = np.mod(x + 1e-9, 360.0) - 1e-9
    turn = int(np.argmin(x))
    return np.roll(x, -turn), np.roll(order, -turn)


def _refuse_unless(condition, sentence: str) -> None:
    if not condition:
        raise UserError(f"{sentence}: expected degrees north in -90 to 90 and degrees east; are the axes swapped?")


def _numbers(coordinate: xr.DataArray, label: str) -> np.ndarray:
    try:
        values = coordinate.values.astype(float)
    except (TypeError, ValueError):
        raise UserError(f"the coordinate {coordinate.name!r} of {label} does not hold numbers") from None
    if not np.isfinite(values).all():
        raise UserError(f"the coordinate {coordinate.name!r} of {label} contains missing values")
    return values


def _metres(values: np.ndarray, coordinate: xr.DataArray, label: str) -> np.ndarray:
    return units.to_model(
        values, coordinate.attrs.get("units"), units.LENGTH, f"coordinate {coordinate.name!r} of {label}"
    )


def depth_of(coordinate: xr.DataArray, label: str) -> np.ndarray:
    """Depths in m, positive down, in the order of the file.  Raises UserError for heights above the surface."""
    name = f"coordinate {coordinate.name!r} of {label}"
    depth = units.to_model(_numbers(coordinate, label), coordinate.attrs.get("units"), units.DEPTH, name)
    direction = str(coordinate.attrs.get("positive", "")).lower()
    upward = direction == "up" or coordinate.attrs.get("standard_name") in ("height", "altitude")
    if upward or (not direction and (depth <= 0).all() and (depth < 0).any()):
        depth = -depth
    if (depth < 0).any():
        raise UserError(f"{name} runs from {depth.min():g} to {depth.max():g} m; expected depths, positive down")
    return depth


def depth_bounds(bounds: np.ndarray | None, coordinate: xr.DataArray, depth: np.ndarray) -> np.ndarray | None:
    """Bounds less a coordinate (`bounds_around`) as those less the depth in m, positive down, that it stands for."""
    if bounds is None:
        return None
    written = coordinate.values.astype(float)
    deepest = int(np.argmax(depth))
    factor = depth[deepest] / written[deepest] if depth[deepest] else 1.0
    return np.sort(bounds * factor, 0)


def _ascending(coordinate: np.ndarray, name, label: str) -> np.ndarray:
    """The places to take so that a coordinate ascends; refuses one that turns back."""
    steps = np.diff(coordinate)
    if (steps < 0).all() and steps.size:
        return np.arange(coordinate.size)[::-1]
    if (steps > 0).all():
        return np.arange(coordinate.size)
    at = int(np.flatnonzero(steps * np.sign(steps.sum() or 1.0) <= 0)[0])
    raise UserError(
        f"the coordinate {name!r} of {label} is not monotone: {coordinate[at]:g} is followed by {coordinate[at + 1]:g}"
    )
