"""Numerical choices of the finite-volume core."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ocean_gcm.dynamics.equation_of_state import EquationOfStateConfig, TEOS10Config
from ocean_gcm.section import Section


class DynamicsConfig(Section):
    """Equations, schemes and constants of the primitive-equation core."""

    core: Literal["finite_volume"] = Field(
        "finite_volume", description="the dynamical core; this section is of this one"
    )
    momentum_advection: Literal["energy", "enstrophy", "upwind3", "weno5", "none"] = Field(
        "energy",
        description="vorticity flux: energy- or enstrophy-conserving (Sadourny 1975), upwind-biased, WENO, or none "
        "(no advection of momentum at all)",
    )
    tracer_advection: Literal["centred2", "upwind3", "upwind3_limited", "upwind5_limited"] = Field(
        "upwind3_limited", description="flux of tracers; the limited schemes make no new extremum"
    )
    time_stepper: Literal["ab2", "ab3"] = Field("ab3", description="extrapolation in time of the advection of momentum")
    ab2_epsilon: float = Field(0.05, ge=0.0, le=0.5, description="off-centring of Adams-Bashforth 2 (1)")
    slip: Literal["free", "no"] = Field("free", description="tangential velocity at lateral walls")
    equation_of_state: EquationOfStateConfig = Field(
        default_factory=TEOS10Config, description="density as a function of temperature, salinity and depth"
    )
    reference_density: float = Field(1026.0, gt=0, description="Boussinesq density in kg m-3")
    heat_capacity: float = Field(3991.86795711963, gt=0, description="specific heat capacity in J kg-1 K-1")
    gravity: float = Field(9.81, gt=0, description="acceleration of gravity in m s-2")
    barotropic_substeps: int | None = Field(
        None, ge=1, description="steps of the free surface per time step; automatic from its Courant number if null"
    )
    barotropic_courant: float = Field(
        0.8, gt=0, le=1.0, description="Courant number that the automatic choice of substeps aims at (1)"
    )
