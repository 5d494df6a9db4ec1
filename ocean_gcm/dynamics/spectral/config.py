"""Equations and numerical choices of the quasi-geostrophic core."""

from __future__ import annotations

from typing import Literal

import pydantic

from ocean_gcm.dynamics.spectral.dissipation import FilterConfig
from ocean_gcm.dynamics.spectral.stratification import LayersConfig
from ocean_gcm.dynamics.spectral.topography import TopographyConfig
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section

QUASI_GEOSTROPHIC = "quasi_geostrophic"


class QuasiGeostrophicConfig(Section):
    """N quasi-geostrophic layers; one of infinite deformation radius is two-dimensional flow."""

    core: Literal["quasi_geostrophic"] = pydantic.Field(description="the dynamical core; this section is of this one")
    layers: LayersConfig = pydantic.Field(LayersConfig(), description="thickness and stratification")
    f0: float = pydantic.Field(1e-4, description="Coriolis parameter in s-1, for stratification and topography")
    beta: float = pydantic.Field(0.0, description="its meridional gradient in m-1 s-1")
    zonal_flow: tuple[float, ...] | None = pydantic.Field(
        None, description="background velocity U along x of each layer in m s-1; null: none"
    )
    bottom_drag: float = pydantic.Field(0.0, ge=0, description="rate r of the drag on the lowest layer in s-1")
    viscosity: float = pydantic.Field(0.0, ge=0, description="harmonic viscosity in m2 s-1")
    hyperviscosity: float = pydantic.Field(
        0.0, ge=0, description="coefficient of the higher order in m to twice the order per second"
    )
    hyperviscosity_order: int = pydantic.Field(4, ge=2, le=16, description="power of the Laplacian (1)")
    filter: FilterConfig | None = pydantic.Field(None, description="exponential filter after each step; null: none")
    topography: TopographyConfig | None = pydantic.Field(None, description="sea floor; null: flat")
    advection: Literal["flux", "convective"] = pydantic.Field(
        "flux",
        description="form of the products: flux, div(u q), keeps the mean; convective, u . grad q, has other aliases",
    )
    dealiasing: Literal["two_thirds", "three_halves", "advection_two_thirds", "none"] = pydantic.Field(
        "two_thirds", description="how aliases of products are kept out"
    )
    time_stepper: Literal[
        "adams_bashforth3", "crank_nicolson_rk2", "crank_nicolson_rk3", "crank_nicolson_rk4", "imex_rk_sil3"
    ] = pydantic.Field("adams_bashforth3", description="time stepping; those of Runge-Kutta type are jax-cfd's")

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        number = len(self.layers.thickness)
        if self.zonal_flow is not None and len(self.zonal_flow) != number:
            raise UserError(
                f"dynamics.zonal_flow has {len(self.zonal_flow)} values; expected {number}, one of each layer"
            )
        return self
