"""Small grids with land, slopes and partial cells for scores and statistics."""

import functools

import numpy as np

from ocean_gcm.grid import geometry
from ocean_gcm.grid.grid import Grid, build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

NX, NY = 9, 7


def _grid(depth, periodic_x: bool) -> Grid:
    edges = np.linspace(0, 90, NX + 1), np.linspace(-40, 30, NY + 1)
    place = geometry.sphere(*edges, Topology(periodic_x=periodic_x))
    return build_grid(place, Levels(np.array([100.0, 300.0, 600.0])), depth)


@functools.cache
def island() -> Grid:
    """A closed basin with an island, a shelf and a dry row, on the sphere."""
    depth = np.full((NY, NX), 950.0)
    depth[2:4, 4:6] = 0.0
    depth[:, :2] = 250.0
    depth[-1] = 0.0
    return _grid(depth, periodic_x=False)


@functools.cache
def channel() -> Grid:
    """A flat periodic channel."""
    return _grid(np.full((NY, NX), 1000.0), periodic_x=True)
