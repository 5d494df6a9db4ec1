r"""Overturning in density space: what flows north in water denser than a given density.

\[ \Psi(y, \sigma) = - \int\!\!\int_{\sigma' > \sigma} v \,\mathrm{d}z \,\mathrm{d}x \]

(Döös and Webb 1994, doi:10.1175/1520-0485(1994)024<0429:TDCATO>2.0.CO;2).  The sign is that of the overturning in
depth: light water that flows north and dense water that returns make it positive.
"""

from __future__ import annotations

import numpy as np

from ocean_gcm.metrics.streamfunction import SVERDRUP


def density_overturning(v, density, thickness_v, dx_v, density_edges, mask_v=None) -> np.ndarray:
    """(n, ny) Sv: northward transport of water lighter than each of `density_edges` (n,), ascending.

    v: (nz, ny, nx) m s-1 at northern faces; density: (nz, ny, nx) kg m-3 at cell centres, potential density of one
    reference; thickness_v: (nz, ny, nx) m; dx_v: (ny, nx) m; mask_v: (ny, nx) True where the faces belong to the basin.
    The density of a face is the mean of its two cells.  Of several records the mean of their streamfunctions counts,
    not the streamfunction of their means: fluctuations of the density's depth carry water.
    """
    width = dx_v if mask_v is None else dx_v * mask_v
    transport = v * thickness_v * width / SVERDRUP
    face = 0.5 * (density + np.roll(density, -1, -2))
    edges = np.asarray(density_edges, float)
    number = len(edges)
    rows = np.broadcast_to(np.arange(v.shape[-2])[None, :, None], v.shape)
    layer = np.searchsorted(edges, face, side="right")  # 0: lighter than the first edge
    wet = transport != 0
    sums = np.bincount(
        layer[wet] * v.shape[-2] + rows[wet], transport[wet], minlength=(number + 1) * v.shape[-2]
    ).reshape(number + 1, v.shape[-2])
    return sums.cumsum(0)[:-1]


def overturning_maximum_in_density(streamfunction, latitude_v, south: float, north: float) -> float:
    """Largest value (Sv) of (n, ny) at the rows between two latitudes (degrees); NaN where there are none."""
    rows = (latitude_v >= south) & (latitude_v <= north)
    return float(streamfunction[:, rows].max()) if rows.any() else float("nan")
