"""Fields of the model as a CF data set: names, units, coordinates, bounds, land as NaN.

Velocities stay at their C-grid points, with coordinates of their own (lon_u, lat_v; x_u, y_v on a plane).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import gsw
import numpy as np
import xarray as xr

from ocean_gcm.data import derived
from ocean_gcm.data.variables import MODEL_FIELDS, SERIES, TRACER, VARIABLES, Variable
from ocean_gcm.encoding.boxes import periods
from ocean_gcm.grid.grid import Grid

SALINITY_RATIO = 35.16504 / 35.0  # Absolute over practical salinity without regional anomaly (IOC et al. 2010)


def horizontal_names(spherical: bool) -> tuple[str, str]:
    """Names of the horizontal dimensions (y, x)."""
    return ("lat", "lon") if spherical else ("y", "x")


def dimensions(variable: Variable, spherical: bool) -> tuple[str, ...]:
    """Dimensions of a variable behind time."""
    if not variable.place:
        return ()
    y, x = horizontal_names(spherical)
    y += "_v" if variable.place in ("V", "F") else ""
    x += "_u" if variable.place in ("U", "F") else ""
    level = ("lev_w" if variable.place == "W" else "lev",) if variable.levels else ()
    return (*level, y, x)


def uses_teos10(config: Any) -> bool:
    """Whether the model's temperature and salinity are the Conservative and Absolute ones."""
    return config.dynamics.equation_of_state.kind == "teos10"


def mask(grid: Grid, variable: Variable) -> np.ndarray:
    """Where a variable has values: (nz, ny, nx), or (ny, nx) for a two-dimensional one."""
    by_place = {"T": grid.mask, "W": grid.mask, "U": grid.mask_u, "V": grid.mask_v, "F": grid.mask_f}
    full = by_place[variable.place]
    return full if variable.levels else full[0]


def convert(fields: Mapping[str, np.ndarray], config: Any) -> dict[str, np.ndarray]:
    """Potential temperature (degC) and practical salinity from what the model carries.

    With TEOS-10 these come from Conservative Temperature and Absolute Salinity (gsw.pt_from_CT; SP = SA 35/35.16504);
    with a linear equation of state nothing changes.
    """
    fields = dict(fields)
    if uses_teos10(config) and {"temperature", "salinity"} <= set(fields):
        absolute = np.maximum(np.asarray(fields["salinity"], float), 0.0)
        dtype = np.asarray(fields["temperature"]).dtype
        fields["temperature"] = gsw.pt_from_CT(absolute, np.asarray(fields["temperature"], float)).astype(dtype)
        fields["salinity"] = (np.asarray(fields["salinity"], float) / SALINITY_RATIO).astype(dtype)
    return fields


def record(grid: Grid, config: Any, fields: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, np.ndarray]:
    """The CF variables `names` and the series of numbers from the model's fields, land as NaN.

    `fields` has the model's names (temperature, salinity, u, v, w, sea_surface_height and tracers), each with a leading
    time axis.  What a variable needs and `fields` lacks is derived or, if that is impossible, left out.
    """
    fields = derived.with_vertical_velocity(grid, {name: np.asarray(a) for name, a in fields.items()})
    converted = convert(fields, config)
    return {**cf_variables(grid, config, fields, converted, names), **derived.series(grid, converted)}


def cf_variables(
    grid: Grid,
    config: Any,
    fields: Mapping[str, np.ndarray],
    converted: Mapping[str, np.ndarray],
    names: Iterable[str],
) -> dict[str, np.ndarray]:
    """The CF variables `names`, land as NaN, of model fields and the same after `convert`, with a leading axis."""
    by_cf_name = {cf: model for model, v in MODEL_FIELDS.items() for cf, w in VARIABLES.items() if w is v}
    out = {}
    for name in names:
        variable = VARIABLES.get(name, TRACER)
        if name in derived.DERIVED:
            array = derived.DERIVED[name](grid, config, fields, converted)
        else:
            array = converted.get(by_cf_name.get(name, name))
        if array is not None:
            out[name] = np.where(mask(grid, variable), array, np.asarray(np.nan, np.asarray(array).dtype))
    return out


def attributes(name: str, config: Any, cell_methods: str | None) -> dict[str, str]:
    """CF attributes of the variable `name`."""
    variable = VARIABLES.get(name) or SERIES.get(name) or TRACER
    attrs = {"long_name": variable.long_name, "units": variable.units}
    if variable.standard_name:
        attrs["standard_name"] = variable.standard_name
    if variable is TRACER:
        attrs["long_name"] = f"passive tracer {name}"
    if cell_methods:
        attrs["cell_methods"] = cell_methods
    return attrs


def dataset_from_fields(
    grid: Grid,
    config: Any,
    fields: Mapping[str, np.ndarray],
    times: np.ndarray,
    bounds: np.ndarray | None = None,
    names: Iterable[str] | None = None,
) -> xr.Dataset:
    """CF data set of model fields.

    Args:
      grid, config: of the model.
      fields: by the model's names, (time, nz, ny, nx) or (time, ny, nx).
      times: (time,) seconds since the start of the run.
      bounds: (time, 2) seconds, if the fields are means over intervals.
      names: CF names to include; default: all that `fields` allows.

    Returns a data set with decoded dates (cftime).
    """
    names = [*VARIABLES, *getattr(config, "tracers", {})] if names is None else list(names)
    return static_dataset(grid, config).merge(
        records(grid, config, fields, times, bounds, names), combine_attrs="override"
    )


