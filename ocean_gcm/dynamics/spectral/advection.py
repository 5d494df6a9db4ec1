r"""Advection of potential vorticity, in flux form or in convective form:

    -d/dx [ (u + U) (q + b) ] - d/dy [ v (q + b) ] - Q_y v    or    -(u + U) d(q + b)/dx - v d(q + b)/dy - Q_y v,

with the topographic b = f0 h/H of the lowest layer.  Products are taken on points.  The two forms differ by aliases
alone.  These are kept out

- two_thirds: by the state, which holds no wavenumber above two thirds of the largest (Orszag 1971);
- three_halves: by points, one and a half times as many in each direction while products are taken;
- advection_two_thirds: by leaving out what advection does beyond two thirds of the largest wavenumber.  The state keeps
  the waves there, which nothing but viscosity and closures changes.  Their products with each other still have aliases.
  With the convective form it is the scheme of `NavierStokes2D` of jax-cfd, with which benchmarks are published;
- none: not at all, which a filter at every step must make up for.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid

DEALIASING = ("two_thirds", "three_halves", "advection_two_thirds", "none")


def kept_wavenumbers(grid: PeriodicGrid, dealiasing: str) -> np.ndarray:
    """(ny, nx // 2 + 1) True where the state may have energy."""
    _, ny, nx = grid.shape
    p = np.abs(np.fft.fftfreq(ny, 1.0 / ny))[:, None]
    q = np.abs(np.fft.rfftfreq(nx, 1.0 / nx))[None]
    if dealiasing == "two_thirds":
        # strictly less than n/3: the aliases of a product of two then fall outside
        return (3 * p < ny) & (3 * q < nx)
    if dealiasing in ("three_halves", "advection_two_thirds"):
        return (2 * p < ny) & (2 * q < nx)
    return np.ones((ny, nx // 2 + 1), bool)


def advected_wavenumbers(grid: PeriodicGrid, dealiasing: str) -> np.ndarray:
    """(ny, nx // 2 + 1) True where advection changes the state."""
    return kept_wavenumbers(grid, "two_thirds" if dealiasing == "advection_two_thirds" else dealiasing)


def fine_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """(ny, nx) of the points on which products have no aliases."""
    return tuple(int(np.ceil(1.5 * n / 2)) * 2 for n in shape)


def to_fine(coefficients: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Values on the points of `fine_shape` of a field on (ny, nx) = `shape` without its highest wavenumber."""
    ny, nx = shape
    fine_y, fine_x = fine_shape(shape)
    half = (ny + 1) // 2
    padded = jnp.zeros((*coefficients.shape[:-2], fine_y, fine_x // 2 + 1), coefficients.dtype)
    padded = padded.at[..., :half, : nx // 2 + 1].set(coefficients[..., :half, :])
    padded = padded.at[..., fine_y - (ny - half) :, : nx // 2 + 1].set(coefficients[..., half:, :])
    return jnp.fft.irfft2(padded, s=(fine_y, fine_x)) * (fine_y * fine_x / (ny * nx))


def from_fine(field: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Coefficients on (ny, nx) = `shape` of a field on its `fine_shape`."""
    ny, nx = shape
    fine_y, fine_x = fine_shape(shape)
    half = (ny + 1) // 2
    coefficients = jnp.fft.rfft2(field)[..., : nx // 2 + 1] * (ny * nx / (fine_y * fine_x))
    return jnp.concatenate([coefficients[..., :half, :], coefficients[..., fine_y - (ny - half) :, :]], -2)


def flux_divergence(k: jax.Array, l: jax.Array, flux_x: jax.Array, flux_y: jax.Array) -> jax.Array:  # noqa: E741
    """Coefficients of the divergence of a flux, given its own."""
    return 1j * (k * flux_x + l * flux_y)
