"""Times of records: in order, once, without gaps, in the model's calendar."""

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.data import time_axis
from ocean_gcm.data.recipe import TimeRecipe
from ocean_gcm.errors import UserError


def coordinate(values, units="days since 2011-02-25", calendar="gregorian"):
    return xr.DataArray(
        np.asarray(values, float), dims="time", attrs={"units": units, "calendar": calendar}, name="time"
    )


def dates(values, **attributes):
    return time_axis.decode(coordinate(values, **attributes), len(values), TimeRecipe(), "it")


@settings(max_examples=25)
@given(order=st.permutations(range(8)), every=st.integers(1, 3))
def test_any_order_is_sorted(order, every):
    axis = time_axis.arrange(dates(order), TimeRecipe(every=every), "it")
    assert [order[place] for place in axis.order] == list(range(0, 8, every))
    assert list(axis.dates) == sorted(axis.dates)
    assert bool(axis.notes) == (list(order) != list(range(8)))


def test_periods():
    axis = time_axis.arrange(dates(range(10)), TimeRecipe(start="2011-02-27", end="2011-03-01"), "it")
    assert axis.describe() == "2011-02-27 to 2011-03-01, 3 records, every 1 d, proleptic_gregorian"
    with pytest.raises(UserError, match="no record from 2012-01-01.*it has 10 from 2011-02-25 to 2011-03-06"):
        time_axis.arrange(dates(range(10)), TimeRecipe(start="2012-01-01"), "it")


def test_duplicates():
    found = dates([0, 1, 1, 2])
    with pytest.raises(UserError, match="1 record.*there already, the first of 2011-02-26"):
        time_axis.arrange(found, TimeRecipe(), "it")
    assert time_axis.arrange(found, TimeRecipe(duplicates="first"), "it").order.tolist() == [0, 1, 3]
    assert time_axis.arrange(found, TimeRecipe(duplicates="last"), "it").order.tolist() == [0, 2, 3]


def test_gaps():
    found = dates([0, 1, 2, 5, 6])
    with pytest.raises(UserError, match="a gap of 3 days after 2011-02-27, where the usual interval is 1 d"):
        time_axis.arrange(found, TimeRecipe(), "it")
    assert len(time_axis.arrange(found, TimeRecipe(gaps="allow"), "it")) == 5
    months = [cftime.datetime(2000 + k // 12, k % 12 + 1, 16, calendar="standard") for k in range(30)]
    assert "every month" in time_axis.arrange(np.array(months), TimeRecipe(), "it").describe()


@pytest.mark.parametrize("calendar, left", [("noleap", 365), ("360_day", 360)])
def test_days_that_a_calendar_lacks(calendar, left):
    """Daily records of 2012 lose 29 February, or the 31sts."""
    axis = time_axis.arrange(dates(range(366), units="days since 2012-01-01"), TimeRecipe(), "it")
    moved = time_axis.in_calendar(axis, calendar)
    assert len(moved) == (left if calendar == "noleap" else 359)
    assert {date.calendar for date in moved.dates} == {calendar}
    assert len(set(moved.dates)) == len(moved) and (np.diff([d.dayofyr for d in moved.dates]) > 0).all()
    assert any("left out" in note for note in moved.notes)


def test_months_keep_their_records_in_a_year_of_360_days():
    ends = np.array([cftime.datetime(2012, m, 31 if m in (1, 3) else 29, calendar="standard") for m in (1, 2, 3)])
    moved = time_axis.in_calendar(time_axis.TimeAxis(ends, np.arange(3)), "360_day")
    assert [date.day for date in moved.dates] == [30, 29, 30]


def test_records_without_dates():
    months = xr.DataArray(np.arange(1, 13), dims="month", name="month")
    with pytest.raises(UserError, match="12 record.*without dates.*time.first"):
        time_axis.decode(months, 12, TimeRecipe(), "it")
    found = time_axis.decode(months, 12, TimeRecipe(first="1999-11-30"), "it")
    assert [str(date)[:10] for date in found[:4]] == ["1999-11-30", "1999-12-30", "2000-01-30", "2000-02-29"]


@pytest.mark.parametrize(
    "values, attributes, words",
    [
        ([0, np.nan], {}, "missing values"),
        ([0, 1], {"units": "fortnights since 2000-01-01"}, "cannot be decoded"),
        ([0, 1], {"units": "days since yesterday"}, "cannot be decoded"),
    ],
)
def test_times_that_mean_nothing(values, attributes, words):
    with pytest.raises(UserError, match=words):
        dates(values, **attributes)


def test_variables_of_different_times():
    one, two = (time_axis.arrange(dates(v), TimeRecipe(gaps="allow"), "it") for v in ([0, 1, 2], [0, 1, 3]))
    with pytest.raises(UserError, match="thetao and so have records of different times: record 2 is of 2011-02-27 and"):
        time_axis.require_same({"thetao": one, "so": two})
    shorter = time_axis.arrange(dates([0, 1]), TimeRecipe(), "it")
    with pytest.raises(UserError, match="there are 3 and 2"):
        time_axis.require_same({"thetao": one, "so": shorter})


def test_bounds_are_months_or_halfway():
    months = np.array([cftime.datetime(2000, m, 16, calendar="standard") for m in (11, 12)])
    bounds = time_axis.bounds_of(months)
    assert [str(date)[:10] for date in bounds[:, 0]] == ["2000-11-01", "2000-12-01"]
    assert str(bounds[-1, 1])[:10] == "2001-01-01"
    days = time_axis.bounds_of(dates([0.5, 1.5, 2.5]))
    assert (days[1:, 0] == days[:-1, 1]).all() and days[0, 0] == dates([0])[0]
