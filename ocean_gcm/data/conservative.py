"""Horizontal means over target boxes, level by level: conservative on the sphere, with the land of each record.

For a level c with the wet share s (1 where it has a value) these are, with overlaps l and their moments m,

    S = sum_JI  s (l_y l_x c + l_y m_x g_x + m_y l_x g_y),      N = sum_JI  s l_y l_x

over the size of the box (Jones 1999), as in `ocean_gcm.encoding.remapping`; what lies along the vertical is done there
afterwards, on the few columns that are left.  So one level is in memory at a time, whatever the size of the source.
Cells of a curvilinear source are polygons (`polygons`), their means of first order.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from ocean_gcm.data import polygons
from ocean_gcm.encoding import slopes
from ocean_gcm.encoding.boxes import Intervals, overlaps
from ocean_gcm.encoding.remapping import Overlaps

_PRECISION = jax.lax.Precision.HIGHEST


@dataclasses.dataclass(frozen=True, eq=False)
class RectilinearMap:
    """From boxes to boxes.

    Attributes:
      x, y: overlaps over the sizes of target boxes.
      axes: of the source, for slopes; None for means of first order.
      cover: (ny, nx) share of each target box that lies within the source, land or not.
    """

    x: Overlaps
    y: Overlaps
    axes: tuple[slopes.Along, slopes.Along] | None
    cover: np.ndarray

    @classmethod
    def build(
        cls, source: tuple[Intervals, Intervals], target: tuple[Intervals, Intervals], *, linear: bool
    ) -> RectilinearMap:
        """From intervals of longitude and of the sine of the latitude to others."""
        pairs = []
        for found, wanted in zip(source, target, strict=True):
            length, moment = overlaps(wanted, found)
            pairs.append((length / wanted.lengths[:, None], moment / wanted.lengths[:, None]))
        cover = pairs[1][0].sum(1)[:, None] * pairs[0][0].sum(1)
        axes = None
        if linear:
            axes = tuple(slopes.along(axis, -1 - k, jnp.float32) for k, axis in enumerate(source))
        x, y = (Overlaps(*(jnp.asarray(a, jnp.float32) for a in pair)) for pair in pairs)
        return cls(x, y, axes, np.minimum(cover, 1.0))

    def __call__(self, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """S and N, (ny, nx) each, of one level (NY, NX); NaN is land."""
        total, share = _means(jnp.asarray(level[None], jnp.float32), self.x, self.y, self.axes)
        return np.asarray(total[0]), np.asarray(share[0])


@dataclasses.dataclass(frozen=True, eq=False)
class CurvilinearMap:
    """From cells with corners to boxes, of first order.

    Attributes:
      shares: (ny nx, NY NX) part of each target box that each cell covers.
      cover: as for `RectilinearMap`.
    """

    shares: sparse.csr_matrix
    cover: np.ndarray

    @classmethod
    def build(cls, corners: np.ndarray, target: tuple[Intervals, Intervals]) -> CurvilinearMap:
        """corners: (NY, NX, 4, 3) on the unit sphere; NaN for cells that are nowhere."""
        x, y = target
        shares = polygons.shares(corners.reshape(-1, 4, 3), x, y)
        return cls(shares, np.asarray(shares.sum(1)).reshape(len(y), len(x)))

    def __call__(self, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """S and N, (ny, nx) each, of one level (NY, NX); NaN is land."""
        wet = np.isfinite(level).ravel()
        values = np.where(wet, level.ravel().astype(float), 0.0)
        found = (self.shares @ np.stack([values, wet.astype(float)], -1)).reshape(*self.cover.shape, 2)
        return found[..., 0].astype(np.float32), found[..., 1].astype(np.float32)


HorizontalMap = RectilinearMap | CurvilinearMap


@jax.jit
def _means(values: jax.Array, x: Overlaps, y: Overlaps, axes) -> tuple[jax.Array, jax.Array]:
    wet = jnp.isfinite(values)
    c = jnp.where(wet, values, 0.0)
    total = _sum_over(c, x.length, y.length)
    if axes is not None:
        g_x, g_y = slopes.limited(c, wet, axes)
        total += _sum_over(g_x, x.moment, y.length) + _sum_over(g_y, x.length, y.moment)
    return total, _sum_over(wet.astype(c.dtype), x.length, y.length)


def _sum_over(values, along_x, along_y):
    """sum_JI  along_y[j, J] along_x[i, I] values[..., J, I]."""
    narrow = jnp.matmul(along_y, values, precision=_PRECISION)
    return jnp.matmul(narrow, along_x.T, precision=_PRECISION)
