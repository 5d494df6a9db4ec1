"""Durations and dates."""

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.clock import TimeConfig, duration_seconds, duration_text
from ocean_gcm.errors import UserError


@pytest.mark.parametrize(
    ("text", "calendar", "seconds"),
    [
        ("PT2H", "noleap", 7200),
        ("P30D", "noleap", 30 * 86400),
        ("P10Y", "noleap", 3650 * 86400),
        ("P10Y", "360_day", 3600 * 86400),
        ("P1M", "360_day", 30 * 86400),
        ("P1Y2M3DT4H5M6S", "360_day", (360 + 60 + 3) * 86400 + 4 * 3600 + 5 * 60 + 6),
        ("PT0.5H", "noleap", 1800),
        ("P1W", "noleap", 7 * 86400),
    ],
)
def test_durations(text, calendar, seconds):
    assert duration_seconds(text, calendar) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "2H", "P2H", "PT2D", "-P1D", "P1DT", "PT0.3S", "P1Y1Y", 7200, None])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UserError, match="duration"):
        duration_seconds(text)


@given(st.integers(1, 10**11), st.sampled_from(["noleap", "360_day"]))
def test_text_of_a_duration_is_read_back(seconds, calendar):
    assert duration_seconds(duration_text(seconds, calendar), calendar) == seconds


def test_dates_are_exact_after_a_thousand_years():
    time = TimeConfig(step="PT20M", start="0001-03-01")
    assert f"{time.date(1000 * time.seconds_per_year + 1200):%Y-%m-%d %H:%M}" == "1001-03-01 00:20"


def test_steps_must_divide_what_lasts_longer():
    with pytest.raises(pydantic.ValidationError, match="time.duration = P1Y .* time.step = PT7H"):
        TimeConfig(step="PT7H", duration="P1Y")
    with pytest.raises(pydantic.ValidationError, match="time.physics_interval"):
        TimeConfig(step="PT2H", physics_interval="PT3H")
    with pytest.raises(UserError, match="output.interval = PT2H .* time.physics_interval = PT4H"):
        TimeConfig(step="PT2H", physics_interval="PT4H").require_whole_steps("output.interval", "PT2H")
