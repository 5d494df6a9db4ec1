import numpy as np
import pytest
import xarray as xr

from ocean_gcm.data.times import MIDDLE_OF_MONTHS, year_fractions
from ocean_gcm.errors import UserError


def axis(values, units=None, calendar="noleap"):
    attributes = {} if units is None else {"units": units, "calendar": calendar}
    return xr.DataArray(np.asarray(values), dims="time", name="time", attrs=attributes)


MIDDLES = [15, 45, 74, 105, 135, 166, 196, 227, 258, 288, 319, 349]


@pytest.mark.parametrize(
    "coordinate",
    [
        None,
        axis(range(1, 13)),
        axis(range(12)),
        axis(MIDDLES, "days since 2001-01-01"),
        axis([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], "days since 2001-01-01"),
    ],
)
def test_twelve_months(coordinate):
    assert year_fractions(coordinate, 12, "x") == MIDDLE_OF_MONTHS


def test_other_records_are_taken_at_their_dates():
    fractions = year_fractions(axis([0, 90, 180, 270], "days since 2001-02-01", "360_day"), 4, "x")
    np.testing.assert_allclose(fractions, [1 / 12, 4 / 12, 7 / 12, 10 / 12])


def test_one_record_is_constant():
    assert len(year_fractions(axis([700], "days since 2001-01-01"), 1, "x")) == 1


@pytest.mark.parametrize(
    ("coordinate", "number", "words"),
    [
        (None, 11, "has 11 records; expected 12 months"),
        (axis(range(1, 12)), 11, "has 11 records; expected 12 months"),
        (axis(MIDDLES[:-1], "days since 2001-01-01"), 11, "11 records with a gap of 61 days after 2001-11-16"),
        (axis(MIDDLES[:5] + MIDDLES[6:], "days since 2001-01-01"), 11, "gap of 61 days"),
        (axis(MIDDLES + [380], "days since 2001-01-01"), 13, "climatology of one year"),
        (axis([12, *range(1, 12)]), 12, "expected 1 to 12"),
        (axis([1, 2, 3, 4, 5, 7, 7, 8, 9, 10, 11, 12]), 12, "expected 1 to 12"),
        (axis(MIDDLES[::-1], "days since 2001-01-01"), 12, "gap"),
        (axis(MIDDLES, "days since the flood"), 12, "cannot be decoded"),
    ],
)
def test_refusal(coordinate, number, words):
    with pytest.raises(UserError, match=words):
        year_fractions(coordinate, number, "variable 'x' of y.nc")
