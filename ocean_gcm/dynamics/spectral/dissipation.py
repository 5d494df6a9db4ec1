r"""What removes enstrophy at small scales and energy at large ones.

Viscosity of any order has the rate nu kappa^2 + nu_p kappa^(2 p) and is stepped implicitly.  The exponential filter
multiplies the coefficients after each step (Arbic and Flierl 2004; the default of pyqg),

    exp( -a (kappa* - kappa_c)^4 ) for kappa* > kappa_c,   kappa* = ((k dx)^2 + (l dy)^2)^(1/2).

Drag acts on the relative vorticity of the lowest layer, -r nabla^2 psi_N.
"""

from __future__ import annotations

import numpy as np
import pydantic

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.section import Section


class FilterConfig(Section):
    """exp(-strength (kappa* - cutoff pi)^order) beyond the cut-off."""

    cutoff: float = pydantic.Field(0.65, gt=0, lt=1, description="wavenumber above which it acts, as share of pi (1)")
    strength: float = pydantic.Field(23.6, gt=0, description="factor in the exponent (1)")
    order: float = pydantic.Field(4.0, gt=0, description="power in the exponent (1)")


def exponential_filter(grid: PeriodicGrid, config: FilterConfig) -> np.ndarray:
    """(ny, nx // 2 + 1) factor of each step, 1 below the cut-off."""
    dy, dx = grid.spacing
    scaled = np.sqrt((grid.k * dx) ** 2 + (grid.l * dy) ** 2)
    beyond = np.maximum(scaled - config.cutoff * np.pi, 0.0)
    return np.exp(-config.strength * beyond**config.order)


def damping_rate(grid: PeriodicGrid, viscosity: float, hyperviscosity: float, order: int) -> np.ndarray:
    """(ny, nx // 2 + 1) rate in s-1 at which viscosity (m2 s-1) and hyperviscosity (m^(2 order) s-1) damp."""
    return viscosity * grid.kappa_squared + hyperviscosity * grid.kappa_squared**order
