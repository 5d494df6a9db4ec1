"""A truth from observations: the model held to an observed climatology, so that flow and sea level belong to it."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import jax
import jax_datetime as jdt
import numpy as np
from flax import nnx

from ocean_gcm.clock import duration_seconds
from ocean_gcm.data.climatology import read_tracer_records
from ocean_gcm.metrics import means
from ocean_gcm.model import OceanModel
from ocean_gcm.relaxation import TracerCycle, hold
from ocean_gcm.state import Ocean, State
from ocean_gcm.tendencies import explicit_tendencies
from train import truth_store
from train.config import ObservedTruth


def read_cycle(observe: ObservedTruth, model: OceanModel) -> TracerCycle:
    """The climatology on the model's grid and clock.  Raises UserError for files that cannot be used."""
    fields, times = read_tracer_records(
        observe.path,
        model.grid,
        temperature=observe.temperature,
        salinity=observe.salinity,
        equation_of_state=model.config.dynamics.equation_of_state.kind,
        missing=observe.missing,
    )
    return TracerCycle.of(fields, times, model)


def make_observed_truth(observe: ObservedTruth, model: OceanModel, path: Path, say=lambda text: None) -> Path:
    """Run `model` held to the climatology and write its records to the Zarr store `path`, unless they are there.

    The increments are what the closures' tendencies should add up to in each record: what draws the tracers, on average
    since the record before, and what the closures already add.  An untrained network adds nothing; a trained one that
    is held again learns what it lacks in the states that it leads to.

    Raises UserError if intervals do not fit its steps, and for files that cannot be used.
    """
    time = model.config.time
    key = f"{model.config.hash} {_digest(model)} {observe.model_dump_json()}"
    if truth_store.is_made(path, key):
        return path
    spinup, interval, total = observe.steps(time, "truth.observe")
    cycle = read_cycle(observe, model)
    records = total // interval + 1
    say(f"holding {model.config.name} to {observe.path}: {records} records after {observe.spinup}")
    scale = float(duration_seconds(observe.relaxation, time.calendar))
    state = model.initial_state()
    # in pieces of the interval: one program for both parts
    whole, rest = divmod(spinup, interval)
    oceans, increments = [], []
    for number, steps in enumerate([*([rest] if rest else []), *([interval] * (whole + records - 1))]):
        state, drawn = hold(model, state, cycle, steps=steps, time_scale=scale)
        if number + 1 >= whole + bool(rest):
            oceans.append(truth_store.on_host(state.ocean))
            added = _added(model, state)
            increments.append({name: np.asarray(tendency + getattr(added, name)) for name, tendency in drawn.items()})
    times = (spinup + interval * np.arange(records)) * time.step_seconds
    truth_store.write(path, key, model, oceans, times, increments)
    for name, error in distance(model, state.ocean, cycle, state.time).items():
        say(f"  {name} of the last record: root mean square {error:.3g} from the climatology")
    return path


@jax.jit
def _added(model: OceanModel, state: State) -> Ocean:
    return explicit_tendencies(model, state.ocean, state.time, state.key)


def _digest(model: OceanModel) -> str:
    """Of all numbers of the model: another start of the training has a truth of its own."""
    arrays = (np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


def distance(model: OceanModel, ocean: Ocean, cycle: TracerCycle, time: jdt.Timedelta) -> dict[str, float]:
    """Root mean square difference of the tracers of `ocean` from the climatology, by volume."""
    volume = model.grid.volume
    target = {name: np.asarray(field, float) for name, field in cycle.at(time).items()}
    found = {field.name: getattr(ocean, field.name) for field in dataclasses.fields(ocean)}
    return {n: float(means.root_mean_square(np.asarray(found[n], float) - t, volume)) for n, t in target.items()}
