"""States around a state of layers: smooth random potential vorticity, and noise of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.errors import UserError
from ocean_gcm.section import Section
from ocean_gcm.state import Layers, State
from ocean_gcm.stochastic.initial import redrawn

if TYPE_CHECKING:
    from ocean_gcm.model import OceanModel

_MEMBERS = 0x6D656D62
"""Set apart from the keys of the steps, which are the splits of the same key."""


class LayersEnsembleConfig(Section):
    """Perturbations of the members of an ensemble at its start."""

    potential_vorticity: float = pydantic.Field(
        0.01, ge=0, description="standard deviation, as share of that of each layer's potential vorticity (1)"
    )
    length: float | None = pydantic.Field(
        None, gt=0, description="correlation length in m; null: four times the mean spacing of the grid"
    )


def perturb(model: OceanModel, state: State, key: jax.Array | None = None, *, members: int) -> State:
    """`members` states around `state` (leading axis), perturbed as the section `ensemble` says.

    `key` (default: made from that of the state) decides all of them; a member does not depend on their number.  Raises
    UserError for less than one member.
    """
    if members < 1:
        raise UserError(f"members is {members}; expected at least 1")
    config, grid = model.config.ensemble, model.grid
    base = jax.random.fold_in(state.key if key is None else key, _MEMBERS)
    keys = jax.vmap(lambda member: jax.random.fold_in(base, member))(jnp.arange(members, dtype=jnp.uint32))
    length = config.length or 4.0 * float(np.sqrt(np.prod(grid.spacing)))
    smooth = np.exp(-0.5 * grid.kappa_squared * length**2)
    smooth[0, 0] = 0.0
    share = grid.multiplicity * smooth**2 / (grid.shape[1] * grid.shape[2])
    filters = jnp.asarray(config.potential_vorticity * smooth / np.sqrt(share.sum()), model.dtype)
    return _members(model, state, keys, filters)


@jax.jit
def _members(model: OceanModel, state: State, keys, filters) -> State:
    grid, q = model.grid, state.ocean.potential_vorticity

    def member(key):
        for_field, for_memory, for_steps = jax.random.split(key, 3)
        white = jax.random.normal(for_field, q.shape, q.dtype)
        noise = grid.to_physical(grid.to_spectral(white) * filters * model.grid_arrays["resolved"])
        ocean = Layers(q + q.std((-2, -1), keepdims=True) * noise)
        return State.create(ocean, state.stepper, redrawn(model, state, for_memory), state.time, for_steps)

    return jax.vmap(member)(keys)
