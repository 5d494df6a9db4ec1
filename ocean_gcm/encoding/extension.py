"""Values for water that an analysis does not know, where its coast or sea floor is another one than the model's.

Along a level they solve Laplace's equation over the model's water, with the known cells around as boundary: smooth, and
never beyond the known values.  Water that no known cell of its level reaches takes the value of the cell above; at the
surface, in basins of their own, that of the nearest known cell.

The solution is linear in the known values, so it is kept as a few weights for each cell.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

from ocean_gcm.data.regridding import positions
from ocean_gcm.grid.grid import Grid

_LEAST_WEIGHT = 0.01
"""Known cells that matter less to an unknown one are left out, and the others' weights scaled to a sum of 1."""

Rows = dict[int, tuple[np.ndarray, np.ndarray]]
"""Known cells and their weights by unknown cell, all as numbers in the flattened array."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Extension:
    """Fills unknown cells: a pure function of arrays.

    Attributes:
      cells: (n,) the unknown cells, as numbers in the flattened (nz, ny, nx).
      neighbours, weights: (n, m) known cells and their weights, whose sum is 1.
    """

    cells: jax.Array
    neighbours: jax.Array
    weights: jax.Array

    def __call__(self, values: jax.Array) -> jax.Array:
        """(..., nz, ny, nx) with unknown cells filled."""
        if self.cells.size == 0:
            return values
        flat = values.reshape(*values.shape[:-3], -1)
        filled = jnp.sum(flat[..., self.neighbours] * self.weights, -1)
        return flat.at[..., self.cells].set(filled).reshape(values.shape)


def build_extension(grid: Grid, known: np.ndarray, dtype) -> Extension:
    """The extension from `known` to all wet cells of `grid`.

    Args:
      known: (nz, ny, nx) booleans, or (1, ny, nx) for fields of the surface.
    """
    wet = grid.mask[: len(known)]
    known = known & wet
    size = known[0].size
    rows: Rows = {}
    for level in range(len(known)):
        found = _along_level(grid, level, known[level])
        for cell in np.flatnonzero(wet[level] & ~known[level]):
            number = level * size + cell
            if cell in found:
                neighbours, weights = found[cell]
                rows[number] = (neighbours + level * size, weights)
            elif level > 0:
                above = number - size
                rows[number] = rows.get(above, (np.array([above]), np.ones(1)))
    rows |= _from_nearest(grid, wet, known, rows)
    return _as_arrays(rows, dtype)


def _along_level(grid: Grid, level: int, known: np.ndarray) -> Rows:
    """Laplace's equation over the unknown cells of a level that water joins to known ones."""
    wet = grid.mask[level]
    unknown = np.flatnonzero(wet & ~known)
    if not unknown.size or not known.any():
        return {}
    conductance = _conductance(grid, level)
    inside, boundary = conductance[unknown][:, unknown], conductance[unknown][:, np.flatnonzero(known)]
    own = sparse.diags(np.asarray(conductance[unknown].sum(1)).ravel())
    rows: Rows = {}
    number, labels = csgraph.connected_components(inside, directed=False)
    order = np.argsort(labels, kind="stable")
    for part in np.split(order, np.searchsorted(labels[order], np.arange(1, number))):
        columns = np.unique(boundary[part].indices)
        if not columns.size:
            continue
        matrix = sparse.csc_matrix(own.tocsr()[part][:, part] - inside[part][:, part])
        solution = splu(matrix).solve(boundary[part][:, columns].toarray())
        around = np.flatnonzero(known)[columns]
        for cell, weights in zip(unknown[part], solution, strict=True):
            kept = weights >= min(_LEAST_WEIGHT, weights.max())
            rows[int(cell)] = (around[kept], weights[kept] / weights[kept].sum())
    return rows


def _conductance(grid: Grid, level: int) -> sparse.csr_matrix:
    """Width over distance of the wet faces between the cells of a level, symmetric (cells, cells)."""
    geometry, topology = grid.geometry, grid.topology
    cells = np.arange(grid.wet.size).reshape(grid.wet.shape)
    first, second, weight = [], [], []
    for mask, ratio, axis, periodic in (
        (grid.mask_u[level], geometry.dy["U"] / geometry.dx["U"], 1, topology.periodic_x),
        (grid.mask_v[level], geometry.dx["V"] / geometry.dy["V"], 0, topology.periodic_y),
    ):
        faces = mask.copy()
        if not periodic:
            faces[(slice(None), -1) if axis == 1 else -1] = False
        first.append(cells[faces])
        second.append(np.roll(cells, -1, axis)[faces])
        weight.append(ratio[faces])
    i, j, w = (np.concatenate(parts) for parts in (first, second, weight))
    half = sparse.coo_matrix((w, (i, j)), (cells.size,) * 2)
    return (half + half.T).tocsr()


def _from_nearest(grid: Grid, wet: np.ndarray, known: np.ndarray, rows: Rows) -> Rows:
    """What is still unknown at the surface, and below it, from the nearest cell of the surface that is known."""
    from scipy.spatial import cKDTree

    size = known[0].size
    missing = [cell for cell in np.flatnonzero(wet[0] & ~known[0]) if cell not in rows]
    if not missing:
        return {}
    points = positions(grid.geometry, "T").reshape(size, -1)
    sources = np.flatnonzero(known[0])
    _, nearest = cKDTree(points[sources]).query(points[missing])
    source_of = dict(zip(missing, sources[nearest], strict=True))
    found = {cell: (np.array([source]), np.ones(1)) for cell, source in source_of.items()}
    # below a column without a known surface, rows name its unknown surface
    for number, (neighbours, weights) in rows.items():
        if neighbours.size == 1 and int(neighbours[0]) in source_of:
            found[number] = (np.array([source_of[int(neighbours[0])]]), weights)
    return found


def _as_arrays(rows: Rows, dtype) -> Extension:
    cells = np.array(sorted(rows), np.int32)
    widest = max((len(neighbours) for neighbours, _ in rows.values()), default=0)
    neighbours = np.zeros((len(cells), widest), np.int32)
    weights = np.zeros((len(cells), widest))
    for row, cell in enumerate(cells):
        found, weight = rows[int(cell)]
        neighbours[row] = found[0]  # also where the weight is zero: nothing unknown is read
        neighbours[row, : len(found)], weights[row, : len(found)] = found, weight
    return Extension(jnp.asarray(cells), jnp.asarray(neighbours), jnp.asarray(weights, dtype))
