"""Scores with numpy are those with JAX."""

import numpy as np
import pytest

from ocean_gcm.metrics import crps, ensemble, host


@pytest.fixture(scope="module")
def case():
    random = np.random.default_rng(0)
    members, truth, weights = random.normal(size=(7, 3, 20)), random.normal(size=(3, 20)), random.random((3, 20))
    weights[:, 4] = 0.0
    members[3] = members[2]
    truth[1, 5:9] = members[2, 1, 5:9]
    return members, truth, weights


def test_crps(case):
    members, truth, _ = case
    np.testing.assert_allclose(host.fair_crps(members, truth), crps.fair_crps(members, truth), rtol=1e-5, atol=1e-6)


def test_energy_score(case):
    members, truth, weights = case
    expected = crps.energy_score(members, truth, weights, (-1,))
    np.testing.assert_allclose(host.energy_score(members, truth, weights), expected, rtol=1e-5)


def test_rank_histogram(case):
    members, truth, weights = case
    regions = np.stack([weights[1], weights[1] * (np.arange(20) > 10)])
    found = host.rank_histogram(members[:, 1], truth[1], regions)
    for row, region in zip(found, regions, strict=True):
        np.testing.assert_allclose(row, ensemble.rank_histogram(members[:, 1], truth[1], region), atol=1e-6)


def test_one_member_is_refused():
    with pytest.raises(ValueError, match="1 member"):
        host.fair_crps(np.ones((1, 3)), np.ones(3))
