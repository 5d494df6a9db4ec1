"""The tables of the study of the hybrid double gyre say what its forecasts did."""

import numpy as np
import pandas as pd
import pytest

from eval.gyre_hybrid import page
from eval.gyre_hybrid.climate import Climate
from eval.gyre_hybrid.forecasts import SCORES, VARIABLES, _scores, by_variable


def forecasts(errors):
    """Rows of models with given mean squared errors, at four starts."""
    found = []
    for (model, members), square in errors.items():
        for seed in (0, 1):
            for start in range(4):
                for lead in page.LEADS:
                    for variable in VARIABLES:
                        values = dict.fromkeys(SCORES, square * (1 + 0.1 * start) * lead)
                        head = dict(model=model, seed=seed, members=members, start=start, lead=lead, variable=variable)
                        found.append(head | values)
    return pd.DataFrame(found)


@pytest.fixture(scope="module")
def table():
    models = {("none", 1): 4.0, ("classical_a", 1): 2.25, ("classical_b", 1): 9.0, ("rollout", 1): 1.0}
    return forecasts({**models, ("stochastic", 8): 0.5})


def test_reductions_are_of_root_mean_squares(table):
    share, low, high = page.reduction(table, "rollout", "none", "temperature", 10)
    assert share == pytest.approx(0.5) and low == pytest.approx(0.5) and high == pytest.approx(0.5)
    assert page.best_classical(table, "velocity", 30) == "classical_a"
    assert "| temperature (K) | 30 d | 50 % (50 to 50) | 33 % (33 to 33), `classical_a` |" in page.reduction_table(
        table
    )


def test_spread_counts_the_members(table):
    line = next(line for line in page.ensemble_table(table) if line.startswith("| velocity (m s-1) | 5 d"))
    assert line.endswith(f"| {np.sqrt(9 / 8):.2f} ± 0.00 |")


def test_scores_of_a_known_ensemble():
    members = np.stack([np.full((2, 3, 4), 1.0), np.full((2, 3, 4), 3.0)])
    truth, weights = np.full((2, 3, 4), 2.5), np.full((3, 4), 1 / 12)
    square, absolute, crps, variance = (np.asarray(x) for x in _scores(members, truth, weights))
    np.testing.assert_allclose([square, absolute], [[0.25] * 2, [0.5] * 2])
    np.testing.assert_allclose(crps, 1.0 - 1.0)  # mean distance 1, half of the mean distance of pairs 1
    np.testing.assert_allclose(variance, 2.0)
    both = by_variable({"u": np.ones(2), "v": np.full(2, 3.0), "temperature": np.zeros(2)})
    assert set(both) == {"temperature", "velocity"} and both["velocity"][0] == 2.0


def test_climate_of_a_standing_wave():
    """u = cos(t) at all places: eddies of energy 1/4, no mean flow."""
    time = np.arange(72) * 2 * np.pi / 72
    u = np.cos(time)[:, None, None] * np.ones((72, 16, 16))
    found = Climate.of(u, 0 * u, u, np.zeros((2, 16, 16)))
    np.testing.assert_allclose(found.eddy_energy, 0.25)
    np.testing.assert_allclose(found.mean_energy, 0.0, atol=1e-12)
    assert found.stable and found.years == 1.0 and found.speeds.max() == 1.0
    assert not Climate.of(u * np.nan, u, u, np.zeros((2, 16, 16))).stable
