r"""Eddy viscosities: a stress 2 nu S with nu from the resolved flow.

- Smagorinsky (1963): nu = (C dx)^2 |D|, |D|^2 = D_T^2 + D_S^2.
- The same with C^2 from the flow itself (Germano et al. 1991, Lilly 1992), one number per layer and step: of the
  stresses that the resolved scales between the grid and a test filter of twice its width exert, the least-squares fit,
  never negative.  The test filter is a sharp cut at half of the largest resolved wavenumber.
- Leith (1996): nu = (C dx)^3 |grad q|.
"""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.closures.layers.stress import curl_of_divergence, deformation, deformation_of
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.section import Section

REST = 1e-12
"""Share of the mean square below which a square counts as zero: keeps roots differentiable where there is no motion."""
TINY = 1e-36
"""Added to squares of rates in s-2, far below any."""


def magnitude(x, y):
    """(x^2 + y^2)^(1/2), differentiable at zero."""
    squared = x * x + y * y
    return jnp.sqrt(squared + REST * squared.mean((-2, -1), keepdims=True) + TINY)


def spacing(grid: PeriodicGrid) -> float:
    """Geometric mean of dx and dy, m."""
    return float(np.sqrt(grid.spacing[0] * grid.spacing[1]))


class SmagorinskyConfig(Section):
    """Viscosity (coefficient dx)^2 |D|."""

    kind: Literal["smagorinsky"] = "smagorinsky"
    coefficient: float = pydantic.Field(0.15, ge=0, description="coefficient C, no unit (about 0.1 to 0.2)")

    def build(self, grid: PeriodicGrid, dtype) -> Smagorinsky:
        return Smagorinsky(dtype, coefficient=self.coefficient)


class Smagorinsky(Formula):
    """See `SmagorinskyConfig`."""

    def effects(self, columns: LayerColumns) -> Effects:
        tension, shear = deformation(columns)
        nu = (self.coefficient[...] * spacing(columns.grid)) ** 2 * magnitude(tension, shear)
        return Effects(potential_vorticity_source=curl_of_divergence(columns, nu * tension, nu * shear))


class LeithConfig(Section):
    """Viscosity (coefficient dx)^3 |grad q|."""

    kind: Literal["leith"] = "leith"
    coefficient: float = pydantic.Field(0.3, ge=0, description="coefficient C, no unit (about 0.2 to 0.5)")

    def build(self, grid: PeriodicGrid, dtype) -> Leith:
        return Leith(dtype, coefficient=self.coefficient)


class Leith(Formula):
    """See `LeithConfig`."""

    def effects(self, columns: LayerColumns) -> Effects:
        q_hat = columns.grid.to_spectral(columns.potential_vorticity)
        q_x, q_y = columns.grid.to_physical(jnp.stack([1j * columns.k * q_hat, 1j * columns.l * q_hat]))
        nu = (self.coefficient[...] * spacing(columns.grid)) ** 3 * magnitude(q_x, q_y)
        tension, shear = deformation(columns)
        return Effects(potential_vorticity_source=curl_of_divergence(columns, nu * tension, nu * shear))


class DynamicSmagorinskyConfig(Section):
    """Smagorinsky's viscosity, its coefficient squared fitted to the resolved flow at each call."""

    kind: Literal["dynamic_smagorinsky"] = "dynamic_smagorinsky"
    factor: float = pydantic.Field(1.0, ge=0, description="factor of what the fit gives (1)")

    def build(self, grid: PeriodicGrid, dtype) -> DynamicSmagorinsky:
        return DynamicSmagorinsky(dtype, factor=self.factor)


class DynamicSmagorinsky(Formula):
    """See `DynamicSmagorinskyConfig`."""

    def effects(self, columns: LayerColumns) -> Effects:
        tension, shear = deformation(columns)
        nu = self.squared_coefficient(columns) * spacing(columns.grid) ** 2 * magnitude(tension, shear)
        nu = self.factor[...] * nu
        return Effects(potential_vorticity_source=curl_of_divergence(columns, nu * tension, nu * shear))

    def squared_coefficient(self, columns: LayerColumns):
        """(nz, 1, 1) C^2, no unit."""
        grid = columns.grid
        test = test_filter(columns)

        def filtered(*fields):
            return grid.to_physical(grid.to_spectral(jnp.stack(fields)) * test)

        u, v = columns.u, columns.v
        uu, uv, vv, coarse_u, coarse_v = filtered(u * u, u * v, v * v, u, v)
        # trace-free parts ((a, b), (b, -a)) of the resolved stress and of what the model makes of it for C^2 = 1
        a = 0.5 * (uu - vv - coarse_u**2 + coarse_v**2)
        b = uv - coarse_u * coarse_v
        tension, shear = deformation(columns)
        size = magnitude(tension, shear)
        fine_a, fine_b = filtered(size * tension, size * shear)
        coarse = grid.to_physical(deformation_of(columns.k, columns.l, columns.psi_hat) * test)
        size = magnitude(*coarse)
        delta_squared = spacing(grid) ** 2
        model_a = delta_squared * (fine_a - 4.0 * size * coarse[0])
        model_b = delta_squared * (fine_b - 4.0 * size * coarse[1])
        mean = lambda f: f.mean((-2, -1), keepdims=True)  # noqa: E731
        fit = mean(a * model_a + b * model_b)
        scale = mean(model_a**2 + model_b**2)
        return jnp.maximum(fit, 0.0) / jnp.where(scale > 0, scale, 1.0)


def test_filter(columns: LayerColumns):
    """(ny, nk) 1 below half of the largest resolved wavenumber."""
    kappa_squared = columns.k**2 + columns.l**2
    along_x = jnp.where(columns.resolved > 0, columns.k**2, 0.0).max()
    return jnp.where(4.0 * kappa_squared < along_x, columns.resolved, 0.0)


test_filter.__test__ = False  # its name is that of the literature, it is no test
