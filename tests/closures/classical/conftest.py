"""A tiny basin with an island and partial cells, and `Columns` made of plain arrays."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pydantic
import pytest

from ocean_gcm.closures.classical import ClosureConfig
from ocean_gcm.closures.interface import Columns
from ocean_gcm.grid import geometry
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.metrics import device_arrays, padded
from ocean_gcm.grid.topology import Topology

NZ, NY, NX, HALO = 4, 6, 8, 3
PLACES = {
    "u": ("U", "c"),
    "v": ("V", "c"),
    "buoyancy_frequency_squared": ("T", "w"),
    "shear_squared": ("T", "w"),
    "slope_x": ("U", "w"),
    "slope_y": ("V", "w"),
    "vorticity": ("F", "c"),
    "divergence": ("T", "c"),
    "tension": ("T", "c"),
    "shear": ("F", "c"),
}


def basin(spherical: bool):
    """Periodic in x, walls in y, an island and a shallow corner."""
    topology = Topology(periodic_x=True)
    if spherical:
        shape = geometry.sphere(np.linspace(0, 80, NX + 1), np.linspace(20, 80, NY + 1), topology)
    else:
        shape = geometry.plane(np.arange(NX + 1) * 1e5, np.arange(NY + 1) * 2e5, topology, f0=1e-4)
    depth = np.full((NY, NX), 1000.0)
    depth[2, 3] = 0.0
    depth[:2, :2] = 330.0
    return build_grid(shape, Levels(np.array([50.0, 150.0, 300.0, 500.0])), depth)


@dataclasses.dataclass(frozen=True)
class Basin:
    """A grid and what is made of it."""

    grid: object
    dtype: object = jnp.float64

    @property
    def static(self):
        return padded(device_arrays(self.grid, self.dtype), self.grid.topology, HALO)

    def closure(self, kind, **settings):
        config = pydantic.TypeAdapter(ClosureConfig).validate_python({"kind": kind, **settings})
        return config.build(self.grid, self.dtype)

    def columns(self, **arrays) -> Columns:
        """Columns whose fields are zero but for the given numbers or (nz, ny, nx) arrays; land is not masked."""
        fields = {}
        for name, (place, level) in PLACES.items():
            value = jnp.broadcast_to(jnp.asarray(arrays.pop(name, 0.0), self.dtype), (NZ, NY, NX))
            fields[name] = Field(self.grid.topology.pad(value, HALO), place, level, -HALO, -HALO)
        assert not arrays, arrays
        static = self.static
        thickness = static.thickness_t
        return Columns(
            tracers={},
            thickness=thickness,
            thickness_u=static.thickness_u,
            thickness_v=static.thickness_v,
            depth=thickness.map(lambda h: jnp.cumsum(h, 0) - 0.5 * h),
            strain=(fields.pop("tension"), fields.pop("shear")),
            sea_surface_height=static.depth_t * 0.0,
            static=static,
            surface={},
            year_fraction=jnp.zeros((), self.dtype),
            interval=3600.0,
            **fields,
        )

    def effects(self, kind, settings=None, **arrays):
        closure = self.closure(kind, **(settings or {}))
        effects, memory = closure(self.columns(**arrays), closure.initial_memory((NZ, NY, NX), self.dtype, None), None)
        assert memory == ()
        return effects


@pytest.fixture(scope="session")
def plane():
    return Basin(basin(False))


@pytest.fixture(scope="session")
def sphere():
    return Basin(basin(True))


@pytest.fixture
def interior():
    """Array of a field over the interior as numpy."""
    return lambda field: np.asarray(field.interior(NY, NX))
