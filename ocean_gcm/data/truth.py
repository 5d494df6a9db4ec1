"""A truth to train and score against: states on the model's own grid, by record or in windows along time."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cftime
import jax
import jax_datetime as jdt
import numpy as np

from ocean_gcm.clock import SECONDS_PER_DAY, duration_text
from ocean_gcm.data import grid_agreement
from ocean_gcm.data.series import PROGNOSTIC, Series, open_series
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Layers, Ocean

INCREMENT = "{}_increment"
"""Variables of a truth that was held to observations: what drew a tracer on average before the record, per second."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Window:
    """Consecutive states of a truth; the last leading axis is time, batches have one more in front of it.

    Attributes:
      ocean: fields of the model (`Ocean`, `Layers`), land 0.
      days, seconds: int32, model time of each state: whole days and the seconds beyond.
      increments: tendencies that a model lacks to follow the truth, by the name of the field, per second; {} unless
        they were asked for.
    """

    ocean: Ocean | Layers
    days: np.ndarray
    seconds: np.ndarray
    increments: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def time(self) -> jdt.Timedelta:
        """Model time of each state, as `OceanModel.state_from` takes it."""
        return jdt.Timedelta(self.days, self.seconds)

    def at(self, record: int) -> Window:
        """The states of one record, without the axis of time."""
        axis = np.ndim(self.days) - 1
        return jax.tree.map(lambda a: a[(slice(None),) * axis + (record,)], self)


def evenly(starts: np.ndarray, number: int) -> np.ndarray:
    """`number` of `starts`, from the first to the last; fewer if there are not so many."""
    return starts[np.unique(np.linspace(0, len(starts) - 1, number).round().astype(int))]


@dataclasses.dataclass(frozen=True)
class Period:
    """Records `begin` to `end` (exclusive) of a truth."""

    begin: int
    end: int

    def __len__(self) -> int:
        return max(self.end - self.begin, 0)

    def starts(self, records: int, stride: int = 1, every: int = 1) -> np.ndarray:
        """First records of all windows of `records` states, `stride` records apart, that lie in the period.

        every: take every so many starts only.
        """
        return np.arange(self.begin, self.end - (records - 1) * stride, every)

    def spread(self, number: int, records: int, stride: int = 1) -> np.ndarray:
        """`number` starts, evenly over the period; fewer if it has not so many.  Raises UserError if it has none."""
        return evenly(self.require(records, stride), number)

    def require(self, records: int, stride: int = 1) -> np.ndarray:
        """`starts`.  Raises UserError if there are none."""
        starts = self.starts(records, stride)
        if not len(starts):
            raise UserError(
                f"a forecast needs {(records - 1) * stride + 1} records of the truth, the period has {len(self)}; "
                "expected shorter forecasts or a longer period"
            )
        return starts

    def sample(self, number: int, records: int, stride: int = 1, *, seed: int = 0) -> np.ndarray:
        """`number` different starts drawn at random, the same for the same seed; ascending.

        Raises UserError if the period has not so many.
        """
        starts = self.starts(records, stride)
        if number > len(starts):
            raise UserError(
                f"{number} windows of {records} records are asked of a period of {len(self)} records, which has "
                f"{len(starts)} starts"
            )
        return np.sort(np.random.default_rng(seed).choice(starts, number, replace=False))


def split_records(
    parts: Mapping[str, float | Sequence[str | float]],
    records: int,
    boundary: Callable[[str | float, str], int],
    label: str,
) -> dict[str, Period]:
    """Periods by name, see `Truth.split`; `boundary` gives the record at a share or date of the part of a name."""
    periods, position = {}, 0.0
    for name, part in parts.items():
        if isinstance(part, (int, float)):
            begin, position = position, position + part
            if part <= 0 or position > 1 + 1e-9:
                raise UserError(f"the fractions of the periods are {dict(parts)}; expected positive ones up to 1")
            period = Period(boundary(begin, name), boundary(min(position, 1.0), name))
        else:
            period = Period(*(boundary(end, name) for end in part))
        if len(period) == 0:
            raise UserError(f"the period {name} = {part} has no record of {label}")
        for other, taken in periods.items():
            if period.begin < taken.end and taken.begin < period.end:
                raise UserError(f"the periods {other} and {name} overlap; expected records of their own for each")
        periods[name] = period
    return periods


