"""Forecast stores and truths: opened lazily, matched in time and space, read in pieces."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from eval.forecast.dates import Dates, dates_of
from eval.forecast.geometry import Place, place_of, require_same_place
from eval.forecast.layers import records_of_trajectories
from ocean_gcm.data.paths import expand
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.data.series import CONFIGURATION
from ocean_gcm.errors import UserError

VARIABLES = ("zos", "thetao", "so", "uo", "vo", "tos", "sos", "mlotst", "pv", "psi")
"""What is scored by default, where both sides have it."""
_SECONDS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
_IN_MEMORY = 5e8  # bytes of a truth that are kept in memory


def _open(path: str | Path) -> xr.Dataset:
    """Dates as cftime, lengths of time as they are stored; of a run with its configuration."""
    where, attributes = expand(path), {}
    if isinstance(where, Path) and (where / "config.yaml").exists() and (where / "output.zarr").exists():
        attributes = {CONFIGURATION: (where / "config.yaml").read_text(encoding="utf-8")}
        where = where / "output.zarr"
    raw = open_dataset(where).assign_attrs(attributes)
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    return xr.decode_cf(raw, decode_times=coder, decode_timedelta=False)


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastStore:
    """Forecasts of one model.

    Attributes:
      name: of the model in tables.
      label: what messages call the store.
      dataset: lazily read.
      starts: init_time.
      leads: (lead,) whole seconds.
      members: number of members.
    """

    name: str
    label: str
    dataset: xr.Dataset
    starts: Dates
    leads: np.ndarray
    members: int

    def read(self, variable: str, start: int, leads: np.ndarray) -> np.ndarray:
        """(member, lead, nz, ny, nx) float32 of one start; nz is 1 for a two-dimensional variable."""
        array = self.dataset[variable].isel(init_time=start, lead=leads)
        array = array if "member" in array.dims else array.expand_dims("member")
        space = [name for name in array.dims if name not in ("member", "lead")]
        try:
            values = array.transpose("member", "lead", *space).values
        except Exception as error:  # damaged chunks: each codec raises its own
            raise UserError(f"variable {variable} of {self.label} cannot be read: {error}") from error
        values = np.asarray(values, np.float32)
        return values if len(space) == 3 else values[:, :, None]


def open_forecasts(path: str, name: str) -> ForecastStore:
    """Open a store of `ocean-gcm forecast`.  Raises UserError for anything else."""
    dataset, label = _open(path), Path(str(path)).name
    for dimension in ("init_time", "lead"):
        if dimension not in dataset.dims or dataset.sizes[dimension] == 0:
            raise UserError(f"{label} has no dimension {dimension}; expected a forecast store with init_time and lead")
    return ForecastStore(
        name,
        label,
        dataset,
        dates_of(dataset, "init_time", label),
        _leads(dataset, label),
        dataset.sizes.get("member", 1),
    )


def _leads(dataset: xr.Dataset, label: str) -> np.ndarray:
    unit = str(dataset["lead"].attrs.get("units", "days")).lower().rstrip("s")
    if unit not in _SECONDS:
        raise UserError(f"lead of {label} is in {unit!r}; expected days, hours, minutes or seconds")
    seconds = np.asarray(dataset["lead"].values, float) * _SECONDS[unit]
    if not np.isfinite(seconds).all() or (np.diff(seconds) <= 0).any():
        raise UserError(f"the leads of {label} do not ascend")
    return np.round(seconds).astype(np.int64)


@dataclasses.dataclass(eq=False)
class Truth:
    """What happened.

    Attributes:
      label: what messages call it.
      dataset: lazily read.
      times: of the records.
    """

    label: str
    dataset: xr.Dataset
    times: Dates

    def __post_init__(self):
        self._kept: dict[str, np.ndarray] = {}

    @property
    def variables(self) -> list[str]:
        return [name for name in self.dataset.data_vars if "time" in self.dataset[name].dims]

    def place(self, variable: str) -> Place:
        """Where its values are."""
        return place_of(self.dataset, variable, self.dataset[variable].dims[1:], self.label)

    def records(self, seconds: np.ndarray) -> np.ndarray:
        """Index of the record at each time, -1 where there is none."""
        times = self.times.seconds
        near = np.clip(np.searchsorted(times, np.asarray(seconds) - 1), 0, len(times) - 1)
        return np.where(np.abs(times[near] - seconds) <= 1, near, -1)

    def read(self, variable: str, records: np.ndarray, level: int | None = None) -> np.ndarray:
        """(record, nz, ny, nx) float32, or (record, ny, nx) of one level; nz is 1 for a two-dimensional variable."""
        array = self.dataset[variable]
        if variable in self._kept:
            kept = self._kept[variable]
            return kept[records] if level is None else kept[records, level]
        try:
            if array.size * 4 <= _IN_MEMORY:
                self._keep(variable, self._values(array))
                return self.read(variable, records, level)
            if level is not None and array.ndim == 4:
                return np.asarray(array[:, level].isel(time=records).values, np.float32)
            values = self._values(array.isel(time=records))
            return values if level is None else values[:, level]
        except Exception as error:  # as above
            raise UserError(f"variable {variable} of {self.label} cannot be read: {error}") from error

    def _keep(self, variable: str, values: np.ndarray) -> None:
        """In memory, in place of the oldest ones that leave no room."""
        while self._kept and sum(kept.nbytes for kept in self._kept.values()) + values.nbytes > _IN_MEMORY:
            self._kept.pop(next(iter(self._kept)))
        self._kept[variable] = values

    @staticmethod
    def _values(array: xr.DataArray) -> np.ndarray:
        values = np.asarray(array.values, np.float32)
        return values if values.ndim == 4 else values[:, None]

    def between(self, begin: str, end: str) -> np.ndarray:
        """Records of a period, see `Dates.between`.  Raises UserError if there are none."""
        found = self.times.between(begin, end)
        if not len(found):
            raise UserError(f"the truth {self.label} has no record from {begin} to {end}; it holds {self.times.span()}")
        return found


def open_truth(path: str, of_forecasts: xr.Dataset | None = None) -> Truth:
    """Open a Zarr store, a NetCDF file or a run directory.  Raises UserError for one without records.

    of_forecasts: a store of forecasts, which says what the layers of a truth with trajectories are.
    """
    dataset, label = _open(path), Path(str(path)).name
    if "trajectory" in dataset.dims and of_forecasts is not None:
        return Truth(label, *records_of_trajectories(dataset, of_forecasts, label))
    if dataset.sizes.get("time", 0) == 0:
        raise UserError(f"the truth {label} has no records along time")
    times = dates_of(dataset, "time", label)
    if (np.diff(times.seconds) <= 0).any():
        raise UserError(f"the times of the truth {label} do not ascend")
    arrays = {
        name: dataset[name].transpose("time", *(d for d in dataset[name].dims if d != "time"))
        for name in dataset.data_vars
        if "time" in dataset[name].dims
    }
    return Truth(label, dataset.assign(arrays), times)


def common_variables(
    stores: Sequence[ForecastStore], truth: Truth, chosen: Sequence[str], more: Sequence[str] = ()
) -> dict[str, Place]:
    """Places of the variables to score.

    chosen: names, or empty for those of `VARIABLES` that all have; more: names that are scored as well.

    Raises UserError if a store or the truth lacks one of `chosen`, if nothing is left, or if the grids or units differ.
    """
    holders = [(truth.label, truth.dataset), *((store.label, store.dataset) for store in stores)]
    for name in chosen:
        for label, dataset in holders:
            if name not in dataset:
                raise UserError(f"{label} has no variable {name}; it holds {_held(dataset)}")
    names = list(chosen) or [n for n in VARIABLES if all(n in dataset for _, dataset in holders)]
    names = list(dict.fromkeys([*names, *more]))
    if not names:
        held = "; ".join(f"{label} holds {_held(dataset)}" for label, dataset in holders)
        raise UserError(f"there is no variable that forecasts and truth have in common: {held}")
    places = {}
    for name in names:
        places[name] = truth.place(name)
        for store in stores:
            array = store.dataset[name]
            dims = tuple(d for d in array.dims if d not in ("init_time", "member", "lead"))
            require_same_place(
                place_of(store.dataset, name, dims, store.label), places[name], name, store.label, truth.label
            )
            units = [str(d[name].attrs.get("units", "")) for d in (store.dataset, truth.dataset)]
            if all(units) and units[0] != units[1]:
                raise UserError(
                    f"variable {name} is in {units[0]!r} in {store.label}, in {units[1]!r} in {truth.label}"
                )
    return places


def variables_to_score(
    stores: Sequence[ForecastStore], truth: Truth, records: np.ndarray, chosen: Sequence[str], more: Sequence[str] = ()
) -> dict[str, Place]:
    """`common_variables`; where none are chosen, those that vary in the records of the truth."""
    places = common_variables(stores, truth, chosen, more)
    return places if chosen else {name: place for name, place in places.items() if varies(truth, name, records)}


def varies(truth: Truth, variable: str, records: np.ndarray) -> bool:
    """Whether it is anything but one number in time and space, as the salinity of many idealised oceans is."""
    values = truth.read(variable, records[[0, -1]])
    return bool(np.nanmax(values) - np.nanmin(values) > 1e-6 * np.nanmax(np.abs(values))) if values.size else False


def _held(dataset: xr.Dataset) -> str:
    return ", ".join(sorted(str(n) for n in dataset.data_vars if dataset[n].ndim > 2)) or "no fields"
