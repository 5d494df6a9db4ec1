"""Fields that observations are compared with: forecasts, runs, series of analyses, and years that repeat."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cftime
import numpy as np
import xarray as xr

from eval.observations.interpolation import Axes
from eval.observations.readers import VARIABLES
from eval.observations.samples import year_fraction
from ocean_gcm.data import units
from ocean_gcm.data.paths import expand
from ocean_gcm.data.reading import open_dataset, variable_of
from ocean_gcm.errors import UserError

Load = Callable[[str, int], np.ndarray]
STORED = {"tos": ("tos", "thetao"), "sla": ("zos",)}
"""Variables of a store from which others can be had."""
_DAY = 86400.0
_TIMES = xr.coders.CFDatetimeCoder(use_cftime=True)


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """Fields in order of time.

    Attributes:
      start: name of the start of a forecast, "" of other fields.
      times: (T,) seconds since 1970, or fractions of the year where they are `cyclic`.
      cyclic: True for a year that repeats.
      leads: (T,) days since the start, or None.
      reach: how far the first and last record stand for what is before and after, in the unit of `times`.
      load: of a variable's name and a record's number, (member, nz, ny, nx), NaN on land.
      any_year: True if observations of the same season of any year count, for forecasts of no particular year.
    """

    start: str
    times: np.ndarray
    cyclic: bool
    leads: np.ndarray | None
    reach: float
    load: Load
    any_year: bool = False


@dataclasses.dataclass(frozen=True)
class Source:
    """A model, or a climatology in its place.

    Attributes:
      label: what tables call it.
      kind: "forecasts", "series" or "year".
      axes: by variable.
      members: number of members.
      trajectories: makes an iterator over all starts (one trajectory for a series and a year).
      period: what it covers, for messages.
    """

    label: str
    kind: str
    axes: Mapping[str, Axes]
    members: int
    trajectories: Callable[[], Iterator[Trajectory]]
    period: str


def open_source(text: str, repeat_year: str | None = None, any_year: bool = False) -> Source:
    """A run directory, a store or file along time or init_time, or a climatology; `text` is PATH or LABEL=PATH.

    repeat_year: of a run or a series, "last" or the number of a year (from 1), which then is compared by season.
    any_year: compare forecasts with observations of the same season of any year.

    Raises UserError for what is no such thing, or holds none of the variables that can be compared.
    """
    label, separator, path = text.partition("=")
    if not separator:
        label, path = "", text
    where = expand(path)
    if isinstance(where, Path) and (where / "output.zarr").exists():
        where = where / "output.zarr"
    label = label or (where.parent.name if Path(str(where)).name == "output.zarr" else Path(str(where)).stem)
    dataset = open_dataset(where)
    if "init_time" in dataset.dims:
        return _forecasts(label, xr.decode_cf(dataset, decode_times=_TIMES), str(where), any_year)
    if "time" in dataset.dims and dataset.sizes["time"] > 0 and " since " in str(dataset.time.attrs.get("units", "")):
        decoded = xr.decode_cf(dataset, decode_times=_TIMES)
        return _year_of(label, decoded, repeat_year) if repeat_year else _series(label, decoded, str(where))
    return _climatology(label, dataset, Path(str(where)).name)


def instants(dates: np.ndarray) -> np.ndarray:
    """datetime64[s] of the same day and hour of any calendar; of 360-day years the same part of the year."""
    found = []
    for date in np.ravel(dates):
        if not isinstance(date, cftime.datetime):
            found.append(np.datetime64(date, "s"))
        elif date.calendar == "360_day":
            part = (date.dayofyr - 1 + (date.hour + date.minute / 60.0) / 24.0) / 360.0
            start = np.datetime64(f"{date.year:04d}-01-01", "s")
            found.append(start + np.timedelta64(round(part * 365.0 * _DAY), "s"))
        else:
            found.append(np.datetime64(date.strftime("%Y-%m-%dT%H:%M:%S").replace(" ", "0"), "s"))
    return np.array(found, "datetime64[s]")


def seconds(times: np.ndarray) -> np.ndarray:
    """Since 1970 of datetime64."""
    return times.astype("datetime64[s]").astype(np.int64).astype(float)


def _space(dataset: xr.Dataset, name: str, label: str) -> tuple[str | None, str, str]:
    """Names of the dimensions (depth or None, y, x) of a variable."""
    dims = [str(d) for d in dataset[name].dims if d not in ("time", "init_time", "member", "lead")]
    if len(dims) not in (2, 3):
        raise UserError(
            f"{name} of {label} has the dimensions {dataset[name].dims}; expected [depth,] latitude, longitude"
        )
    y, x = dims[-2:]
    for dimension, standard_name, start in ((y, "latitude", "lat"), (x, "longitude", "lon")):
        known = dimension in dataset.coords and (
            dataset[dimension].attrs.get("standard_name") == standard_name or dimension.lower().startswith(start)
        )
        if not known:
            raise UserError(
                f"{name} of {label} has the dimension {dimension!r}, which is no {standard_name}; observations are "
                "compared on grids of longitude and latitude"
            )
    return (dims[0] if len(dims) == 3 else None), y, x


def _axes(dataset: xr.Dataset, label: str) -> dict[str, Axes]:
    """Of all variables that can be compared.  Raises UserError if there is none."""
    found = {}
    for name in VARIABLES:
        stored = next((n for n in STORED.get(name, (name,)) if n in dataset.data_vars), None)
        if stored is None:
            continue
        z, y, x = _space(dataset, stored, label)
        depth, bottom = None, np.inf
        if z is not None and not VARIABLES[name].surface:
            depth = dataset[z].values.astype(float)
            bounds = dataset.variables.get(str(dataset[z].attrs.get("bounds", f"{z}_bnds")))
            last = depth[-1] + 0.5 * (depth[-1] - depth[-2]) if len(depth) > 1 else depth[-1]
            bottom = float(last if bounds is None else np.max(bounds.values))
        found[name] = Axes(dataset[x].values.astype(float), dataset[y].values.astype(float), depth, bottom)
    if not found:
        raise UserError(
            f"{label} has none of the variables {', '.join(VARIABLES)}; it holds {', '.join(dataset.data_vars)}"
        )
    return found


def _read(dataset: xr.Dataset, name: str, index: dict[str, int]) -> np.ndarray:
    """(member, nz, ny, nx) of one record."""
    stored = next(n for n in STORED.get(name, (name,)) if n in dataset.data_vars)
    array = dataset[stored].isel(index)
    if name == "tos" and stored == "thetao":
        array = array.isel({str(array.dims[-3]): slice(0, 1)})
    values = array.values
    if "member" not in array.dims:
        values = values[None]
    return values if values.ndim == 4 else values[:, None]


def _without_mean(load: Load, records: int) -> Load:
    """Sea level anomalies are heights minus the mean of all records, the ensemble's mean of it."""
    kept: dict[str, np.ndarray] = {}

    def loaded(name: str, record: int) -> np.ndarray:
        values = load(name, record)
        if name != "sla":
            return values
        if "mean" not in kept:
            kept["mean"] = sum(load(name, r).mean(0, keepdims=True) / records for r in range(records))
        return values - kept["mean"]

    return loaded


