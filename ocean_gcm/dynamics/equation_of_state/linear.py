"""Equation of state that is linear in temperature and salinity."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp


@dataclasses.dataclass(frozen=True)
class LinearEquationOfState:
    """rho = rho0 (1 - alpha (T - T0) + beta (S - S0)).

    Attributes:
      thermal_expansion: alpha, K-1.
      haline_contraction: beta, (g kg-1)-1.
      reference_temperature, reference_salinity: T0 in degC and S0 in g kg-1, where the density is rho0.
      reference_density: rho0, kg m-3.
    """

    thermal_expansion: float
    haline_contraction: float
    reference_temperature: float
    reference_salinity: float
    reference_density: float

    def density_anomaly(self, temperature: jax.Array, salinity: jax.Array, depth: jax.Array | float) -> jax.Array:
        """Density minus rho0 in kg m-3; `depth` (m) has no influence."""
        warming = temperature - self.reference_temperature
        freshening = self.reference_salinity - salinity
        slope_t = -self.reference_density * self.thermal_expansion
        slope_s = self.reference_density * self.haline_contraction
        return slope_t * warming - slope_s * freshening

    def density(self, temperature: jax.Array, salinity: jax.Array, depth: jax.Array | float) -> jax.Array:
        """Density in kg m-3."""
        return self.reference_density + self.density_anomaly(temperature, salinity, depth)

    def expansion(
        self, temperature: jax.Array, salinity: jax.Array, depth: jax.Array | float
    ) -> tuple[jax.Array, jax.Array]:
        """(d rho/dT in kg m-3 K-1, d rho/dS in kg m-3 (g kg-1)-1), both in the shape of the arguments."""
        shape = jnp.broadcast_shapes(jnp.shape(temperature), jnp.shape(salinity))
        dtype = jnp.result_type(temperature, salinity)
        return (
            jnp.full(shape, -self.reference_density * self.thermal_expansion, dtype),
            jnp.full(shape, self.reference_density * self.haline_contraction, dtype),
        )
