"""The same scores by independent packages: xskillscore and scores."""

import operator

import numpy as np
import pytest
import xarray as xr

from ocean_gcm.metrics import crps, deterministic, ensemble
from ocean_gcm.metrics.averages import root_mean_square_error

xskillscore = pytest.importorskip("xskillscore")
scores = pytest.importorskip("scores")
SPACE = ["y", "x"]


@pytest.fixture(scope="module")
def case():
    """Members (6, 9, 11), truth and weights, float64; land is NaN with weight 0."""
    random = np.random.default_rng(0)
    members, truth, weights = random.normal(size=(6, 9, 11)), random.normal(size=(9, 11)), random.random((9, 11))
    land = random.random((9, 11)) < 0.2
    weights[land] = 0.0
    members[:, land] = truth[land] = np.nan
    named = xr.DataArray(members, dims=("member", *SPACE)), xr.DataArray(truth, dims=SPACE)
    return members, truth, weights, *named, xr.DataArray(weights, dims=SPACE)


def test_errors_of_single_forecasts(case):
    members, truth, weights, m, t, w = case
    arguments = {"dim": SPACE, "weights": w, "skipna": True}
    pairs = [
        (root_mean_square_error, xskillscore.rmse),
        (deterministic.mean_squared_error, xskillscore.mse),
        (deterministic.mean_absolute_error, xskillscore.mae),
        (deterministic.mean_error, xskillscore.me),
    ]
    for ours, theirs in pairs:
        expected = float(theirs(m[0], t, **arguments))
        assert ours(members[0], truth, weights) == pytest.approx(expected, rel=1e-6), theirs.__name__


def test_fair_and_ordinary_crps(case):
    members, truth, _, m, t, _ = case
    wet = np.isfinite(truth)
    for ours, method in ((crps.fair_crps, "fair"), (crps.crps, "ecdf")):
        theirs = scores.probability.crps_for_ensemble(m, t, "member", method=method, preserve_dims="all")
        np.testing.assert_allclose(np.asarray(ours(members, truth))[wet], theirs.values[wet], rtol=1e-6)
    theirs = xskillscore.crps_ensemble(t, m, member_dim="member", dim=[])
    np.testing.assert_allclose(np.asarray(crps.crps(members, truth))[wet], theirs.values[wet], rtol=1e-6)


def test_rank_histogram(case):
    members, truth, _, m, t, _ = case
    wet = np.isfinite(truth)
    theirs = xskillscore.rank_histogram(t.stack(p=SPACE)[wet.ravel()], m.stack(p=SPACE)[:, wet.ravel()], dim="p")
    ours = ensemble.rank_histogram(np.nan_to_num(members), np.nan_to_num(truth), wet.astype(float))
    np.testing.assert_allclose(ours, theirs.values / wet.sum(), rtol=1e-6)


def test_fair_brier_score(case):
    members, truth, _, m, t, _ = case
    wet = np.isfinite(truth)
    theirs = scores.probability.brier_score_for_ensemble(
        m, t, "member", 0.3, preserve_dims="all", fair_correction=True, event_threshold_operator=operator.gt
    )
    ours = np.asarray(ensemble.brier_score(members, truth, 0.3))
    np.testing.assert_allclose(ours[wet], theirs.squeeze().values[wet], atol=1e-6)


def test_reliability():
    random = np.random.default_rng(1)
    probability, outcome = random.random(400), (random.random(400) < 0.4).astype(float)
    ours = ensemble.reliability_curve(ensemble.reliability_sums(probability, outcome, np.ones(400), bins=5))
    edges = np.linspace(0, 1 + 1e-8, 6)
    theirs = xskillscore.reliability(
        xr.DataArray(outcome, dims="p") > 0.5, xr.DataArray(probability, dims="p"), "p", probability_bin_edges=edges
    )
    np.testing.assert_allclose(ours[1], theirs.values, rtol=1e-5)
    np.testing.assert_allclose(ours[2] * 400, theirs["samples"].values, rtol=1e-5)


def test_anomaly_correlation(case):
    """Centred on a climatology that makes both means zero it is the correlation of Pearson."""
    members, truth, weights, m, t, w = case
    wet = weights > 0
    mean = lambda x: np.average(x[wet], weights=weights[wet])  # noqa: E731
    forecast, observed = members[0] - mean(members[0]), truth - mean(truth)
    expected = xskillscore.pearson_r(m[0], t, dim=SPACE, weights=w, skipna=True)
    ours = deterministic.anomaly_correlation(forecast, observed, np.zeros_like(truth), weights)
    assert ours == pytest.approx(float(expected), rel=1e-5)
