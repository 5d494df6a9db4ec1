r"""Linear waves and instabilities of the background flow, each wavenumber by itself; on the host, in float64.

dq/dt = A q,   A = -i k (U + Q_y M) - lambda + r kappa^2 e_N e_N^T M,   M = (S - kappa^2)^(-1).
"""

from __future__ import annotations

import numpy as np

from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.dissipation import damping_rate
from ocean_gcm.dynamics.spectral.inversion import inversion_matrices


def linear_operators(core: QuasiGeostrophy) -> np.ndarray:
    """(ny, nk, N, N) A in s-1 for each wavenumber of the grid, without filter and topography."""
    grid, config = core.grid, core.config
    inverse = np.moveaxis(inversion_matrices(grid, core.stretching), (0, 1), (2, 3))
    k = np.broadcast_to(grid.k, grid.kappa_squared.shape)[..., None, None]
    operators = -1j * k * (np.diag(core.flow) + core.gradient[:, None] * inverse)
    rate = damping_rate(grid, config.viscosity, config.hyperviscosity, config.hyperviscosity_order)
    operators = operators - rate[..., None, None] * np.eye(grid.shape[0])
    drag = config.bottom_drag * grid.kappa_squared[..., None]
    operators[..., -1, :] += drag * inverse[..., -1, :]
    return operators


def fastest_modes(core: QuasiGeostrophy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Growth rate (ny, nk) in s-1, frequency (ny, nk) in s-1 and q of the layers (ny, nk, N) of the mode of each
    wavenumber that grows fastest; it goes like exp(growth t + i (k x + l y - frequency t))."""
    values, vectors = np.linalg.eig(linear_operators(core))
    best = values.real.argmax(-1)[..., None]
    fastest = np.take_along_axis(values, best, -1)[..., 0]
    modes = np.take_along_axis(vectors, best[..., None, :], -1)[..., 0]
    return fastest.real, -fastest.imag, modes
