"""Statistics of members: those of numpy, without the members that failed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.statistics import Statistics, parse_statistics

ALL = Statistics(True, True, (0.1, 0.5, 1.0))


@given(
    arrays.arrays(np.float32, (5, 3, 2), elements=st.floats(-100, 100, width=32)),
    arrays.arrays(bool, 5),
)
def test_only_finite_members_count(members, finite):
    members = members.copy()
    members[:, 0, 0] = np.nan  # land
    members[~finite] = np.nan
    found, good = ALL.of(members, finite), members[finite][:, 1:].astype(float)
    for array in found.values():
        assert np.isnan(array[..., 0, 0]).all() and array.dtype == np.float32
    if len(good):
        np.testing.assert_allclose(found["mean"][1:], good.mean(0), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found["quantile"][2, 1:], good.max(0))
        np.testing.assert_allclose(found["quantile"][1, 1:], np.median(good, 0), rtol=1e-5, atol=1e-5)
    else:
        assert all(np.isnan(array).all() for array in found.values())
    if len(good) > 1:
        np.testing.assert_allclose(found["std"][1:], good.std(0, ddof=1), rtol=1e-4, atol=1e-5)
    else:
        assert np.isnan(found["std"]).all()


def test_words():
    assert parse_statistics(["mean", "0.9", "0.1", 0.1]) == Statistics(True, False, (0.1, 0.9))
    assert not parse_statistics([]).any
    for word in ("median", "", "nan", "-0.1"):
        with pytest.raises(UserError, match="--statistics contains"):
            parse_statistics([word])
