r"""What a coarse model of layers would see of a fine one, and the forcing by what it does not see.

An operator takes a field q (..., ny, nx) of the fine grid to the points of the coarse one, (..., my, mx):

- cutoff: the wavenumbers below half of those of the coarse grid, as they are;
- filter: the same times the exponential filter of pyqg on the coarse grid (operator 1 of Ross et al. 2023);
- gaussian: the same times exp(-kappa^2 (w D)^2 / 24), D the coarse spacing, w = 2 (their operator 2);
- diffusion: diffused on the fine grid by its five-point Laplacian, which for smooth fields is a Gaussian of width w D
  and what GCM-Filters approximates by a polynomial (Grooms et al. 2021), then means of blocks (their operator 3).

All are linear, keep the mean, and leave out what the coarse model does not resolve.  Fields keep their place: the cell
centres of the two grids are not the same points.  The subgrid forcing of a fine state q with the tendency N is

    S = op(N(q)) - N_coarse(op(q)).
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.dynamics.spectral.advection import kept_wavenumbers
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.dissipation import FilterConfig, exponential_filter
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section


class CutoffConfig(Section):
    """Sharp cut of wavenumbers."""

    kind: Literal["cutoff"] = "cutoff"

    def factor(self, coarse: PeriodicGrid) -> np.ndarray:
        """(my, mx // 2 + 1) factor of the coefficients that are kept."""
        return np.ones(coarse.kappa_squared.shape)


class ExponentialConfig(FilterConfig):
    """Cut of wavenumbers and exponential filter beyond a share of the largest."""

    kind: Literal["filter"] = "filter"

    def factor(self, coarse: PeriodicGrid) -> np.ndarray:
        return exponential_filter(coarse, self)


class GaussianConfig(Section):
    """Gaussian filter and cut of wavenumbers."""

    kind: Literal["gaussian"] = "gaussian"
    width: float = pydantic.Field(2.0, gt=0, description="width in spacings of the coarse grid (1)")

    def factor(self, coarse: PeriodicGrid) -> np.ndarray:
        dy, dx = coarse.spacing
        return np.exp(-((coarse.k * dx) ** 2 + (coarse.l * dy) ** 2) * self.width**2 / 24.0)


class DiffusionConfig(Section):
    """Diffusion on the fine grid and means of blocks."""

    kind: Literal["diffusion"] = "diffusion"
    width: float = pydantic.Field(1.0, gt=0, description="width in spacings of the coarse grid (1)")


OperatorConfig = Annotated[
    CutoffConfig | ExponentialConfig | GaussianConfig | DiffusionConfig, pydantic.Field(discriminator="kind")
]
OPERATORS = {"cutoff": CutoffConfig, "filter": ExponentialConfig, "gaussian": GaussianConfig}
OPERATORS["diffusion"] = DiffusionConfig
"""Operators by the key kind."""


@dataclasses.dataclass(frozen=True, eq=False)
class Coarsening:
    """An operator between two grids; call it with a field.

    Attributes:
      fine, coarse: grids of the same box and layers.
      config: the operator.
      dealiasing: of the coarse model: decides what it resolves.

    Raises UserError for other boxes and layers, for a coarse grid that is not coarser, and for blocks that do not fit.
    """

    fine: PeriodicGrid
    coarse: PeriodicGrid
    config: CutoffConfig | ExponentialConfig | GaussianConfig | DiffusionConfig
    dealiasing: str = "none"

    def __post_init__(self):
        fine, coarse = self.fine, self.coarse
        if fine.shape[0] != coarse.shape[0] or not np.allclose(fine.lengths, coarse.lengths, rtol=1e-9):
            raise UserError(
                f"the coarse model has {coarse.shape[0]} layers in a box of {coarse.lengths[1]:g} m by "
                f"{coarse.lengths[0]:g} m; expected those of the fine one, {fine.shape[0]} in {fine.lengths[1]:g} m by "
                f"{fine.lengths[0]:g} m"
            )
        for name, large, small in (("nx", fine.shape[2], coarse.shape[2]), ("ny", fine.shape[1], coarse.shape[1])):
            if small > large or small % 2:
                raise UserError(f"the coarse grid.{name} is {small}; expected an even number of at most {large}")
            if self.config.kind == "diffusion" and large % small:
                raise UserError(f"the coarse grid.{name} is {small}; the operator diffusion needs a divisor of {large}")

    def __call__(self, field: jax.Array) -> jax.Array:
        """(..., my, mx) of (..., ny, nx)."""
        return self.coarse.to_physical(self.coefficients(self.fine.to_spectral(field)))

    def coefficients(self, field: jax.Array) -> jax.Array:
        """(..., my, mx // 2 + 1) coefficients of (..., ny, nx // 2 + 1)."""
        kept = jnp.asarray(self._factor, field.dtype)
        if self.config.kind == "diffusion":
            (_, ny, nx), (_, my, mx) = self.fine.shape, self.coarse.shape
            smooth = self.fine.to_physical(field * jnp.asarray(self._diffused, field.real.dtype))
            blocks = smooth.reshape(*smooth.shape[:-2], my, ny // my, mx, nx // mx)
            return self.coarse.to_spectral(blocks.mean((-3, -1))) * kept
        return cut(field, self.coarse) * kept

    @functools.cached_property
    def _factor(self) -> np.ndarray:
        """Of coarse coefficients: resolved or not, the operator's factor, size and place of the points."""
        (dy, dx), (coarse_dy, coarse_dx) = self.fine.spacing, self.coarse.spacing
        resolved = kept_wavenumbers(self.coarse, self.dealiasing)
        if self.config.kind == "diffusion":
            return resolved.astype(complex)
        phase = 0.5 * (self.coarse.k * (coarse_dx - dx) + self.coarse.l * (coarse_dy - dy))
        size = np.prod(self.coarse.shape[1:]) / np.prod(self.fine.shape[1:])
        return size * self.config.factor(self.coarse) * resolved * np.exp(1j * phase)

    @functools.cached_property
    def _diffused(self) -> np.ndarray:
        """(ny, nx // 2 + 1) factor of the diffusion."""
        (dy, dx), (coarse_dy, coarse_dx) = self.fine.spacing, self.coarse.spacing
        # eigenvalues of the second differences times the squared widths
        along_x = 4.0 * np.sin(0.5 * self.fine.k * dx) ** 2 * (self.config.width * coarse_dx / dx) ** 2
        along_y = 4.0 * np.sin(0.5 * self.fine.l * dy) ** 2 * (self.config.width * coarse_dy / dy) ** 2
        return np.exp(-(along_x + along_y) / 24.0)


def cut(coefficients: jax.Array, coarse: PeriodicGrid) -> jax.Array:
    """The coefficients of wavenumbers below half of the number of points of `coarse`, in its order; not scaled.

    The highest one of the coarse grid, whose sign it cannot tell, becomes zero, unless there is no other grid.
    """
    _, my, mx = coarse.shape
    if coefficients.shape[-2:] == (my, mx // 2 + 1):
        return coefficients
    half, columns = my // 2, mx // 2
    zero = jnp.zeros((*coefficients.shape[:-2], 1, columns), coefficients.dtype)
    rows = [coefficients[..., :half, :columns], zero, coefficients[..., -(half - 1) :, :columns]]
    kept = jnp.concatenate(rows, -2)
    return jnp.concatenate([kept, jnp.zeros((*kept.shape[:-1], 1), kept.dtype)], -1)


def refined(field: np.ndarray, fine: PeriodicGrid) -> np.ndarray:
    """(..., ny, nx) on the fine grid of a field (..., my, mx) of the same box, its other wavenumbers zero."""
    (my, mx), (_, ny, nx) = field.shape[-2:], fine.shape
    if (my, mx) == (ny, nx):
        return np.asarray(field)
    found = np.fft.rfft2(field)
    padded = np.zeros((*field.shape[:-2], ny, nx // 2 + 1), complex)
    half, columns = my // 2, mx // 2  # the highest wavenumber has no sign and is left out
    padded[..., :half, :columns] = found[..., :half, :columns]
    padded[..., -(half - 1) :, :columns] = found[..., -(half - 1) :, :columns]
    (length_y, length_x), (dy, dx) = fine.lengths, fine.spacing
    phase = 0.5 * (fine.k * (dx - length_x / mx) + fine.l * (dy - length_y / my))
    return np.fft.irfft2(padded * np.exp(1j * phase), s=(ny, nx)) * (ny * nx) / (my * mx)


def subgrid_source(
    coarsening: Coarsening,
    fine: tuple[QuasiGeostrophy, object],
    coarse: tuple[QuasiGeostrophy, object],
    q: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """(op(q), S), (nz, my, mx) in s-1 and s-2, of a fine q (nz, ny, nx).

    `fine` and `coarse` are a core and its static arrays each.  Tendencies are those of the cores: advection,
    background, drag, viscosity; without filter, forcing and closures.
    """
    grid, (fine_core, fine_static), (coarse_core, coarse_static) = coarsening.coarse, fine, coarse
    q_hat = coarsening.fine.to_spectral(q)
    kept = coarsening.coefficients(q_hat)
    seen = coarsening.coefficients(fine_core.rate_of_change(fine_static, q_hat))
    source = (seen - coarse_core.rate_of_change(coarse_static, kept)) * coarse_static.resolved
    return grid.to_physical(kept), grid.to_physical(source)