class Windowed(abc.ABC):
    """Evenly spaced records that are seen in windows.

    Attributes:
      label: for messages.
      interval: seconds between records.
    """

    label: str
    interval: int

    @abc.abstractmethod
    def window(self, start: int, records: int, stride: int = 1) -> Window:
        """`records` states from record `start` on, `stride` records apart, with a leading axis of time."""

    def windows(self, starts: Sequence[int], records: int, stride: int = 1) -> Window:
        """`window` of each start, with a leading axis of starts."""
        found = [self.window(int(start), records, stride) for start in starts]
        return jax.tree.map(lambda *arrays: np.stack(arrays), *found)

    def stride(self, seconds: int, key: str) -> int:
        """Records in `seconds`.  Raises UserError, which names `key`, if that is no whole number."""
        if self.interval == 0 or seconds % self.interval:
            raise UserError(
                f"{key} is {seconds} s; expected a multiple of {self.interval} s, the time between the records of "
                f"{self.label}"
            )
        return seconds // self.interval


@dataclasses.dataclass(frozen=True, eq=False)
class Truth(Windowed):
    """See `open_truth`.

    Attributes:
      series: the data, read when asked for.
      names: of the model's fields.
      dtype: of the model.
      seconds: (records,) model time of each record.
      interval: seconds between records.
    """

    series: Series
    names: tuple[str, ...]
    dtype: np.dtype
    seconds: np.ndarray
    interval: int
    cache: Mapping[str, np.ndarray] | None = None
    increments: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.series.label

    def __len__(self) -> int:
        return len(self.seconds)

    @functools.cached_property
    def dates(self) -> np.ndarray:
        """(records,) cftime dates."""
        return self.series.dataset["time"].values[: len(self)]

    def in_memory(self) -> Truth:
        """The same truth with all fields read at once."""
        return dataclasses.replace(self, cache=self._read(slice(0, len(self))))

    def with_increments(self, key: str) -> Truth:
        """The same truth, its windows with the increments of tracers, which are read at once.

        Raises UserError, which names `key`, if it has none.
        """
        names = {n: INCREMENT.format(n) for n in self.names if INCREMENT.format(n) in self.series.dataset}
        if not names:
            raise UserError(
                f"{key} needs a truth with increments, which {self.label} has not; expected one that "
                "truth.observe makes"
            )
        data = self.series.dataset.isel(time=slice(0, len(self)))
        found = {name: np.asarray(data[variable].values, self.dtype) for name, variable in names.items()}
        return dataclasses.replace(self, increments=found)

    def index(self, date: str) -> int:
        """The first record at or after `date` (YYYY-MM-DD), len(self) if all lie before.

        Raises UserError if that is no date of the calendar.
        """
        calendar = self.dates[0].calendar
        try:
            moment = cftime.datetime.strptime(date, "%Y-%m-%d", calendar=calendar)
        except (ValueError, TypeError):
            raise UserError(f"{date!r} is not a date of the calendar {calendar}; expected YYYY-MM-DD") from None
        return int(np.searchsorted([(d - moment).total_seconds() for d in self.dates], 0.0))

    def fields(self, record: int | str) -> dict[str, np.ndarray]:
        """One state, as `OceanModel.initial_state(fields=...)` takes it: the model's names, shapes and type, land 0.

        record: its index, or the date (YYYY-MM-DD) from which on the first one is taken.  Raises UserError outside.
        """
        index = self.index(record) if isinstance(record, str) else record
        if not 0 <= index < len(self):
            raise UserError(
                f"{self.label} has no record {record!r}; it has {len(self)} records from {self.dates[0]} to "
                f"{self.dates[-1]}"
            )
        return {name: array[0] for name, array in self._read(slice(index, index + 1)).items()}

    def window(self, start: int, records: int, stride: int = 1) -> Window:
        """`records` states from record `start` on, `stride` records apart, with a leading axis of time.

        Raises UserError where the window leaves the truth.
        """
        last = start + (records - 1) * stride
        if records < 1 or stride < 1 or start < 0 or last >= len(self):
            raise UserError(
                f"a window of {records} records from {start} on, {stride} apart, does not lie in the {len(self)} "
                f"records of {self.label}"
            )
        chosen = slice(start, last + 1, stride)
        fields = self._read(chosen)
        known = {name: fields.pop(name) for name in PROGNOSTIC}
        days, seconds = np.divmod(self.seconds[chosen], SECONDS_PER_DAY)
        increments = {name: array[chosen] for name, array in self.increments.items()}
        return Window(Ocean(**known, tracers=fields), days.astype(np.int32), seconds.astype(np.int32), increments)

    def split(self, parts: Mapping[str, float | Sequence[str | float]]) -> dict[str, Period]:
        """Periods by name, in the order given.

        parts: fractions of the records, which follow each other and add up to at most 1, or pairs of a beginning and an
        end (exclusive), each a date (YYYY-MM-DD) or a share of the records.  Windows of different periods share no
        record.

        Raises UserError for periods that overlap or are empty, and for fractions beyond 1.
        """
        return split_records(parts, len(self), self._boundary, self.label)

    def starts(self, period: Period, records: int, stride: int = 1) -> np.ndarray:
        """First records of the windows of a period.  Raises UserError if there are none."""
        return period.require(records, stride)

    def _boundary(self, moment: str | float, name: str) -> int:
        if isinstance(moment, str):
            return self.index(moment)
        if not 0 <= moment <= 1:
            raise UserError(f"the period {name} contains {moment}; expected a share from 0 to 1 or a date")
        return round(moment * len(self))

    def _read(self, chosen: slice) -> dict[str, np.ndarray]:
        if self.cache is not None:
            return {name: array[chosen] for name, array in self.cache.items()}
        return {n: np.asarray(a, self.dtype) for n, a in self.series.fields(chosen, self.names).items()}


