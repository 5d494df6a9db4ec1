r"""States around a state of layers: perturbed potential vorticity, and noise of their own.

By default a perturbation is a share a of the state with other phases (Theiler et al. 1992,
doi:10.1016/0167-2789(92)90102-S),

    q'(k) = a q(k) exp(i theta(k)),   theta uniform, the same in all layers.

What follows linearly from q by wavenumber, streamfunction and velocity, has the same share of its own spectrum, and
layers are related as those of the flow are (Prichard and Theiler 1994, doi:10.1103/PhysRevLett.73.951).  So have the
random fields of Magnusson et al. (2009, doi:10.1111/j.1600-0870.2008.00385.x), scaled differences of states of other
times, which need such states.  Smooth noise of one length instead is a far larger share of the streamfunction than of
potential vorticity, or the other way round, since |psi(k)| goes like |q(k)|/k^2.
"""

from __future__ import annotations

import functools
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
        None,
        gt=0,
        description="correlation length of their potential vorticity in m, independent in each layer; null: the "
        "spectrum of the state, so that the share is the same in the streamfunction and in velocity",
    )


def perturb(model: OceanModel, state: State, key: jax.Array | None = None, *, members: int) -> State:
    """`members` states around `state` (leading axis), perturbed as the section `ensemble` says.

    `key` (default: made from that of the state) decides all of them; a member does not depend on their number.  Raises
    UserError for less than one member.
    """
    if members < 1:
        raise UserError(f"members is {members}; expected at least 1")
    config = model.config.ensemble
    base = jax.random.fold_in(state.key if key is None else key, _MEMBERS)
    keys = jax.vmap(lambda member: jax.random.fold_in(base, member))(jnp.arange(members, dtype=jnp.uint32))
    return _members(model, state, keys, config.potential_vorticity, config.length)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _members(model: OceanModel, state: State, keys: jax.Array, share: float, length: float | None) -> State:
    q = state.ocean.potential_vorticity

    def member(key):
        for_field, for_memory, for_steps = jax.random.split(key, 3)
        other = _other_phases(model, q, for_field) if length is None else _smooth(model, q, for_field, length)
        ocean = Layers(q + share * other)
        return State.create(ocean, state.stepper, redrawn(model, state, for_memory), state.time, for_steps)

    return jax.vmap(member)(keys)


def _other_phases(model: OceanModel, q: jax.Array, key: jax.Array) -> jax.Array:
    """(nz, ny, nx) with the spectrum of q and the mean zero."""
    grid = model.grid
    # those of white noise are uniform, and those of a real field
    white = grid.to_spectral(jax.random.normal(key, q.shape[1:], q.dtype))
    turned = white / jnp.maximum(jnp.abs(white), jnp.finfo(q.dtype).tiny)
    turned = turned * model.grid_arrays["resolved"] * np.asarray(grid.kappa_squared > 0, q.dtype)
    return grid.to_physical(grid.to_spectral(q) * turned)


def _smooth(model: OceanModel, q: jax.Array, key: jax.Array, length: float) -> jax.Array:
    """(nz, ny, nx) noise with a Gaussian spectrum, the standard deviation of each layer of q, and the mean zero."""
    grid = model.grid
    smooth = np.exp(-0.5 * grid.kappa_squared * length**2)
    smooth[0, 0] = 0.0
    variance = (grid.multiplicity * smooth**2).sum() / (grid.shape[1] * grid.shape[2])
    filters = jnp.asarray(smooth / np.sqrt(variance), q.dtype) * model.grid_arrays["resolved"]
    noise = grid.to_physical(grid.to_spectral(jax.random.normal(key, q.shape, q.dtype)) * filters)
    return q.std((-2, -1), keepdims=True) * noise
