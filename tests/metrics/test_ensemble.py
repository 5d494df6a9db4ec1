"""Spread and skill, ranks, and probabilities of events."""

import jax
import jax.numpy as jnp
import numpy as np
import properscoring
import pytest

from ocean_gcm.metrics import ensemble

ONES = np.ones(1)


def test_variance_and_ratio_by_definition():
    random = np.random.default_rng(0)
    members, truth, weights = random.normal(size=(5, 3, 4)), random.normal(size=(3, 4)), random.random((3, 4))
    weights[1, 1] = 0.0
    spread = sum(
        weights[i] * sum((m[i] - sum(n[i] for n in members) / 5) ** 2 for m in members) / 4 for i in np.ndindex(3, 4)
    )
    error = sum(weights[i] * (sum(m[i] for m in members) / 5 - truth[i]) ** 2 for i in np.ndindex(3, 4))
    truth[1, 1] = np.nan
    ratio = ensemble.spread_skill_ratio(members, truth, weights)
    assert ratio == pytest.approx((6 / 5 * spread / error) ** 0.5)


@pytest.mark.parametrize("members", [2, 5, 20])
def test_reliable_ensembles_of_any_size_have_the_ratio_one(members):
    random = np.random.default_rng(members)
    centre = random.normal(size=40_000)
    draw = lambda *shape: centre + 0.7 * random.normal(size=(*shape, 40_000))  # noqa: E731
    assert ensemble.spread_skill_ratio(draw(members), draw(), ONES) == pytest.approx(1.0, abs=0.02)
    narrow = centre + 0.35 * random.normal(size=(members, 40_000))
    error = 0.49 + 0.1225 / members
    expected = ((members + 1) / members * 0.1225 / error) ** 0.5
    assert ensemble.spread_skill_ratio(narrow, draw(), ONES) == pytest.approx(expected, rel=0.02)


def test_agreement_gives_finite_numbers_and_gradients():
    ratio = jax.jit(jax.value_and_grad(lambda m: ensemble.spread_skill_ratio(m, jnp.ones(4), jnp.ones(4))))
    value, gradient = ratio(jnp.ones((3, 4)))
    assert value == 0.0 and not np.any(gradient)
    value, gradient = ratio(jnp.zeros((3, 4)))
    assert value == 0.0 and not np.any(gradient)


def test_small_spread_of_large_numbers_in_float32():
    deviation = np.array([-1.0, 0.0, 1.0, 4.0])[:, None]
    members = np.asarray(1024.0 + 2.0**-13 * deviation, np.float32)
    expected = 2.0**-26 * np.var(deviation, 0, ddof=1)
    np.testing.assert_allclose(ensemble.ensemble_variance(jnp.asarray(members)), expected, rtol=1e-6)


def test_rank_histogram_by_definition():
    members = np.array([[1.0, 5.0, 2.0], [3.0, 6.0, 2.0], [2.0, 7.0, 2.0]])
    truth, weights = np.array([2.5, 4.0, 2.0]), np.array([2.0, 1.0, 1.0])
    # ranks 2 and 0; three members agree with the last truth: all four ranks alike
    np.testing.assert_allclose(ensemble.rank_histogram(members, truth, weights), [0.3125, 0.0625, 0.5625, 0.0625])


def test_rank_histogram_of_reliable_and_narrow_ensembles():
    random = np.random.default_rng(0)
    members, truth = random.normal(size=(4, 50_000)), random.normal(size=50_000)
    np.testing.assert_allclose(ensemble.rank_histogram(members, truth, ONES), 0.2, atol=4 * (0.16 / 50_000) ** 0.5)
    narrow = ensemble.rank_histogram(0.3 * members, truth, ONES)
    assert min(narrow[0], narrow[-1]) > 0.3 > 0.2 > max(narrow[1:-1])


def test_brier_score_is_that_of_properscoring():
    random = np.random.default_rng(0)
    members, truth = random.normal(size=(6, 20)), random.normal(size=20)
    expected = properscoring.threshold_brier_score(truth, members, threshold=0.2, axis=0)
    np.testing.assert_allclose(ensemble.brier_score(members, truth, 0.2, fair=False), expected, atol=1e-15)


@pytest.mark.parametrize("members", [2, 5])
def test_fair_brier_score_does_not_depend_on_the_number_of_members(members):
    """Its expectation is that of the probability 1/2: 1/4."""
    random = np.random.default_rng(members)
    score = ensemble.brier_score(random.normal(size=(members, 40_000)), random.normal(size=40_000), 0.0)
    assert float(score.mean()) == pytest.approx(0.25, abs=4 * float(score.std()) / 200)
    with pytest.raises(ValueError, match="1 member"):
        ensemble.brier_score(np.zeros((1, 3)), np.zeros(3), 0.0)


def test_reliability_of_known_forecasts():
    """Events that come as often as they are forecast lie on the diagonal; land counts nothing."""
    random = np.random.default_rng(0)
    probability = random.random(60_000)
    outcome = (random.random(60_000) < probability).astype(float)
    outcome[0], weights = np.nan, np.ones(60_000)
    weights[0] = 0.0
    found = ensemble.reliability_curve(ensemble.reliability_sums(probability, outcome, weights))
    np.testing.assert_allclose(found[0], np.arange(0.05, 1, 0.1), atol=0.005)
    np.testing.assert_allclose(found[1], found[0], atol=0.025)
    np.testing.assert_allclose(found[2], 0.1, atol=0.01)
    empty = ensemble.reliability_curve(ensemble.reliability_sums(np.zeros(3), np.zeros(3), np.ones(3)))
    assert empty[1][0] == 0.0 and np.isnan(empty[1][1:]).all()
