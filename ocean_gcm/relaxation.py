"""A model whose tracers are held to a climatology by relaxation: close to what is observed, its flow in balance."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
from jax import lax

from ocean_gcm.forcing.surface import interpolate, neighbours, second_of_year
from ocean_gcm.model import OceanModel
from ocean_gcm.state import State


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TracerCycle:
    """Tracers of a year that repeats, linear in time between its records.

    Attributes:
      fields: by name, (records, nz, ny, nx), in the model's kinds.
      record_times: ascending fractions of the year in [0, 1).
      start_fraction: fraction of the year at which model time is zero.
      days_per_year: whole days.
    """

    fields: dict[str, jax.Array]
    record_times: tuple[float, ...] = dataclasses.field(metadata={"static": True})
    start_fraction: float = dataclasses.field(metadata={"static": True})
    days_per_year: int = dataclasses.field(metadata={"static": True})

    @classmethod
    def of(cls, fields: Mapping[str, np.ndarray], record_times: tuple[float, ...], model: OceanModel) -> TracerCycle:
        """On the clock of a model, in its precision."""
        arrays = {name: jnp.asarray(values, model.dtype) for name, values in fields.items()}
        return cls(arrays, record_times, model.forcing.start_fraction, model.forcing.days_per_year)

    def at(self, time: jdt.Timedelta) -> dict[str, jax.Array]:
        """(nz, ny, nx) by name at model time `time`."""
        second = second_of_year(time, self.start_fraction, self.days_per_year)
        dtype = next(iter(self.fields.values())).dtype
        around = neighbours(second, self.record_times, self.days_per_year, dtype)
        return {name: interpolate(array, *around) for name, array in self.fields.items()}


def hold(
    model: OceanModel, state: State, cycle: TracerCycle, *, steps: int, time_scale: float
) -> tuple[State, dict[str, jax.Array]]:
    r"""`steps` time steps of a model whose tracers are drawn to a climatology.

    After each physics interval \(\Delta\) of the model, whose own step is \(M\), the tracers \(C\) of the cycle become

    \[ C = M(C) + (1 - e^{-\Delta / \tau}) (C_\mathrm{obs} - M(C)). \]

    Args:
      time_scale: \(\tau\), s.

    Returns the state and by name (nz, ny, nx) the mean tendency that drew, unit of the tracer per second: what the
    model lacks to stay where the observations are.  Raises ValueError if `steps` are no multiple of those of a physics
    interval.
    """
    calls = model._calls(steps)
    return _hold(model, state, cycle, calls, jnp.asarray(time_scale, model.dtype))


@functools.partial(jax.jit, static_argnums=3)
def _hold(model: OceanModel, state: State, cycle: TracerCycle, calls: int, time_scale):
    static, forcing = model.metrics(), model.forcing
    wet = static.mask_t.interior(*model.grid.shape[1:])
    share = -jnp.expm1(-model.physics_interval / time_scale)

    def body(carry, _):
        state, drawn = carry
        state, _ = model._step(static, state, forcing)
        own = {name: getattr(state.ocean, name) for name in cycle.fields}
        change = {name: share * (field - own[name]) * wet for name, field in cycle.at(state.time).items()}
        ocean = dataclasses.replace(state.ocean, **{name: own[name] + change[name] for name in own})
        return (dataclasses.replace(state, ocean=ocean), jax.tree.map(jnp.add, drawn, change)), None

    nothing = {name: jnp.zeros(model.grid.shape, model.dtype) for name in cycle.fields}
    (state, drawn), _ = lax.scan(body, (state, nothing), length=calls)
    return state, {name: change / (calls * model.physics_interval) for name, change in drawn.items()}
