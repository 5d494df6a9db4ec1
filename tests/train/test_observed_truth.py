"""A truth from an observed climatology, tendencies learned from its increments, regions held out."""

import json

import jax
import numpy as np
import pytest
import xarray as xr
import yaml
from train_files import lines

from ocean_gcm.build import build_model
from ocean_gcm.config import load_config
from ocean_gcm.data.truth import INCREMENT, open_truth
from ocean_gcm.errors import UserError
from ocean_gcm.weights import load_model
from train.config import load_train_config
from train.held_out import outside, starts_by_month, within
from train.observed_truth import _added, make_observed_truth
from train.setup import Material, Setup

MODEL = {
    "name": "held",
    "precision": "float64",
    "grid": {"geometry": "sphere", "nx": 8, "ny": 6, "x": [0, 360], "y": [-60, 60], "periodic_x": True}
    | {"levels": {"thickness": [100, 300, 600]}},
    "bathymetry": {"kind": "flat", "depth": 1000},
    "initial": {"kind": "linear"},
    "dynamics": {"equation_of_state": {"kind": "linear"}, "momentum_advection": "none"},
    "closures": {
        "learned": {
            "kind": "neural_tendencies",
            "features": ["temperature", "coriolis", "mask"],
            "outputs": ["temperature"],
            "horizontal_fluxes": True,
            "network": {"width": 8, "blocks": 1},
        }
    },
    "time": {"step": "PT6H", "duration": "P10D"},
    "output": {"interval": "P2D"},
}
REGION = [340.0, 400.0, -20.0, 20.0]
TRAINING = {
    "name": "observed",
    "model": {"base": "model.yaml"},
    "truth": {
        "observe": {"path": "ocean.nc", "temperature": "theta", "salinity": "salt"}
        | {"relaxation": "P5D", "spinup": "P40D", "duration": "P20D", "interval": "P2D"}
    },
    "periods": {"train": [0.0, 0.6], "validation": [0.6, 1.0]},
    "held_out": [REGION],
    "trainable": {"closures.learned.tower.**": "auto"},
    "loss": {"terms": {"error": {"kind": "squared_error", "weight": 100.0}}, "variables": {"temperature": 1.0}},
    "stages": [
        {"mode": "tendency", "steps": 8, "iterations": 60, "learning_rate": 0.02, "batch": 2},
        {"steps": 8, "iterations": 2, "learning_rate": 0.001, "batch": 2},
    ],
    "validation": {"leads": ["P2D", "P4D"], "starts": 1},
    "checkpoints": {"every": 60},
}


