"""Small grids on which the answers are known."""

import numpy as np
import pytest

from ocean_gcm.grid import geometry
from ocean_gcm.grid.grid import Grid, build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology


def plane_grid(periodic_x: bool = False, nx: int = 8, ny: int = 6) -> Grid:
    """A flat basin of 1000 m, two sides open to each other if `periodic_x`."""
    place = geometry.plane(np.linspace(0, 8e5, nx + 1), np.linspace(0, 6e5, ny + 1), Topology(periodic_x=periodic_x))
    return build_grid(place, Levels(np.array([100.0, 300.0, 600.0])), np.full((ny, nx), 1000.0))


def earth_grid(step: float = 4.0) -> Grid:
    """The embedded Earth at `step` degrees with four levels."""
    from ocean_gcm.grid import earth

    nx, ny = int(360 / step), int(160 / step)
    edges = np.linspace(0, 360, nx + 1), np.linspace(-80, 80, ny + 1)
    place = geometry.sphere(*edges, Topology(periodic_x=True))
    return build_grid(place, Levels(np.array([100.0, 400.0, 1500.0, 3000.0])), earth.depth(place))


@pytest.fixture(scope="session")
def basin() -> Grid:
    return plane_grid()


@pytest.fixture(scope="session")
def channel() -> Grid:
    return plane_grid(periodic_x=True)


@pytest.fixture(scope="session")
def earth() -> Grid:
    return earth_grid()
