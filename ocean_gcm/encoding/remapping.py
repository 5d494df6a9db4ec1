"""Conservative remapping between rectilinear grids with masks and partial bottom cells, second order and bounded.

Along the levels of the source, over the box of every target cell (Jones 1999), with the wet share s of source cells,
their overlaps with it l and the first moments of these m (both over the size of the target cell):

    S = sum_JI  s (l_y l_x c + l_y m_x g_x + m_y l_x g_y),      N = sum_JI  s l_y l_x

then down each column of the target, with p = S / N:

    C = sum_K (l_z S + m_z N g_z) / sum_K l_z N

Slopes g are limited (`slopes`), so that C lies between values of the source.  Matrices of overlaps are exact; only the
bottom cells of the target, which end at the sea floor, have lengths of their own.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.encoding import slopes
from ocean_gcm.encoding.boxes import Boxes, overlaps, overlaps_between

LEAST_SHARE = 1e-3
"""Share of a target cell that the source's water must cover for its value to be known."""

_PRECISION = jax.lax.Precision.HIGHEST


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Overlaps:
    """Lengths and moments along one axis over the size of the target: (n, N), at the sea floor (N, ny, nx)."""

    length: jax.Array
    moment: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Remapping:
    """From a source grid (levels, NY, NX) to a target grid (nz, ny, nx): a pure function of arrays.

    Attributes:
      share: (levels, NY, NX) share of the source cells that counts.
      wet, columns: (levels, NY, NX) and (levels, ny, nx) booleans, where there are slopes: not next to land.
      x, y, z: overlaps.
      bottom: overlaps of the lowest wet target cell of each column; None where all are whole layers.
      lowest: (nz, ny, nx) which cells these are; None likewise.
      area: (levels, ny, nx) N.
      inverse: (nz, ny, nx) one over the denominator, 0 where the source knows nothing.
      axes: of the source along x and y, and z; None for means of first order.
    """

    share: jax.Array
    wet: jax.Array
    columns: jax.Array
    x: Overlaps
    y: Overlaps
    z: Overlaps
    bottom: Overlaps | None
    lowest: jax.Array | None
    area: jax.Array
    inverse: jax.Array
    axes: tuple[slopes.Along, slopes.Along, slopes.Along] | None

    @property
    def known(self) -> jax.Array:
        """(nz, ny, nx) where the source knows something."""
        return self.inverse > 0

    def __call__(self, values: jax.Array) -> jax.Array:
        """(..., levels, NY, NX) -> (..., nz, ny, nx), zero where nothing is known.

        Values on land are taken for zero; they may be NaN.
        """
        c = jnp.where(self.wet, values, 0.0)
        total = _sum_over(c * self.share, self.x.length, self.y.length)
        vertical = None
        if self.axes is not None:
            along_x, along_y, along_z = self.axes
            g_x, g_y = slopes.limited(c, self.wet, (along_x, along_y))
            total += _sum_over(g_x * self.share, self.x.moment, self.y.length)
            total += _sum_over(g_y * self.share, self.x.length, self.y.moment)
            mean = total / jnp.where(self.columns, self.area, 1.0)
            (g_z,) = slopes.limited(mean, self.columns, (along_z,))
            vertical = g_z * self.area
        result = jnp.einsum("kK,...Kyx->...kyx", self.z.length, total, precision=_PRECISION)
        if vertical is not None:
            result += jnp.einsum("kK,...Kyx->...kyx", self.z.moment, vertical, precision=_PRECISION)
        if self.bottom is not None:
            floor = jnp.sum(self.bottom.length * total, -3, keepdims=True)
            if vertical is not None:
                floor += jnp.sum(self.bottom.moment * vertical, -3, keepdims=True)
            result = jnp.where(self.lowest, floor, result)
        return result * self.inverse


def _sum_over(values, along_x, along_y):
    """sum_JI  along_y[j, J] along_x[i, I] values[..., J, I]."""
    narrow = jnp.matmul(values, along_x.T, precision=_PRECISION)
    return jnp.matmul(along_y, narrow, precision=_PRECISION)


def build_remapping(
    source: Boxes,
    target: Boxes,
    share: np.ndarray,
    dtype,
    *,
    wet: np.ndarray | None = None,
    thickness: np.ndarray | None = None,
    linear: bool = True,
) -> Remapping:
    """The weights from `source` to `target`.

    Args:
      source, target: of the grids; levels of the target are the whole ones.
      share: (levels, NY, NX) share of the source cells that counts, 0 to 1.
      wet: (levels, NY, NX) booleans; None: where the share is above 0.  Land with a share counts as zero.
      thickness: (nz, ny, nx) of target cells, 0 on land; None: whole layers everywhere.
      linear: reconstruct slopes within source cells; otherwise means of first order.
    """
    x, y = (_relative(*overlaps(t, s), t.lengths[:, None]) for t, s in ((target.x, source.x), (target.y, source.y)))
    upper, lower = (side[:, None] for side in target.z.sampled)
    z = _relative(*overlaps_between(upper, lower, source.z), lower - upper)
    wet = share > 0 if wet is None else wet
    columns = y[0] @ (wet & (share > 0)).astype(float) @ x[0].T > 1e-9
    area = y[0] @ share @ x[0].T
    area = np.where(area > 1e-9, area, 0.0)
    covered = np.einsum("kK,Kyx->kyx", z[0], area)
    bottom = lowest = None
    if thickness is not None:
        lowest = _lowest(thickness, target.z.lengths)
        if lowest.any():
            bottom = _floor_overlaps(source, target, thickness)
            covered = np.where(lowest, np.sum(bottom[0] * area, 0), covered)
        else:
            lowest = None
        covered = np.where(thickness > 0, covered, 0.0)
    known = covered > LEAST_SHARE
    inverse = np.where(known, 1.0 / np.where(known, covered, 1.0), 0.0)

    def arrays(pair):
        return Overlaps(*(jnp.asarray(a, dtype) for a in pair))

    axes = None
    if linear:
        axes = (
            slopes.along(source.x, -1, dtype),
            slopes.along(source.y, -2, dtype),
            slopes.along(source.z, -3, dtype, one_sided=True),
        )
    return Remapping(
        share=jnp.asarray(share, dtype),
        wet=jnp.asarray(wet),
        columns=jnp.asarray(columns),
        x=arrays(x),
        y=arrays(y),
        z=arrays(z),
        bottom=None if bottom is None else arrays(bottom),
        lowest=None if lowest is None else jnp.asarray(lowest),
        area=jnp.asarray(area, dtype),
        inverse=jnp.asarray(inverse, dtype),
        axes=axes,
    )


def _relative(length, moment, size):
    return length / size, moment / size


def _lowest(thickness: np.ndarray, full: np.ndarray) -> np.ndarray:
    """(nz, ny, nx) cells thinner than their layers."""
    return (thickness > 0) & (thickness < full[:, None, None] * (1.0 - 1e-9))


def _floor_overlaps(source: Boxes, target: Boxes, thickness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Overlaps of the lowest wet cell of each column over its thickness, (levels, ny, nx) each."""
    level = np.maximum((thickness > 0).sum(0) - 1, 0)
    top = target.z.edges[:-1][level]
    height = np.take_along_axis(thickness, level[None], 0)[0]
    height = np.where(height > 0, height, 1.0)
    pair = overlaps_between(top[..., None], (top + height)[..., None], source.z)
    return tuple(np.moveaxis(a / height[..., None], -1, 0) for a in pair)
