"""The whole study on made-up files: every part is there, a second run goes on, bad data get a sentence."""

import monthly_series as made
import numpy as np
import pandas as pd
import pytest

from eval.monthly import hybrid, study
from eval.monthly.__main__ import main, write
from eval.monthly.anomalies import FILE

MODELS = {"climatology", "persistence", "damped", "linear_inverse", "regression", "hybrid"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("monthly")
    made.write_files(path, made.series(months=312))
    return path


@pytest.fixture(scope="module")
def found(folder):
    small = hybrid.HybridConfig(seen=2, answered=3, coherent=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "HYBRIDS", {"hybrid": small})
        plan = study.Plan(
            folder, folder / "run", members=4, stages=(),
            say=lambda text: None,
        )  # fmt: skip
        result = study.run(plan)
        write(result, folder / "results")
        said = []
        again = study.run(study.dataclasses.replace(plan, say=said.append))
        np.testing.assert_array_equal(again["scores"]["hybrid"].crps, result["scores"]["hybrid"].crps)
        assert not any(text.endswith("...") for text in said)  # nothing was made anew
    return result


def test_page_table_and_figures_are_complete(found, folder):
    table = pd.read_csv(folder / "results" / "monthly.csv")
    assert list(table.columns[:6]) == ["model", "seed", "variable", "lead", "metric", "value"]
    assert set(table.model) == MODELS
    assert np.isfinite(table.value).all()
    page = (folder / "results" / "monthly.md").read_text()
    assert "<!--" not in page and str(folder) not in page
    for name in ("skill", "maps", "nino34", "speeds"):
        assert (folder / "results" / "monthly" / f"{name}.png").stat().st_size > 5000


def test_an_autoregression_is_forecast_best_by_damped_persistence(found):
    """No other forecast can be better than by chance: the made-up field is a first-order autoregression."""
    table = found["scores"]
    best = table["damped"].square.mean(0)[:, 0] ** 0.5
    for name in MODELS - {"damped"}:
        assert (table[name].square.mean(0)[:, 0] ** 0.5 > 0.98 * best).all(), name
    np.testing.assert_allclose(best[:3], np.sqrt(1 - 0.8 ** (2 * np.arange(1, 4))), rtol=0.1)


def test_a_mistake_gets_a_sentence(tmp_path, capsys):
    made.write_files(tmp_path, made.series(months=312))
    made.dataset(made.series(months=312)).drop_vars("tos_anom").to_netcdf(tmp_path / FILE)
    assert main(["--data", str(tmp_path), "--output", str(tmp_path / "run")]) == 2
    assert "no variable 'tos_anom'" in capsys.readouterr().err