def _forecasts(label: str, dataset: xr.Dataset, where: str, any_year: bool) -> Source:
    for name in ("lead", "init_time"):
        if name not in dataset.dims or dataset.sizes[name] == 0:
            raise UserError(f"{where} has no records along {name}; expected a store of `ocean-gcm forecast`")
    leads = _days(dataset["lead"], where)
    starts = instants(dataset["init_time"].values)
    reach = 0.5 * _DAY * (np.diff(leads).min() if len(leads) > 1 else 1.0)

    def trajectories() -> Iterator[Trajectory]:
        for number, start in enumerate(starts):

            def load(name: str, record: int, number: int = number) -> np.ndarray:
                return _read(dataset, name, {"init_time": number, "lead": record})

            times = seconds(start) + leads * _DAY
            loaded = _without_mean(load, len(leads))
            yield Trajectory(str(start)[:10], times, False, leads, reach, loaded, any_year)

    last = starts.max() + np.timedelta64(round(leads[-1] * _DAY), "s")
    period = f"{str(starts.min())[:10]} to {str(last)[:10]}"
    return Source(label, "forecasts", _axes(dataset, label), dataset.sizes.get("member", 1), trajectories, period)


def _days(lead: xr.DataArray, where: str) -> np.ndarray:
    """(T,) days, ascending."""
    values = lead.values
    if np.issubdtype(values.dtype, np.timedelta64):
        days = values / np.timedelta64(1, "s") / _DAY
    else:
        unit = str(lead.attrs.get("units", "days")).lower()
        factors = {"d": 1.0, "h": 1 / 24.0, "s": 1 / _DAY}
        if not np.issubdtype(values.dtype, np.number) or unit[:1] not in factors:
            raise UserError(f"the coordinate lead of {where} has the units {unit!r}; expected days, hours or seconds")
        days = values.astype(float) * factors[unit[0]]
    if (np.diff(days) <= 0).any():
        raise UserError(f"the leads of {where} are not ascending: {days.tolist()[:8]}")
    return days


