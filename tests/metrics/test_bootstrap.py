"""Intervals of scores from resampled start dates."""

import numpy as np
import pytest

from ocean_gcm.metrics.bootstrap import interval, resamples


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = interval(lambda mean: mean, (values,), resamples(400, 4000), level=0.9)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.645 * error, abs=0.1 * error)
    assert high == pytest.approx(values.mean() + 1.645 * error, abs=0.1 * error)


def test_roots_come_last_and_shapes_are_kept():
    square = np.random.default_rng(1).random((30, 4, 2))
    draws = resamples(30, 200)
    low, high = interval(np.sqrt, (square,), draws, 0.8)
    by_hand = np.quantile([np.sqrt(square[draw].mean(0)) for draw in draws], (0.1, 0.9), axis=0)
    np.testing.assert_allclose([low, high], by_hand)


def test_two_models_are_compared_date_by_date():
    """One that is always a tenth better is so in every resample."""
    a = np.random.default_rng(2).random(20) + 0.1
    np.testing.assert_allclose(interval(lambda x, y: 1 - x / y, (0.9 * a, a), resamples(20)), 0.1)


def test_blocks_widen_the_interval_of_dates_that_belong_together():
    values = np.repeat(np.random.default_rng(3).normal(size=20), 10)
    width = lambda block: np.ptp(interval(lambda m: m, (values,), resamples(200, 1000, block=block)))  # noqa: E731
    assert 2.0 < width(20) / width(1) < 4.0  # the root of 10 is 3.2
    with pytest.raises(ValueError, match="block 0"):
        resamples(5, block=0)


def test_one_start_date_has_no_interval():
    assert np.isnan(interval(lambda m: m, (np.ones((1, 3)),), resamples(1))).all()