def climatology(model):
    """Warm and cold bands that the model's start, level everywhere, lacks."""
    geometry, centres = model.grid.geometry, model.grid.levels.centres
    lat = geometry.y["T"][:, 0]
    start = np.asarray(model.initial_state().ocean.temperature)
    theta = start + 3.0 * np.sin(np.deg2rad(3 * lat))[:, None] * np.array([1.0, 0.0, -0.3])[:, None, None]
    months = np.ones((12, 1, 1, 1))
    at = ("month", "depth", "lat", "lon")
    return xr.Dataset(
        {
            "theta": (at, months * theta, {"units": "degC", "standard_name": "sea_water_potential_temperature"}),
            "salt": (at, months * np.full_like(theta, 35.0), {"units": "1"}),
        },
        {
            "depth": ("depth", centres, {"units": "m", "positive": "down"}),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", geometry.x["T"][0], {"units": "degrees_east"}),
            "month": ("month", np.arange(1, 13)),
        },
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("observed")
    (directory / "model.yaml").write_text(yaml.safe_dump(MODEL))
    model = build_model(load_config(directory / "model.yaml"))
    climatology(model).to_netcdf(directory / "ocean.nc")
    tree = {**TRAINING, "truth": {"observe": {**TRAINING["truth"]["observe"], "path": str(directory / "ocean.nc")}}}
    (directory / "training.yaml").write_text(yaml.safe_dump(tree))
    return directory


@pytest.fixture(scope="module")
def run(directory, quietly):
    config = load_train_config(directory / "training.yaml")
    carry, text = quietly((config, directory / "training.yaml"), directory / "run")
    return carry, text, directory / "run"


def test_truth_is_near_the_climatology_and_says_how_near(run, directory):
    _, text, output = run
    model = build_model(load_config(directory / "model.yaml"))
    truth = open_truth(output / "truth.zarr", model)
    assert len(truth) == 11 and truth.seconds[0] == 40 * 86400
    with xr.open_dataset(directory / "ocean.nc") as source:
        distance = np.abs(truth.fields(10)["temperature"] - source.theta.values[0]).max()
    # 60 days of a pull of 5 days leave what the model lacks in them
    assert distance < 0.3 and "temperature of the last record" in text


def test_increments_balance_what_the_model_does(run):
    """The truth hardly changes any more, so on average increments and the model's own drift cancel: they are small
    where the climatology is what the model keeps by itself."""
    with xr.open_zarr(run[2] / "truth.zarr", decode_times=False) as truth:
        increments = truth[INCREMENT.format("temperature")].values
        assert truth[INCREMENT.format("temperature")].dims == ("time", "lev", "lat", "lon")
    assert np.abs(increments[-1, 0]).max() > 2 * np.abs(increments[-1, 2]).max() > 0


def test_a_trained_model_is_held_again(run, directory):
    """Less has to draw it, and increments count what it adds by itself: they are those of its physics."""
    observe = load_train_config(directory / "training.yaml").truth.observe
    trained = load_model(run[2])
    path = make_observed_truth(observe, trained, directory / "again.zarr")
    name = INCREMENT.format("temperature")
    with (
        xr.open_zarr(path, decode_times=False) as again,
        xr.open_zarr(run[2] / "truth.zarr", decode_times=False) as first,
    ):
        assert again.attrs["configuration_hash"] != first.attrs["configuration_hash"]
        increments, before = again[name].values[-1], first[name].values[-1]
    truth = open_truth(path, trained)
    added = _added(
        trained, trained.state_from(truth.window(10, 1).at(0).ocean, truth.window(10, 1).at(0).time, jax.random.key(0))
    )
    drawn = increments - np.asarray(added.temperature)
    assert np.sqrt((drawn**2).mean()) < 0.9 * np.sqrt((before**2).mean())
    assert np.corrcoef(increments.ravel(), before.ravel())[0, 1] > 0.9


def test_tendencies_are_learned(run):
    losses = [line["loss"] for line in lines(run[2] / "metrics.jsonl")]
    assert len(losses) == 62
    assert np.mean(losses[50:60]) < 0.7 * np.mean(losses[:5])


def test_held_out_region_is_scored_by_itself(run):
    scores = lines(run[2] / "validation.jsonl")[-1]
    names = ["rmse", "rmse_held_out", "rmse_untrained", "rmse_held_out_untrained", "rmse_persistence"]
    for name in (*names, "rmse_held_out_persistence"):
        assert len(scores[name]["temperature"]) == 2 and min(scores[name]["temperature"]) > 0
    assert scores["rmse"]["temperature"] != scores["rmse_held_out"]["temperature"]


def test_truth_is_not_made_again(run, directory, quietly):
    made = (run[2] / "truth.zarr").stat().st_mtime_ns
    config = load_train_config(directory / "training.yaml")
    _, text = quietly((config, directory / "training.yaml"), run[2], resume=True)
    assert "holding" not in text and (run[2] / "truth.zarr").stat().st_mtime_ns == made


def test_regions_cross_greenwich(directory):
    model = build_model(load_config(directory / "model.yaml"))
    x, y = model.grid.geometry.x["T"], model.grid.geometry.y["T"]
    region = (340.0, 400.0, -20.0, 20.0)
    inside = within([region], model.grid)["temperature"]
    np.testing.assert_array_equal(inside, ((x > 340) | (x < 40)) & (np.abs(y) < 20))
    np.testing.assert_array_equal(outside([region], model.grid)["u"], ~within([region], model.grid)["u"])


@pytest.mark.parametrize(
    "override, message",
    [
        ("held_out=[[10, 5, 0, 1]]", "held_out contains \\[10.0, 5.0, 0.0, 1.0\\]; expected \\[west, east"),
        ("truth.path=a.zarr", "exactly one of the keys path, simulate and observe"),
        ("truth.observe.interval=soon", "not an ISO-8601 duration"),
        ("stages.0.save_every=4", "mode = tendency knows no saved times and no noise"),
        ("stages.0.mode=tendencies", "did you mean 'tendency'"),
    ],
)
def test_mistakes_name_the_key(directory, override, message):
    with pytest.raises(UserError, match=message):
        load_train_config(directory / "training.yaml", [override])


def test_a_truth_without_increments_is_refused(directory, run, quietly):
    with xr.open_zarr(run[2] / "truth.zarr", chunks=None) as truth:
        plain = truth.load().drop_vars([INCREMENT.format(name) for name in ("temperature", "salinity")])
    plain.to_zarr(directory / "plain.zarr")
    config = load_train_config(
        directory / "training.yaml", [f"truth={json.dumps({'path': str(directory / 'plain.zarr')})}"]
    )
    with pytest.raises(UserError, match="mode = tendency or scale = increment needs a truth with increments"):
        quietly((config, directory / "training.yaml"), directory / "refused")


def test_all_columns_held_out_is_refused(directory):
    config = load_train_config(directory / "training.yaml", ["held_out=[[0, 360, -90, 90]]"])
    setup = Setup.build(config, directory)
    material = Material.prepare(setup, directory, directory, lambda text: None)
    with pytest.raises(UserError, match="no wet cell that counts"):
        material.static(config.stages[0], config.loss)


def test_months_are_held_out(directory, run):
    """Records of days 40 to 60 lie in February and March; windows that touch a held-out month are not learned from."""
    model = build_model(load_config(directory / "model.yaml"))
    truth = open_truth(run[2] / "truth.zarr", model)
    months = np.array([date.month for date in truth.dates])
    assert set(months) == {2, 3}
    learned, held = starts_by_month(np.arange(9), truth, 3, 1, [3])
    assert all((months[s : s + 3] == 2).all() for s in learned) and len(learned)
    np.testing.assert_array_equal(held, np.flatnonzero(months[:9] == 3))
    everything, nothing = starts_by_month(np.arange(9), truth, 3, 1, [])
    assert len(everything) == 9 and not len(nothing)


@pytest.mark.parametrize(
    "months, message", [([1, 2, 3], "leave no forecast of 8 steps"), ([7], "no forecast of the validation begins in")]
)
def test_months_that_leave_nothing(directory, run, months, message):
    text = json.dumps({"path": str(run[2] / "truth.zarr")})
    config = load_train_config(directory / "training.yaml", [f"held_out_months={months}", f"truth={text}"])
    material = Material.prepare(Setup.build(config, directory), directory, directory, lambda text: None)
    with pytest.raises(UserError, match=message):
        _ = material.strides
        material.validation()


def test_perturbed_states_are_to_be_drawn_back(directory, run):
    """An untrained network adds nothing: it lacks the perturbation over `draw`, within the steps of the stage."""
    text = json.dumps({"path": str(run[2] / "truth.zarr")})
    stages = json.dumps([{**TRAINING["stages"][0], "members": 2, "draw": "P10D"}])
    config = load_train_config(directory / "training.yaml", [f"truth={text}", f"stages={stages}"])
    setup = Setup.build(config, directory)
    material = Material.prepare(setup, directory, directory, lambda text: None)
    stage, batch = config.stages[0], next(material.batches(0))
    static = material.static(stage, config.loss)
    made, wanted = setup.learner.changes(setup.numbers, static, batch, stage)
    assert made.temperature.shape == (2, 2, 1, *setup.model.grid.shape)
    np.testing.assert_allclose(wanted.temperature, batch.truth.temperature * 2 * 86400)
    perturbation = np.asarray(made.temperature) * 10 / 2  # two of ten days
    size = np.sqrt((perturbation[..., 0, :, :] ** 2).mean())
    # of 0.1 K; most of it is the mean of a level of so small a globe, which perturbations leave as it is
    assert 0.01 < size < 0.1 and np.abs(perturbation[0, 0] - perturbation[0, 1]).max() > 0.01
    with pytest.raises(UserError, match="draw is 'P10D'; expected null without mode: tendency and members"):
        load_train_config(directory / "training.yaml", ["stages.0.draw=P10D"])
