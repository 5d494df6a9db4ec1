"""Random inputs in proportion to a power of the local speed.

What a coarse model does not know is large where the flow is fast: after two days, errors of a hybrid gyre go like the
speed of the water column to the power 0.3 to 0.5 (docs/results/gyre_forecast.md).  A network that sees its random
fields times

    (s / s_0)^p,    s^2 = mean over the column and over neighbours of u^2 + v^2,

has such noise before it has learned anything else, because its response to small inputs is linear.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pydantic

from ocean_gcm.closures.interface import Columns
from ocean_gcm.grid.field import Field
from ocean_gcm.section import Section

SLOWEST = 0.01
"""Share of s_0 that is added to the speed in squares: keeps powers differentiable at rest."""


class LocalSpeedConfig(Section):
    """The random fields that a network sees, times (s / s_0)^p, s the speed of the water column around."""

    speed: float = pydantic.Field(0.1, gt=0, description="s_0, where the fields are seen as they are, in m s-1")
    power: float = pydantic.Field(0.5, gt=0, le=2, description="p, no unit")

    def factor(self, columns: Columns, shape: tuple[int, int]) -> jax.Array:
        """(ny, nx) = `shape`, on the interior."""
        squared = local_speed_squared(columns, shape)
        return (squared * (1.0 / self.speed**2) + SLOWEST**2) ** (0.5 * self.power)


def local_speed_squared(columns: Columns, shape: tuple[int, int]) -> jax.Array:
    """(ny, nx) m2 s-2: u^2 + v^2, a mean over the column, then over wet neighbours with weights 1/4, 1/2, 1/4."""
    static = columns.static
    squared = columns.u.map(jnp.square).mean_x() + columns.v.map(jnp.square).mean_y()
    thickness = columns.thickness.interior(*shape)
    wet = static.surface_mask_t.interior(*shape)
    content = (squared.interior(*shape) * thickness).sum(0)
    depth = thickness.sum(0) + (1.0 - wet)
    return _around(columns, content / depth * wet, shape) / (_around(columns, wet, shape) + (1.0 - wet))


def _around(columns: Columns, array: jax.Array, shape: tuple[int, int]) -> jax.Array:
    field = Field(columns.static.topology.pad(array, 1), "T", "s", -1, -1)
    return field.mean_x().mean_x().mean_y().mean_y().interior(*shape)
