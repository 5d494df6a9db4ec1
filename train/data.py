"""Windows of the truth in an order that follows from the seed alone, read ahead while the model runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import xarray as xr

from ocean_gcm.data.climatology import to_model_kinds
from ocean_gcm.data.output import uses_teos10
from ocean_gcm.data.paths import expand
from ocean_gcm.data.variables import MODEL_FIELDS, VARIABLES
from ocean_gcm.errors import UserError
from ocean_gcm.state import Ocean

FIELDS = ("u", "v", "temperature", "salinity", "sea_surface_height")
_CF_NAMES = {name: next(cf for cf, v in VARIABLES.items() if v is MODEL_FIELDS[name]) for name in FIELDS}
_AHEAD = 2
"""Batches that are read while another is worked on."""


class Truth:
    """States at moments on the grid of a model.

    Attributes:
      dataset: what was read.
      seconds: (records,) since the start of the model's configuration, evenly spaced.
      interval: between records, s.
    """

    def __init__(self, dataset: xr.Dataset, model, label: str = "the truth"):
        self.dataset, self._model, self._label = dataset, model, label
        self._names = {name: _found(dataset, name, model.grid, label) for name in FIELDS}
        self.seconds = _seconds(dataset, model.config.time, label)
        self.interval = int(self.seconds[1] - self.seconds[0])

    def fields(self, records: Any) -> Ocean:
        """Fields of records (an array of numbers of any shape), as numpy arrays with the axes of `records` first."""
        records = np.asarray(records)
        unique, place = np.unique(records, return_inverse=True)
        arrays = {}
        for name, found in self._names.items():
            values = self.dataset[found].isel(time=unique).values
            arrays[name] = values[place.reshape(-1)].reshape(*records.shape, *values.shape[1:])
        if uses_teos10(self._model.config) and self._names["temperature"] == "thetao":
            arrays["temperature"], arrays["salinity"] = to_model_kinds(
                arrays["temperature"], arrays["salinity"], "teos10"
            )
        dtype = np.dtype(self._model.dtype)
        return Ocean(**{name: np.nan_to_num(a.astype(dtype)) for name, a in arrays.items()}, tracers={})

    def stride(self, steps: int, key: str) -> int:
        """Records that `steps` steps of the model take; `key` names them in the message of a UserError."""
        seconds = steps * round(self._model.time_step)
        if seconds % self.interval:
            raise UserError(
                f"{key} = {steps} steps take {seconds} s; expected a multiple of {self.interval} s, the time between "
                f"records of {self._label}"
            )
        return seconds // self.interval

    def records(self, period: tuple[float | str, float | str], key: str) -> tuple[int, int]:
        """First record of a period and the one after its last.  Raises UserError if it holds less than two."""
        number = len(self.seconds)
        first, last = (self._record(moment, key) for moment in period)
        if last - first < 2:
            raise UserError(
                f"periods.{key} = {list(period)} holds {max(last - first, 0)} of the {number} records of "
                f"{self._label}; expected two or more"
            )
        return first, last

    def _record(self, moment: float | str, key: str) -> int:
        if not isinstance(moment, str):
            if not 0 <= moment <= 1:
                raise UserError(f"periods.{key} contains {moment}; expected a share from 0 to 1 or a date")
            return round(moment * len(self.seconds))
        time = self._model.config.time
        try:
            date = cftime.datetime.strptime(moment, "%Y-%m-%d", calendar=time.calendar)
        except ValueError:
            raise UserError(f"periods.{key} contains {moment!r}; expected a date YYYY-MM-DD or a share") from None
        return int(np.searchsorted(self.seconds, (date - time.date(0)).total_seconds()))


def open_truth(path: str | Path, model) -> Truth:
    """The truth in a Zarr store or a NetCDF file.  Raises UserError if it is missing or does not fit the model."""
    location = expand(path)
    if isinstance(location, Path) and not location.exists():
        raise UserError(f"truth.path is {str(path)!r}; there is no such file or store")
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    try:
        if str(location).rstrip("/").endswith((".nc", ".nc4")):
            dataset = xr.open_dataset(location, decode_times=coder)
        else:
            dataset = xr.open_zarr(location, decode_times=coder, chunks=None)
    except Exception as error:  # every format has kinds of its own
        raise UserError(f"truth.path {str(path)!r} cannot be read: {' '.join(str(error).split())[:200]}") from error
    return Truth(dataset, model, str(path))


@dataclasses.dataclass(frozen=True)
class Windows:
    """Which forecasts a stage sees.

    Attributes:
      truth: where they come from.
      first, last: record of the first possible start, and the record after the last one that may be used.
      stride: records between saved states.
      saved: number of saved states of a forecast.
    """

    truth: Truth
    first: int
    last: int
    stride: int
    saved: int

    def __post_init__(self):
        if self.starts < 1:
            needed = self.stride * self.saved + 1
            raise UserError(
                f"a forecast needs {needed} records of the truth, the period has {self.last - self.first}; expected "
                "shorter forecasts or a longer period"
            )

    @property
    def starts(self) -> int:
        """Number of possible starts."""
        return self.last - self.first - self.stride * self.saved

    def sample(self, seed: int, iteration: int, batch: int) -> np.ndarray:
        """(batch,) records that the forecasts of an iteration start at: a pure function of its arguments."""
        random = np.random.default_rng([seed, iteration])
        return self.first + random.integers(0, self.starts, batch)

    def spread(self, number: int) -> np.ndarray:
        """(number,) starts, evenly over the period, fewer if there are not as many."""
        return np.unique(np.linspace(self.first, self.first + self.starts - 1, number).round().astype(int))

    def read(self, starts: np.ndarray) -> tuple[Ocean, np.ndarray, Ocean]:
        """Fields at the starts, their (batch, 2) days and seconds, and the (batch, saved, ...) fields that follow."""
        records = starts[:, None] + self.stride * np.arange(self.saved + 1)
        ocean = self.truth.fields(records)
        days, seconds = np.divmod(self.truth.seconds[starts].astype(np.int64), 86400)
        clock = np.stack([days, seconds], -1).astype(np.int32)
        return _map(lambda a: a[:, 0], ocean), clock, _map(lambda a: a[:, 1:], ocean)


def read_ahead(read: Callable[[int], Any], iterations: range) -> Iterator[Any]:
    """`read` of each iteration in order, some of them read by a thread while the caller works."""
    with ThreadPoolExecutor(1, "read ahead") as pool:
        waiting = []
        try:
            for iteration in iterations:
                waiting.append(pool.submit(read, iteration))
                if len(waiting) > _AHEAD:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def _map(function: Callable, ocean: Ocean) -> Ocean:
    return Ocean(**{name: function(getattr(ocean, name)) for name in FIELDS}, tracers={})


def _found(dataset: xr.Dataset, name: str, grid, label: str) -> str:
    """The name that the variable `name` of the model has in a file."""
    cf_name = _CF_NAMES[name]
    found = next((n for n in (name, cf_name) if n in dataset), None)
    if found is None:
        raise UserError(f"{label} has no variable {cf_name!r}; expected all of {', '.join(_CF_NAMES.values())}")
    array = dataset[found]
    shape = grid.shape if MODEL_FIELDS[name].levels else grid.shape[1:]
    if array.dims[:1] != ("time",) or array.shape[1:] != shape:
        raise UserError(
            f"{found!r} of {label} has the dimensions {dict(array.sizes)}; expected time and then {shape}, the grid of "
            "the model"
        )
    return found


def _seconds(dataset: xr.Dataset, time, label: str) -> np.ndarray:
    dates = dataset["time"].values
    if len(dates) < 2 or dates.dtype != object:
        raise UserError(f"{label} has no time axis of two or more dates")
    if dates[0].calendar != time.calendar:
        raise UserError(
            f"{label} has the calendar {dates[0].calendar!r}, the model {time.calendar!r}; expected the same"
        )
    start = time.date(0)
    seconds = np.array([round((date - start).total_seconds()) for date in dates])
    steps = np.diff(seconds)
    if steps.min() <= 0 or steps.min() != steps.max():
        raise UserError(f"the records of {label} are {steps.min()} to {steps.max()} s apart; expected even spacing")
    if seconds[0] < 0:
        raise UserError(f"{label} begins at {dates[0]}; expected no record before time.start of the model, {start}")
    return seconds
