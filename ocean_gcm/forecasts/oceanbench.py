"""Forecasts in the form in which OceanBench takes them as a challenger.

The benchmark of Mercator Ocean wants ten daily fields from each start on (depth, latitude, longitude): see "Shape of
the challenger dataset" at https://oceanbench.readthedocs.io.
"""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.store import DIMENSION, open_stored

DAYS = 10
VARIABLES = ("zos", "thetao", "so", "uo", "vo")
_DAY = np.timedelta64(1, "D")


def challenger(path: str | os.PathLike, member: int | None = None) -> xr.Dataset:
    """The forecasts of a store as OceanBench wants them, lazily.

    The field of day k (`lead_day_index`, from 0) is the mean of all leads that were saved in the k-th day after the
    start, its end included; `first_day_datetime` is the date on which the middle of the first day lies.

    Args:
      path: store of forecasts on a grid of latitudes and longitudes (`--grid`), of ten days or more.
      member: which one is wanted; default: the mean of the members.

    Raises UserError for a store that lacks something of this.
    """
    forecasts = open_stored(path, decode_timedelta=True)
    missing = [n for n in VARIABLES if n not in forecasts and f"{n}_mean" not in forecasts]
    if missing:
        raise UserError(f"{path} has no variable {missing[0]}; OceanBench needs {', '.join(VARIABLES)}")
    if not {"depth", "lat", "lon"} <= set(forecasts.dims):
        raise UserError(
            f"{path} lies on the model's own grid; expected forecasts on latitudes, longitudes and depths, made with "
            "--grid, for instance configs/grids/oceanbench_1deg.yaml"
        )
    day = np.ceil(forecasts["lead"].values / _DAY).astype(int) - 1
    absent = sorted(set(range(DAYS)) - set(day.tolist()))
    if absent:
        raise UserError(f"{path} has no lead in day {absent[0]} of 0 to {DAYS - 1}; expected --lead P10D or more")
    fields = {}
    for name in VARIABLES:
        array = _of_member(forecasts, name, member, path).transpose(DIMENSION, "lead", ...)
        daily = [array.isel(lead=np.flatnonzero(day == k)).mean("lead", skipna=False) for k in range(DAYS)]
        field = xr.concat(daily, "lead_day_index").transpose(DIMENSION, "lead_day_index", ...)
        fields[name] = field.astype("float32").assign_attrs(_kept(array.attrs))
    made = xr.Dataset(fields).reset_coords(drop=True)
    made = made.rename({DIMENSION: "first_day_datetime", "lat": "latitude", "lon": "longitude"})
    coordinates = {
        # names that OceanBench does not know must not come with standard names: it renames by them
        "first_day_datetime": ("first_day_datetime", _first_days(forecasts[DIMENSION].values), {}),
        "lead_day_index": ("lead_day_index", np.arange(DAYS), {}),
    }
    for new, old in (("latitude", "lat"), ("longitude", "lon"), ("depth", "depth")):
        attributes = {k: v for k, v in forecasts[old].attrs.items() if k != "bounds"}
        coordinates[new] = (new, forecasts[old].values, attributes)
    whose = "mean of the members" if member is None else f"member {member}"
    attributes = {"Conventions": "CF-1.10", "source": "ocean_gcm", "comment": f"forecasts, {whose}"}
    return made.assign_coords(coordinates).assign_attrs(attributes)


def export_challenger(
    path: str | os.PathLike, output: str | os.PathLike, *, member: int | None = None, overwrite: bool = False
) -> xr.Dataset:
    """Write `challenger` to a Zarr store, which appears when it is complete; returns it opened.

    Raises UserError if something is there already, or the store cannot be written.
    """
    output = Path(output)
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists already; --overwrite replaces it")
    made = challenger(path, member)
    sizes = {"first_day_datetime": 1, "lead_day_index": 1}
    draft = output.with_name(f".{output.name}-{uuid.uuid4().hex}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        chunked = made.chunk({**dict.fromkeys(made.dims, -1), **sizes}).drop_encoding()
        # OceanBench 0.6 reads with a library that does not know format 3
        chunked.to_zarr(draft, zarr_format=2, consolidated=True)
        if output.exists():
            shutil.rmtree(output)
        draft.rename(output)
    except OSError as error:
        raise UserError(f"the output {output} could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return xr.open_zarr(output)


def _of_member(forecasts: xr.Dataset, name: str, member: int | None, path) -> xr.DataArray:
    if member is None:
        if f"{name}_mean" in forecasts:
            return forecasts[f"{name}_mean"]
        finite = forecasts[name]
        return finite.mean("member", skipna=True).assign_attrs(finite.attrs)
    if name not in forecasts or not 0 <= member < forecasts.sizes["member"]:
        number = forecasts.sizes.get("member", 0)
        raise UserError(f"--member is {member}; {path} has {number} members, which count from 0")
    return forecasts[name].isel(member=member)


def _kept(attributes: dict) -> dict:
    return {name: attributes[name] for name in ("standard_name", "units") if name in attributes}


def _first_days(starts: np.ndarray) -> np.ndarray:
    """Dates of the middles of the first days."""
    if starts.dtype == object:  # cftime: the same names
        starts = np.array([np.datetime64(date.isoformat(), "s") for date in starts])
    return (starts + np.timedelta64(12, "h")).astype("datetime64[D]").astype("datetime64[s]")
