"""Training of layers, from a truth of trajectories to a model that runs."""

import io
import json

import jax
import layers_training
import numpy as np
import pytest
import yaml
from rich.console import Console
from train_files import lines

import ocean_gcm as og
from ocean_gcm.errors import UserError
from ocean_gcm.weights import named_variables
from train.config import load_train_config
from train.program import check, train

NOISE = {
    "model": {
        "base": "model.yaml",
        "closures": {"subgrid": {"random": {"number": 1, "time": 7200.0}}},
    },
    "loss": {
        "terms": {"crps": {"kind": "crps"}, "energy": {"kind": "kinetic_energy"}},
        "variables": {"potential_vorticity": 1.0, "streamfunction": 0.5},
    },
    "stages": [
        {"steps": 2, "iterations": 2, "learning_rate": 0.01, "batch": 2, "members": 2, "perturb": "noise"},
        {"mode": "tendency", "steps": 1, "iterations": 2, "learning_rate": 0.01, "members": 2, "batch": 2}
        | {
            "loss": {
                "scale": "increment",
                "variables": {"streamfunction": None},
                "terms": {"energy": None},
            }
        },
    ],
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("layers")
    layers_training.write(directory)

    def make(**changes):
        path = directory / "training.yaml"
        path.write_text(yaml.safe_dump({**layers_training.TRAINING, **changes}))
        return load_train_config(path), path

    return make


def run(config_and_path, directory, **options):
    return train(*config_and_path, directory, console=Console(file=io.StringIO()), **options)


@pytest.fixture(scope="module")
def whole(written, tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "whole"
    return run(written(validation={"leads": ["PT4H", "PT8H"], "starts": 1}), directory), directory


def test_a_posteriori(whole):
    carry, directory = whole
    assert int(carry.updates) == 4 and int(carry.skipped) == 0
    scores = lines(directory / "validation.jsonl")[-1]
    assert scores["rmse"]["potential_vorticity"][-1] < scores["rmse_untrained"]["potential_vorticity"][-1]
    assert (directory / "figures" / "validation_000004.png").exists()
    assert set(json.loads((directory / "statistics.json").read_text())["network"]["scale"]) >= {"velocity"}


def test_the_trained_model_runs(whole):
    _, directory = whole
    model = og.load_model(directory)
    state, _ = model.unroll(model.initial_state(), steps=4)
    assert np.isfinite(state.ocean.potential_vorticity).all()
    # the last layer began at zero
    assert np.abs(named_variables(model)["closures.subgrid.network.layers.2.kernel"]).max() > 0


def test_resumed_equals_uninterrupted(whole, written, tmp_path):
    stage = layers_training.TRAINING["stages"][0]
    interrupted = RuntimeError("stop")

    def stop(self, iteration):
        original(self, iteration)
        if iteration == 2:
            raise interrupted

    from train import program

    original = program._Training._after
    program._Training._after = stop
    try:
        with pytest.raises(RuntimeError):
            run(written(stages=[stage]), tmp_path / "run")
    finally:
        program._Training._after = original
    carry = run(written(stages=[stage]), tmp_path / "run", resume=True)
    for a, b in zip(jax.tree.leaves(carry), jax.tree.leaves(whole[0]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_priori_learns_the_source(written, tmp_path):
    stage = {"mode": "tendency", "steps": 1, "iterations": 60, "learning_rate": 0.02, "batch": 4}
    run(written(stages=[{**stage, "loss": {"scale": "increment"}}]), tmp_path / "run")
    losses = [line["loss"] for line in lines(tmp_path / "run" / "metrics.jsonl")]
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


def test_ensembles_and_derived_variables(written, tmp_path):
    carry = run(written(**NOISE), tmp_path / "run")
    assert int(carry.updates) == 4 and int(carry.skipped) == 0
    parts = lines(tmp_path / "run" / "metrics.jsonl")[0]["parts"]
    assert set(parts) == {"crps.potential_vorticity", "crps.streamfunction", "energy.flow"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"held_out_months": [1]}, "held_out_months is given"),
        ({"held_out": [[0, 1, 0, 1]]}, "held_out is given"),
        ({"truth": {"simulate": {}}}, "truth has no path"),
        (
            {"loss": {"terms": {"e": {"kind": "squared_error"}}, "variables": {"temperature": 1.0}}},
            "'temperature'; of layers",
        ),
    ],
)
def test_what_layers_do_not_know(written, changes, words):
    with pytest.raises(UserError, match=words):
        check(*written(**changes))
