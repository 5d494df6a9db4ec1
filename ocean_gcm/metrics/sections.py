"""Sections between two places on a C-grid, and what flows through them.

A section runs along the sides of cells, from corner to corner, so that its transport is a sum of transports through
faces and nothing is interpolated.  It closes a basin wherever its ends lie on land.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ocean_gcm.metrics.streamfunction import SVERDRUP


@dataclasses.dataclass(frozen=True)
class Section:
    """Faces of the C-grid that a section is made of.

    Attributes:
      rows_u, columns_u: (m,) eastern faces that it crosses.
      sign_u: (m,) 1 where eastward flow counts as positive, else -1.
      rows_v, columns_v, sign_v: (n,) the same of northern faces.
    """

    rows_u: np.ndarray
    columns_u: np.ndarray
    sign_u: np.ndarray
    rows_v: np.ndarray
    columns_v: np.ndarray
    sign_v: np.ndarray

    def area(self, thickness_u, thickness_v, dy_u, dx_v) -> float:
        """m2 of open water; 0 of a strait that the grid has closed."""
        u, v = (self.rows_u, self.columns_u), (self.rows_v, self.columns_v)
        return float((thickness_u[:, *u].sum(0) * dy_u[u]).sum() + (thickness_v[:, *v].sum(0) * dx_v[v]).sum())

    def transport(self, u, v, thickness_u, thickness_v, dy_u, dx_v):
        """(...) Sv across the section, positive to the left of its direction.

        u, v: (..., nz, ny, nx) m s-1; thickness_u, thickness_v: (nz, ny, nx) m; dy_u, dx_v: (ny, nx) m.
        """
        at_u, at_v = (self.rows_u, self.columns_u), (self.rows_v, self.columns_v)
        east = (u[..., *at_u] * thickness_u[:, *at_u]).sum(-2) * dy_u[at_u] * self.sign_u
        north = (v[..., *at_v] * thickness_v[:, *at_v]).sum(-2) * dx_v[at_v] * self.sign_v
        return (east.sum(-1) + north.sum(-1)) / SVERDRUP


def section_between(
    longitude_edges, latitude_edges, points: Sequence[tuple[float, float]], *, periodic_x: bool
) -> Section:
    """The section that follows straight lines between `points` (longitude, latitude in degrees) most closely.

    longitude_edges: (nx + 1,) of the cells; latitude_edges: (ny + 1,).  On a periodic grid the shorter way round is
    taken from point to point.  What flows to the left of the direction is positive: from south to north westward flow,
    from west to east northward flow.
    """
    nx = len(longitude_edges) - 1
    corners = [_nearest_corner(longitude_edges, latitude_edges, point, periodic_x) for point in points]
    u: list[tuple[int, int, int]] = []
    v: list[tuple[int, int, int]] = []
    for (i, j), (i_end, j_end) in zip(corners, corners[1:], strict=False):
        if periodic_x:
            i_end = i + (i_end - i + nx // 2) % nx - nx // 2
        di, dj = i_end - i, j_end - j
        start = i, j
        while (i, j) != (i_end, j_end):
            along_x = _off_line(start, (di, dj), (i + np.sign(di), j))
            along_y = _off_line(start, (di, dj), (i, j + np.sign(dj)))
            if j == j_end or (i != i_end and along_x <= along_y):
                step = int(np.sign(di))
                # the side between corners i and i + 1 of row j is the northern face of the cell to its south
                v.append((j - 1, min(i, i + step) % nx if periodic_x else min(i, i + step), step))
                i += step
            else:
                step = int(np.sign(dj))
                u.append((min(j, j + step), (i - 1) % nx if periodic_x else i - 1, -step))
                j += step
    # faces on the southern and western walls are not stored: nothing flows there
    u = [face for face in u if face[1] >= 0]
    v = [face for face in v if face[0] >= 0]
    return Section(*_columns(u), *_columns(v))


def _columns(faces: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.array(faces, int).reshape(-1, 3).T)


def _nearest_corner(longitude_edges, latitude_edges, point: tuple[float, float], periodic_x: bool) -> tuple[int, int]:
    longitude, latitude = point
    if periodic_x:
        distance = np.abs((longitude_edges[:-1] - longitude + 180.0) % 360.0 - 180.0)
    else:
        distance = np.abs(longitude_edges - longitude)
    return int(np.argmin(distance)), int(np.argmin(np.abs(latitude_edges - latitude)))


def _off_line(start, direction, place) -> float:
    """How far `place` lies from the line, in units of its length."""
    return abs((place[0] - start[0]) * direction[1] - (place[1] - start[1]) * direction[0])
