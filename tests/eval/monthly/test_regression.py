"""Damped persistence is the best forecast of an autoregression; the ridge regression finds what it cannot see."""

import monthly_series as made
import numpy as np
import pytest

from eval.monthly import anomalies, choices, regression

FACTOR = 0.8
NOTHING = dict.fromkeys(regression.GROUPS, np.inf)
LITTLE = {"local": 20.0, "modes": np.inf, "seasonal": np.inf}


@pytest.fixture(scope="module")
def sample():
    series = made.series(months=600, factor=FACTOR)
    return anomalies.sample(series, series.time < np.datetime64("2020-01"))


def size(errors, weights):
    return (errors**2 @ weights).mean(0) ** 0.5


def test_damping_of_an_autoregression_is_its_factor_to_the_power_of_the_lead(sample):
    found = regression.damping(sample)
    expected = FACTOR ** np.arange(1, 13)
    # the mean of 480 months taken off makes coefficients a little smaller
    np.testing.assert_allclose(found.mean(-1), np.stack([expected] * 2, 1), atol=0.05)


def test_damped_persistence_is_the_best_baseline_of_an_autoregression(sample):
    truth, weights = sample.targets(sample.held_out), sample.series.weights
    errors = {n: size(regression.baseline(n, sample, sample.held_out) - truth, weights) for n in regression.BASELINES}
    assert (errors["damped"] < errors["persistence"]).all()
    assert (errors["damped"][:6] < errors["climatology"][:6]).all()
    expected = np.sqrt(1 - FACTOR ** (2 * np.arange(1, 13)))
    np.testing.assert_allclose(errors["damped"].mean(1), expected, rtol=0.05)


def test_infinite_penalties_are_damped_persistence(sample):
    seen = regression.features(sample, 2)
    found = regression.ridge(sample, seen, [NOTHING], sample.held_out)[0]
    np.testing.assert_allclose(found, regression.baseline("damped", sample, sample.held_out), atol=1e-6)


def test_waves_that_go_west_are_seen_coming():
    """A field that moves one cell west each month and keeps 0.9 of itself."""
    wet = made.series(months=2).wet
    rng, maps = np.random.default_rng(0), np.zeros((400, 2, *wet.shape))
    for n in range(1, 400):
        maps[n] = 0.9 * np.roll(maps[n - 1], -1, -1) * wet + 0.4 * rng.standard_normal(maps.shape[1:]) * wet
    series = made.series(maps[..., wet])
    sample = anomalies.sample(series, np.arange(400) < 300)
    seen = regression.features(sample, 2)
    damped, ridge = regression.ridge(sample, seen, [NOTHING, LITTLE], sample.held_out) - sample.targets(sample.held_out)
    ratio = size(ridge, series.weights) / size(damped, series.weights)
    assert (ratio[:2] < 0.85).all()
    found = choices.choose_ridge(anomalies.folds(series, np.arange(400) < 300, 3))
    local = np.array([penalty["local"] for penalty in choices.PENALTIES])[found.penalty]
    assert (local[:2] == 20.0).all()
    assert (found.relative[-1] == 1.0).all() and found.relative[found.penalty[0, 0], 0, 0] < 0.85


def test_drawn_errors_have_the_covariance_of_the_errors():
    rng = np.random.default_rng(0)
    errors = rng.standard_normal((50, 3)) @ np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.5]])
    drawn = regression.drawn_errors(errors, 40000, rng)
    np.testing.assert_allclose(drawn.T @ drawn / len(drawn), errors.T @ errors / 50, atol=0.15)
