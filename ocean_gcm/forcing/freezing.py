"""The freezing point of seawater at the surface."""

from __future__ import annotations

import jax
import jax.numpy as jnp

# Least-squares polynomial in Absolute Salinity, 0 to 45 g kg-1, through the Conservative Temperature of freezing of
# air-free seawater at zero pressure (TEOS-10: IOC et al. 2010, section 3.33; `gsw.CT_freezing`).  Largest error
# 0.004 K, 0.001 K above 20 g kg-1.
_TEOS10 = (1.41899591e-02, -5.39383985e-02, 9.58592246e-05, -4.97091700e-06, 4.14976502e-08)


def freezing_temperature(salinity: jax.Array, equation_of_state: str = "teos10") -> jax.Array:
    """Freezing temperature in degC at the surface, of any shape, with a finite derivative everywhere.

    With "teos10" Conservative Temperature of Absolute Salinity (g kg-1); otherwise temperature of practical salinity
    after Millero (1978; UNESCO 1983), -0.0575 S + 1.710523e-3 S^1.5 - 2.154996e-4 S^2.
    """
    if equation_of_state == "teos10":
        result = _TEOS10[-1] * salinity + _TEOS10[-2]
        for coefficient in _TEOS10[-3::-1]:
            result = result * salinity + coefficient
        return result
    positive = jnp.maximum(salinity, 1e-6)
    return positive * (-0.0575 + 1.710523e-3 * jnp.sqrt(positive) - 2.154996e-4 * positive)
