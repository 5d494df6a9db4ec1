"""Density of seawater and its derivatives.

An equation of state is a frozen object with the pure functions `density_anomaly`, `density` and `expansion` of
temperature (degC), salinity (g kg-1) and depth (m, positive down), which keep the dtype of their arguments.
"""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from ocean_gcm.dynamics.equation_of_state.linear import LinearEquationOfState
from ocean_gcm.dynamics.equation_of_state.teos10 import TEOS10
from ocean_gcm.section import Section

EquationOfState = LinearEquationOfState | TEOS10


class LinearConfig(Section):
    """Density linear in temperature and salinity."""

    kind: Literal["linear"] = "linear"
    thermal_expansion: float = pydantic.Field(2.0e-4, description="-(1/rho0) d rho/dT in K-1")
    haline_contraction: float = pydantic.Field(7.6e-4, description="(1/rho0) d rho/dS in (g kg-1)-1")
    reference_temperature: float = pydantic.Field(10.0, description="temperature of the reference density in degC")
    reference_salinity: float = pydantic.Field(35.0, description="salinity of the reference density in g kg-1")


class TEOS10Config(Section):
    """55-term Boussinesq polynomial of Roquet et al. (2015), in Conservative Temperature and Absolute Salinity."""

    kind: Literal["teos10"] = "teos10"


EquationOfStateConfig = Annotated[LinearConfig | TEOS10Config, pydantic.Field(discriminator="kind")]


def build_equation_of_state(config: LinearConfig | TEOS10Config, reference_density: float = 1026.0) -> EquationOfState:
    """The equation of state of `config`; `reference_density` (kg m-3) scales the linear one."""
    if isinstance(config, TEOS10Config):
        return TEOS10()
    return LinearEquationOfState(
        thermal_expansion=config.thermal_expansion,
        haline_contraction=config.haline_contraction,
        reference_temperature=config.reference_temperature,
        reference_salinity=config.reference_salinity,
        reference_density=reference_density,
    )


__all__ = [
    "EquationOfState",
    "EquationOfStateConfig",
    "LinearConfig",
    "LinearEquationOfState",
    "TEOS10",
    "TEOS10Config",
    "build_equation_of_state",
]
