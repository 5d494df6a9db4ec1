"""Scores of made-up forecasts with known errors, and intervals that hold what they say."""

import monthly_series as made
import numpy as np
import pytest

from eval.monthly import anomalies, scoring

MEMBERS = 8


@pytest.fixture(scope="module")
def sample():
    series = made.series(months=240)
    return anomalies.sample(series, np.arange(240) < 180)


def forecasts(sample, error, spread, seed=0):
    rng = np.random.default_rng(seed)
    truth = sample.targets(sample.held_out)
    mean = truth + error * rng.standard_normal(truth.shape)
    members = mean + spread * rng.standard_normal((MEMBERS, *truth.shape))
    return scoring.Forecasts(mean, members.astype(np.float32))


@pytest.fixture(scope="module")
def found(sample):
    weights = anomalies.nino34_weights(sample.series)
    index = {"nino34": (weights, sample.targets(sample.held_out)[:, :, 1] @ weights)}
    errors = enumerate((1.0, 0.5))
    return {error: scoring.score(forecasts(sample, error, 1.0, seed=n), sample, index) for n, error in errors}


def test_known_errors_and_spreads_come_out(found):
    calibrated, sharp = found[1.0], found[0.5]
    fields = slice(0, 6)
    np.testing.assert_allclose(calibrated.square.mean(0)[:, fields], 1.0, atol=0.08)
    np.testing.assert_allclose(sharp.square.mean(0)[:, fields], 0.25, atol=0.03)
    # of a calibrated normal distribution: sigma / sqrt(pi)
    np.testing.assert_allclose(calibrated.crps.mean(0)[:, fields], 1 / np.sqrt(np.pi), atol=0.04)
    # members around a mean that is off by 1: their own mean is off by sqrt(1 + 1/M)
    np.testing.assert_allclose(calibrated.spread_skill[:, fields], 1.0, atol=0.06)
    assert (sharp.spread_skill[:, fields] > 1.5).all()
    assert np.isnan(calibrated.correlation[:, fields]).all() and (sharp.correlation[:, 6] > 0.5).all()
    assert calibrated.quantities[0] == ("zos", "global") and calibrated.quantities[6] == ("nino34", "index")


def test_a_forecast_is_not_better_than_itself_and_better_than_a_worse_one(found):
    same = scoring.rows("same", found[1.0], found[1.0])
    skill = same[same.metric.str.match("(rmse|fcrps)_skill")]
    assert (skill.value == 0).all()
    table = scoring.rows("sharp", found[0.5], found[1.0])
    own = table[(table.region == "global") & (table.variable == "tos")].set_index(["metric", "lead"]).value
    np.testing.assert_allclose(own["rmse_skill"], 0.5, atol=0.05)
    assert (own["rmse_skill_low"] < own["rmse_skill"]).all() and (own["rmse_skill"] < own["rmse_skill_high"]).all()
    assert (own["rmse_skill_low"] > 0.4).all()


def test_intervals_of_overlapping_forecasts_hold_the_truth():
    """Two models equally good, with errors that last: the interval holds 0 about as often as it says."""
    rng, inside, trials = np.random.default_rng(0), 0, 40
    for _ in range(trials):
        a, b = (made.autoregression((109, 1, 1), 0.7, rng) ** 2 for _ in range(2))
        nothing = np.full((1, 1), np.nan)
        scores = [scoring.Scores(x, x, nothing, nothing, nothing, (("zos", "global"),)) for x in (a, b)]
        table = scoring.rows("a", *scores).set_index("metric").value
        inside += table["rmse_skill_low"] <= 0 <= table["rmse_skill_high"]
    assert 0.8 <= inside / trials < 1.0
