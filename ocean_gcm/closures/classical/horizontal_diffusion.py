"""Diffusion of tracers along the model's levels."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section


class HorizontalDiffusionConfig(Section):
    """Harmonic diffusion of all tracers: rotated diffusion with slopes of zero.

    Explicit: stable where diffusivity <= Delta^2 / (4 time step), Delta^2 = 2 / (dx^-2 + dy^-2).
    """

    kind: Literal["horizontal_diffusion"] = "horizontal_diffusion"
    diffusivity: float = pydantic.Field(1.0e3, ge=0, description="horizontal diffusivity in m2 s-1")

    def build(self, grid: Grid, dtype) -> HorizontalDiffusion:
        return HorizontalDiffusion(self, dtype)


class HorizontalDiffusion(Formula):
    """See `HorizontalDiffusionConfig`."""

    def __init__(self, config: HorizontalDiffusionConfig, dtype):
        super().__init__(dtype, diffusivity=config.diffusivity)

    def effects(self, columns: Columns) -> Effects:
        mask_u, mask_v = columns.static.mask_u, columns.static.mask_v
        level = (mask.map(jnp.zeros_like).at(level="w") for mask in (mask_u, mask_v, columns.static.mask_t))
        return Effects(isoneutral_diffusion=(mask_u * self.diffusivity[...], mask_v * self.diffusivity[...], *level))
