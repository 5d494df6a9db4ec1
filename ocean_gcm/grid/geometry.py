"""Horizontal geometry of an orthogonal curvilinear C-grid: coordinates, lengths, areas, Coriolis parameter.

Everything here is float64 numpy on the host, computed once when a model is built.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ocean_gcm.grid.topology import Topology

PLACES = ("T", "U", "V", "F")


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Coordinates and metrics at the four places of the C-grid; each mapping holds (ny, nx) arrays by place.

    Attributes:
      x, y: longitude and latitude in degrees on the sphere, metres on a plane.
      dx, dy: distances along the two grid directions in m.  At U `dy` is the length of the cell's eastern face, at
        V `dx` that of its northern face; at U `dx` is the distance between the neighbouring centres, at V `dy`.
      area: m2, of the cell centred at that place.
      coriolis: 2 Omega sin(latitude) or f0 + beta y, s-1.
      spherical: True where x and y are degrees.
      topology: how the sides are joined.
    """

    x: dict[str, np.ndarray]
    y: dict[str, np.ndarray]
    dx: dict[str, np.ndarray]
    dy: dict[str, np.ndarray]
    area: dict[str, np.ndarray]
    coriolis: dict[str, np.ndarray]
    spherical: bool
    topology: Topology

    @property
    def shape(self) -> tuple[int, int]:
        return self.area["T"].shape


def _staggered(edges: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Coordinates and spacings at centres ("centre") and at the upper edge of each cell ("edge")."""
    centres = 0.5 * (edges[:-1] + edges[1:])
    widths = np.diff(edges)
    between = np.append(np.diff(centres), widths[-1])
    return {"centre": (centres, widths), "edge": (edges[1:], between)}


def _by_place(x_edges, y_edges):
    """(x, dx, y, dy) by place, broadcast to (ny, nx), in the units of the edges."""
    along_x, along_y = _staggered(x_edges), _staggered(y_edges)
    kind = {"T": ("centre", "centre"), "U": ("edge", "centre"), "V": ("centre", "edge"), "F": ("edge", "edge")}
    out = {}
    for place, (kx, ky) in kind.items():
        (x, dx), (y, dy) = along_x[kx], along_y[ky]
        xx, yy = np.meshgrid(x, y)
        dxx, dyy = np.meshgrid(dx, dy)
        out[place] = (xx, dxx, yy, dyy)
    return out


def sphere(
    longitude_edges: np.ndarray,
    latitude_edges: np.ndarray,
    topology: Topology,
    *,
    radius: float = 6371000.0,
    rotation_rate: float = 7.292115e-5,
) -> Geometry:
    """Latitude-longitude grid between the given edges (degrees); areas are exact on the sphere."""
    by_place = _by_place(np.asarray(longitude_edges, float), np.asarray(latitude_edges, float))
    degree = np.pi / 180.0
    x, y, dx, dy, area, f = {}, {}, {}, {}, {}, {}
    for place, (lon, dlon, lat, dlat) in by_place.items():
        x[place], y[place] = lon, lat
        dx[place] = np.maximum(radius * np.cos(lat * degree), radius * 1e-9) * dlon * degree
        dy[place] = radius * dlat * degree
        # for cells and faces between centres the bounds are half a spacing to either side
        area[place] = dx[place] * radius * 2.0 * np.sin(0.5 * dlat * degree)
        f[place] = 2.0 * rotation_rate * np.sin(lat * degree)
    return Geometry(x, y, dx, dy, area, f, True, topology)


def plane(
    x_edges: np.ndarray, y_edges: np.ndarray, topology: Topology, *, f0: float = 0.0, beta: float = 0.0
) -> Geometry:
    """Cartesian grid between the given edges (m) on an f- or beta-plane with f = f0 + beta y."""
    x, y, dx, dy, area, f = {}, {}, {}, {}, {}, {}
    for place, values in _by_place(np.asarray(x_edges, float), np.asarray(y_edges, float)).items():
        x[place], dx[place], y[place], dy[place] = values
        area[place] = dx[place] * dy[place]
        f[place] = f0 + beta * y[place]
    return Geometry(x, y, dx, dy, area, f, False, topology)
