"""The page of forced turbulence: what its tables say of seeds and sampling, and that it is written whole."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from eval.geostrophic_turbulence.__main__ import main
from eval.geostrophic_turbulence.chance import MEAN, by_chance, rows_of
from eval.geostrophic_turbulence.page import cell, differences, forecasts_of
from ocean_gcm.errors import UserError

COLUMNS = {("pv", "error"): ("error", 1.0)}


def scores_of(values: dict[str, list[float]], half: float = 0.0329) -> pd.DataFrame:
    rows = [
        (name, seed, "pv", "error", value, value - half, value + half)
        for name, own in values.items()
        for seed, value in enumerate(own)
    ]
    return pd.DataFrame(rows, columns=["model", "seed", "variable", "metric", "value", "low", "high"])


def test_a_cell_says_what_seeds_and_sampling_leave_open():
    scores = scores_of({"online": [1.0, 1.2, 1.4], "none": [2.0]})
    assert cell(scores[scores.model == "online"]) == "1.2 ± 0.02 (1 to 1.4)"
    assert cell(scores[scores.model == "none"]) == "2 ± 0.02"
    assert cell(scores[scores.model == "other"]) == ""


def test_differences_are_paired_by_seed():
    lines = differences(
        scores_of({"offline": [1.0, 2.0, 3.0], "online": [0.9, 1.9, 2.9]}), ["online"], "offline", COLUMNS
    )
    assert lines[-1].startswith("| `online` | **-0.1 ±")
    # the same values in another order: chance
    lines = differences(
        scores_of({"offline": [1.0, 2.0, 3.0], "online": [1.9, 2.9, 0.9]}), ["online"], "offline", COLUMNS
    )
    assert "**" not in lines[-1] and "-0.1 ± 1" in lines[-1]


def test_errors_by_chance_are_those_of_samples_of_the_same_size():
    random, count, draws = np.random.default_rng(0), 8, 200
    expected = 1.0 + np.arange(30.0)
    transfers = expected * (1.0 + 0.1 * random.standard_normal((2, count, 30)))
    runs = xr.Dataset({"kinetic_transfer": (("case", "run", "ring"), transfers), "model": ("case", ["truth", "none"])})
    found = by_chance(runs, [("kinetic_transfer", "transfer_error"), ("u1", "distance")])
    samples = expected * (1.0 + 0.1 * random.standard_normal((2, draws, count, 30))).mean(2)
    size = np.sqrt(((samples[0] - samples[1]) ** 2).mean() / (expected**2).mean())
    assert found == {("kinetic_transfer", "transfer_error"): pytest.approx(size, rel=0.3)}


def test_a_mean_of_vorticity_is_seen():
    spectra = np.ones((2, 3, 5))
    spectra[:, :, 0] = [[0.0], [4.0]]
    fields = {"enstrophy_spectrum1": (("case", "run", "ring"), spectra)}
    rows = rows_of(xr.Dataset(fields, {"model": ("case", ["truth", "direct"]), "seed": ("case", [0, 0])}), [])
    assert rows[["variable", "metric"]].drop_duplicates().values.tolist() == [list(MEAN)]
    assert rows.value.tolist() == pytest.approx([0.0, np.sqrt(0.5)])


@pytest.fixture
def report(tmp_path):
    random = np.random.default_rng(0)
    names, rings, bins = ["truth", "none", "offline", "offline", "online", "online"], 9, 30
    sizes = {"ring": rings, "lag": 4, "bin": bins}
    kinds = {name: "ring" for name in ("kinetic_energy_spectrum1", "enstrophy_spectrum1", "enstrophy_transfer1")}
    kinds |= {"kinetic_transfer": "ring", "correlation1": "lag", "share_q1": "bin"}
    fields = {
        name: (("case", "run", axis), 1.0 / bins + 1e-3 * random.random((len(names), 3, sizes[axis])))
        for name, axis in kinds.items()
    }
    runs = xr.Dataset(fields, {"model": ("case", names), "seed": ("case", [0, 0, 0, 1, 0, 1])})
    runs = runs.assign_coords(interval=("case", np.full(6, 86400.0)), end_q1=("bin", np.linspace(-1, 1, bins)))
    runs.to_netcdf(tmp_path / "runs.nc")
    rows = [
        (model, seed, *key, "", value, value - 0.1, value + 0.1)
        for model, seed, value in (("truth", 0, 3.0), ("none", 0, 4.0), ("offline", 0, 3.1), ("offline", 1, 3.3))
        for key in (("kinetic_energy1", "mean"), ("q1", "distance"), ("pv", "stable"))
    ]
    columns = ["model", "seed", "variable", "metric", "lead", "value", "low", "high"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "subgrid.csv", index=False)
    return tmp_path


def test_the_page_is_written_whole(report, tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    line = {"lead_seconds": [4800, 172800]}
    line |= {
        f"rmse{kind}": {"potential_vorticity": [size, 10 * size]}
        for kind, size in (("", 1e-8), ("_untrained", 2e-8), ("_persistence", 9e-8))
    }
    (run / "validation.jsonl").write_text(json.dumps(line) + "\n")
    folder = tmp_path / "results"
    folder.mkdir()
    assert main([str(report), f"offline={run},{run}", "--output", str(folder)]) == 0
    text = (folder / "geostrophic_turbulence.md").read_text()
    assert "| `offline` | 320% | 3.2 ± 0.06 (3.1 to 3.3) |" in text and "| `persistence` | 9 | 90 |" in text
    assert "<!--" not in text and (folder / "geostrophic_turbulence.png").stat().st_size > 10000
    kept = pd.read_csv(folder / "geostrophic_turbulence.csv")
    assert set(kept[kept.metric == "rmse"].model) == {"offline", "none", "persistence"}
    assert main([str(tmp_path / "nothing"), "--output", str(folder)]) == 2
    assert "has no subgrid.csv; expected a report" in capsys.readouterr().err


def test_trainings_need_a_name_and_a_validation(tmp_path):
    with pytest.raises(UserError, match="'runs/a' names no trainings; expected NAME=RUN"):
        forecasts_of("runs/a")
    with pytest.raises(UserError, match="validation.jsonl could not be read"):
        forecasts_of(f"offline={tmp_path}")
