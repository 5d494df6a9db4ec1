"""Moments in one pass against those of the whole series."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.metrics.moments import Moments


@given(cuts=st.lists(st.integers(1, 19), max_size=4), offset=st.sampled_from([0.0, 1e4]), seed=st.integers(0, 50))
def test_pieces_are_the_whole(cuts, offset, seed):
    """Any cut into pieces gives the mean and variance of all values, with missing ones left out."""
    random = np.random.default_rng(seed)
    field = offset + random.normal(size=(20, 2, 3, 4))
    field[random.random(field.shape) < 0.1] = np.nan
    weights = random.random((2, 3, 4))
    weights[0, 1] = 0.0
    moments = Moments.empty(2)
    for piece in np.split(field, sorted(set(cuts))):
        moments = moments + Moments.of(piece, weights)
    share = np.where(np.isfinite(field), weights, 0.0)
    mean = np.nansum(share * field, (0, 2, 3)) / share.sum((0, 2, 3))
    variance = np.nansum(share * (field - mean[:, None, None]) ** 2, (0, 2, 3)) / share.sum((0, 2, 3))
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(moments.variance, variance, rtol=1e-8)


def test_a_level_without_weight_has_no_variance_and_a_constant_zero():
    moments = Moments.of(np.full((50, 2, 3, 3), np.float32(35.1)), np.stack([np.ones((3, 3)), np.zeros((3, 3))]))
    moments = moments + moments
    assert moments.variance[0] < 1e-25 and np.isnan(moments.variance[1])
