"""Lateral friction with prescribed coefficients, harmonic and biharmonic."""

from __future__ import annotations

from typing import Literal

import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.classical.grid_scale import GridScale, Scaling
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section

_SCALING = (
    "how the viscosity follows the grid: none, cos_latitude (factor cos(latitude)^exponent) or grid_spacing (factor "
    "(Delta / largest Delta)^exponent with Delta^2 = 2 / (dx^-2 + dy^-2)); no unit"
)


class HarmonicViscosityConfig(Section):
    """Laplacian friction, nabla . (viscosity x deformation).

    Explicit, so stable only where viscosity <= Delta^2 / (4 time step), Delta^2 = 2 / (dx^-2 + dy^-2); on a sphere the
    convergence of the meridians makes the highest latitude decide, which is what `scaling` is for.
    """

    kind: Literal["harmonic_viscosity"] = "harmonic_viscosity"
    viscosity: float = pydantic.Field(1.0e4, ge=0, description="viscosity before scaling in m2 s-1")
    scaling: Scaling = pydantic.Field("none", description=_SCALING)
    exponent: int = pydantic.Field(1, ge=1, le=6, description="exponent of the scaling, no unit")

    def build(self, grid: Grid, dtype) -> HarmonicViscosity:
        return HarmonicViscosity(self, grid, dtype)


class BiharmonicViscosityConfig(Section):
    """Laplacian friction applied twice: acts on the smallest scales only (Holland 1978).

    Stable where viscosity <= Delta^4 / (32 time step).
    """

    kind: Literal["biharmonic_viscosity"] = "biharmonic_viscosity"
    viscosity: float = pydantic.Field(1.0e11, ge=0, description="biharmonic viscosity before scaling in m4 s-1")
    scaling: Scaling = pydantic.Field("none", description=_SCALING)
    exponent: int = pydantic.Field(3, ge=1, le=6, description="exponent of the scaling, no unit")

    def build(self, grid: Grid, dtype) -> BiharmonicViscosity:
        return BiharmonicViscosity(self, grid, dtype)


class _PrescribedViscosity(Formula):
    def __init__(self, config, grid: Grid, dtype):
        super().__init__(dtype, viscosity=config.viscosity)
        self.scale = GridScale(config.scaling, config.exponent, grid)

    def coefficients(self, columns: Columns):
        return tuple(self.scale.factor(columns.static, place) * self.viscosity[...] for place in "TF")


class HarmonicViscosity(_PrescribedViscosity):
    """See `HarmonicViscosityConfig`."""

    def effects(self, columns: Columns) -> Effects:
        return Effects(harmonic_viscosity=self.coefficients(columns))


class BiharmonicViscosity(_PrescribedViscosity):
    """See `BiharmonicViscosityConfig`."""

    def effects(self, columns: Columns) -> Effects:
        return Effects(biharmonic_viscosity=self.coefficients(columns))
