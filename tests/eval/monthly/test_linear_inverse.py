"""The linear inverse model finds the system that made its data, and its ensembles have that system's distribution."""

import monthly_series as made
import numpy as np
import pytest

from eval.monthly import anomalies, linear_inverse

GROWTH = np.array([[0.7, 0.4, 0.0], [-0.3, 0.7, 0.1], [0.0, 0.0, 0.5]])
NOISE = np.array([[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [0.0, 0.2, 0.6]])
SEASONAL = np.array([[0.0, 0.2, 0.0], [0.0, 0.0, 0.0], [0.1, 0.0, 0.0]])


def system(months, seasonal=False):
    """(month, 3) of p(t + 1) = (G + S cos(season)) p(t) + noise."""
    rng, found = np.random.default_rng(0), np.zeros((months, 3))
    for n in range(1, months):
        growth = GROWTH + seasonal * SEASONAL * np.cos(2 * np.pi * (n - 1) / 12)
        found[n] = growth @ found[n - 1] + NOISE @ rng.standard_normal(3)
    return found


@pytest.mark.parametrize("seasonal", [False, True])
def test_a_known_system_is_recovered(seasonal):
    p = system(20000, seasonal)
    model = linear_inverse.fit(p[:-1], p[1:], np.arange(19999) % 12, seasonal=seasonal)
    np.testing.assert_allclose(model.growth[0], GROWTH, atol=0.02)
    np.testing.assert_allclose(model.noise @ model.noise.T, NOISE @ NOISE.T, atol=0.03)
    if seasonal:
        np.testing.assert_allclose(model.growth[1], SEASONAL, atol=0.02)
        np.testing.assert_allclose(model.growth[2], 0, atol=0.02)
        np.testing.assert_allclose(model.matrix(6), GROWTH - SEASONAL, atol=0.03)


def test_ensembles_have_the_mean_and_covariance_of_the_system():
    model = linear_inverse.LinearInverseModel(GROWTH[None], NOISE)
    start = np.array([[2.0, -1.0, 0.5]])
    found = model.ensemble(start, np.array([3]), 3, 40000, np.random.default_rng(1))[:, 0]
    mean, covariance = start[0], np.zeros((3, 3))
    for n in range(3):
        mean, covariance = GROWTH @ mean, GROWTH @ covariance @ GROWTH.T + NOISE @ NOISE.T
        np.testing.assert_allclose(model.mean(start, np.array([3]), 3)[0, n], mean)
        np.testing.assert_allclose(found[:, n].mean(0), mean, atol=0.03)
        np.testing.assert_allclose(np.cov(found[:, n].T), covariance, atol=0.05)


def test_too_few_months_are_refused():
    with pytest.raises(ValueError, match="3 pairs of months for 3 unknowns"):
        linear_inverse.fit(np.ones((3, 3)), np.ones((3, 3)), np.arange(3))


def test_fields_of_few_patterns_are_forecast_by_them():
    """Two fixed patterns whose amplitudes turn into one another: predictable, though each cell alone is not."""
    wet = made.series(months=2).wet
    rng = np.random.default_rng(0)
    patterns = rng.standard_normal((3, 2, wet.sum()))
    series = made.series(np.tensordot(system(480), patterns, 1))
    sample = anomalies.sample(series, np.arange(480) < 360)
    model = linear_inverse.fit_fields(sample, 3, seasonal=False)
    rest = sample.anomalies - np.tensordot(np.tensordot(sample.anomalies, model.to_modes, 2), model.to_cells, 1)
    assert abs(rest).max() < 1e-9
    errors = model.mean(sample, sample.held_out) - sample.targets(sample.held_out)
    truth = sample.targets(sample.held_out)
    assert (errors[:, 0] ** 2).mean() < 0.6 * (truth[:, 0] ** 2).mean()
    members = model.ensemble(sample, sample.held_out[0], 200, rng)
    assert members.shape == (200, 12, 2, wet.sum())
    departures = (members[:, 0] - members[:, 0].mean(0)).reshape(200, -1)
    assert np.linalg.matrix_rank(departures, tol=1e-6) == 3  # as many as patterns: neighbours go together
