"""The page of calibrated forecasts of the gyre says what the tables hold."""

import itertools

import numpy as np
import pandas as pd
import pytest

from eval.gyre_calibration import page
from eval.gyre_calibration.__main__ import main

CRPS = {"calibrated": 0.9, "raw": 1.0, "physics": 2.0, "persistence": 4.0, "damped": 3.0, "climatology": 5.0}


@pytest.fixture
def report(tmp_path):
    rows = []
    for variable, lead, region in itertools.product(page.VARIABLES, page.LEADS, ("all", "interior")):
        head = {"seed": 0, "variable": variable, "lead": float(lead), "region": region, "depth": "all"}
        for model, crps in CRPS.items():
            rows.append({**head, "model": model, "metric": "crps", "value": crps * lead})
            if model != "calibrated":
                # physics is no longer below with certainty at 30 days
                value = 1 - 0.9 / crps - (0.55 if (model, lead) == ("physics", 30) else 0)
                rows.append({**head, "model": "calibrated", "metric": f"crps_below_{model}", "value": value})
        for model, ratio in (("calibrated", 1.0), ("raw", 0.85)):
            rows.append({**head, "model": model, "metric": "spread_skill", "value": ratio + 0.004 * lead})
    scores = pd.DataFrame(rows)
    scores.assign(low=scores.value - 0.02, high=scores.value + 0.02).to_csv(tmp_path / "scores.csv", index=False)
    keys = itertools.product(
        ("calibrated", "raw"), page.VARIABLES, ("all", "interior"), map(float, page.LEADS), range(51)
    )
    ranks = pd.DataFrame(list(keys), columns=["model", "variable", "region", "lead", "rank"])
    dome = np.where(ranks["rank"].isin([0, 50]), 0.0, 1 / 49)
    share = np.where(ranks.model == "raw", dome, 1 / 51)
    ranks.assign(share=share, band_low=0.99 / 51, band_high=1.01 / 51).to_csv(tmp_path / "ranks.csv", index=False)
    return tmp_path


def test_page(report, tmp_path):
    assert main([str(report), "--output", str(tmp_path / "docs")]) == 0
    text = (tmp_path / "docs" / "gyre_calibration.md").read_text()
    assert "<!--" not in text
    assert "| sea level (m), calibrated | 1.00 (0.98 to 1.02) | 1.01" in text and "| 4 of 5 | 1.008, 1.120 |" in text
    assert "| sea level (m), raw | 0.85 (0.83 to 0.87) |" in text and "| 2 of 5 | 0.858, 0.970 |" in text
    assert "| 100 %; 1.00 | 100 %; 1.00, 1.00 |" in text and "| 0 %; 0.00 | 0 %; 0.69, 1.04 |" in text
    assert "| sea level (m), calibrated | 100 %; 1.00 |" in text and "| sea level (m), raw | 0 %; 0.00 |" in text
    assert "| calibrated | 0.9000 | 1.8000 | 4.5000 | 9.0000 | 18.0000 | 27.0000 |" in text
    assert "| sea level (m) | 10.0 (8.0 to 12.0) |" in text and "| 4 of 5 |" in text
    assert {"crps", "spread_skill"} <= set(pd.read_csv(tmp_path / "docs" / "gyre_calibration.csv").metric)
    for name in ("spread", "ranks"):
        assert (tmp_path / "docs" / f"gyre_calibration_{name}.png").stat().st_size > 5000
