"""Where a run or a forecast takes what acts at the surface: the repeating year, windows of dated records, or anomalies
that persist.  On the host; what it hands out is a pytree that the model steps with."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import cftime
import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np

from ocean_gcm.clock import SECONDS_PER_DAY, duration_seconds, same_date
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.config import DatedConfig
from ocean_gcm.forcing.dated import Forcing, PersistedForcing, WindowForcing
from ocean_gcm.forcing.records import Records, acting, open_records
from ocean_gcm.forcing.surface import FIELDS, SurfaceForcing
from ocean_gcm.validation import validated

_WIDEST_GAP = 1.6
"""Usual intervals by which the last record may precede a start from which anomalies persist."""
_LONG = 366 * SECONDS_PER_DAY


@dataclasses.dataclass(frozen=True)
class Start:
    """Where a forecast or a run begins.

    Attributes:
      seconds: model time.
      date: the same as a date, in whatever calendar it was given.
      trajectory: number of that of the initial data, where these have several.
    """

    seconds: int
    date: cftime.datetime
    trajectory: int | None = None


class Source(Protocol):
    """See `open_forcing`.

    Attributes:
      description: for whoever reads what was made with it: mode, fields, data; no places on a disk.
    """

    description: dict[str, Any]

    def over(self, starts: Sequence[Start], begin: int, end: int) -> Forcing:
        """What acts from `begin` to `end` seconds after each of the starts.

        All that one source returns for equally many starts has the same shapes.  Raises UserError for missing values.
        """


@dataclasses.dataclass(frozen=True, eq=False)
class RepeatingYear:
    """The surface of the configuration."""

    year: SurfaceForcing

    @property
    def description(self) -> dict[str, Any]:
        return {"mode": "repeating year"}

    def over(self, starts: Sequence[Start], begin: int, end: int) -> Forcing:
        return self.year


@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """Records of the time that is run over.

    Attributes:
      records: all of them.
      year: of the model.
      size: records that are in memory for each forecast.
      dtype: of the model.
    """

    records: Records
    year: SurfaceForcing
    size: int
    dtype: Any

    @property
    def description(self) -> dict[str, Any]:
        return {"mode": "window", "fields": list(self.records.ways), **self.records.identity}

    def over(self, starts: Sequence[Start], begin: int, end: int) -> Forcing:
        pieces, times = [], []
        for start in starts:
            offsets = self.records.offsets(same_date(start.date, self.records.calendar))[0]
            chosen = _around(offsets, begin, end)
            pieces.append(self.records.read(chosen))
            times.append(start.seconds + offsets[chosen])
        size = max(self.size, *map(len, times))
        days, seconds = np.divmod(np.stack([_lengthened(t, size) for t in times]), SECONDS_PER_DAY)
        fields = {
            name: jnp.asarray(np.stack([_filled(piece[name], size) for piece in pieces]), self.dtype)
            for name in self.records.names
        }
        year = dataclasses.replace(self.year, **dict.fromkeys(fields))
        return WindowForcing(year, fields, _int32(days), _int32(seconds), jnp.int32(0))


@dataclasses.dataclass(frozen=True, eq=False)
class Anomalies:
    """What the records differ by from the repeating year at each start, kept or fading.

    Attributes:
      records, year, dtype: as of `Windows`.
      memory: seconds in which anomalies fall to 1/e, or None.
      average: seconds before the start over which they are means, or None for the last record.
    """

    records: Records
    year: SurfaceForcing
    dtype: Any
    memory: int | None
    average: int | None

    @property
    def description(self) -> dict[str, Any]:
        own = {"memory_seconds": self.memory, "average_seconds": self.average}
        return {"mode": "persisted", "fields": list(self.records.ways), **own, **self.records.identity}

    def over(self, starts: Sequence[Start], begin: int, end: int) -> Forcing:
        found = [self._anomalies(start) for start in starts]
        anomalies = {
            name: jnp.asarray(np.stack([one[name] for one in found]), self.dtype) for name in self.records.names
        }
        days, seconds = np.divmod([start.seconds for start in starts], SECONDS_PER_DAY)
        decay = jnp.asarray(0.0 if self.memory is None else 1.0 / self.memory, self.dtype)
        return PersistedForcing(self.year, anomalies, _int32(days), _int32(seconds), decay, jnp.int32(0))

    def _anomalies(self, start: Start) -> dict[str, np.ndarray]:
        """(ny, nx) by field: the mean difference of the records that are known at the start from the year."""
        offsets, _ = self.records.offsets(same_date(start.date, self.records.calendar))
        chosen = self.chosen(start)
        values, total = self.records.read(chosen), {}
        for number, offset in enumerate(offsets[chosen]):
            days, seconds = divmod(int(start.seconds + offset), SECONDS_PER_DAY)
            usual = _year_at(self.year, np.int32(days), np.int32(seconds))
            for name, array in values.items():
                difference = array[number] - (0.0 if usual[name] is None else np.asarray(usual[name], float))
                total[name] = total.get(name, 0.0) + difference / len(array)
        return total

    def chosen(self, start: Start) -> slice:
        """The records whose anomalies persist.  Raises UserError if none is known, or the last one is old."""
        offsets, known = self.records.offsets(same_date(start.date, self.records.calendar))
        end = int(np.searchsorted(known, 0, "right"))
        if end == 0:
            raise UserError(
                f"the forcing {self.records.label} begins on {self.records.dates[0]}; expected a record that is known "
                f"at the start {start.date}"
            )
        age = -known[end - 1]
        if age > _WIDEST_GAP * min(self.records.usual_interval, _LONG):
            raise UserError(
                f"the last record of the forcing {self.records.label} before the start {start.date} is of "
                f"{self.records.dates[end - 1]}, {age / SECONDS_PER_DAY:.3g} days earlier; expected at most "
                f"{_WIDEST_GAP * min(self.records.usual_interval, _LONG) / SECONDS_PER_DAY:.3g}"
            )
        first = end - 1 if self.average is None else int(np.searchsorted(known, -self.average, "right"))
        return slice(min(first, end - 1), end)


def open_forcing(
    settings: DatedConfig | None,
    year: SurfaceForcing,
    grid: Any,
    *,
    equation_of_state: str,
    calendar: str,
    starts: Sequence[Start],
    length: int,
    longest: int,
    dtype: Any,
) -> Source:
    """Open what acts at the surface and check that it lasts; fields are read when they are needed.

    Args:
      settings: which records, or None for the repeating year.
      year, grid, equation_of_state, calendar, dtype: of the model.
      starts: all that will be asked for.
      length: seconds for which each of them is run.
      longest: seconds between `begin` and `end` of `Source.over` at most.

    Raises UserError for data that cannot be used, or do not cover a start or its length.
    """
    if settings is None:
        return RepeatingYear(year)
    records = open_records(settings.path, grid, year, equation_of_state, settings.fields)
    if records.calendar != starts[0].date.calendar and length > _LONG:
        raise UserError(
            f"the forcing {records.label} has the calendar {records.calendar}; expected that of the start, "
            f"{starts[0].date.calendar}, for a run of more than a year: prepare it for the grid of this model"
        )
    if settings.mode == "persisted":
        seconds = lambda text: None if text is None else duration_seconds(text, calendar)  # noqa: E731
        source = Anomalies(records, year, dtype, seconds(settings.memory), seconds(settings.average))
        for start in starts:
            source.chosen(start)
        return source
    for start in starts:
        _require_cover(records, start, length)
    return Windows(records, year, _most_records(records, longest), dtype)


def dated_config(forcing: Any) -> DatedConfig | None:
    """Settings from a path, from a mapping of the keys of `DatedConfig`, or as they are.  Raises UserError."""
    if forcing is None or isinstance(forcing, DatedConfig):
        return forcing
    tree = dict(forcing) if isinstance(forcing, Mapping) else {"path": forcing}
    if isinstance(tree.get("path"), os.PathLike):
        tree["path"] = os.fspath(tree["path"])
    return validated(DatedConfig, tree, "forcing")


def summary(description: Mapping[str, Any], year: SurfaceForcing) -> str:
    """One line for the reader: what is taken from where, and what repeats."""
    if "data" not in description:
        return "surface: the repeating year"
    rest = [kind for kind in acting(year) if kind not in description["fields"]]
    text = f"surface: {', '.join(description['fields'])} of {description['data']} ({description['mode']})"
    return text + (f"; {', '.join(rest)} of the repeating year" if rest else "")


def _require_cover(records: Records, start: Start, length: int) -> None:
    begin = same_date(start.date, records.calendar)
    offsets = records.offsets(begin)[0]
    if offsets[0] > 0 or offsets[-1] < length:
        raise UserError(
            f"the forcing {records.label} has {len(offsets)} record(s) from {records.dates[0]} to {records.dates[-1]}; "
            f"expected some from {begin} to {begin + datetime.timedelta(seconds=length)} (a start and its "
            f"{length / SECONDS_PER_DAY:g} days)"
        )


def _around(offsets: np.ndarray, begin: int, end: int) -> slice:
    """The records from the last one at or before `begin` to the first one at or after `end`."""
    first = max(int(np.searchsorted(offsets, begin, "right")) - 1, 0)
    last = min(int(np.searchsorted(offsets, end, "left")), len(offsets) - 1)
    return slice(first, last + 1)


def _most_records(records: Records, longest: int) -> int:
    """The most that `_around` finds for any interval of a length; two at least, to interpolate between."""
    elapsed = records.offsets(records.dates[0])[0]
    ends = np.searchsorted(elapsed, np.append(elapsed[1:], elapsed[-1]) + longest, "left")
    most = int((np.minimum(ends, len(elapsed) - 1) - np.arange(len(elapsed)) + 1).max())
    return max(most, 2)


def _lengthened(times: np.ndarray, size: int) -> np.ndarray:
    """Times of records that are repeated come after the others, a day apart."""
    return np.append(times, times[-1] + SECONDS_PER_DAY * np.arange(1, size - len(times) + 1))


def _filled(array: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), 0)])


def _int32(array) -> jax.Array:
    return jnp.asarray(np.asarray(array), jnp.int32)


@jax.jit
def _year_at(year: SurfaceForcing, days: jax.Array, seconds: jax.Array) -> dict[str, jax.Array | None]:
    surface = year.at(jdt.Timedelta(days, seconds))
    return {name: getattr(surface, name) for name in FIELDS}
