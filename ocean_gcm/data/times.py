"""The time axis of a climatology."""

from __future__ import annotations

import cftime
import numpy as np
import xarray as xr

from ocean_gcm.errors import UserError

MIDDLE_OF_MONTHS = tuple((month + 0.5) / 12 for month in range(12))  # fractions of the year, months of equal length


def year_fractions(coordinate: xr.DataArray | None, number: int, label: str) -> tuple[float, ...]:
    """Ascending fractions of the year of `number` records.

    One record is a constant.  Twelve that are numbered, that have no coordinate, or whose dates lie one in each
    calendar month are monthly means, January first, valid at the middle of twelve equal months.  Other dates are taken
    as they are and must cover one year evenly.

    Raises UserError for anything else, such as eleven months.
    """
    if number == 1:
        return (0.5,)
    units = "" if coordinate is None else str(coordinate.attrs.get("units", ""))
    if " since " in units and not units.startswith("month"):
        return _from_dates(coordinate, units, label)
    if number != 12:
        raise UserError(f"the time axis of {label} has {number} records; expected 12 months (or 1 record)")
    if coordinate is not None:
        months = np.asarray(coordinate.values, float)
        if not np.allclose(np.diff(months), 1.0) or not 0 <= months[0] <= 1:
            raise UserError(f"the months of {label} are {months.tolist()}; expected 1 to 12")
    return MIDDLE_OF_MONTHS


def _from_dates(coordinate: xr.DataArray, units: str, label: str) -> tuple[float, ...]:
    calendar = str(coordinate.attrs.get("calendar", "standard"))
    try:
        dates = cftime.num2date(np.asarray(coordinate.values, float), units, calendar)
    except (ValueError, OverflowError) as error:
        raise UserError(f"the time axis of {label} cannot be decoded: {error}") from error
    if [date.month for date in dates] == list(range(1, 13)):
        return MIDDLE_OF_MONTHS
    length = {"360_day": 360}.get(calendar, 365)
    elapsed = np.array([(date - dates[0]).total_seconds() / 86400 for date in dates])
    gaps = np.append(np.diff(elapsed), length - elapsed[-1])
    widest = int(np.argmax(gaps))
    if elapsed[-1] >= length:
        raise UserError(
            f"the time axis of {label} runs from {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}; "
            "expected a climatology of one year"
        )
    if gaps.min() <= 0 or gaps[widest] > 1.6 * np.median(gaps):
        raise UserError(
            f"the time axis of {label} has {len(dates)} records with a gap of {gaps[widest]:.0f} days after "
            f"{dates[widest]:%Y-%m-%d}; expected records spread evenly over one year, such as 12 months"
        )
    start = dates[0].dayofyr - 1 + (dates[0].hour + dates[0].minute / 60) / 24
    fractions = (start + elapsed) / length
    if fractions[-1] >= 1:
        raise UserError(
            f"the time axis of {label} starts on {dates[0]:%Y-%m-%d}; expected records of one calendar year in order"
        )
    return tuple(float(fraction) for fraction in fractions)
