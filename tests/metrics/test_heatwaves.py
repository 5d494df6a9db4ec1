"""Marine heatwaves by the definition of Hobday et al. (2016)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.metrics.heatwaves import category, heatwaves, seasonal_threshold


def days(text):
    return np.array([letter == "x" for letter in text])


@pytest.mark.parametrize(
    ("above", "event"),
    [
        ("..xxxx..", "........"),  # four days are none
        ("..xxxxx.", "..xxxxx."),
        ("xxxxx..xxxxx", "xxxxxxxxxxxx"),  # two days between are one event
        ("xxxxx...xxxxx", "xxxxx...xxxxx"),  # three are not
        ("xxxxx..xxx..", "xxxxx......."),  # what follows must last five days itself
        ("..xxxxx..", "..xxxxx.."),  # no gap at the ends
    ],
)
def test_events(above, event):
    np.testing.assert_array_equal(heatwaves(days(above)), days(event))


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_events_by_definition(above):
    """Runs of five or more, found one by one, joined over gaps of two."""
    found, runs, n = np.zeros(len(above), bool), [], 0
    while n < len(above):
        end = n
        while end < len(above) and above[end]:
            end += 1
        if end - n >= 5:
            runs.append((n, end))
        n = max(end, n + 1)
    for begin, end in runs:
        found[begin:end] = True
    for (_, end), (begin, _) in zip(runs, runs[1:], strict=False):
        if begin - end <= 2:
            found[end:begin] = True
    columns = np.stack([above, above[::-1]], 1)
    np.testing.assert_array_equal(heatwaves(columns)[:, 0], found)
    np.testing.assert_array_equal(heatwaves(columns)[::-1, 1], found)


def test_threshold_of_a_season():
    """Thirty years of noise on an annual cycle: the 90th percentile is 1.28 standard deviations above it."""
    year = np.arange(30 * 360)
    cycle = 3 * np.cos(2 * np.pi * np.arange(360) / 360)
    series = cycle[year % 360] + np.random.default_rng(0).normal(size=len(year))
    found = seasonal_threshold(series, year % 360, 360)
    assert np.abs(found - cycle - 1.2816).max() < 0.25 and np.abs((found - cycle).mean() - 1.2816) < 0.02
    raw = seasonal_threshold(series, year % 360, 360, window=11, smooth=1)
    pooled = series[np.isin(year % 360, (np.arange(-5, 6) + 100) % 360)]
    assert raw[100] == pytest.approx(np.percentile(pooled, 90))


def test_missing_values_and_days():
    series, day = np.ones((40, 2)), np.arange(40) % 10
    series[:, 1] = np.nan
    found = seasonal_threshold(series, day, 10, smooth=1)
    assert (found[:, 0] == 1).all() and np.isnan(found[:, 1]).all()
    with pytest.raises(ValueError, match="day 15 of the year has no value within 5 days"):
        seasonal_threshold(series, day, 100)


def test_categories():
    np.testing.assert_array_equal(category(np.array([0.9, 1.0, 1.5, 2.5, 3.5, 9.0]), 0.0, 1.0), [0, 0, 1, 2, 3, 4])
