"""A truth made by a model on the grid of the one that is trained: twin experiments."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ocean_gcm.build import build_model
from ocean_gcm.config import Config, config_from_dict
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.yaml_tree import merged
from train import truth_store
from train.config import SimulatedTruth, TrainConfig


def twin_config(config: TrainConfig) -> Config:
    """The configuration of the truth of a training.  Raises UserError."""
    tree = merged(config.model.model_dump(mode="json"), config.truth.simulate.model)
    return config_from_dict(tree, "truth.simulate.model")


def make_truth(simulate: SimulatedTruth, config: Config, model: OceanModel, path: Path, say=lambda text: None) -> Path:
    """Run the truth of `config` and write its records to the Zarr store `path`, unless they are there.

    Raises UserError if its grid is not that of `model`, or intervals do not fit its steps.
    """
    key = f"{config.hash} {simulate.spinup} {simulate.interval} {simulate.duration}"
    if truth_store.is_made(path, key):
        return path
    truth = build_model(config)
    if truth.grid.shape != model.grid.shape:
        raise UserError(
            f"truth.simulate has a grid of {truth.grid.shape} cells, the model one of {model.grid.shape}; expected the "
            "same, or truth.path with a coarsened run"
        )
    spinup, interval, total = simulate.steps(config.time, "truth.simulate")
    records = total // interval + 1
    say(f"simulating the truth: {records} records of {config.name} after {simulate.spinup}")
    state, _ = truth.advance(truth.initial_state(), steps=spinup)
    oceans = [truth_store.on_host(state.ocean)]
    for _ in range(records - 1):
        state, _ = truth.advance(state, steps=interval)
        oceans.append(truth_store.on_host(state.ocean))
    times = (spinup + interval * np.arange(records)) * config.time.step_seconds
    truth_store.write(path, key, truth, oceans, times)
    return path
