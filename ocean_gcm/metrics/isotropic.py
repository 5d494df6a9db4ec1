r"""Isotropic spectra, transfers and fluxes of layers in a periodic box.

All take the streamfunction or potential vorticity on points, (..., nz, ny, nx), and give (..., nz, rings) or
(..., rings): ring n holds the modes with n - 1/2 <= kappa/dkappa < n + 1/2, dkappa = 2 pi over the longer side.  Sums
over rings are means over the box (Parseval), so spectra are per ring; divide by dkappa for a density.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.dynamics.spectral.advection import flux_divergence, from_fine, kept_wavenumbers, to_fine
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.dynamics.spectral.inversion import velocity


def ring_width(grid: PeriodicGrid) -> float:
    """dkappa, rad m-1."""
    return 2.0 * np.pi / max(grid.lengths)


def rings(grid: PeriodicGrid) -> np.ndarray:
    """(ny, nk) number of the ring of each mode."""
    return np.rint(np.sqrt(grid.kappa_squared) / ring_width(grid)).astype(int)


def ring_wavenumbers(grid: PeriodicGrid) -> np.ndarray:
    """(rings,) middle of each ring, rad m-1; the first holds the mean only."""
    return np.arange(rings(grid).max() + 1) * ring_width(grid)


def ring_sums(grid: PeriodicGrid, products: jax.Array) -> jax.Array:
    """(..., rings) of the products (..., ny, nk) of coefficients of two fields, as shares of the box mean."""
    number = rings(grid)
    _, ny, nx = grid.shape
    weighted = jnp.real(products) * jnp.asarray(grid.multiplicity / (ny * nx) ** 2, products.real.dtype)
    flat = weighted.reshape(*weighted.shape[:-2], -1)
    summed = jax.ops.segment_sum(jnp.moveaxis(flat, -1, 0), number.ravel(), number.max() + 1)
    return jnp.moveaxis(summed, 0, -1)


def kinetic_energy_spectrum(grid: PeriodicGrid, psi: jax.Array) -> jax.Array:
    """(..., nz, rings) kinetic energy per mass of each layer, m2 s-2."""
    psi_hat = grid.to_spectral(psi)
    kappa_squared = jnp.asarray(grid.kappa_squared, psi.dtype)
    return ring_sums(grid, 0.5 * kappa_squared * jnp.abs(psi_hat) ** 2)


def enstrophy_spectrum(grid: PeriodicGrid, q: jax.Array) -> jax.Array:
    """(..., nz, rings) half of the mean square of q (potential or relative vorticity), s-2."""
    return ring_sums(grid, 0.5 * jnp.abs(grid.to_spectral(q)) ** 2)


@functools.partial(jax.jit, static_argnums=0)
def energy_transfer(grid: PeriodicGrid, psi: jax.Array, q: jax.Array) -> jax.Array:
    """(..., nz, rings) gain of energy per mass of each layer by advection J(psi, q), m2 s-3.

    The mean over layers, weighted with their thickness, sums to zero over rings: advection moves energy only.
    """
    return ring_sums(grid, jnp.conj(grid.to_spectral(psi)) * _advection(grid, psi, q))


@functools.partial(jax.jit, static_argnums=0)
def enstrophy_transfer(grid: PeriodicGrid, psi: jax.Array, q: jax.Array) -> jax.Array:
    """(..., nz, rings) gain of half of the mean square of q by advection, s-3."""
    return -ring_sums(grid, jnp.conj(grid.to_spectral(q)) * _advection(grid, psi, q))


def flux(transfer: jax.Array) -> jax.Array:
    """(..., rings) flux from the rings up to and with each one to all beyond: minus the sum of the transfer."""
    return -jnp.cumsum(transfer, -1)


def _advection(grid: PeriodicGrid, psi: jax.Array, q: jax.Array) -> jax.Array:
    """Coefficients of u . grad q in flux form, products taken on points where they have no aliases.

    The highest wavenumbers, whose sign the grid cannot tell, are left out.
    """
    k, l = (jnp.asarray(a, q.dtype) for a in (grid.k, grid.l))  # noqa: E741
    shape = grid.shape[1:]
    signed = jnp.asarray(kept_wavenumbers(grid, "three_halves"), q.dtype)
    psi_hat, q_hat = grid.to_spectral(psi) * signed, grid.to_spectral(q) * signed
    u, v, fine = (to_fine(field, shape) for field in (*velocity(k, l, psi_hat), q_hat))
    return flux_divergence(k, l, *(from_fine(flux, shape) for flux in (u * fine, v * fine))) * signed
