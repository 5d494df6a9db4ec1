"""Lateral friction that follows the resolved flow: Smagorinsky and Leith."""

from __future__ import annotations

import math
from typing import Literal

import jax.numpy as jnp
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.classical.grid_scale import spacing_squared
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section

DEFORMATION_FLOOR = 1e-12
"""s-1; far below any deformation or change of vorticity of interest, keeps roots differentiable at rest."""

_ORDER = "harmonic (viscosity, m2 s-1) or biharmonic (Delta^2 / 8 times that, m4 s-1)"


class SmagorinskyConfig(Section):
    """viscosity = (coefficient Delta / pi)^2 |deformation| (Smagorinsky 1963; Griffies and Hallberg 2000).

    |deformation|^2 = tension^2 + shear^2, Delta^2 = 2 / (dx^-2 + dy^-2).
    """

    kind: Literal["smagorinsky"] = "smagorinsky"
    coefficient: float = pydantic.Field(3.0, ge=0, description="Smagorinsky coefficient, 2 to 4, no unit")
    order: Literal["harmonic", "biharmonic"] = pydantic.Field("harmonic", description=_ORDER)

    def build(self, grid: Grid, dtype) -> Smagorinsky:
        return Smagorinsky(self, dtype)


class LeithConfig(Section):
    """viscosity = (Delta / pi)^3 sqrt(coefficient^6 |grad vorticity|^2 + divergence_coefficient^6 |grad divergence|^2).

    Leith (1996); with the divergence as modified by Fox-Kemper and Menemenlis (2008).
    """

    kind: Literal["leith"] = "leith"
    coefficient: float = pydantic.Field(1.0, ge=0, description="Leith coefficient of the vorticity, about 1, no unit")
    divergence_coefficient: float | None = pydantic.Field(
        None, ge=0, description="coefficient of the divergence (modified Leith), about 1, no unit; null: none"
    )
    order: Literal["harmonic", "biharmonic"] = pydantic.Field("harmonic", description=_ORDER)

    def build(self, grid: Grid, dtype) -> Leith:
        return Leith(self, dtype)


def smooth_root(square, floor: float):
    """sqrt(square + floor^2): equal to the root above the floor, with finite derivatives at zero."""
    return jnp.sqrt(square + floor * floor)


class _FlowViscosity(Formula):
    def __init__(self, order: str, dtype, **coefficients):
        super().__init__(dtype, **coefficients)
        self.order = order

    def rates(self, columns: Columns) -> tuple[Field, Field]:
        """viscosity / Delta^2 at T and F, s-1."""
        raise NotImplementedError

    def effects(self, columns: Columns) -> Effects:
        viscosity = []
        for place, rate in zip("TF", self.rates(columns), strict=True):
            scale = spacing_squared(columns.static, place)
            if self.order == "biharmonic":
                scale = scale * scale * 0.125
            viscosity.append(scale * rate)
        return Effects(**{f"{self.order}_viscosity": tuple(viscosity)})


class Smagorinsky(_FlowViscosity):
    """See `SmagorinskyConfig`."""

    def __init__(self, config: SmagorinskyConfig, dtype):
        super().__init__(config.order, dtype, coefficient=config.coefficient)

    def rates(self, columns: Columns) -> tuple[Field, Field]:
        tension, shear = (s * s for s in columns.strain)
        factor = (self.coefficient[...] / math.pi) ** 2

        def rate(a, b):
            return factor * smooth_root(a + b, DEFORMATION_FLOOR)

        at_centres = apply(rate, tension, shear.mean_x().mean_y())
        at_corners = apply(rate, shear, tension.mean_x().mean_y())
        return at_centres, at_corners


class Leith(_FlowViscosity):
    """See `LeithConfig`."""

    def __init__(self, config: LeithConfig, dtype):
        super().__init__(
            config.order,
            dtype,
            coefficient=config.coefficient,
            divergence_coefficient=config.divergence_coefficient,
        )

    def rates(self, columns: Columns) -> tuple[Field, Field]:
        static = columns.static
        # one Delta of the three goes with the gradient: vorticity differences have the size of vorticity, while squared
        # gradients underflow in float32
        delta_u, delta_v = (spacing_squared(static, place).map(jnp.sqrt) for place in "UV")
        weight = (self.coefficient[...] / math.pi) ** 3
        along_u = columns.vorticity.diff_y() * (static.inv_dy_u * delta_u * weight)
        along_v = columns.vorticity.diff_x() * (static.inv_dx_v * delta_v * weight)
        at_u, at_v = along_u * along_u, along_v * along_v
        if self.divergence_coefficient is not None:
            weight = (self.divergence_coefficient[...] / math.pi) ** 3
            # no gradient across a coast, where the divergence of the land would enter
            along_u = columns.divergence.diff_x() * (static.inv_dx_u * delta_u * weight) * static.mask_u
            along_v = columns.divergence.diff_y() * (static.inv_dy_v * delta_v * weight) * static.mask_v
            at_u, at_v = at_u + along_u * along_u, at_v + along_v * along_v

        def rate(square):
            return smooth_root(square, DEFORMATION_FLOOR)

        return (at_u.mean_x() + at_v.mean_y()).map(rate), (at_u.mean_y() + at_v.mean_x()).map(rate)
