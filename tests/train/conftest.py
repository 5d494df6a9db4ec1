"""The smallest training: a drag and a viscosity of a tiny ocean, found again."""

import copy
import io

import pytest
import yaml
from rich.console import Console
from tiny_run import TREE
from train_files import PERIODS

from train.config import load_train_config
from train.program import train
from train.step import Learner

TRAINING = {
    "name": "tiny",
    "seed": 3,
    "model": {"base": "model.yaml"},
    "truth": {
        "simulate": {
            "model": {"closures": {"drag": {"linear": 2e-3}}},
            "spinup": "P5D",
            "duration": "P8D",
            "interval": "P1D",
        }
    },
    "trainable": {"closures.**": "positive"},
    "loss": {"terms": {"error": {"kind": "squared_error"}}, "variables": {"u": 1.0, "sea_surface_height": 1.0}},
    "optimizer": {"average_decay": 0.9},
    "stages": [{"steps": 8, "save_every": 4, "iterations": 6, "learning_rate": 0.05, "batch": 2}],
    "checkpoints": {"every": 2, "keep": 2},
}


@pytest.fixture(scope="session")
def training(tmp_path_factory):
    """Function (changes of top-level keys) -> (configuration, path of its file)."""
    directory = tmp_path_factory.mktemp("configs")
    model = {**copy.deepcopy(TREE), "precision": "float64"}
    model["closures"]["background"] = {"kind": "background_mixing", "viscosity": 1e-2, "diffusivity": None}
    (directory / "model.yaml").write_text(yaml.safe_dump(model))

    def make(**changes):
        path = directory / "training.yaml"
        path.write_text(yaml.safe_dump({**TRAINING, **changes}))
        return load_train_config(path), path

    return make


@pytest.fixture(scope="session", autouse=True)
def one_compilation():
    """Updates of equal stages are the same program: compile them once for all tests."""
    compiled, original = {}, Learner.compiled_update

    def cached(self, stage):
        key = stage.model_dump_json(exclude={"iterations", "learning_rate"}), self.config, str(self.trainable)
        return compiled.setdefault(key, original(self, stage))

    Learner.compiled_update = cached
    yield
    Learner.compiled_update = original


@pytest.fixture(scope="session")
def quietly():
    """Function (configuration and path, directory, ...) -> (final carry, what was printed)."""

    def run(config_and_path, directory, **options):
        text = io.StringIO()
        carry = train(*config_and_path, directory, console=Console(file=text, width=200), **options)
        return carry, text.getvalue()

    return run


@pytest.fixture(scope="session")
def whole(training, quietly, tmp_path_factory):
    """A training from beginning to end: (final carry, directory)."""
    directory = tmp_path_factory.mktemp("runs") / "whole"
    carry, _ = quietly(training(validation={"leads": ["P1D", "P2D"], "starts": 1}, periods=PERIODS), directory)
    return carry, directory
