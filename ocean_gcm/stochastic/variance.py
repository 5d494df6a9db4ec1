"""The exact variance of diffused white noise in every cell, on the host when a model is built."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sparse

from ocean_gcm.grid.grid import Grid
from ocean_gcm.stochastic.diffusion import heat_coefficients, sufficient_degree

REACH = 2.2
"""Lengths beyond which a cell's noise is no longer followed: exp(-2 REACH^2) = 6e-5 of its variance lies there."""


def surface_laplacian(grid: Grid) -> sparse.csr_array:
    """The Laplacian A = D^T g D of the wet surface between the roots of the areas, m-2; (ny nx, ny nx), land is zero.

    Symmetric, not negative, and the operator of `diffusion.Diffusion`.
    """
    geometry, shape = grid.geometry, grid.wet.shape
    cell = np.arange(grid.wet.size).reshape(shape)
    faces = (
        (-1, geometry.dy["U"] / geometry.dx["U"], grid.mask_u[0]),
        (-2, geometry.dx["V"] / geometry.dy["V"], grid.mask_v[0]),
    )
    laplacian = sparse.csr_array((grid.wet.size,) * 2)
    for axis, conductance, open_ in faces:
        here, there, g = cell[open_], np.roll(cell, -1, axis)[open_], conductance[open_]
        row, column = np.concatenate([here, there, here, there]), np.concatenate([here, there, there, here])
        laplacian = laplacian + sparse.csr_array((np.concatenate([g, g, -g, -g]), (row, column)), (grid.wet.size,) * 2)
    root = sparse.diags_array(geometry.area["T"].ravel() ** -0.5)
    return (root @ laplacian @ root).tocsr()


def largest_eigenvalue(laplacian: sparse.csr_array) -> float:
    """A bound from above (Gershgorin), m-2; positive also where no two cells are joined."""
    return float(max(abs(laplacian).sum(0).max(initial=0.0), 1e-30))


def diffused_variance(grid: Grid, lengths: np.ndarray) -> np.ndarray:
    """Variance of exp(-t A) w, w white of variance 1 in every cell: sum over y of exp(-t A)(x, y)^2.

    Args:
      grid: the grid.
      lengths: (k,) correlation lengths in m.

    Returns:
      (k, ny, nx), 1 on land.
    """
    laplacian = surface_laplacian(grid)
    result = np.ones((len(lengths), grid.wet.size))
    for window, target in _windows(grid, REACH * max(lengths)):
        part = laplacian[window][:, window]
        bound = largest_eigenvalue(part)
        degree = sufficient_degree(max(lengths), bound)
        coefficients = np.stack([heat_coefficients(length, bound, degree, np.exp) for length in lengths])
        response = _responses(part * (-2.0 / bound), target, coefficients)
        result[:, window[target]] = (response**2).sum(1)
    return result.reshape(len(lengths), *grid.wet.shape)


def _responses(spread, target, coefficients):
    """(k, cells, targets): what a unit in each target makes of every cell."""
    before = np.zeros((spread.shape[0], len(target)))
    before[target, np.arange(len(target))] = 1.0
    total = coefficients[:, :1, None] * before
    now = before + spread @ before
    for c in coefficients[:, 1:].T:
        total += c[:, None, None] * now
        before, now = now, 2.0 * (now + spread @ now) - before
    return total


def _windows(grid: Grid, reach: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of wet cells with all within `reach` (m): (cells of the window, positions of the block in it)."""
    ny, nx = grid.wet.shape
    dx, dy = grid.geometry.dx["T"], grid.geometry.dy["T"]
    margin_y = int(np.ceil(reach / dy.min()))
    rows = max(4, margin_y // 2)
    for j in range(0, ny, rows):
        jj = _indices(j, min(j + rows, ny), margin_y, ny, grid.topology.periodic_y)
        margin_x = int(np.ceil(reach / dx[jj].min()))
        columns = max(4, margin_x // 2)
        for i in range(0, nx, columns):
            ii = _indices(i, min(i + columns, nx), margin_x, nx, grid.topology.periodic_x)
            wet = grid.wet[np.ix_(jj, ii)]
            own = (jj[:, None] // rows == j // rows) & (ii // columns == i // columns)
            if (own & wet).any():
                yield (jj[:, None] * nx + ii)[wet], np.flatnonzero(own[wet])


def _indices(start: int, stop: int, margin: int, number: int, periodic: bool) -> np.ndarray:
    """start - margin to stop + margin, wrapped or cut off, each once."""
    if not periodic:
        return np.arange(max(start - margin, 0), min(stop + margin, number))
    if stop - start + 2 * margin >= number:
        return np.arange(number)
    return np.arange(start - margin, stop + margin) % number