def _series(label: str, dataset: xr.Dataset, where: str) -> Source:
    moments = instants(dataset.time.values)
    times = seconds(moments)
    if (np.diff(times) <= 0).any():
        raise UserError(f"the times of {where} are not ascending")
    reach = 0.5 * float(np.diff(times).min()) if len(times) > 1 else _half_record(dataset)

    def load(name: str, record: int) -> np.ndarray:
        return _read(dataset, name, {"time": record})

    trajectory = Trajectory("", times, False, None, reach, _without_mean(load, len(times)))
    period = f"{str(moments[0])[:10]} to {str(moments[-1])[:10]}"
    members = dataset.sizes.get("member", 1)
    return Source(label, "series", _axes(dataset, label), members, lambda: iter([trajectory]), period)


def _half_record(dataset: xr.Dataset) -> float:
    """s; half of what a single record is the mean of, or half a day."""
    if "time_bnds" not in dataset:
        return 0.5 * _DAY
    begin, end = instants(dataset["time_bnds"].values[0])
    return 0.5 * float((end - begin) / np.timedelta64(1, "s"))


def _year_of(label: str, dataset: xr.Dataset, repeat_year: str) -> Source:
    """One year of a run or series, in order of the season."""
    times = seconds(instants(dataset.time.values))
    year = 365.25 * _DAY
    half = _half_record(dataset) if "time_bnds" in dataset else 0.0
    if repeat_year == "last":
        chosen = np.flatnonzero(times > times[-1] + half - year + 1.0)
        which = "last year"
    else:
        if not repeat_year.isdigit() or int(repeat_year) < 1:
            raise UserError(f"--repeat-year is {repeat_year!r}; expected 'last' or the number of a year, from 1")
        begin = times[0] - half + (int(repeat_year) - 1) * 365.0 * _DAY
        chosen = np.flatnonzero((times >= begin - 1.0) & (times < begin + 365.0 * _DAY - 1.0))
        which = f"year {repeat_year}"
    if len(chosen) == 0:
        covered = (times[-1] - times[0]) / year
        raise UserError(f"{label} has no records of {which}; it covers {covered:.1f} years")
    fractions = np.array([_fraction(date) for date in dataset.time.values[chosen]])
    order = np.argsort(fractions)

    def load(name: str, record: int) -> np.ndarray:
        return _read(dataset, name, {"time": int(chosen[order[record]])})

    return _repeating(label, fractions[order], _without_mean(load, len(order)), _axes(dataset, label), which)


def _fraction(date) -> float:
    if isinstance(date, cftime.datetime):
        days = {"360_day": 360.0, "noleap": 365.0, "365_day": 365.0}.get(date.calendar, 365.25)
        return min((date.dayofyr - 1 + (date.hour + date.minute / 60.0) / 24.0) / days, 1.0 - 1e-9)
    return float(year_fraction(np.array([date]))[0])


def _repeating(label: str, fractions: np.ndarray, load: Load, axes: Mapping[str, Axes], which: str) -> Source:
    trajectory = Trajectory("", fractions, True, None, 0.0, load)
    return Source(label, "year", axes, 1, lambda: iter([trajectory]), f"{which}, repeating")


def _climatology(label: str, dataset: xr.Dataset, where: str) -> Source:
    """Monthly or annual means of a file; of several variables of one kind the one with the most records is taken."""
    found: dict[str, np.ndarray] = {}
    axes: dict[str, Axes] = {}
    times: tuple[float, ...] = (0.5,)
    for key in ("thetao", "so"):
        variable = VARIABLES[key]
        wanted = (variable.standard_names[0],) if key == "thetao" else variable.standard_names[:2]
        names = [n for n, v in dataset.data_vars.items() if v.attrs.get("standard_name") in wanted and v.ndim >= 3]
        names = names or [name for name in (key,) if name in dataset.data_vars]
        if not names:
            continue
        source = variable_of(dataset, str(max(names, key=lambda n: dataset[n].ndim)), where, spherical=True)
        if source.depth is None:
            raise UserError(f"{source.label} has no depth axis; expected a climatology of (depth, latitude, longitude)")
        kind = units.TEMPERATURE if key == "thetao" else units.SALINITY
        found[key] = source.converted(kind)
        if len(found[key]) > 1 or len(found) == 1:
            times = source.times or (0.5,)
        side = source.bounds.get("depth")
        bottom = source.depth[-1] + (side[1, -1] if side is not None else 0.0)
        axes[key] = Axes(source.x, source.y, source.depth, float(bottom))
    if not found:
        raise UserError(
            f"{where} holds neither forecasts (init_time), nor a series (time), nor a climatology of "
            "sea_water_potential_temperature or sea_water_practical_salinity"
        )
    if "thetao" in found:
        found["tos"], axes["tos"] = (
            found["thetao"][:, :1],
            dataclasses.replace(axes["thetao"], depth=None, bottom=np.inf),
        )

    def load(name: str, record: int) -> np.ndarray:
        return found[name][min(record, len(found[name]) - 1)][None]

    return _repeating(label, np.array(times), load, axes, "climatology")
