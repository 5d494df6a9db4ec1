"""A truth made by a model on the grid of the one that is trained: twin experiments."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.build import build_model
from ocean_gcm.config import Config
from ocean_gcm.data.output import dataset_from_fields
from ocean_gcm.data.series import CF_NAMES, CONFIGURATION, PROGNOSTIC
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean
from train.config import SimulatedTruth, TrainConfig

_HASH = "configuration_hash"


def twin_config(config: TrainConfig, base: Path) -> Config:
    """The configuration of the truth of a training.  Raises UserError."""
    simulate = config.truth.simulate
    if simulate.config is not None:
        return simulate.load(base)
    both = {**config.model.overrides, **simulate.overrides}
    return config.model.model_copy(update={"overrides": both}).load(base)


def make_truth(simulate: SimulatedTruth, config: Config, model: OceanModel, path: Path, say=lambda text: None) -> Path:
    """Run the truth of `config` and write its records to the Zarr store `path`, unless they are there.

    Raises UserError if its grid is not that of `model`, or intervals do not fit its steps.
    """
    key = f"{config.hash} {simulate.spinup} {simulate.interval} {simulate.duration}"
    if path.exists() and xr.open_zarr(path, decode_times=False).attrs.get(_HASH) == key:
        return path
    truth = build_model(config)
    if truth.grid.shape != model.grid.shape:
        raise UserError(
            f"truth.simulate has a grid of {truth.grid.shape} cells, the model one of {model.grid.shape}; expected the "
            "same, or truth.path with a coarsened run"
        )
    spinup, interval, total = (
        config.time.require_whole_steps(f"truth.simulate.{name}", getattr(simulate, name))
        for name in ("spinup", "interval", "duration")
    )
    records = total // interval + 1
    say(f"simulating the truth: {records} records of {config.name} after {simulate.spinup}")
    state, _ = truth.advance(truth.initial_state(), steps=spinup)
    oceans = [_host(state.ocean)]
    for _ in range(records - 1):
        state, _ = truth.advance(state, steps=interval)
        oceans.append(_host(state.ocean))
    fields = {name: np.stack([ocean[name] for ocean in oceans]) for name in oceans[0]}
    if not all(np.isfinite(a).all() for a in fields.values()):
        raise UserError(f"the truth that {config.name} simulates is not finite; expected a stable configuration")
    times = (spinup + interval * np.arange(records)) * config.time.step_seconds
    names = [CF_NAMES.get(name, name) for name in fields]
    dataset = dataset_from_fields(truth.grid, config, fields, times, names=names)
    dataset = dataset.assign_attrs({_HASH: key, CONFIGURATION: config.to_yaml()})
    draft = path.with_name(f".{path.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # consolidated metadata are not yet in the standard of Zarr 3
        dataset.to_zarr(draft, mode="w", zarr_format=3, consolidated=True)
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)
    return path


def _host(ocean: Ocean) -> dict[str, np.ndarray]:
    fields = {name: getattr(ocean, name) for name in PROGNOSTIC} | ocean.tracers
    return {name: np.asarray(array) for name, array in fields.items()}
