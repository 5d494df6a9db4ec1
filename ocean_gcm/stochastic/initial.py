"""States around a state: smooth random perturbations of what an analysis does not know, and noise of their own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.closures.interface import Redrawn
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section
from ocean_gcm.state import Ocean, State
from ocean_gcm.stochastic.random_field import RandomFields, RandomFieldsConfig

if TYPE_CHECKING:
    from ocean_gcm.model import OceanModel

SPACINGS = 5.0
"""Correlation length in spacings of the grid where none is given: waves that the grid resolves."""

_MEMBERS = 0x6D656D62
"""Set apart from the keys of the steps, which are the splits of the same key."""


class EnsembleConfig(Section):
    """Perturbations of the members of an ensemble at its start, standard deviations at the surface."""

    temperature: float = pydantic.Field(0.1, ge=0, description="of temperature in K")
    salinity: float = pydantic.Field(0.02, ge=0, description="of salinity in g kg-1")
    sea_surface_height: float = pydantic.Field(0.0, ge=0, description="of the sea surface height in m")
    length: float | None = pydantic.Field(
        None, gt=0, description="correlation length in m; null: five times the mean spacing of the grid"
    )
    depth: float = pydantic.Field(500.0, gt=0, description="depth over which they fall by a factor e in m")


def perturb(
    model: OceanModel,
    state: State,
    key: jax.Array | None = None,
    *,
    members: int,
    config: EnsembleConfig | None = None,
) -> State:
    """`members` states around `state`, with a leading axis.

    Temperature and salinity get Gaussian fields of their own that decay like exp(-depth / `config.depth`) and leave
    the content of every level as it is; the memory of what is random is drawn anew, and each member has its own key.

    Args:
      model: the model that the states are of.
      state: a state without member axis.
      key: decides all members, a member does not depend on their number; default: made from the key of `state`.
      members: how many.
      config: amplitudes and scales; default: the section `ensemble` of the model's configuration.

    Raises UserError for less than one member.
    """
    if members < 1:
        raise UserError(f"members is {members}; expected at least 1")
    config = model.config.ensemble if config is None else config
    base = jax.random.fold_in(state.key if key is None else key, _MEMBERS)
    keys = jax.vmap(lambda member: jax.random.fold_in(base, member))(jnp.arange(members, dtype=jnp.uint32))
    length = SPACINGS * mean_spacing(model.grid) if config.length is None else config.length
    fields = RandomFields(RandomFieldsConfig(length=length, number=3), model.grid, model.dtype)
    sizes = {name: getattr(config, name) for name in ("temperature", "salinity", "sea_surface_height")}
    return _members(model, fields, state, keys, sizes, config.depth)


def member_of(model: OceanModel, ocean: Any, time: Any, key: jax.Array, forcing: Any, perturbed: bool) -> State:
    """The state of one member that begins with the fields `ocean` of an analysis, see `OceanModel.encode`.

    key: of this member.  perturbed: as the only member of `OceanModel.ensemble`; otherwise its noise alone is its own.
    """
    state = model.encode(ocean, time, key, forcing)
    return jax.tree.map(lambda a: a[0], model.ensemble(state, key, members=1)) if perturbed else state


def redrawn(model: OceanModel, state: State, key: jax.Array) -> dict[str, Any]:
    """The closures' memories of a state by name, what is random in them drawn anew."""
    keys = jax.random.split(key, len(model.closures) or 1)
    return {
        name: closure.redraw(state.closures[name], k) if isinstance(closure, Redrawn) else state.closures[name]
        for (name, closure), k in zip(model.closures.items(), keys, strict=False)
    }


def mean_spacing(grid: Grid) -> float:
    """Square root of the mean area of the wet cells, m."""
    return float(np.sqrt(grid.geometry.area["T"][grid.wet].mean()))


@jax.jit
def _members(model, fields, state, keys, sizes, depth) -> State:
    static = model.metrics()

    def member(key):
        for_fields, for_memory, for_steps = jax.random.split(key, 3)
        r = fields.fields(static, fields.initial(for_fields)).interior(*model.grid.shape[1:])
        ocean = _perturbed_ocean(model, static, state.ocean, r, sizes, depth)
        return State.create(ocean, state.stepper, redrawn(model, state, for_memory), state.time, for_steps)

    return jax.vmap(member)(keys)


def _perturbed_ocean(model, static, ocean: Ocean, r, sizes, depth) -> Ocean:
    """The ocean with r[0] added to temperature, r[1] to salinity and r[2] to the sea surface height."""
    ny, nx = r.shape[1:]
    interior = lambda f: f.interior(ny, nx)  # noqa: E731
    area, mask = interior(static.area_t), interior(static.mask_t)
    stretching = 1.0 + ocean.sea_surface_height * interior(static.inv_depth_t)
    volume = interior(static.thickness_t) * stretching * area
    decay = jnp.exp(-jnp.asarray(model.grid.levels.centres, r.dtype) / depth)[:, None, None]

    def anomaly(field, weight, mask):
        total = jnp.sum(weight, (-2, -1), keepdims=True)
        mean = jnp.sum(field * weight, (-2, -1), keepdims=True) / jnp.where(total > 0, total, 1.0)
        return (field - mean) * mask

    def levels(field):
        return anomaly(field, volume, mask) * decay

    return dataclasses.replace(
        ocean,
        temperature=ocean.temperature + sizes["temperature"] * levels(r[0]),
        salinity=ocean.salinity + sizes["salinity"] * levels(r[1]),
        sea_surface_height=ocean.sea_surface_height
        + sizes["sea_surface_height"] * anomaly(r[2], area * mask[0], mask[0]),
    )
