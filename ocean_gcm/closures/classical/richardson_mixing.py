"""Vertical mixing by the local Richardson number."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.field import apply
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section

UNIT = 1e-8
"""s-2; stratification and shear are counted in this, or float32 underflows in derivatives."""

STRATIFICATION_WIDTH = 1e-10 / UNIT
"""Stratification over which the positive part of N^2 bends smoothly to zero, below that of any real ocean."""


class RichardsonMixingConfig(Section):
    """Pacanowski and Philander (1981): q = 1 / (1 + alpha Ri), viscosity = shear_viscosity q^exponent + background,
    diffusivity = viscosity q + background, with Ri = N^2 / shear^2, and Ri = 0 in unstable columns.

    `unresolved_shear_squared` is added to the shear: it keeps the formula and its derivatives finite at rest, and
    small enough (N^2 is above 1e-7 s-2 nearly everywhere) to matter only in water that is all but mixed.
    """

    kind: Literal["richardson_mixing"] = "richardson_mixing"
    shear_viscosity: float = pydantic.Field(5.0e-3, ge=0, description="viscosity at Ri = 0 in m2 s-1")
    alpha: float = pydantic.Field(5.0, gt=0, description="sensitivity to the Richardson number, no unit")
    exponent: int = pydantic.Field(2, ge=1, le=6, description="exponent of the viscosity, no unit; not trainable")
    background_viscosity: float = pydantic.Field(1.0e-4, ge=0, description="background viscosity in m2 s-1")
    background_diffusivity: float = pydantic.Field(1.0e-5, ge=0, description="background diffusivity in m2 s-1")
    unresolved_shear_squared: float = pydantic.Field(
        1.0e-9, gt=0, description="squared shear of unresolved motion in s-2"
    )
    wind_mixing: float | None = pydantic.Field(
        None, ge=0, description="viscosity and diffusivity stirred by the wind at the surface in m2 s-1; null: none"
    )
    wind_mixing_depth: float = pydantic.Field(
        10.0, gt=0, description="depth over which wind_mixing decays by a factor e in m"
    )

    def build(self, grid: Grid, dtype) -> RichardsonMixing:
        return RichardsonMixing(self, grid, dtype)


def stirring(n_squared, shear_squared, alpha, unresolved_shear_squared):
    """q = 1 / (1 + alpha Ri) in (0, 1] from N^2 and shear^2 in s-2: smooth, one division, 1 where N^2 <= 0."""
    shear = (shear_squared + unresolved_shear_squared) * (1.0 / UNIT)
    stable = jnp.maximum(n_squared, 0.0) * (1.0 / UNIT)
    # stable^2 / (stable + width) is the positive part of N^2 with a continuous derivative
    weight = shear * (stable + STRATIFICATION_WIDTH)
    return weight / (weight + alpha * stable * stable)


class RichardsonMixing(Formula):
    """See `RichardsonMixingConfig`."""

    def __init__(self, config: RichardsonMixingConfig, grid: Grid, dtype):
        super().__init__(
            dtype,
            shear_viscosity=config.shear_viscosity,
            alpha=config.alpha,
            background_viscosity=config.background_viscosity,
            background_diffusivity=config.background_diffusivity,
            unresolved_shear_squared=config.unresolved_shear_squared,
            wind_mixing=config.wind_mixing,
            wind_mixing_depth=None if config.wind_mixing is None else config.wind_mixing_depth,
        )
        self.exponent = config.exponent
        self.face_depth = tuple(float(z) for z in grid.levels.faces[:-1])

    def effects(self, columns: Columns) -> Effects:
        surface = 0.0
        if self.wind_mixing is not None:
            depth = np.asarray(self.face_depth, columns.u.data.dtype)[:, None, None]
            surface = self.wind_mixing[...] * jnp.exp(-depth / self.wind_mixing_depth[...])

        def q(n_squared, shear_squared):
            return stirring(n_squared, shear_squared, self.alpha[...], self.unresolved_shear_squared[...])

        def viscosity(n_squared, shear_squared, wet):
            powered = q(n_squared, shear_squared) ** self.exponent
            return wet * (self.shear_viscosity[...] * powered + (self.background_viscosity[...] + surface))

        def diffusivity(n_squared, shear_squared, wet):
            s = q(n_squared, shear_squared)
            resolved = (self.shear_viscosity[...] * s**self.exponent + self.background_viscosity[...]) * s
            return wet * (resolved + (self.background_diffusivity[...] + surface))

        inputs = columns.buoyancy_frequency_squared, columns.shear_squared, columns.static.mask_w
        return Effects(vertical_viscosity=apply(viscosity, *inputs), vertical_diffusivity=apply(diffusivity, *inputs))
