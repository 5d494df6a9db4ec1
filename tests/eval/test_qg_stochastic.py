"""The page of the stochastic closure of layers says what the tables hold."""

import itertools

import pandas as pd

from eval.qg_stochastic import page
from eval.qg_stochastic.__main__ import main

CRPS = dict(zip(page.LOOKS, (1.0, 1.25, 2.0, 3.0, 4.0, 5.0, 8.0, 9.0), strict=True))


def test_page(tmp_path):
    rows, ranks = [], []
    for variable, lead in itertools.product(page.VARIABLES, page.LEADS):
        head = {"seed": 0, "variable": variable, "lead": float(lead), "region": "all", "depth": "all"}
        for model, crps in CRPS.items():
            rows.append({**head, "model": model, "metric": "crps", "value": crps * lead * 1e-6})
            if model != "stochastic":
                rows.append({**head, "model": "stochastic", "metric": f"crps_below_{model}", "value": 1 - 1 / crps})
        for model in page.ENSEMBLES:
            rows.append({**head, "model": model, "metric": "spread_skill", "value": 0.8})
            for rank in range(33):
                flat = {"share": 1 / 33, "band_low": 0.9 / 33, "band_high": 1.1 / 33}
                ranks.append(
                    {"model": model, "variable": variable, "region": "all", "lead": lead, "rank": rank, **flat}
                )
    scores = pd.DataFrame(rows)
    scores.assign(low=scores.value - 0.01, high=scores.value + 0.01).to_csv(tmp_path / "scores.csv", index=False)
    pd.DataFrame(ranks).to_csv(tmp_path / "ranks.csv", index=False)
    assert main([str(tmp_path), "--output", str(tmp_path / "docs")]) == 0
    text = (tmp_path / "docs" / "qg_stochastic.md").read_text()
    assert "<!--" not in text
    assert (
        "| stochastic | **1** | **2** | **5** | **10** | **15** | **20** |" in text
    )  # of potential vorticity, 1e-6 s-1
    assert "| calibrated | 20 (19 to 21) |" in text and "| calibrated, streamfunction | 0.80" in text
    assert "| perturbed | 50 (49 to 51) |" in text and "| none | 80 (79 to 81) |" in text
    assert "| perturbed, streamfunction | 0.80 (0.79 to 0.81) |" in text and "| 100 %; 1.0 |" in text
    assert {"crps", "spread_skill"} <= set(pd.read_csv(tmp_path / "docs" / "qg_stochastic.csv").metric)
    assert (tmp_path / "docs" / "qg_stochastic.png").stat().st_size > 5000
