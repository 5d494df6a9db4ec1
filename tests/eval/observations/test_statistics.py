"""Statistics from sums against plain formulas; boxes count once; bands hold the truth."""

import numpy as np
import properscoring
import pytest

from eval.observations import statistics
from eval.observations.samples import Observations, layer_of, regions
from eval.observations.statistics import Sums

MEMBERS, NUMBER = 5, 500


@pytest.fixture(scope="module")
def sample():
    random = np.random.default_rng(0)
    observed = random.normal(15, 3, NUMBER)
    members = observed + 0.3 + random.normal(0, 1, NUMBER) + random.normal(0, 0.8, (MEMBERS, NUMBER))
    return members, observed, observed + random.normal(0, 2, NUMBER), random.integers(0, 4, NUMBER)


@pytest.fixture(scope="module")
def table(sample):
    members, observed, climatology, unit = sample
    sums = Sums.empty((4, 1, 2, 1), MEMBERS)
    layer = np.where(np.arange(NUMBER) < 200, 0, 1)
    found = statistics.terms(members, observed, climatology)
    sums.add(found, unit, [np.ones(NUMBER, bool)], layer, np.zeros(NUMBER, int))
    rows = statistics.table(sums, ["all"], ["0-10 m", "10-20 m"], [1.0], climatology=True, weights=None, draws=200)
    return rows.set_index(["depth", "metric"])


def test_each_statistic_is_its_formula(sample, table):
    members, observed, climatology, _ = sample
    mean = members.mean(0)
    expected = {
        "number": NUMBER,
        "bias": (mean - observed).mean(),
        "rmse": ((mean - observed) ** 2).mean() ** 0.5,
        "mae": np.abs(mean - observed).mean(),
        "correlation": np.corrcoef(mean, observed)[0, 1],
        "skill_against_climatology": 1 - ((mean - observed) ** 2).mean() / ((climatology - observed) ** 2).mean(),
        "spread": ((MEMBERS + 1) / MEMBERS * members.var(0, ddof=1).mean()) ** 0.5,
    }
    a, b = mean - climatology, observed - climatology
    expected["anomaly_correlation"] = (a * b).sum() / ((a * a).sum() * (b * b).sum()) ** 0.5
    # fair: the mean difference over pairs of different members
    ordinary = properscoring.crps_ensemble(observed, members.T)
    pairs = np.abs(members[:, None] - members).sum((0, 1))
    expected["crps"] = (ordinary + pairs / (2 * MEMBERS**2) - pairs / (2 * MEMBERS * (MEMBERS - 1))).mean()
    expected["spread_skill"] = expected["spread"] / expected["rmse"]
    for metric, value in expected.items():
        assert table.value["all", metric] == pytest.approx(value, rel=1e-5), metric
    upper = ((mean - observed)[:200] ** 2).mean() ** 0.5
    assert table.value["0-10 m", "rmse"] == pytest.approx(upper)


def test_bands_hold_the_value(table):
    row = table.loc[("all", "rmse")]
    assert row.low < row.value < row.high


def test_few_observations_give_nothing():
    sums = Sums.empty((2, 1, 1, 1), 1)
    one = np.ones(9)
    found = statistics.terms(one[None], one)
    sums.add(found, np.zeros(9, int), [one > 0], np.zeros(9, int), np.zeros(9, int))
    rows = statistics.table(sums, ["all"], ["0-10 m"], [""], climatology=False, weights=None)
    assert len(rows) == 0


def test_crowded_boxes_count_once():
    """A thousand values off by one in one box, one off by three in another of the same size, at two depths."""
    lon = np.repeat(np.concatenate([np.full(1000, 2.0), [12.0]]), 2)
    depth = np.tile([60.0, 200.0], 1001)
    made = Observations("o", lon, np.full(2002, 2.0), np.zeros(2002, "datetime64[s]"), depth, {})
    difference = np.where(lon < 5, 1.0, 3.0)
    difference[1] = np.nan
    rmse, bias, number = statistics.box_means(made, difference, 50.0, 800.0)
    assert rmse == pytest.approx(5.0**0.5) and bias == pytest.approx(2.0) and number == 2001


def test_boxes_in_the_table_are_weighted_by_area():
    weights = statistics.box_weights()
    lon, lat = np.array([2.0, 182.0]), np.array([2.0, 62.0])
    box, number = statistics.boxes(lon, lat)
    assert number == len(weights) and weights[box[1]] == pytest.approx(np.cos(np.radians(62.5)))
    values = np.zeros((number, 1, len(statistics.QUANTITIES)))
    values[box, 0, 0], values[box, 0, 1] = [10, 20], [10, 60]  # means 1 and 3
    found = statistics.of_boxes(values, weights)
    w = weights[box]
    assert found["box_bias"][0] == pytest.approx((w[0] + 3 * w[1]) / w.sum())
    assert found["box_rmse"][0] == pytest.approx(((w[0] + 9 * w[1]) / w.sum()) ** 0.5)


def test_layers_and_regions():
    np.testing.assert_array_equal(layer_of(np.array([-1, 0, 9.9, 10, 20]), (0, 10, 20)), [-1, 0, 0, 1, -1])
    lon, lat = np.array([330.0, 330.0, 200.0, 80.0, 330.0, 5.0]), np.array([40.0, 0.0, -30.0, -10.0, -60.0, 80.0])
    found = regions(lon, lat)
    named = [next(n for n, mask in found.items() if n != "all" and mask[k]) for k in range(6)]
    assert named == [
        "North Atlantic", "Tropical Atlantic", "South Pacific", "Indian Ocean", "Southern Ocean", "Arctic Ocean",
    ]  # fmt: skip
    assert sum(mask.astype(int) for name, mask in found.items() if name != "all").max() == 1
