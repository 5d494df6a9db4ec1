"""Members of ensembles on all devices: how they begin, and how they step.

Members are numbered through all forecasts of a group and lie along one axis, which is cut over the devices.  On each
device they run at once, or on a CPU one after another (`rollout.each`).  What is random in a member depends on the
seed, the start and its own number alone: not on the devices, nor on how many members there are or how they are grouped.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.decomposition import MEMBER, each_member
from ocean_gcm.forcing.dated import Forcing
from ocean_gcm.forcing.source import Start
from ocean_gcm.model import OceanModel
from ocean_gcm.nonfinite import is_finite
from ocean_gcm.state import State
from ocean_gcm.stochastic.initial import member_of

_BYTES_PER_CELL = 60
"""Of one value of four bytes per cell: state before and after, and work arrays of a step."""
_SHARE_OF_MEMORY = 0.6
_CELL_STEPS_PER_CALL = 1e8
"""On a CPU, where members run one after another, a call takes some ten seconds: then progress is shown."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Starts:
    """Where the forecasts of a group begin, with a leading axis of forecasts.

    Attributes:
      ocean: fields of the model (`Ocean`, `Layers`).
      days, seconds: int32, model time.
      keys: (forecasts, words) bits of a random key each.
    """

    ocean: Any
    days: jax.Array
    seconds: jax.Array
    keys: jax.Array

    @classmethod
    def stack(cls, oceans: list[Any], starts: Sequence[Start], seed: int) -> Starts:
        """Starts from fields; the keys are made from the seed, the model times and the trajectories."""
        days, rest = np.divmod(np.asarray([start.seconds for start in starts], np.int64), SECONDS_PER_DAY)
        base, keys = jax.random.key(seed), []
        for day, second, start in zip(days, rest, starts, strict=True):
            key = jax.random.fold_in(jax.random.fold_in(base, day), second)
            keys.append(key if start.trajectory is None else jax.random.fold_in(key, start.trajectory))
        words = np.stack([np.asarray(jax.random.key_data(key)) for key in keys])
        ocean = jax.tree.map(lambda *arrays: np.stack([np.asarray(a) for a in arrays]), *oceans)
        return cls(ocean, days.astype(np.int32), rest.astype(np.int32), words)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Group:
    """Members that step together, with a leading axis.

    Attributes:
      states: of the model.
      forecasts: (member,) int32, to which forecast of the group of starts each belongs.
    """

    states: State
    forecasts: jax.Array


@dataclasses.dataclass(frozen=True, eq=False)
class Members:
    """The compiled programs of one ensemble.

    Attributes:
      model: what steps.
      pick: what is kept of a state.
      mesh: devices, along the axis `MEMBER`.
      steps: time steps between two saved leads.
      perturbed: whether members begin from perturbed states; their noise differs in any case.
    """

    model: OceanModel
    pick: Callable[[Any], dict[str, jax.Array]]
    mesh: Mesh
    steps: int
    perturbed: bool

    def begin(self, starts: Starts, forcing: Forcing, forecasts: np.ndarray, numbers: np.ndarray) -> Group:
        """Members of the forecasts and with the numbers given, (member,) each, as they begin.

        Their number must be a multiple of that of the devices; `forcing` holds the time of the starts.
        """
        place = NamedSharding(self.mesh, P(MEMBER))
        forecasts, numbers = (jax.device_put(np.asarray(a, np.int32), place) for a in (forecasts, numbers))
        states = _begin(self.model, forcing, starts, forecasts, numbers, self.mesh, self.perturbed)
        return Group(states, forecasts)

    def advance(self, group: Group, forcing: Forcing) -> tuple[Group, dict[str, jax.Array], jax.Array]:
        """Members one saved lead later, what is kept of them, and whether each is finite.  `group` is used up."""
        states, *kept = _advance(self.model, forcing, self.pick, group.states, group.forecasts, self.mesh, self.steps)
        return Group(states, group.forecasts), *kept

    def look(self, group: Group, forcing: Forcing) -> tuple[dict[str, jax.Array], jax.Array]:
        """What is kept of members, and whether each is finite."""
        return _look(self.model, forcing, self.pick, group.states, group.forecasts, self.mesh)


@functools.partial(jax.jit, static_argnames=("mesh", "perturbed"))
def _begin(model, forcing, starts: Starts, forecasts, numbers, mesh: Mesh, perturbed: bool) -> State:
    def member(model, forcing, starts, forecast, number):
        start = jax.tree.map(lambda a: a[forecast], starts)
        key = jax.random.fold_in(jax.random.wrap_key_data(start.keys), number)
        time = jdt.Timedelta(start.days, start.seconds)
        return member_of(model, start.ocean, time, key, forcing.select(forecast), perturbed)

    return each_member(member, mesh, (model, forcing, starts), (forecasts, numbers))


@functools.partial(jax.jit, static_argnames=("mesh", "steps"), donate_argnames=("states",))
def _advance(model, forcing: Forcing, pick, states: State, forecasts, mesh: Mesh, steps: int):
    def member(model, forcing, pick, state, forecast):
        own = forcing.select(forecast)
        end, _ = model.unroll(state, own, steps=steps)
        return end, *_kept(model, own, pick, end)

    return each_member(member, mesh, (model, forcing, pick), (states, forecasts))


@functools.partial(jax.jit, static_argnames=("mesh",))
def _look(model, forcing: Forcing, pick, states: State, forecasts, mesh: Mesh):
    def member(model, forcing, pick, state, forecast):
        return _kept(model, forcing.select(forecast), pick, state)

    return each_member(member, mesh, (model, forcing, pick), (states, forecasts))


def _kept(model: OceanModel, forcing: Forcing, pick, state: State):
    return pick(model.decode(state, forcing)), is_finite(state.ocean)


def chunk_size(members: int, model: OceanModel, devices: int, steps: int, asked: int | None = None) -> int:
    """Members that run in one call, a multiple of the devices.

    As many as the memory of accelerators holds, or on a CPU as many as take some ten seconds.

    Args:
      members: of a group, all forecasts together.
      devices: over which they are spread.
      steps: time steps of a call.
      asked: the most that there should be, instead of an estimate.
    """
    cells = math.prod(model.grid.shape)
    memory = jax.local_devices()[0].memory_stats() if jax.default_backend() != "cpu" else None
    if asked is not None:
        most = asked // devices
    elif memory and "bytes_limit" in memory:
        each = _BYTES_PER_CELL * jnp.dtype(model.dtype).itemsize * cells
        most = int(_SHARE_OF_MEMORY * memory["bytes_limit"] / each)
    else:
        most = int(_CELL_STEPS_PER_CALL / (cells * steps))
    share = -(-members // devices)
    calls = -(-share // min(max(most, 1), share))
    return -(-share // calls) * devices
