"""Points in time of forecasts and truths, also of several trajectories, on one axis of whole seconds."""

from __future__ import annotations

import dataclasses

import cftime
import numpy as np
import xarray as xr

from ocean_gcm.errors import UserError

_EPOCH = "seconds since 0001-01-01 00:00:00"
_GREGORIAN = {"standard", "gregorian", "proleptic_gregorian"}
_APART = 10_000 * 360 * 73 * 86400
"""Seconds between the same date of two trajectories: no forecast leads from one to the other.  Whole years of 360 or
365 days."""


@dataclasses.dataclass(frozen=True, eq=False)
class Dates:
    """Points in time.

    Attributes:
      dates: cftime.
      seconds: since the year 1 of the calendar, whole; each trajectory has a span of its own.
      trajectories: number of that of each point, or None for one history.
    """

    dates: np.ndarray
    seconds: np.ndarray
    trajectories: np.ndarray | None = None

    @classmethod
    def of(cls, dates: np.ndarray, trajectories: np.ndarray | None = None) -> Dates:
        """From cftime dates of one calendar."""
        calendar = "proleptic_gregorian" if dates[0].calendar in _GREGORIAN else dates[0].calendar
        if calendar == "proleptic_gregorian":
            dates = np.array([cftime.datetime(*d.timetuple()[:6], calendar=calendar) for d in dates])
        seconds = np.round(cftime.date2num(dates, _EPOCH, calendar)).astype(np.int64)
        if trajectories is not None:
            seconds = seconds + _APART * np.asarray(trajectories, np.int64)
        return cls(dates, seconds, trajectories)

    def __len__(self) -> int:
        return len(self.dates)

    def __getitem__(self, chosen) -> Dates:
        part = None if self.trajectories is None else self.trajectories[chosen]
        return Dates(self.dates[chosen], self.seconds[chosen], part)

    @property
    def calendar(self) -> str:
        name = self.dates[0].calendar
        return "proleptic_gregorian" if name in _GREGORIAN else name

    def text(self, n: int) -> str:
        """One of them, with the time of day unless it is midnight, and its trajectory if there are several."""
        date = self.dates[n]
        day = (date.hour, date.minute, date.second) == (0, 0, 0)
        of = "" if self.trajectories is None else f" of trajectory {self.trajectories[n]}"
        return f"{date:%Y-%m-%d}{of}" if day else f"{date:%Y-%m-%d %H:%M}{of}"

    def span(self) -> str:
        """First and last one."""
        return f"{self.text(0)} to {self.text(-1)}"

    def between(self, begin: str, end: str) -> np.ndarray:
        """Places from one date (YYYY-MM-DD) to before another, of trajectories from one number to before another.

        Raises UserError for what is neither.
        """
        if self.trajectories is not None:
            if not (begin.isdecimal() and end.isdecimal()):
                raise UserError(
                    f"--climatology is {begin} {end}; expected numbers of trajectories: the first, and the next"
                )
            return np.flatnonzero((self.trajectories >= int(begin)) & (self.trajectories < int(end)))
        ends = []
        for text in (begin, end):
            try:
                date = cftime.datetime.strptime(text, "%Y-%m-%d", calendar=self.calendar)
            except ValueError:
                raise UserError(f"--climatology has {text!r}; expected a date YYYY-MM-DD") from None
            ends.append(round(float(cftime.date2num(date, _EPOCH, self.calendar))))
        return np.flatnonzero((self.seconds >= ends[0]) & (self.seconds < ends[1]))


def dates_of(dataset: xr.Dataset, name: str, label: str) -> Dates:
    """Of a coordinate of cftime dates, and of `trajectory` beside it if there is one.  Raises UserError."""
    values = dataset[name].values
    if not len(values) or not hasattr(values[0], "calendar"):
        raise UserError(f"{name} of {label} holds no dates; expected CF units such as 'days since 2000-01-01'")
    several = "trajectory" in dataset.variables and dataset["trajectory"].dims == (name,)
    return Dates.of(values, dataset["trajectory"].values if several else None)
