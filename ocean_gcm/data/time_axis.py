"""The times of a series of records: decoded, in order, once each, without gaps, in another calendar."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cftime
import numpy as np
import xarray as xr

from ocean_gcm.data.recipe import TimeRecipe
from ocean_gcm.errors import UserError

_GREGORIAN = ("standard", "gregorian", "proleptic_gregorian")
_WIDEST_GAP = 1.6
"""Intervals of more than so many usual ones are gaps: months and leap days are not."""


@dataclasses.dataclass(frozen=True, eq=False)
class TimeAxis:
    """Records in order.

    Attributes:
      dates: (records,) cftime dates, ascending.
      order: (records,) their places in the source.
      notes: what was found and done, sentences for the reader.
    """

    dates: np.ndarray
    order: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.order)

    @property
    def calendar(self) -> str:
        return self.dates[0].calendar

    def describe(self) -> str:
        """First and last date, number and usual interval."""
        first, last = (_text(self.dates[i]) for i in (0, -1))
        if len(self) == 1:
            return f"{first}, 1 record, {self.calendar}"
        return f"{first} to {last}, {len(self)} records, every {interval_text(self.dates)}, {self.calendar}"


def decode(coordinate: xr.DataArray | None, number: int, recipe: TimeRecipe, label: str) -> np.ndarray:
    """(number,) cftime dates of the records of one file; with `recipe.first` months from there on.

    Raises UserError for times that are missing or cannot be decoded.
    """
    units = "" if coordinate is None else str(coordinate.attrs.get("units", ""))
    if " since " not in units:
        if recipe.first is None:
            raise UserError(
                f"{label} has {number} record(s) without dates (no time coordinate with units such as 'days since "
                "2000-01-01'); expected such a coordinate, or time.first in the recipe, the date of the first record"
            )
        return _months_from(recipe.first, number)
    calendar = str(coordinate.attrs.get("calendar", "standard")).lower()
    values = np.atleast_1d(np.asarray(coordinate.values, float))
    if not np.isfinite(values).all():
        raise UserError(f"the times of {label} contain missing values")
    try:
        dates = np.atleast_1d(cftime.num2date(values, units, calendar, only_use_cftime_datetimes=True))
    except (ValueError, OverflowError) as error:
        raise UserError(f"the times of {label} ({units}, {calendar}) cannot be decoded: {error}") from None
    if calendar in _GREGORIAN and dates.min().year > 1582:
        dates = np.array([_replaced(date, "proleptic_gregorian") for date in dates])
    return dates


def arrange(dates: np.ndarray, recipe: TimeRecipe, label: str) -> TimeAxis:
    """Records in ascending order within the recipe's period.

    Raises UserError for several records of one time and for gaps unless the recipe allows them, and if none is left.
    """
    notes = []
    order = np.argsort([_seconds(date, dates[0]) for date in dates], kind="stable")
    if (np.diff(order) != 1).any():
        notes.append("records were not in the order of time: sorted")
    order, repeated = _once(dates, order, recipe, label)
    if repeated:
        notes.append(
            f"{repeated} record(s) of a time that was there already: the {recipe.duplicates} of each was taken"
        )
    kept = _within(dates[order], recipe, label)
    order = order[kept][:: recipe.every]
    if len(kept) and recipe.gaps == "error":
        _refuse_gaps(dates[order], label)
    return TimeAxis(dates[order], order, tuple(notes))


def in_calendar(axis: TimeAxis, calendar: str) -> TimeAxis:
    """The same records with dates of another calendar, a model's.

    A date keeps its year, month, day and hour.  A day that the calendar lacks (29 February, a 31st) becomes the last
    one of its month, and is left out if that day has a record of its own.
    """
    if axis.calendar == calendar:
        return axis
    found: dict[tuple, tuple[int, cftime.datetime]] = {}
    exact = set()
    for place, date in enumerate(axis.dates):
        last = cftime.datetime(date.year, date.month, 1, calendar=calendar).daysinmonth
        moved = _replaced(date, calendar, min(date.day, last))
        key = tuple(moved.timetuple())[:6]
        fits = date.day <= last
        if key not in found or (fits and key not in exact):
            found[key] = (place, moved)
        if fits:
            exact.add(key)
    chosen = sorted(found.values(), key=lambda item: item[0])
    places = np.array([place for place, _ in chosen])
    notes = [f"dates of the calendar {axis.calendar} are taken as those of {calendar}"]
    if len(places) < len(axis):
        notes.append(f"{len(axis) - len(places)} record(s) of days that {calendar} lacks are left out")
    return TimeAxis(np.array([date for _, date in chosen]), axis.order[places], (*axis.notes, *notes))


def require_same(axes: dict[str, TimeAxis]) -> None:
    """UserError unless the records of all variables are of the same times."""
    (first, expected), *others = axes.items()
    for name, axis in others:
        if axis.calendar != expected.calendar:
            raise UserError(f"{name} has the calendar {axis.calendar}, {first} has {expected.calendar}")
        both = min(len(axis), len(expected))
        differ = np.flatnonzero(axis.dates[:both] != expected.dates[:both])
        if differ.size or len(axis) != len(expected):
            at = int(differ[0]) if differ.size else both
            texts = [_text(a.dates[at]) if at < len(a) else "none" for a in (expected, axis)]
            raise UserError(
                f"{first} and {name} have records of different times: record {at} is of {texts[0]} and {texts[1]}, "
                f"there are {len(expected)} and {len(axis)}; expected the same times in one recipe"
            )


def bounds_of(dates: np.ndarray) -> np.ndarray:
    """(records, 2) intervals that end halfway between the records; calendar months where there is one in each."""
    if len(dates) > 1 and all(_month(b) - _month(a) == 1 for a, b in zip(dates, dates[1:], strict=False)):
        begin = [date.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for date in dates]
        last = begin[-1]
        end = last.replace(year=last.year + last.month // 12, month=last.month % 12 + 1)
        return np.array([[a, b] for a, b in zip(begin, [*begin[1:], end], strict=True)])
    if len(dates) < 2:
        raise UserError("record_kind: mean needs more than one record; expected snapshot for a single one")
    middle = [a + (b - a) / 2 for a, b in zip(dates, dates[1:], strict=False)]
    edges = [dates[0] - (middle[0] - dates[0]), *middle, dates[-1] + (dates[-1] - middle[-1])]
    return np.array([[a, b] for a, b in zip(edges, edges[1:], strict=False)])


def interval_text(dates: Sequence[cftime.datetime]) -> str:
    """The usual interval between dates."""
    seconds = float(np.median([_seconds(b, a) for a, b in zip(dates, dates[1:], strict=False)]))
    if 27 * 86400 < seconds < 32 * 86400:
        return "month"
    days = seconds / 86400
    return f"{days:g} d" if days >= 1 else f"{seconds / 3600:g} h"


def _once(dates: np.ndarray, order: np.ndarray, recipe: TimeRecipe, label: str) -> tuple[np.ndarray, int]:
    same = dates[order][1:] == dates[order][:-1]
    if not same.any():
        return order, 0
    if recipe.duplicates == "error":
        date = dates[order][1:][same][0]
        raise UserError(
            f"{label} has {int(same.sum())} record(s) of a time that is there already, the first of {_text(date)}; "
            "expected each time once (time.duplicates: first or last takes one of them)"
        )
    keep = np.append(True, ~same) if recipe.duplicates == "first" else np.append(~same, True)
    return order[keep], int(same.sum())


def _within(dates: np.ndarray, recipe: TimeRecipe, label: str) -> np.ndarray:
    days = [f"{date:%Y-%m-%dT%H:%M}" for date in dates]
    kept = np.ones(len(dates), bool)
    if recipe.start is not None:
        kept &= np.array([day[: len(recipe.start)] >= recipe.start for day in days])
    if recipe.end is not None:
        kept &= np.array([day[: len(recipe.end)] <= recipe.end for day in days])
    if not kept.any():
        wanted = f"{recipe.start or 'the first'} to {recipe.end or 'the last'}"
        raise UserError(
            f"{label} has no record from {wanted}; it has {len(dates)} from {_text(dates[0])} to {_text(dates[-1])}"
        )
    return np.flatnonzero(kept)


def _refuse_gaps(dates: np.ndarray, label: str) -> None:
    if len(dates) < 3:
        return
    steps = np.array([_seconds(b, a) for a, b in zip(dates, dates[1:], strict=False)])
    at = int(np.argmax(steps))
    if steps[at] > _WIDEST_GAP * np.median(steps):
        raise UserError(
            f"{label} has a gap of {steps[at] / 86400:.3g} days after {_text(dates[at])}, where the usual interval is "
            f"{interval_text(dates)}; expected no gaps (time.gaps: allow keeps them)"
        )


def _months_from(first: str, number: int) -> np.ndarray:
    year, month, day = (int(part) for part in first[:10].split("-"))
    hour, minute = (int(part) for part in first[11:].split(":")) if len(first) > 10 else (0, 0)
    dates = []
    for count in range(number):
        y, m = divmod(year * 12 + month - 1 + count, 12)
        last = cftime.datetime(y, m + 1, 1, calendar="proleptic_gregorian").daysinmonth
        if count == 0 and day > last:
            raise UserError(f"time.first = {first} is no date of the calendar; that month has {last} days")
        dates.append(cftime.datetime(y, m + 1, min(day, last), hour, minute, calendar="proleptic_gregorian"))
    return np.array(dates)


def _replaced(date: cftime.datetime, calendar: str, day: int | None = None) -> cftime.datetime:
    clock = (date.hour, date.minute, date.second, date.microsecond)
    return cftime.datetime(date.year, date.month, date.day if day is None else day, *clock, calendar=calendar)


def _month(date: cftime.datetime) -> int:
    return 12 * date.year + date.month


def _seconds(date: cftime.datetime, since: cftime.datetime) -> float:
    return (date - since).total_seconds()


def _text(date: cftime.datetime) -> str:
    return f"{date:%Y-%m-%d}" if (date.hour, date.minute) == (0, 0) else f"{date:%Y-%m-%dT%H:%M}"
