"""Closures of layers scored on a tiny truth: what reaches the table, and mistakes."""

import json
import types

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from layers_model import TREE

from eval.__main__ import main
from eval.subgrid import online
from eval.subgrid.online import open_target, require_same_flow
from eval.subgrid.statistics import compare, flow_statistics
from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict, load_config
from ocean_gcm.data.layers_truth import open_layers_truth
from ocean_gcm.errors import UserError
from ocean_gcm.quasi_geostrophic.coarsening import refined

SINGLE = {"closures": {"viscosity": {"kind": "leith"}}, "forcing": {}, "precision": "float32"}
SINGLE["dynamics"] = {
    "core": "quasi_geostrophic",
    "layers": {"thickness": [1000]},
    "bottom_drag": 1e-7,
    "dealiasing": "three_halves",
    "time_stepper": "crank_nicolson_rk2",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Folder of a configuration with a closure and a truth of random waves that lacks a damping."""
    folder = tmp_path_factory.mktemp("subgrid")
    (folder / "leith.yaml").write_text(yaml.safe_dump(TREE | SINGLE))
    hat = np.fft.rfft2(np.random.default_rng(0).standard_normal((2, 5, 1, 16, 16)))
    hat[..., 4:-3, :], hat[..., 4:], hat[..., 0, 0] = 0, 0, 0
    q, x = 5e-6 * np.fft.irfft2(hat), (np.arange(16) + 0.5) * 1e6 / 16
    dims = ("trajectory", "time", "layer", "y", "x")
    truth = xr.Dataset({"pv": (dims, q), "pv_subgrid_source": (dims, -1e-6 * q)}, {"y": x, "x": x})
    truth.assign_coords(time=("time", 7200.0 * np.arange(5), {"units": "s"})).to_zarr(folder / "truth.zarr")
    return folder


def test_scores_and_report(files, capsys):
    options = ["--steps", "24", "--save-every", "4", "--starts", "2", "--spin-up", "0", "--offline", "4"]
    places = ["--truth", str(files / "truth.zarr"), "--output", str(files / "report")]
    model = files / "leith.yaml"
    assert main(["subgrid", f"viscous={model},{model}", *places, *options]) == 0
    whole = pd.read_csv(files / "report" / "subgrid.csv")
    table = whole[whole.seed == 0].set_index(["model", "variable", "metric"]).value
    assert table["viscous", "pv", "stable"] == 1 and (files / "report" / "index.html").exists()
    # it takes enstrophy, as does the source of the truth, and the run begins with a state of that
    assert 0 < table["viscous", "source1", "correlation"] < 1 and table["viscous", "source1", "enstrophy_ratio"] > 0
    assert table["viscous", "enstrophy1", "mean"] == pytest.approx(table["truth", "enstrophy1", "mean"], rel=0.1)
    assert table["viscous", "q1", "distance"] > 0 and "similarity" not in table.index.get_level_values("metric")
    # two seeds with the same weights; intervals where chance has a part
    seeds = whole[whole.model == "viscous"].set_index(["variable", "metric", "seed"])
    pd.testing.assert_frame_equal(seeds.xs(0, level="seed"), seeds.xs(1, level="seed"), rtol=1e-6)
    energy = seeds.loc["kinetic_energy1", "mean", 0]
    assert energy.low < energy.value < energy.high
    with xr.open_dataset(files / "report" / "runs.nc") as runs:
        assert runs.sizes["run"] == 2 and list(runs.model.values) == ["truth", "viscous", "viscous"]
        own = runs["enstrophy_spectrum1"].isel(case=1).sum("ring").mean("run")
        assert float(own) == pytest.approx(table["viscous", "enstrophy1", "mean"], rel=1e-4)
        np.testing.assert_allclose(runs["share_q1"].sum("bin"), 1.0, rtol=1e-5)
    assert "100% of the runs with viscous are stable" in capsys.readouterr().out.replace("\n", " ")


def test_mistakes_are_one_sentence(files, capsys):
    base = ["--truth", str(files / "truth.zarr"), "--output", str(files / "r")]
    model = str(files / "leith.yaml")
    assert main(["subgrid", model, *base, "--without", "other"]) == 2
    assert "--without is other; expected one of leith" in capsys.readouterr().err
    assert main(["subgrid", model, *base, "--target", str(files / "truth.zarr")]) == 2
    assert "which has no attribute coarse_config; expected a store of ocean-gcm truth" in capsys.readouterr().err
    assert main(["subgrid", model, *base, "--steps", "7"]) == 2
    assert "expected a divisor of --steps = 7" in capsys.readouterr().err
    assert main(["subgrid", str(files), *base, "--closures", "leith"]) == 2
    assert "holds no exported model" in capsys.readouterr().err
    other = files / "weaker.yaml"
    other.write_text(yaml.safe_dump(TREE | SINGLE | {"closures": {"viscosity": {"kind": "smagorinsky"}}}))
    assert main(["subgrid", f"pair={model},{other}", *base]) == 2
    assert "pair has another configuration for seed 1 than for 0" in capsys.readouterr().err
    assert main(["subgrid", model, model, *base]) == 2
    assert "two models are called leith" in capsys.readouterr().err


def test_a_finer_target_is_that_of_its_waves(files):
    """The statistics of the same waves on more points, as a coarser grid sees them."""
    tree = TREE | SINGLE | {"closures": {}}
    model, truth = build_model(config_from_dict(tree)), xr.open_zarr(files / "truth.zarr")[["pv"]]
    fine = config_from_dict(tree | {"grid": {"nx": 24, "length_x": 1e6}})
    q = refined(truth.pv.values, build_model(fine).grid)
    x = (np.arange(24) + 0.5) * 1e6 / 24
    store = xr.Dataset(
        {"pv": (truth.pv.dims, q), "time": truth.time},
        {"y": x, "x": x},
        {"coarse_config": json.dumps(fine.model_dump(mode="json", exclude={"weights"}))},
    )
    store.to_zarr(files / "fine.zarr")
    require_same_flow(str(files / "fine.zarr"), model, "none")
    other = build_model(config_from_dict(tree | {"dynamics": SINGLE["dynamics"] | {"bottom_drag": 2e-7}}))
    with pytest.raises(UserError, match="none has dynamics.bottom_drag = 2e-07, the truth .* 1e-07; expected the same"):
        require_same_flow(str(files / "fine.zarr"), other, "none")
    seen = open_target(str(files / "fine.zarr"), model).statistics(7200.0).seen_by(model.grid)
    own = flow_statistics(model, truth.pv.values.astype(np.float32), 7200.0)
    for name, spectrum in own.statistics.spectra.items():
        np.testing.assert_allclose(
            seen.statistics.spectra[name], spectrum[: own.rings], atol=1e-5 * np.abs(spectrum).max()
        )
    errors = {(name, metric): value for name, _, metric, value in compare(own, seen)}
    assert errors["kinetic_energy_spectrum1", "spectrum_error"] < 1e-4
    assert errors["enstrophy_transfer1", "transfer_error"] < 1e-3
    assert seen.rings == own.rings and seen.statistics.samples["q1"].std() == pytest.approx(
        own.statistics.samples["q1"].std(), rel=1e-5
    )


def test_runs_that_blow_up_are_counted_and_left_out(files, monkeypatch):
    """A bound that no run keeps: its share and steps are zero, the report is written without it."""
    monkeypatch.setattr(online, "_LARGEST", 1e-9)
    options = ["--steps", "8", "--save-every", "4", "--starts", "2", "--spin-up", "0", "--offline", "0"]
    places = ["--truth", str(files / "truth.zarr"), "--output", str(files / "unstable")]
    assert main(["subgrid", f"viscous={files / 'leith.yaml'}", *places, *options]) == 0
    table = pd.read_csv(files / "unstable" / "subgrid.csv").set_index(["model", "metric"]).value
    assert table["viscous", "stable"] == 0 and table["viscous", "steps"] == 0
    assert ("viscous", "mean") not in table.index and ("truth", "mean") in table.index
    assert "0% of the runs with viscous" in (files / "unstable" / "index.html").read_text()


def test_on_a_cpu_each_run_ends_by_itself(files, monkeypatch):
    """The second of three runs leaves all bounds within its first piece; the others go on to the end."""
    model = build_model(load_config(files / "leith.yaml"))
    truth, calls = open_layers_truth(files / "truth.zarr", model), []
    plan = types.SimpleNamespace(steps=40, save_every=2, starts=3, first=4)
    begin = online._starts(model, truth.windows([0, len(truth) // 3], 1), 1)
    bad = np.asarray(begin.ocean.potential_vorticity)[0, 1]

    def unroll(model, closures, states, steps, save_every):
        q = np.asarray(states.ocean.potential_vorticity)
        calls.append(q.shape[:2])
        worse = np.where((q == bad).all((2, 3, 4), keepdims=True), np.inf, q)
        return states, np.repeat(worse[:, :, None], steps // save_every, 2)

    monkeypatch.setattr(online, "_unroll", unroll)
    found = online.run([model, model], truth, plan)
    assert len(calls) == 2 * (10 + 1 + 10) and set(calls) == {(1, 1)}
    for runs in found:
        assert runs.stable.tolist() == [True, False, True] and runs.lasted.tolist() == [40, 0, 40]
        assert runs.kept.shape == (2, 16, *model.grid.shape) and np.isfinite(runs.kept).all()
