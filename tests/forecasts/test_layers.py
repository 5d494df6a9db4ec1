"""Forecasts of layers: from trajectories, the same members however they are made, scored against their truth."""

import io

import numpy as np
import pytest
import xarray as xr
from layers_model import build
from rich.console import Console

import ocean_gcm as og
from eval.__main__ import main
from eval.forecast.evaluation import Settings, evaluate_variable
from eval.forecast.flow import evaluate_flow
from eval.forecast.plan import plan_of
from eval.forecast.stores import common_variables, open_forecasts, open_truth
from eval.forecast.tables import Confidence, scores_of
from ocean_gcm.forecasts.store import store_dates

DIMS = ("trajectory", "time", "layer", "y", "x")
OPTIONS = {"start": "PT0H", "every": "P1D", "count": 2, "lead": "P2D", "members": 2}
RECORDS, TRAJECTORIES = 7, 4


@pytest.fixture(scope="module")
def model():
    return build(precision="float32", ensemble={"potential_vorticity": 0.1})


@pytest.fixture(scope="module")
def truth(model, tmp_path_factory):
    """Daily states of the model itself, without the noise of its forcing being known."""
    path, q = tmp_path_factory.mktemp("truth") / "truth.zarr", []
    for seed in range(TRAJECTORIES):
        first = model.config.initial.potential_vorticity(model.grid, seed)
        _, saved = model.unroll(
            model.initial_state(fields={"potential_vorticity": first}), steps=24 * RECORDS, save_every=24
        )
        q.append(np.asarray(saved.states.ocean.potential_vorticity))
    time = ("time", 86400.0 * np.arange(RECORDS), {"units": "s"})
    data = {"pv": (DIMS, np.stack(q), {"units": "s-1"})}
    xr.Dataset(data, {"time": time, "y": model.grid.y, "x": model.grid.x}).to_zarr(path)
    return path


@pytest.fixture(scope="module")
def forecast(model, truth):
    def run(path, **options):
        text = io.StringIO()
        console = Console(file=text, width=300)
        with og.forecast(model, options.pop("initial", truth), path, **{**OPTIONS, **options}, console=console) as made:
            return made.load(), text.getvalue()

    return run


@pytest.fixture(scope="module")
def path_of_whole(tmp_path_factory):
    return tmp_path_factory.mktemp("forecasts") / "whole.zarr"


@pytest.fixture(scope="module")
def whole(forecast, path_of_whole):
    return forecast(path_of_whole, trajectories=[2, 3], statistics=["mean"])[0]


def test_starts_are_records_of_trajectories(whole, truth, path_of_whole, forecast, tmp_path):
    assert dict(whole.pv.sizes) == {"init_time": 4, "member": 2, "lead": 2, "lev": 2, "y": 16, "x": 16}
    assert whole.trajectory.values.tolist() == [2, 2, 3, 3]
    assert [f"{date:%m-%d}" for date in store_dates(path_of_whole)] == ["01-01", "01-02"] * 2
    assert {"pv", "psi", "uo", "vo", "psi_mean"} <= set(whole) and "forcing:" in whole.attrs["configuration"]
    options = {"start": "0001-01-02", "count": 1, "every": None, "perturb": "noise", "lead": "P1D", "variables": ["pv"]}
    made, said = forecast(tmp_path / "noise.zarr", trajectories=[3], with_start=True, **options)
    expected = np.broadcast_to(xr.open_zarr(truth, consolidated=False).pv[3, 1], made.pv[0, :, 0].shape)
    np.testing.assert_allclose(made.pv[0, :, 0], expected, atol=2e-11)  # the model keeps what its grid resolves
    assert float(made.pv[0, :, 1].std("member").max()) > 1e-9  # the forcing's noise
    assert "surface" not in said


def test_members_differ_between_trajectories_and_not_by_interruption(whole, forecast, tmp_path):
    path = tmp_path / "parts.zarr"
    forecast(path, trajectories=[2], statistics=["mean"])
    made, said = forecast(path, trajectories=[2, 3], statistics=["mean"], resume=True)
    assert "2 of 4 starts are complete already" in said
    xr.testing.assert_identical(made, whole)
    perturbation = whole.pv[:, 1] - whole.pv[:, 0]
    assert abs(np.corrcoef(perturbation[0].values.ravel(), perturbation[2].values.ravel())[0, 1]) < 0.9
    with pytest.raises(og.UserError, match="not the first of the 2 starts"):
        forecast(path, trajectories=[3], statistics=["mean"], resume=True)


