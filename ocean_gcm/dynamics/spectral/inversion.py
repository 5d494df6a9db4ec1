r"""From potential vorticity to streamfunction and velocity.

For each wavenumber (S - kappa^2) psi = q; u = -d psi/dy, v = d psi/dx.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid


def inversion_matrices(grid: PeriodicGrid, stretching: np.ndarray) -> np.ndarray:
    """(N, N, ny, nx // 2 + 1) inverses of S - kappa^2 in m2; zero where it is singular: the mean has no flow."""
    number = len(stretching)
    matrices = stretching - grid.kappa_squared[..., None, None] * np.eye(number)
    regular = np.abs(np.linalg.det(matrices)) > 0
    regular[0, 0] = False
    inverses = np.zeros_like(matrices)
    inverses[regular] = np.linalg.inv(matrices[regular])
    return np.ascontiguousarray(np.moveaxis(inverses, (0, 1), (2, 3)))


def apply_layers(matrices: jax.Array, field: jax.Array) -> jax.Array:
    """Matrices (N, N, ny, nk), or with axes of one, times a field (..., N, ny, nk), for each wavenumber.

    Sums that the compiler fuses: no product of matrices, which accelerators would round.
    """
    number = matrices.shape[0]
    rows = [sum(matrices[i, j] * field[..., j, :, :] for j in range(number)) for i in range(number)]
    return jnp.stack(rows, -3)


def velocity(k: jax.Array, l: jax.Array, psi: jax.Array) -> tuple[jax.Array, jax.Array]:  # noqa: E741
    """Coefficients of (u, v) of those of the streamfunction, m s-1."""
    return -1j * l * psi, 1j * k * psi
