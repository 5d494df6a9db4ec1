"""Calendar arithmetic: ISO-8601 durations and dates of model years that all have the same length."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Literal

import cftime
import numpy as np
import pydantic

from ocean_gcm.errors import UserError
from ocean_gcm.section import Section

SECONDS_PER_DAY = 86400
DAYS_PER_YEAR = {"noleap": 365, "360_day": 360}
_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile(
    rf"P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def duration_seconds(text: str, calendar: str = "noleap") -> int:
    """Whole seconds in an ISO-8601 duration such as PT2H, P30D or P10Y, counted in years of `calendar`.

    A month is a twelfth of a year.  Raises UserError if the text is no duration or not a whole number of seconds.
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or not any(match.groups()) or text.strip().endswith("T"):
        raise UserError(f"{text!r} is not an ISO-8601 duration; expected for instance PT2H, P30D or P10Y")
    year = DAYS_PER_YEAR[calendar] * SECONDS_PER_DAY
    units = (year, Fraction(year, 12), 7 * SECONDS_PER_DAY, SECONDS_PER_DAY, 3600, 60, 1)
    total = sum(Fraction(number) * unit for number, unit in zip(match.groups(), units, strict=True) if number)
    if total.denominator != 1:
        raise UserError(f"the duration {text!r} is not a whole number of seconds")
    return int(total)


def duration_text(seconds: int, calendar: str = "noleap") -> str:
    """The shortest ISO-8601 duration of `seconds` in one or two units, the inverse of `duration_seconds`."""
    year = DAYS_PER_YEAR[calendar] * SECONDS_PER_DAY
    if seconds and seconds % year == 0:
        return f"P{seconds // year}Y"
    days, rest = divmod(int(seconds), SECONDS_PER_DAY)
    if rest == 0:
        return f"P{days}D"
    day_part = f"{days}D" if days else ""
    for unit, letter in ((3600, "H"), (60, "M"), (1, "S")):
        if rest % unit == 0:
            return f"P{day_part}T{rest // unit}{letter}"
    raise AssertionError("unreachable: every number of seconds is a multiple of one")


def same_date(date: cftime.datetime, calendar: str) -> cftime.datetime:
    """The date of `calendar` with the same name; one that the calendar lacks becomes the last of its month."""
    if date.calendar == calendar:
        return date
    clock = (date.hour, date.minute, date.second)
    last = cftime.datetime(date.year, date.month, 1, calendar=calendar).daysinmonth
    return cftime.datetime(date.year, date.month, min(date.day, last), *clock, calendar=calendar)


def _valid_duration(text) -> str:
    if duration_seconds(text, "360_day") <= 0:
        raise UserError(f"the duration {text!r} is zero; expected a positive one such as PT2H")
    return text.strip()


Duration = Annotated[str, pydantic.BeforeValidator(_valid_duration)]


class TimeConfig(Section):
    """When the run starts, how long it lasts and how long a step is."""

    start: str = pydantic.Field("0001-01-01", description="date of the initial state, YYYY-MM-DD")
    calendar: Literal["noleap", "360_day"] = pydantic.Field(
        "noleap", description="model calendar: years of 365 or of 360 days"
    )
    step: Duration = pydantic.Field(description="time step of the dynamics, ISO-8601 duration such as PT2H")
    physics_interval: Duration | None = pydantic.Field(
        None, description="time between calls of the closures, ISO-8601 duration; null: every step"
    )
    duration: Duration = pydantic.Field(
        "P1Y", description="length of the whole run counted from the start, ISO-8601 duration"
    )

    @pydantic.field_validator("start", mode="before")
    @classmethod
    def _date_to_text(cls, value):
        # YAML reads an unquoted date as a date object
        return value.isoformat()[:10] if hasattr(value, "isoformat") else value

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        match = _DATE.fullmatch(self.start)
        try:
            if match is None:
                raise ValueError("expected YYYY-MM-DD")
            cftime.datetime(*map(int, match.groups()), calendar=self.calendar)
        except ValueError as error:
            raise UserError(
                f"time.start = {self.start!r} is not a date of the calendar {self.calendar}: {error}"
            ) from None
        if self.physics_interval:
            self.require_whole_steps("time.physics_interval", self.physics_interval)
        self.require_whole_steps("time.duration", self.duration)
        return self

    def seconds(self, duration: str) -> int:
        """Whole seconds of an ISO-8601 duration in this calendar."""
        return duration_seconds(duration, self.calendar)

    def require_whole_steps(self, key: str, duration: str) -> int:
        """Number of steps in `duration`, the value of the key `key`.

        Raises UserError if it is not a whole number of steps, or of physics intervals where there are such.
        """
        unit_key = (
            "time.step" if self.physics_interval is None or key == "time.physics_interval" else "time.physics_interval"
        )
        unit = self.step_seconds if unit_key == "time.step" else self.seconds(self.physics_interval)
        seconds = self.seconds(duration)
        if seconds % unit:
            nearest = duration_text(max(1, round(seconds / unit)) * unit, self.calendar)
            raise UserError(
                f"{key} = {duration} is not a whole number of intervals of {unit_key} = "
                f"{duration_text(unit, self.calendar)}; the nearest that is: {nearest}"
            )
        return seconds // self.step_seconds

    @property
    def step_seconds(self) -> int:
        return self.seconds(self.step)

    @property
    def steps_per_physics_call(self) -> int:
        return self.require_whole_steps("time.physics_interval", self.physics_interval or self.step)

    @property
    def duration_seconds(self) -> int:
        return self.seconds(self.duration)

    @property
    def days_per_year(self) -> int:
        return DAYS_PER_YEAR[self.calendar]

    @property
    def seconds_per_year(self) -> int:
        return self.days_per_year * SECONDS_PER_DAY

    @property
    def start_fraction(self) -> float:
        """Fraction of the year that has passed at the start."""
        start = cftime.datetime(*map(int, self.start.split("-")), calendar=self.calendar)
        return (start.dayofyr - 1) / self.days_per_year

    @property
    def cf_units(self) -> str:
        """Units of the CF time coordinate."""
        return f"days since {self.start} 00:00:00"

    def date(self, elapsed):
        """cftime date(s) after `elapsed` seconds (number or array) since the start."""
        return cftime.num2date(np.asarray(elapsed), f"seconds since {self.start} 00:00:00", self.calendar)
