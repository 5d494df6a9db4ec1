"""Small rugged oceans and random flows on them, for tests of single terms."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.finite_volume import momentum_advection
from ocean_gcm.dynamics.finite_volume.thickness import layer_thickness
from ocean_gcm.grid import geometry
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.metrics import device_arrays, padded
from ocean_gcm.grid.topology import Topology

HALO = 3
LAYERS = Levels(np.array([50.0, 150.0, 300.0, 500.0]))


@dataclasses.dataclass(frozen=True)
class Basin:
    """A grid with its metrics and what tests do with them."""

    grid: object

    def __post_init__(self):
        object.__setattr__(self, "static", padded(device_arrays(self.grid, jnp.float64), self.grid.topology, HALO))

    @property
    def shape(self):
        return self.grid.shape

    def field(self, array, place="T", level="c"):
        return Field(self.grid.topology.pad(jnp.asarray(array), HALO), place, level, -HALO, -HALO)

    def inner(self, field):
        _, ny, nx = self.shape
        return np.asarray(field.interior(ny, nx))

    def random(self, rng, place="T", size=1.0):
        mask = {"T": self.grid.mask, "U": self.grid.mask_u, "V": self.grid.mask_v}[place]
        return self.field(size * rng.normal(size=self.shape) * mask, place)

    def flow(self, rng, size=1.0):
        return self.random(rng, "U", size), self.random(rng, "V", size)

    def surface(self, rng, size=5.0):
        """A random sea surface height, m."""
        return self.field(size * rng.uniform(-1, 1, self.shape[1:]) * self.grid.wet, "T", "s")

    def thickness(self, eta):
        return layer_thickness(self.static, eta)

    def inverse_corner(self, thickness):
        return momentum_advection.corner_thickness_reciprocal(self.static, thickness.t)

    def work(self, u, v, thickness, tendencies):
        """(sum of u . du/dt times volume, sum of the magnitudes of its terms)."""
        g = self.grid.geometry
        along_x = self.inner(u * thickness.u * tendencies[0]) * (g.dx["U"] * g.dy["U"])
        along_y = self.inner(v * thickness.v * tendencies[1]) * (g.dx["V"] * g.dy["V"])
        return along_x.sum() + along_y.sum(), np.abs(along_x).sum() + np.abs(along_y).sum()


def rugged(kind="sphere", ny=6, nx=8, topology=None, partial_cells=True, levels=LAYERS, seed=0):
    """Random depths, a fifth of the cells land."""
    topology = Topology(periodic_x=True) if topology is None else topology
    if kind == "sphere":
        shape = geometry.sphere(np.linspace(0, 80, nx + 1), np.linspace(-40, 70, ny + 1), topology)
    else:
        shape = geometry.plane(np.arange(nx + 1) * 1e5, np.arange(ny + 1) * 1e5, topology, f0=1e-4)
    rng = np.random.default_rng(seed)
    bottom = levels.faces[-1]
    depth = rng.uniform(0.3 * bottom, 1.2 * bottom, size=(ny, nx)) * (rng.random((ny, nx)) > 0.2)
    return Basin(build_grid(shape, levels, depth, partial_cells=partial_cells, minimum_levels=1))


def flat(ny=6, nx=8, levels=LAYERS, topology=None):
    """A flat floor on a plane, periodic both ways unless told otherwise."""
    topology = Topology(periodic_x=True, periodic_y=True) if topology is None else topology
    shape = geometry.plane(np.arange(nx + 1) * 1e5, np.arange(ny + 1) * 1e5, topology, f0=1e-4)
    return Basin(build_grid(shape, levels, np.full((ny, nx), levels.faces[-1]), minimum_levels=1))


@pytest.fixture(scope="session")
def make_rugged():
    return rugged


@pytest.fixture(scope="session")
def make_flat():
    return flat


@pytest.fixture(scope="session")
def sphere():
    return rugged("sphere")


@pytest.fixture(scope="session")
def plane():
    return rugged("plane")


@pytest.fixture(params=["sphere", "plane"])
def basin(request, sphere, plane):
    return {"sphere": sphere, "plane": plane}[request.param]


@pytest.fixture
def rng():
    return np.random.default_rng(3)
