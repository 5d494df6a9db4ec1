"""Random inputs that are large where the flow is fast, and with tails that are not those of a Gaussian.

What a coarse model does not know is large where the flow is fast: after two days, errors of a hybrid gyre go like the
speed of the water column to the power 0.3 to 0.5; and in units of a spread that knows this they have a kurtosis of
5 to 8 (docs/decisions.md).  A network that sees its random fields times

    (s / s_0)^p exp(sigma r - sigma^2),    s^2 = mean over the column and over neighbours of u^2 + v^2,

r one more random field, has such noise before it has learned anything else, because its response to small inputs is
linear.  The mean square of the second factor is one; a product with it has a kurtosis of 3 exp(4 sigma^2).  s_0, p and
sigma are begun with as configured, and can be trained.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pydantic
from flax import nnx

from ocean_gcm.closures.interface import Columns
from ocean_gcm.closures.neural.features import interior_shape
from ocean_gcm.errors import UserError
from ocean_gcm.grid.field import Field
from ocean_gcm.section import Section

SLOWEST = 0.01
"""Share of s_0 that is added to the speed in squares: keeps powers differentiable at rest."""


class RandomAmplitudeConfig(Section):
    """The random fields that a network sees, times (s / s_0)^p exp(sigma r - sigma^2): what training begins with."""

    speed: float = pydantic.Field(0.1, gt=0, description="s_0, where the first factor is one, in m s-1")
    power: float = pydantic.Field(0.5, ge=0, le=2, description="p, no unit")
    spread: float = pydantic.Field(
        0.0, ge=0, le=1, description="sigma; the last of the random fields is then r and not seen otherwise, no unit"
    )


class RandomAmplitude(nnx.Module):
    """See `RandomAmplitudeConfig`.

    Attributes:
      speed, power: s_0 in m s-1 and p, `nnx.Param`.
      spread: sigma, `nnx.Param`, or None where all random fields are seen.
    """

    def __init__(self, config: RandomAmplitudeConfig, dtype):
        self.speed = nnx.Param(jnp.asarray(config.speed, dtype))
        self.power = nnx.Param(jnp.asarray(config.power, dtype))
        self.spread = nnx.Param(jnp.asarray(config.spread, dtype)) if config.spread else None

    def seen(self, number: int) -> int:
        """Fields that the network sees of `number`.  Raises UserError where there are none."""
        taken = 0 if self.spread is None else 1
        if number <= taken:
            raise UserError(f"random.number is {number} with random_amplitude; expected at least {1 + taken}")
        return number - taken

    def __call__(self, columns: Columns, fields: Field) -> Field:
        """What the network sees of the fields (n, y, x) at T/s, on the interior."""
        shape = interior_shape(columns)
        squared = local_speed_squared(columns, shape) * (1.0 / self.speed[...] ** 2)
        amplitude = (squared + SLOWEST**2) ** (0.5 * self.power[...])
        values = fields.interior(*shape)
        if self.spread is not None:
            values, log_amplitude, spread = values[:-1], values[-1], self.spread[...]
            amplitude = amplitude * jnp.exp(spread * log_amplitude - spread**2)
        return Field(values * amplitude, "T", "s", 0, 0)


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
