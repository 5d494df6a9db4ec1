"""What closures of layers add to a state, without a step."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax_datetime as jdt

from ocean_gcm import rollout
from ocean_gcm.closures.interface import Effects
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Layers


def closures_source(model: OceanModel, ocean: Layers, time: jdt.Timedelta, key: jax.Array) -> jax.Array:
    """(nz, ny, nx) sum of the closures' sources of potential vorticity, s-2, without what the grid does not resolve.

    Forcings have no part in it.  Of closures with a memory the first call after a start counts.

    Args:
      ocean: a state, in the model's shapes and units; `time` since the model's start, 0-d; `key` typed.
    """
    core, static = model.core, model.metrics()
    start = model.state_from(ocean, time, key)
    columns = core.columns(static, core.prepare(static, start.ocean), None, model.physics_interval)
    effects = Effects()
    names = list(model.config.closures)
    for name, own in zip(names, jax.random.split(key, max(1, len(names))), strict=False):
        effects = effects + model.closures[name](columns, start.closures[name], own)[0]
    source = effects.potential_vorticity_source
    if source is None:
        return jnp.zeros(core.grid.shape, model.dtype)
    return core.grid.to_physical(core.grid.to_spectral(source) * static.resolved)


@jax.jit
def sources_in(model: OceanModel, oceans: Layers, times: jdt.Timedelta, keys: jax.Array) -> jax.Array:
    """(n, nz, ny, nx) `closures_source` in n states."""
    return rollout.each(lambda each: closures_source(model, *each), (oceans, times, keys))
