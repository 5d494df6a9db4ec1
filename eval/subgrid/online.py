"""Long runs of a coarse model from states of a truth."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
from flax import nnx

from eval.subgrid.statistics import Flow, flow_statistics
from ocean_gcm import rollout
from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.layers_truth import LayersTruth, open_layers_truth
from ocean_gcm.data.paths import store_of
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.data.truth import Window
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import State

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
    lasted: (starts,) steps until it was found unstable, looked at ten times in a run.
    """

    kept: np.ndarray
    stable: np.ndarray
    interval: float
    lasted: np.ndarray


def run(models: Sequence[OceanModel], truth: LayersTruth, plan) -> list[Runs]:
    """Run each model from states of the truth that are spread over its records: one per trajectory, or as many each.

    The models are one but for what their closures learned.  All runs are made at once and end when none is stable any
    more; on a CPU one after another, and each by itself.  Those that stay stable count from the end of the spin-up on.
    """
    model = models[0]
    first = np.arange(plan.starts) * len(truth) // plan.starts
    windows = truth.windows(first, 1)
    limit = _LARGEST * float((np.asarray(windows.ocean.potential_vorticity, float) ** 2).mean())
    states = _starts(model, windows, len(models))
    closures = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(nnx.split(m, _learned, ...)[1] for m in models))
    shape = len(models), plan.starts
    together = (1, 1) if jax.default_backend() == "cpu" else shape
    stable, lasted, kept = np.zeros(shape, bool), np.zeros(shape, int), [[] for _ in models]
    for m, n in itertools.product(*map(range, (0, 0), shape, together)):
        own = np.s_[m : m + together[0], n : n + together[1]]
        q, stable[own], lasted[own] = _followed(model, _part(closures, own[0]), _part(states, own), limit, plan)
        for runs, found, whether in zip(kept[own[0]], q, stable[own], strict=True):
            runs.extend(found[whether, plan.first :])
    interval, none = plan.save_every * model.time_step, np.empty((0, 0, *model.grid.shape))
    whole = [np.stack(runs) if runs else none for runs in kept]
    return [Runs(q, own, interval, steps) for q, own, steps in zip(whole, stable, lasted, strict=True)]


def _part(tree, index):
    return jax.tree.map(lambda a: a[index], tree)


def _followed(model: OceanModel, closures, states: State, limit: float, plan) -> tuple[np.ndarray, ...]:
    """Potential vorticity (model, start, record, nz, ny, nx) until no run is stable, which are, and their steps."""
    records = plan.steps // plan.save_every
    piece = next(size for size in range(max(1, records // _PIECES), 0, -1) if records % size == 0)
    parts, stable, lasted = [], True, 0
    for _ in range(records // piece):
        states, q = _unroll(model, closures, states, piece * plan.save_every, plan.save_every)
        parts.append(np.asarray(q))
        square = (parts[-1][:, :, -1].astype(float) ** 2).mean((-3, -2, -1))
        stable = stable & np.isfinite(parts[-1]).all((2, 3, 4, 5)) & (square < limit)
        lasted = lasted + piece * plan.save_every * stable
        if not stable.any():
            break
    return np.concatenate(parts, 2), stable, lasted


def _learned(path: tuple, value: object) -> bool:
    return path[0] == "closures"


def _starts(model: OceanModel, windows: Window, models: int) -> State:
    """States with the leading axes (model, start)."""

    def one(ocean, days, seconds, number):
        return model.state_from(ocean, jdt.Timedelta(days, seconds), jax.random.key(number))

    ocean = jax.tree.map(lambda a: jnp.asarray(a[:, 0]), windows.ocean)
    number = jnp.arange(len(windows.days))
    states = jax.jit(jax.vmap(one))(ocean, jnp.asarray(windows.days[:, 0]), jnp.asarray(windows.seconds[:, 0]), number)
    return jax.tree.map(lambda a: jnp.broadcast_to(a, (models, *a.shape)), states)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _unroll(model: OceanModel, closures, states: State, steps: int, save_every: int) -> tuple[State, jax.Array]:
    """The states (model, start) at the end, and potential vorticity (model, start, record, nz, ny, nx)."""
    graph, _, rest = nnx.split(model, _learned, ...)

    def one(given):
        own, states = given
        states, seen = nnx.merge(graph, own, rest).unroll_ensemble(states, steps=steps, save_every=save_every)
        return states, seen.states.ocean.potential_vorticity

    return rollout.each(one, (closures, states))


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