def test_a_run_is_one_history(model, forecast, tmp_path):
    _, saved = model.unroll(model.initial_state(), steps=24 * RECORDS, save_every=24)
    model.to_xarray(saved).to_zarr(tmp_path / "run.zarr")
    options = {"initial": tmp_path / "run.zarr", "every": None, "count": 1}
    made, _ = forecast(tmp_path / "forecasts.zarr", start="0001-01-04", levels=[1], **options)
    assert "trajectory" not in made.variables and made.pv.shape == (1, 2, 2, 1, 16, 16)
    with pytest.raises(og.UserError, match="is one history"):
        forecast(tmp_path / "other.zarr", start="0001-01-04", trajectories=[0], **options)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"trajectories": [9]}, "has 4 trajectories, 0 to 3"),
        ({"trajectories": [3, 2]}, "every number once, in order"),
        ({"start": "PT1H"}, "is no record of"),
        ({"start": "0001-01-09"}, "is no record of"),
        ({"variables": ["thetao"]}, "--variables contains 'thetao'"),
        ({"levels": [2]}, "expected some of 0 to 1"),
        ({"grid": "1deg"}, "kept on the model's own grid"),
        ({"encode": True}, "--encode is for analyses"),
        ({"forcing": "winds.zarr"}, "has no surface"),
    ],
)
def test_bad_input(forecast, tmp_path, options, words):
    with pytest.raises(og.UserError, match=words):
        forecast(tmp_path / "forecasts.zarr", **options)


def test_scores_against_the_trajectories(whole, path_of_whole, truth, tmp_path, capsys):
    store = open_forecasts(str(path_of_whole), "layers")
    of = open_truth(str(truth), store.dataset)
    plan, places = plan_of([store], of), common_variables([store], of, ["pv", "psi", "uo", "vo"])
    assert plan.starts.text(3) == "0001-01-02 of trajectory 3" and places["pv"].periodic_x and places["pv"].periodic_y
    settings = Settings(("persistence", "climatology"), extremes=False)
    found = scores_of(
        "psi", evaluate_variable("psi", places["psi"], [store], of, plan, settings), plan, Confidence(draws=9)
    )
    table = found[(found.depth == "all") & (found.lead == 2)].set_index(["model", "metric"]).value
    psi = np.stack([of.read("psi", np.array([7 * n + k]))[0] for n in (2, 3) for k in range(4)]).reshape(
        2, 4, 2, 16, 16
    )
    error = (psi[:, :2] - psi[:, 2:]).astype(float) ** 2
    expected = (error.mean((0, 1, 3, 4)) @ [500, 2000] / 2500) ** 0.5  # by the thickness of the layers
    assert table["persistence", "rmse"] == pytest.approx(expected, rel=1e-5)
    assert 0 < table["layers", "crps"] < table["persistence", "crps"] and table["layers", "spread"] > 0
    flow = evaluate_flow(places, [store], of, plan)
    energy = flow.spectra["truth"][0, 0].sum()
    u, v = (of.read(name, plan.valid[0, :1], level=0).astype(float) for name in ("uo", "vo"))
    assert energy == pytest.approx(0.5 * (u.var() + v.var()), rel=1e-5)
    assert flow.separation["layers"][:, -1].mean() < flow.separation["persistence"][:, -1].mean()
    with pytest.raises(og.UserError, match="numbers of trajectories"):
        of.between("0001-01-01", "0001-02-01")
    arguments = ["forecast", str(path_of_whole), "--truth", str(truth), "--output", str(tmp_path / "report")]
    assert main([*arguments, "--leads", "3"]) == 2
    assert "--leads has 3" in capsys.readouterr().err


def test_calibrated_layers(forecast, truth, tmp_path):
    """Forecasts of the truth's own model that begin too far apart; starts and trajectories are kept."""
    options = {"count": 4, "members": 5, "variables": ["pv", "psi"]}
    before, _ = forecast(tmp_path / "made.zarr", trajectories=[0, 1], **options)
    learn = ["calibration", str(tmp_path / "made.zarr"), "--truth", str(truth), "--output", str(tmp_path / "c.nc")]
    assert main(learn) == 0
    made = og.calibrate_forecasts(tmp_path / "made.zarr", tmp_path / "c.nc", tmp_path / "calibrated.zarr").load()
    np.testing.assert_array_equal(made.trajectory.values, before.trajectory.values)
    np.testing.assert_array_equal(made.init_time.values, before.init_time.values)
    with xr.open_zarr(truth) as of:
        for name in ("pv", "psi"):
            assert made[name].dims == before[name].dims
        for lead in (0, 1):
            valid = of.pv.values[[0, 0, 0, 0, 1, 1, 1, 1], [lead + n for n in (1, 2, 3, 4) * 2]]
            ratios = []
            for store in (before, made):
                members = store.pv.values[:, :, lead].astype(float)
                spread = 6 / 5 * members.var(1, ddof=1).mean((0, 2, 3))
                ratios.append((spread / ((members.mean(1) - valid) ** 2).mean((0, 2, 3))) ** 0.5)
            assert (ratios[0] > 2).all() and (np.abs(ratios[1] - 1) < 0.1).all()
