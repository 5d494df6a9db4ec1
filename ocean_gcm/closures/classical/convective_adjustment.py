"""Convection by strong vertical diffusion where the water column is unstable."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.field import apply
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section


class ConvectiveAdjustmentConfig(Section):
    """Diffusivity `diffusivity` where N^2 is well below zero, none where it is above.

    In between the switch r^2 / (r^2 + width^2) with r = max(-N^2, 0) is continuous with its derivative, so that
    round-off does not decide between convection and none, and gradients see it.  Implicit in time: no limit.
    """

    kind: Literal["convective_adjustment"] = "convective_adjustment"
    diffusivity: float = pydantic.Field(1.0, ge=0, description="diffusivity of convecting water in m2 s-1")
    viscosity: float | None = pydantic.Field(
        None, ge=0, description="viscosity of convecting water in m2 s-1; null: none"
    )
    width: float = pydantic.Field(
        1.0e-8, gt=0, description="instability -N^2 at which half of the diffusivity acts in s-2"
    )

    def build(self, grid: Grid, dtype) -> ConvectiveAdjustment:
        return ConvectiveAdjustment(self, dtype)


def instability(n_squared, width):
    """Switch in [0, 1): 0 where N^2 >= 0, 1/2 where N^2 = -width, both in s-2."""
    unstable = jnp.maximum(-n_squared, 0.0) / width
    # bounded before it is squared, or float32 overflows in water of absurd instability
    squared = jnp.minimum(unstable, 1e15) ** 2
    return squared / (1.0 + squared)


class ConvectiveAdjustment(Formula):
    """See `ConvectiveAdjustmentConfig`."""

    def __init__(self, config: ConvectiveAdjustmentConfig, dtype):
        super().__init__(dtype, diffusivity=config.diffusivity, viscosity=config.viscosity, width=config.width)

    def effects(self, columns: Columns) -> Effects:
        def coefficient(strength):
            return apply(
                lambda n_squared, wet: wet * (strength[...] * instability(n_squared, self.width[...])),
                columns.buoyancy_frequency_squared,
                columns.static.mask_w,
            )

        return Effects(
            vertical_diffusivity=coefficient(self.diffusivity),
            vertical_viscosity=None if self.viscosity is None else coefficient(self.viscosity),
        )
