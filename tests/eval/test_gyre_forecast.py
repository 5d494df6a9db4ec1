"""The page of the forecasts of the gyre says what the tables hold."""

import itertools

import numpy as np
import pandas as pd
import pytest

from eval.gyre_forecast import page
from eval.gyre_forecast.__main__ import main

CRPS = {"hybrid": 1.0, "physics": 2.0, "persistence": 4.0, "damped": 3.0, "climatology": 5.0}


@pytest.fixture
def report(tmp_path):
    rows = []
    for variable, lead, region in itertools.product(page.VARIABLES, page.LEADS, ("all", "interior")):
        head = {"seed": 0, "variable": variable, "lead": float(lead), "region": region, "depth": "all"}
        for model, crps in CRPS.items():
            rows.append({**head, "model": model, "metric": "crps", "value": crps * lead})
            if model != "hybrid":
                rows.append(
                    {**head, "model": "hybrid", "metric": f"crps_below_{model}", "value": 1 - 1 / crps - 0.01 * lead}
                )
        for model, ratio in (("hybrid", 1.0), ("physics", 0.3)):
            rows.append({**head, "model": model, "metric": "spread_skill", "value": ratio + 0.004 * lead})
    for lead, (variable, metric) in itertools.product(
        page.LEADS, (("drifters", "separation_km"), ("kinetic_energy", "ratio_to_truth"))
    ):
        head = {"seed": 0, "variable": variable, "lead": float(lead), "region": "all", "depth": "surface"}
        rows.append({**head, "model": "hybrid", "metric": metric, "value": 0.5})
    scores = pd.DataFrame(rows)
    scores.assign(low=scores.value - 0.02, high=scores.value + 0.02).to_csv(tmp_path / "scores.csv", index=False)
    ranks = pd.DataFrame(
        [(m, v, r, float(n), k) for m in ("hybrid", "physics") for v in page.VARIABLES for r in ("all", "interior")
         for n in page.LEADS for k in range(51)],
        columns=["model", "variable", "region", "lead", "rank"],
    )  # fmt: skip
    share = np.where(ranks["rank"] == 0, 2 / 51, np.where(ranks["rank"] == 50, 0.0, 1 / 51))
    ranks.assign(share=share, band_low=0.9 / 51, band_high=1.1 / 51).to_csv(tmp_path / "ranks.csv", index=False)
    return tmp_path


def test_page(report, tmp_path, capsys):
    assert main([str(report), "--output", str(tmp_path / "docs")]) == 0
    text = (tmp_path / "docs" / "gyre_forecast.md").read_text()
    assert "<!--" not in text
    assert "| hybrid | **1.0000** | **2.0000** | **5.0000** | **10.0000** | **20.0000** | **30.0000** |" in text
    # the least gain is at 30 days: 1 - 1/2 - 0.3; the sample allows for none at all only where it is below 2 %
    assert "| physics, interior | 5 of 5; least 20 % at 30 d |" in text
    assert "| hybrid, sea level (m) | 1.00 (0.98 to 1.02) | 1.01" in text and "| 4 of 5 |" in text
    assert "| sea level (m) | 96 %, 1.0 | 96 %, 1.0 |" in text
    table = pd.read_csv(tmp_path / "docs" / "gyre_forecast.csv")
    assert list(table.columns) and {"crps", "spread_skill"} <= set(table.metric)
    assert {"hybrid", "physics", "persistence", "climatology"} <= set(table.model)
    for name in ("crps", "spread", "ranks"):
        assert (tmp_path / "docs" / f"gyre_forecast_{name}.png").stat().st_size > 5000


def test_a_folder_without_a_report(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert "has no scores.csv; expected a report of `python -m eval forecast`" in capsys.readouterr().err
