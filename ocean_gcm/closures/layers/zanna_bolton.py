r"""The stress found by equation discovery of Zanna and Bolton (2020).

    T = kappa ((zeta^2 - zeta D_S, zeta D_T), (zeta D_T, zeta^2 + zeta D_S)),   kappa = -gamma dx^2.

It moves energy upscale and enstrophy downscale, and needs dissipation beside it.
"""

from __future__ import annotations

from typing import Literal

import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.closures.layers.eddy_viscosity import spacing
from ocean_gcm.closures.layers.stress import curl_of_divergence, deformation
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.section import Section


class ZannaBoltonConfig(Section):
    """Stress of vorticity times deformation."""

    kind: Literal["zanna_bolton"] = "zanna_bolton"
    coefficient: float = pydantic.Field(0.19, ge=0, description="gamma, no unit")

    def build(self, grid: PeriodicGrid, dtype) -> ZannaBolton:
        return ZannaBolton(dtype, coefficient=self.coefficient)


class ZannaBolton(Formula):
    """See `ZannaBoltonConfig`."""

    def effects(self, columns: LayerColumns) -> Effects:
        tension, shear = deformation(columns)
        scaled = -self.coefficient[...] * spacing(columns.grid) ** 2 * columns.vorticity
        return Effects(potential_vorticity_source=curl_of_divergence(columns, -scaled * shear, scaled * tension))