def records(
    grid: Grid,
    config: Any,
    fields: Mapping[str, np.ndarray],
    times: np.ndarray,
    bounds: np.ndarray | None,
    names: Iterable[str],
) -> xr.Dataset:
    """What `dataset_from_fields` has along time, without the coordinates of the grid."""
    cell_methods = "time: mean" if bounds is not None else "time: point"
    spherical = grid.geometry.spherical
    variables = {}
    for name, array in record(grid, config, fields, names).items():
        variable = VARIABLES.get(name) or SERIES.get(name) or TRACER
        variables[name] = (("time", *dimensions(variable, spherical)), array, attributes(name, config, cell_methods))
    return along_time(variables, config, times, bounds)


def along_time(variables: Mapping[str, tuple], config: Any, times: np.ndarray, bounds: np.ndarray | None) -> xr.Dataset:
    """Variables (dimensions, values, attributes) with the coordinate time of records at `times`, means over `bounds` if
    these are given (s), as CF wants it."""
    variables, attrs = dict(variables), {"standard_name": "time", "axis": "T", "long_name": "time"}
    if bounds is not None:
        attrs["bounds"] = "time_bnds"
        variables["time_bnds"] = (("time", "bnds"), config.time.date(np.asarray(bounds, float)))
    dates = np.atleast_1d(config.time.date(np.asarray(times, float)))
    dataset = xr.Dataset(variables, {"time": ("time", dates, attrs)})
    for name in ("time", "time_bnds"):
        if name in dataset:
            dataset[name].encoding.update(units=config.time.cf_units, calendar=config.time.calendar, dtype="float64")
    return dataset


def fields_of(ocean: Any) -> dict[str, np.ndarray]:
    """The arrays of an `Ocean` (and of a mean with w) by name, on the host."""
    names = ("temperature", "salinity", "u", "v", "w", "sea_surface_height")
    fields = {name: np.asarray(getattr(ocean, name)) for name in names if getattr(ocean, name, None) is not None}
    return {**fields, **{name: np.asarray(array) for name, array in ocean.tracers.items()}}


def static_dataset(grid: Grid, config: Any) -> xr.Dataset:
    """Coordinates with bounds, and what does not change: areas, depth, thickness at rest."""
    geometry = grid.geometry
    y, x = horizontal_names(geometry.spherical)
    period_x, period_y = periods(geometry)
    coordinates = {}
    for axis, name, letter, table, period in ((0, y, "Y", geometry.y, period_y), (1, x, "X", geometry.x, period_x)):
        centre, edge = (table["T"][:, 0], table["V"][:, 0]) if axis == 0 else (table["T"][0], table["U"][0])
        suffix = "v" if axis == 0 else "u"
        attrs = {**axis_attributes(name, period), "axis": letter}
        coordinates[name] = (name, centre, {**attrs, "bounds": f"{name}_bnds"})
        coordinates[f"{name}_{suffix}"] = (f"{name}_{suffix}", edge, {**attrs, "c_grid_axis_shift": 0.5})
        coordinates[f"{name}_bnds"] = ((name, "bnds"), np.stack([2 * centre - edge, edge], -1))
    faces, depth = grid.levels.faces, {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"}
    coordinates["lev"] = ("lev", grid.levels.centres, {**depth, "long_name": "depth at rest", "bounds": "lev_bnds"})
    coordinates["lev_bnds"] = (("lev", "bnds"), np.stack([faces[:-1], faces[1:]], -1))
    coordinates["lev_w"] = ("lev_w", faces[:-1], {**depth, "long_name": "depth of the upper faces at rest"})
    nan = np.nan
    variables = {
        "areacello": ((y, x), geometry.area["T"], {"standard_name": "cell_area", "units": "m2"}),
        "deptho": (
            (y, x),
            np.where(grid.wet, grid.depth, nan),
            {"standard_name": "sea_floor_depth_below_geoid", "units": "m"},
        ),
        "thkcello": (
            ("lev", y, x),
            np.where(grid.mask, grid.thickness, nan),
            {"standard_name": "cell_thickness", "units": "m", "long_name": "thickness at rest"},
        ),
    }
    attrs = {
        "Conventions": "CF-1.10",
        "title": config.name,
        "comment": config.description,
        "source": "ocean_gcm",
        "experiment": config.name,
    }
    return xr.Dataset(variables, coordinates, attrs)


def axis_attributes(name: str, period: float | None = None) -> dict[str, Any]:
    """CF attributes of a horizontal coordinate (lat, lon, y, x).

    period: length in m after which a plane repeats along it, None if it does not: the attribute `period`, which CF does
    not know.  A longitude repeats anyway.
    """
    attributes = {
        "lat": {"standard_name": "latitude", "units": "degrees_north", "long_name": "latitude"},
        "lon": {"standard_name": "longitude", "units": "degrees_east", "long_name": "longitude"},
        "y": {"standard_name": "projection_y_coordinate", "units": "m", "long_name": "y"},
        "x": {"standard_name": "projection_x_coordinate", "units": "m", "long_name": "x"},
    }[name]
    return attributes if period is None or name in ("lat", "lon") else {**attributes, "period": float(period)}
