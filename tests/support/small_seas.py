"""Small seas with all that can go wrong at coasts, and random fields on them."""

import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.grid import geometry
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.metrics import device_arrays, padded
from ocean_gcm.grid.topology import Topology
from ocean_gcm.stochastic.random_field import RandomFields, RandomFieldsConfig

HALO = 3
DX, DY = 1.0e5, 1.3e5
NY, NX = 14, 18


def coasts():
    """(NY, NX) True where wet: two seas joined by a strait of one cell, a lake, an island, a sea of one cell."""
    wet = np.ones((NY, NX), bool)
    wet[:, [0, 8]] = False  # two meridional walls: the domain is periodic along x
    wet[6, 8] = True  # the strait
    wet[9:14, 13:] = False
    wet[11:13, 14:17] = True  # a lake
    wet[3, 4] = False  # an island
    wet[0, 10:13] = False
    wet[0, 11] = wet[1, 0] = True  # a bay and a strait of one cell
    wet[13, 15] = True  # a lake of one cell ... joined to the one above by its southern side
    wet[9, 17] = True
    wet[8, 17] = wet[9, 16] = wet[10, 17] = False  # a sea of one cell
    return wet


def grid_of(wet, *, spherical=False, periodic_y=False, dx=DX, dy=DY, latitudes=(56.0, 84.0)):
    ny, nx = wet.shape
    topology = Topology(periodic_x=True, periodic_y=periodic_y)
    if spherical:
        shape = geometry.sphere(np.linspace(0, 360, nx + 1), np.linspace(*latitudes, ny + 1), topology)
    else:
        shape = geometry.plane(np.arange(nx + 1) * dx, np.arange(ny + 1) * dy, topology)
    return build_grid(shape, Levels(np.array([100.0, 400.0])), np.where(wet, 500.0, 0.0))


@functools.partial(jax.jit, static_argnums=2)
def _response(fields, arrays, topology, unit):
    return fields.fields(padded(arrays, topology, HALO), unit).interior(*unit.shape[-2:])


@functools.partial(jax.jit, static_argnums=4)
def _step(fields, memory, key, arrays, topology, interval):
    columns = types.SimpleNamespace(static=padded(arrays, topology, HALO), interval=interval)
    memory, r = fields.step(memory, key, columns)
    return memory, r.interior(*memory.shape[-2:])


@dataclasses.dataclass(frozen=True)
class Sea:
    """A grid and what a closure would see of it."""

    grid: object
    dtype: object = jnp.float64
    interval: float = 21600.0

    @property
    def columns(self):
        static = padded(device_arrays(self.grid, self.dtype), self.grid.topology, HALO)
        return types.SimpleNamespace(static=static, interval=self.interval)

    def fields(self, **settings):
        return RandomFields(RandomFieldsConfig(**settings), self.grid, self.dtype)

    def step(self, fields, memory, key):
        """The memory and the fields, (number, ny, nx), one interval later."""
        arrays = device_arrays(self.grid, self.dtype)
        return _step(fields, memory, key, arrays, self.grid.topology, self.interval)

    def square_root(self, fields):
        """(cells, cells): column y is what a unit of noise in cell y makes; the covariance is R R^T."""
        size = self.grid.wet.size
        unit = jnp.eye(size, dtype=self.dtype).reshape(size, *self.grid.wet.shape)
        response = _response(fields, device_arrays(self.grid, self.dtype), self.grid.topology, unit)
        return np.asarray(response, float).reshape(size, size).T

    def correlation(self, fields):
        root = self.square_root(fields) * self.grid.wet.ravel()
        return root @ root.T
