"""Autocorrelation of series whose correlation is known."""

import numpy as np
import pytest

from ocean_gcm.metrics.decorrelation import autocorrelation, decorrelation_time


def test_first_order_process():
    rng, kept = np.random.default_rng(0), 0.9
    series = np.zeros((1000, 100))
    series[0] = rng.standard_normal(100)
    for n in range(1, 1000):
        series[n] = kept * series[n - 1] + np.sqrt(1 - kept**2) * rng.standard_normal(100)
    correlation = autocorrelation(series.reshape(1000, 10, 10), 30)
    np.testing.assert_allclose(correlation, kept ** np.arange(31), atol=0.03)
    assert decorrelation_time(correlation, 2.0) == pytest.approx(-2.0 / np.log(kept), rel=0.06)


def test_brute_force_and_what_never_decorrelates():
    field = np.random.default_rng(1).standard_normal((12, 3)) + 5.0
    anomaly = field - field.mean()
    for lag, value in enumerate(autocorrelation(field, 3)):
        first, second = anomaly[: 12 - lag].ravel(), anomaly[lag:].ravel()
        assert value == pytest.approx(first @ second / np.sqrt((first @ first) * (second @ second)))
    assert np.isnan(decorrelation_time(np.array([1.0, 0.9, 0.8]), 1.0))
    assert decorrelation_time(np.array([1.0, 0.5, 0.0]), 10.0, level=0.25) == pytest.approx(15.0)
    with pytest.raises(ValueError, match="12 lags of 12 records"):
        autocorrelation(field, 12)