def open_truth(path: str | Path, model: OceanModel, *, means: bool = False) -> Truth:
    """States on the grid of `model`: a coarsened truth, or the output of a run of the model with snapshots.

    Reads nothing but coordinates until fields are asked for.  A last record after a shorter interval is left out.

    Args:
      path: Zarr store, NetCDF file or run directory.
      means: accept means over intervals, too.

    Raises UserError for data on another grid, in another calendar, before the start of the model's time, at irregular
    intervals, of means, or without one of the model's fields.
    """
    series = open_series(path)
    label, config = series.label, model.config
    if config.time.calendar != series.config.time.calendar:
        raise UserError(
            f"{label} has the calendar {series.config.time.calendar}; expected the model's, {config.time.calendar}"
        )
    grid_agreement.require_grid(series.dataset, model.grid, label)
    if series.is_mean and not means:
        raise UserError(f"{label} holds means over intervals; expected states at moments (output.kind = snapshot)")
    # temperature and salinity in the kinds of this model, whatever those of the fine one
    series = dataclasses.replace(series, config=config, grid=model.grid)
    names = (*PROGNOSTIC, *config.tracers)
    series.require(names)
    seconds = series.seconds()
    if seconds[0] < 0:
        raise UserError(
            f"{label} begins at {series.dataset['time'].values[0]}, before the model's time.start = {config.time.start}"
        )
    seconds, interval = _regular(seconds, series, config.time.calendar)
    return Truth(series, names, np.dtype(model.dtype), seconds, interval)


def _regular(seconds: np.ndarray, series: Series, calendar: str) -> tuple[np.ndarray, int]:
    """`seconds` without a last one that follows too soon, and the interval between all others."""
    if len(seconds) < 2:
        return seconds, 0
    steps = np.diff(seconds)
    interval = int(steps[0])
    if len(steps) > 1 and 0 < steps[-1] < interval:
        seconds, steps = seconds[:-1], steps[:-1]
    if (steps != interval).any() or interval <= 0:
        at = int(np.argmax(steps != interval)) + 1
        found = duration_text(int(steps[at - 1]), calendar) if steps[at - 1] > 0 else f"{steps[at - 1]} s"
        raise UserError(
            f"record {at} of {series.label} ({series.dataset['time'].values[at]}) comes {found} after the one before; "
            f"expected {duration_text(interval, calendar) if interval > 0 else 'ascending times'} throughout"
        )
    return seconds, interval
