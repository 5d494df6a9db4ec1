"""Long runs of a coarse model from states of a truth."""

from __future__ import annotations

import dataclasses
import json

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np

from eval.subgrid.statistics import Flow, flow_statistics
from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.layers_truth import LayersTruth, open_layers_truth
from ocean_gcm.data.paths import store_of
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel

_LARGEST = 20.0
"""A run is unstable whose mean square of potential vorticity exceeds the truth's so many times."""
_PIECES = 10
_FLOW = ("layers", "f0", "beta", "zonal_flow", "bottom_drag", "topography")
"""Keys of the section dynamics that make a flow another one, whatever the model resolves of it."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """Attributes:
    kept: (runs, records, nz, ny, nx) potential vorticity of stable runs, without the spin-up.
    stable: (starts,) whether the run stayed finite and of bounded enstrophy.
    interval: s between records.
    """

    kept: np.ndarray
    stable: np.ndarray
    interval: float


def run(model: OceanModel, truth: LayersTruth, plan) -> Runs:
    """Run from states of the truth that are spread over its records.

    A run ends where it is no longer stable; those that are stable count from the end of the spin-up on.
    """
    records = np.linspace(0, len(truth) - 1, plan.starts + 1)[:-1].round().astype(int)
    windows = truth.windows(records, 1)
    limit = _LARGEST * float((np.asarray(windows.ocean.potential_vorticity, float) ** 2).mean())
    kept, stable = [], []
    for number in range(plan.starts):
        time = jdt.Timedelta(jnp.asarray(windows.days[number, 0]), jnp.asarray(windows.seconds[number, 0]))
        ocean = jax.tree.map(lambda a, n=number: jnp.asarray(a[n, 0]), windows.ocean)
        states = _one(model, model.state_from(ocean, time, jax.random.key(number)), plan, limit)
        stable.append(states is not None)
        if states is not None:
            kept.append(states[plan.first :])
    whole = np.stack(kept) if kept else np.zeros((0, 0, *model.grid.shape), np.float32)
    return Runs(whole, np.array(stable), plan.save_every * model.time_step)


def _one(model: OceanModel, state, plan, limit: float) -> np.ndarray | None:
    """(records, nz, ny, nx) after each `save_every` steps, or None if it is unstable."""
    records = plan.steps // plan.save_every
    piece = next(size for size in range(max(1, records // _PIECES), 0, -1) if records % size == 0)
    parts = []
    for _ in range(records // piece):
        state, seen = model.unroll(state, steps=piece * plan.save_every, save_every=plan.save_every)
        q = np.asarray(seen.states.ocean.potential_vorticity)
        square = (q[-1].astype(float) ** 2).mean()
        if not np.isfinite(q).all() or not square < limit:
            return None
        parts.append(q)
    return np.concatenate(parts)


def truth_statistics(model: OceanModel, truth: LayersTruth, plan) -> Flow:
    """Of the truth, at the interval of the runs or the next longer one that its records have.

    Its subgrid source, if it has one, stands in its budget where closures stand in that of a model.  Raises UserError
    where its trajectories are shorter than two such intervals.
    """
    if truth.has_sources:
        truth = truth.with_increments("the energy budget")
    q, source, interval = _records(truth, plan.save_every * model.time_step)
    return flow_statistics(model, q, interval, np.zeros_like(q) if source is None else source)


@dataclasses.dataclass(frozen=True, eq=False)
class Target:
    """A truth on a grid of its own.

    Attributes:
      truth: the store; model: of its grid.
      stride: distributions are those of every so many points of each side.
    """

    truth: LayersTruth
    model: OceanModel
    stride: int

    def statistics(self, interval: float) -> Flow:
        """At this interval in s or the next longer one that the records have."""
        q, _, interval = _records(self.truth, interval)
        return flow_statistics(self.model, q, interval, stride=self.stride)


def open_target(path: str, model: OceanModel) -> Target:
    """A truth on the model's grid or a finer one, as it is, distributions at as many points as the model has.

    Raises UserError for a store that does not say which model it is of, and for another box or other layers.
    """
    text = _described(path)
    if text is None:
        raise UserError(
            f"--target is {path}, which has no attribute coarse_config; expected a store of ocean-gcm truth"
        )
    fine = build_model(config_from_dict(json.loads(text), f"the attribute coarse_config of {path}"))
    if fine.grid.lengths != model.grid.lengths or not np.array_equal(fine.core.thickness, model.core.thickness):
        raise UserError(
            f"--target has layers of {fine.core.thickness} m in a box of {fine.grid.lengths} m; expected "
            f"{model.core.thickness} in {model.grid.lengths}"
        )
    if any(own < seen for own, seen in zip(fine.grid.shape, model.grid.shape, strict=True)):
        raise UserError(f"--target has {fine.grid.shape} cells; expected at least {model.grid.shape}, the model's")
    return Target(open_layers_truth(path, fine), fine, fine.grid.shape[2] // model.grid.shape[2])


def require_same_flow(path: str, model: OceanModel, name: str) -> None:
    """UserError where a truth says that its layers, background or drag are others than the model's."""
    text = _described(path)
    if text is None:
        return
    own, other = model.config.model_dump(mode="json")["dynamics"], json.loads(text)["dynamics"]
    for key in _FLOW:
        if own[key] != other.get(key, own[key]):
            raise UserError(
                f"{name} has dynamics.{key} = {own[key]}, the truth {path} {other[key]}; expected the same flow (--set)"
            )


def _described(path: str) -> str | None:
    """The configuration of the model whose grid the records of a truth have, if it says so."""
    return open_dataset(store_of(path)).attrs.get("coarse_config")


def _records(truth: LayersTruth, wanted: float) -> tuple[np.ndarray, np.ndarray | None, float]:
    """(q, source or None, seconds between records) of all trajectories at the interval `wanted` or a longer one."""
    stride = max(1, int(np.ceil(wanted / truth.interval - 1e-9)))
    length = len(truth.times)
    if length <= 2 * stride:
        raise UserError(f"{truth.label} has trajectories of {length} records; expected more than {2 * stride}")
    records = (length - 1) // stride + 1
    windows = truth.windows(np.arange(truth.trajectories) * length, records, stride)
    source = windows.increments.get("potential_vorticity")
    q = np.asarray(windows.ocean.potential_vorticity)
    return q, None if source is None else np.asarray(source), stride * truth.interval
