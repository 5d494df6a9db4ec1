"""The benchmark of decaying turbulence: what its program measures, and what its page says of it."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

import ocean_gcm as og
from eval.turbulence_2d import page, rollouts
from eval.turbulence_2d.__main__ import CONFIG, main
from ocean_gcm.config import config_from_dict

STEPS = 4


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """(folder, model): a store of two trajectories that the model made itself, 8 x 8 cells."""
    folder = tmp_path_factory.mktemp("turbulence")
    tree = yaml.safe_load(CONFIG.read_text()) | {"grid": {"nx": 8, "length_x": 6283.0}}
    tree["initial"] |= {"lowest": 1, "highest": 3}
    (folder / "coarse.yaml").write_text(yaml.safe_dump(tree))
    model = og.build_model(config_from_dict(tree))
    made = []
    for seed in (0, 1):
        start = rollouts.started(model, model.config.initial.potential_vorticity(model.grid, seed))
        q = np.asarray(model.unroll(start, steps=STEPS, save_every=1)[1].states.ocean.potential_vorticity)
        made.append(np.concatenate([np.asarray(start.ocean.potential_vorticity)[None], q]))
    coordinates = {"time": np.arange(STEPS + 1) * 2.0, "x": model.grid.x, "y": model.grid.y}
    store = xr.Dataset({"pv": (("trajectory", "time", "layer", "y", "x"), np.stack(made))}, coordinates)
    store["time"].attrs["units"] = "s"
    store.to_zarr(folder / "truth.zarr")
    tree["dynamics"]["viscosity"] = 1000.0
    (folder / "viscous.yaml").write_text(yaml.safe_dump(tree))
    return folder, model


def test_scores_of_the_model_that_made_the_truth_are_zero(tiny, capsys):
    folder, model = tiny
    models = [f"{name}={folder / name}.yaml" for name in ("coarse", "viscous")]
    assert main(["scores", str(folder / "truth.zarr"), *models, "--output", str(folder / "tables")]) == 0
    assert "viscous" in capsys.readouterr().out
    same, viscous, truth = (rollouts.Found.load(folder / "tables" / f"{n}.npz") for n in ("coarse", "viscous", "truth"))
    assert same.errors.shape == (2, STEPS) and same.errors.max() < 1e-8
    np.testing.assert_allclose(same.enstrophy, truth.enstrophy, rtol=1e-4, atol=1e-12)
    # an independent value: the last state of the second trajectory, in squares of the benchmark's unit
    made = xr.open_zarr(folder / "truth.zarr").pv.values[1]
    config = og.load_config(folder / "viscous.yaml")
    other = og.build_model(config)
    end, _ = other.unroll(rollouts.started(other, made[0]), steps=STEPS)
    error = np.mean((1e3 * (np.asarray(end.ocean.potential_vorticity) - made[-1])) ** 2)
    assert viscous.errors[1, -1] == pytest.approx(error, rel=1e-3) and error > 0.01
    both = xr.open_zarr(folder / "truth.zarr").pv.values[:, -1]
    assert truth.enstrophy.sum() == pytest.approx(0.5 * np.mean(both**2), rel=1e-4)


def test_a_part_that_is_not_there_is_refused(tiny, capsys):
    folder, _ = tiny
    command = ["scores", str(folder / "truth.zarr"), f"a={folder / 'coarse.yaml'}", "--output", str(folder / "none")]
    assert main([*command, "--trajectories", "1", "3"]) == 2
    assert "--trajectories is 1 3; expected a part of 0 2" in capsys.readouterr().err


def found(size, bad=False):
    errors = size * np.arange(1, 501)[None] * np.array([[0.9], [1.1]])
    errors[1, 100:] = np.inf if bad else errors[1, 100:]
    spectrum = np.arange(1, 47, dtype=float) ** -3.0
    return rollouts.Found(errors, spectrum, spectrum, np.outer(np.sin(np.arange(64)), np.ones(64)))


def test_page_has_means_spreads_and_published_numbers(tmp_path):
    models = {"truth": found(0.0), "none": found(0.01), "online": found(0.001), "none.three_halves": found(0.002, True)}
    text = page.write_page(models, tmp_path).read_text()
    # mean of 0.01 (1 .. 30) is 0.155; the spread of 0.9 and 1.1 is 14 %
    assert "| `none` | 0.155 ± 14 % | 0.605 ± 14 % | 2.50 ± 14 % |" in text
    assert "| published, none | 0.0778 | 0.905 | 4.05 |" in text and "| `online` | 0.100 ± 0.000 |" in text
    assert "not finite in 1 of 2" in text and "<!--" not in text
    table = pd.read_csv(tmp_path / "turbulence_2d.csv")
    assert list(table.columns) == ["model", "seed", "variable", "lead", "metric", "value"] and len(table) == 18
    assert (tmp_path / "turbulence_2d.png").exists()
