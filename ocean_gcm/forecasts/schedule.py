"""Which forecasts are made: their starts among the dates of the data, and the leads at which they are kept."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Sequence

import cftime
import numpy as np

from ocean_gcm.clock import TimeConfig, duration_seconds
from ocean_gcm.errors import UserError

_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?")


@dataclasses.dataclass(frozen=True, eq=False)
class Schedule:
    """See `build_schedule`.

    Attributes:
      records: of the initial data, one for each start.
      dates: (starts,) cftime dates of the starts, in the calendar of the data.
      trajectories: (starts,) numbers of their trajectories; None for data of one history.
      steps: time steps between two saved leads.
      leads: (leads,) seconds.
    """

    records: tuple[int, ...]
    dates: np.ndarray
    trajectories: np.ndarray | None
    steps: int
    leads: np.ndarray

    def of_trajectory(self, start: int) -> str:
        """What messages add to the date of a start: " of trajectory 3", or nothing."""
        return "" if self.trajectories is None else f" of trajectory {self.trajectories[start]}"


def build_schedule(
    dates: np.ndarray,
    label: str,
    time: TimeConfig,
    *,
    starts: str | Sequence[str],
    every: str | None = None,
    count: int = 1,
    lead: str = "P15D",
    save: str = "P1D",
    with_start: bool = False,
    held: np.ndarray | None = None,
    trajectories: Sequence[int] | None = None,
) -> Schedule:
    """Starts and leads of forecasts.

    Args:
      dates, label: of the initial data, see `ocean_gcm.forecasts.initial`.
      time: of the model.
      starts: the first start, or all of them: YYYY-MM-DD (the record of that day), YYYY-MM-DDTHH:MM, or the time since
        the model's time.start, an ISO-8601 duration.
      every, count: further starts after a first one, ISO-8601 duration and number of all.
      lead: length of the forecasts, ISO-8601 duration.
      save: time between saved leads, ISO-8601 duration.
      with_start: keep the initial states, too, as lead 0.
      held: numbers of the trajectories of the data, each with a record at every date, or None.
      trajectories: those that forecasts start from, each at all starts; default: all.

    Raises UserError for starts that the data do not have, and for durations that do not fit together.
    """
    steps = _whole_steps(time, "--save", save)
    total = _whole_steps(time, "--lead", lead)
    if total % steps:
        raise UserError(f"--lead = {lead} is not a multiple of --save = {save}; nothing would be kept at its end")
    numbers = np.arange(0 if with_start else 1, total // steps + 1)
    leads = numbers * steps * time.step_seconds
    own = [starts] if isinstance(starts, str) else list(starts)
    records = _records(dates, label, [_date_text(text, time) for text in own], every, count)
    places = _places(held, label, trajectories)
    if places is None:
        return Schedule(records, dates[list(records)], None, steps, leads)
    every_start = tuple(int(place) * len(dates) + record for place in places for record in records)
    moments = np.tile(dates[list(records)], len(places))
    return Schedule(every_start, moments, np.repeat(held[places], len(records)), steps, leads)


def _places(held: np.ndarray | None, label: str, wanted: Sequence[int] | None) -> np.ndarray | None:
    """Where the trajectories that are wanted lie among those that the data hold."""
    if held is None:
        if wanted is not None:
            raise UserError(f"--trajectories is given, but {label} is one history; expected --start alone")
        return None
    if wanted is None:
        return np.arange(len(held))
    for number in wanted:
        if number not in held:
            raise UserError(
                f"--trajectories has {number}; {label} has {len(held)} trajectories, {held[0]} to {held[-1]}"
            )
    if list(wanted) != sorted(set(wanted)):
        raise UserError(f"--trajectories is {' '.join(map(str, wanted))}; expected every number once, in order")
    return np.searchsorted(held, np.asarray(wanted))


def _date_text(text: str, time: TimeConfig) -> str:
    """A start as a date; times since the model's start become dates of its calendar."""
    if not text.strip().startswith("P"):
        return text
    return f"{time.date(time.seconds(text)):%Y-%m-%dT%H:%M:%S}"


def _whole_steps(time: TimeConfig, key: str, duration: str) -> int:
    steps = time.require_whole_steps(key, duration)
    if steps < 1:
        raise UserError(f"{key} is {duration}; expected a positive duration such as P1D")
    return steps


def _records(dates: np.ndarray, label: str, starts: list[str], every: str | None, count: int) -> tuple[int, ...]:
    if not starts:
        raise UserError("--start is missing; expected a date of the initial data, YYYY-MM-DD")
    if count < 1:
        raise UserError(f"--count is {count}; expected at least 1")
    if count > 1 and every is None:
        raise UserError(f"--count is {count}, which needs --every, the time between starts, such as P7D")
    if len(starts) > 1 and (every is not None or count > 1):
        raise UserError("--start names several dates, so --every and --count cannot be given")
    found = [_record_of(dates, label, text) for text in starts]
    if every is not None:
        interval = duration_seconds(every, dates[0].calendar if dates[0].calendar == "360_day" else "noleap")
        if interval <= 0:
            raise UserError(f"--every is {every}; expected a positive duration such as P7D")
        first = dates[found[0]]
        further = [first + datetime.timedelta(seconds=interval * n) for n in range(1, count)]
        found += [_exact(dates, label, moment, f"start {n} of {count}") for n, moment in enumerate(further, 2)]
    if any(b <= a for a, b in zip(found[:-1], found[1:], strict=True)):
        raise UserError(f"--start is {' '.join(starts)}; expected every date once, in order")
    return tuple(found)


def _record_of(dates: np.ndarray, label: str, text: str) -> int:
    """The record at a moment, or the only one of a day."""
    calendar, match = dates[0].calendar, _MOMENT.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError("expected YYYY-MM-DD or YYYY-MM-DDTHH:MM")
        moment = cftime.datetime(*(int(part or 0) for part in match.groups()), calendar=calendar)
    except ValueError as error:
        raise UserError(f"--start {text!r} is not a date of the calendar {calendar} of {label}: {error}") from None
    if match[4] is not None:
        return _exact(dates, label, moment, f"--start {text}")
    day = [n for n, d in enumerate(dates) if (d.year, d.month, d.day) == (moment.year, moment.month, moment.day)]
    if len(day) > 1 and dates[day[0]] != moment:
        raise UserError(f"{label} has {len(day)} records on {text}; expected a start with the time, {text}THH:MM")
    return day[0] if day else _exact(dates, label, moment, f"--start {text}")


def _exact(dates: np.ndarray, label: str, moment: cftime.datetime, what: str) -> int:
    at = int(np.searchsorted(dates, moment))
    if at < len(dates) and dates[at] == moment:
        return at
    between = 0 < at < len(dates)
    raise UserError(
        f"{what}, {moment}, is no record of {label}, which has {len(dates)} from {dates[0]} to {dates[-1]}"
        + (f"; the nearest are {dates[at - 1]} and {dates[at]}" if between else "")
    )
