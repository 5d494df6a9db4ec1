"""Starts and leads: found among the dates of the data, or refused."""

import datetime

import cftime
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.clock import TimeConfig
from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.initial import model_seconds
from ocean_gcm.forecasts.schedule import build_schedule

TIME = TimeConfig(step="PT6H", duration="P10D")


def dates(number=20, hour=0, calendar="standard", days=1.0):
    first = cftime.datetime(2019, 12, 30, hour, calendar=calendar)
    return np.array([first + datetime.timedelta(days=n * days) for n in range(number)])


def schedule(axis, starts, **options):
    return build_schedule(axis, "the data", TIME, starts=starts, **{"lead": "P2D", **options})


@given(st.integers(0, 19), st.integers(1, 5), st.integers(1, 6))
def test_starts_at_equal_distances_are_those_records(first, every, count):
    axis = dates(60)
    found = schedule(axis, f"{axis[first]:%Y-%m-%d}", every=f"P{every}D", count=count)
    assert found.records == tuple(first + every * n for n in range(count))
    assert list(found.dates) == [axis[n] for n in found.records]


@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_leads_are_all_multiples_of_the_interval(save, factor, with_start):
    found = schedule(
        dates(), "2020-01-01", save=f"PT{6 * save}H", lead=f"PT{6 * save * factor}H", with_start=with_start
    )
    first = 0 if with_start else 1
    assert found.leads.tolist() == [21600 * save * n for n in range(first, factor + 1)] and found.steps == save


def test_a_day_stands_for_its_record():
    assert schedule(dates(hour=12), "2020-01-01").records == (2,)
    assert schedule(dates(hour=12), "2020-01-01T12:00").records == (2,)
    assert schedule(dates(days=0.25), ["2020-01-01", "2020-01-02T06:00"]).records == (8, 13)


@pytest.mark.parametrize(
    "axis, starts, options, words",
    [
        (dates(hour=12), "2020-01-01T00:00", {}, "the nearest are 2019-12-31 12:00:00 and 2020-01-01 12:00:00"),
        (dates(days=0.3), "2020-01-01", {}, "has 3 records on 2020-01-01; expected a start with the time"),
        (dates(), ["2020-01-02", "2020-01-01"], {}, "every date once, in order"),
        (dates(), ["2020-01-02", "2020-01-03"], {"every": "P1D"}, "--every and --count cannot be given"),
        (dates(), [], {}, "--start is missing"),
        (dates(), "2020-01-01", {"every": "PT0H", "count": 2}, "expected a positive duration"),
        (dates(), "2020-01-01", {"every": "P7D", "count": 4}, "start 4 of 4, 2020-01-22 00:00:00, is no record"),
    ],
)
def test_starts_that_are_not_there(axis, starts, options, words):
    with pytest.raises(UserError, match=words):
        schedule(axis, starts, **options)


class Config:
    time = TimeConfig(step="PT6H", start="2000-01-01", duration="P10D")


@pytest.mark.parametrize(
    "date, calendar, days",
    [((2000, 3, 1), "noleap", 59), ((2000, 3, 1), "standard", 59), ((2000, 2, 29), "standard", 58),
     ((2000, 2, 30), "360_day", 58), ((2001, 1, 1), "standard", 365)],
)  # fmt: skip
def test_dates_of_other_calendars_keep_their_names(date, calendar, days):
    assert model_seconds(Config, cftime.datetime(*date, 6, calendar=calendar), "x") == days * 86400 + 21600


def test_a_start_before_the_model_is_refused():
    with pytest.raises(UserError, match="lies before the model's time.start = 2000-01-01"):
        model_seconds(Config, cftime.datetime(1999, 12, 31, calendar="standard"), "x")
