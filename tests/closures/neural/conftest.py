"""Small seas of plain arrays, made into `Columns`; and learned closures whose last layer is not zero."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
import pytest
from flax import nnx

from ocean_gcm.closures.config import ClosureConfig
from ocean_gcm.closures.interface import Columns
from ocean_gcm.grid import geometry
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.metrics import Metrics, device_arrays, padded
from ocean_gcm.grid.topology import Topology

LEVELS = np.array([50.0, 150.0, 300.0, 500.0])
HALO = 3
# name: place, level, mask, size, mean
ARRAYS = {
    "u": ("U", "c", "mask_u", 0.1, 0.0),
    "v": ("V", "c", "mask_v", 0.1, 0.0),
    "temperature": ("T", "c", "mask_t", 5.0, 8.0),
    "salinity": ("T", "c", "mask_t", 0.5, 35.0),
    "buoyancy_frequency_squared": ("T", "w", "mask_w", 1e-6, 2e-6),
    "shear_squared": ("T", "w", "mask_w", 1e-7, 4e-7),
    "slope_x": ("U", "w", "mask_u", 2e-3, 0.0),
    "slope_y": ("V", "w", "mask_v", 2e-3, 0.0),
    "vorticity": ("F", "c", "mask_f", 1e-5, 0.0),
    "divergence": ("T", "c", "mask_t", 1e-6, 0.0),
    "tension": ("T", "c", "mask_t", 1e-5, 0.0),
    "shear": ("F", "c", "mask_f", 1e-5, 0.0),
    "sea_surface_height": ("T", "s", "surface_mask_t", 0.5, 0.0),
    "stress_x": ("U", "s", "surface_mask_u", 0.1, 0.0),
    "stress_y": ("V", "s", "surface_mask_v", 0.1, 0.0),
    "sst": ("T", "s", "surface_mask_t", 5.0, 8.0),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Sea:
    """A grid and what is made of it."""

    grid: object
    dtype: object = jnp.float64

    @functools.cached_property
    def static(self):
        """Made by one program: hundreds of tiny ones take longer than all tests."""
        topology = self.grid.topology
        fields = jax.jit(lambda arrays: padded(arrays, topology, HALO).fields)(device_arrays(self.grid, self.dtype))
        return Metrics(HALO, topology, fields)

    @property
    def interior_shape(self):
        return self.grid.shape[1:]

    def interior(self, field):
        ny, nx = self.interior_shape
        return np.asarray(field.data)[..., -field.y0 : ny - field.y0, -field.x0 : nx - field.x0]

    def random(self, seed=0):
        """Arrays as the core gives them: zero where dry."""
        rng, static, result = np.random.default_rng(seed), self.static, {}
        for name, (_, level, mask, size, mean) in ARRAYS.items():
            shape = self.interior_shape if level == "s" else self.grid.shape
            wet = self.interior(getattr(static, mask))
            result[name] = (mean + size * rng.normal(size=shape)) * wet
        result["shear_squared"] = np.abs(result["shear_squared"])
        for name in ("slope_x", "slope_y"):
            result[name][0] = 0.0
        return {name: jnp.asarray(a, self.dtype) for name, a in result.items()}

    def columns(self, arrays) -> Columns:
        return columns(self.static, arrays)

    def closure(self, kind="neural_tendencies", seed=None, size=1.0, **settings):
        """Built from a configuration; with a `seed` all weights and biases are random."""
        settings["network"] = {"width": 8, **settings.get("network", {})}
        closure = self.closure_of(kind, **settings)
        return closure if seed is None else shaken(closure, seed, size)

    def closure_of(self, kind, **settings):
        config = pydantic.TypeAdapter(ClosureConfig).validate_python({"kind": kind, **settings})
        return config.build(self.grid, self.dtype)

    def effects(self, closure, arrays):
        return _effects(closure, arrays, self.static.fields, self.grid.topology)


@functools.partial(jax.jit, static_argnums=3)
def _effects(closure, arrays, fields, topology):
    """Seas of one shape share a program."""
    return closure(columns(Metrics(HALO, topology, fields), arrays), (), None)[0]


def columns(static, arrays) -> Columns:
    """Columns of arrays as `Sea.random` makes them."""
    fields = {}
    for name, (place, level, *_) in ARRAYS.items():
        fields[name] = Field(static.topology.pad(arrays[name], HALO), place, level, -HALO, -HALO)
    stretching = fields["sea_surface_height"] * static.inv_depth_t + 1.0
    thickness = static.thickness_t * stretching
    return Columns(
        tracers={name: fields.pop(name) for name in ("temperature", "salinity")},
        thickness=thickness,
        thickness_u=static.thickness_u * stretching.mean_x(),
        thickness_v=static.thickness_v * stretching.mean_y(),
        depth=thickness.map(lambda h: jnp.cumsum(h, 0) - 0.5 * h),
        strain=(fields.pop("tension"), fields.pop("shear")),
        static=static,
        surface={name: fields.pop(name) for name in ("stress_x", "stress_y", "sst")},
        year_fraction=jnp.asarray(0.2, stretching.data.dtype),
        **fields,
        **_of_later_versions(),
    )


def _of_later_versions():
    """Values for what else `Columns` may ask for."""
    names = {f.name for f in dataclasses.fields(Columns)}
    return {"interval": 3600.0} if "interval" in names else {}


def shaken(closure, seed, size):
    """The closure with random weights in its last layer and random biases in all."""
    rng = np.random.default_rng(seed)

    def shake(path, p):
        last = "decoder" in jax.tree_util.keystr(path)
        if p.ndim == 0 or not (last or p.ndim == 1):
            return p
        spread = size / math.sqrt(p.shape[0] if p.ndim > 1 else 1)
        return jnp.asarray(np.asarray(p) + spread * rng.normal(size=p.shape), p.dtype)  # nothing to compile

    graph, parameters, rest = nnx.split(closure, nnx.Param, ...)
    return nnx.merge(graph, jax.tree_util.tree_map_with_path(shake, parameters), rest)


def island_and_shelf(ny=6, nx=8):
    depth = np.full((ny, nx), 1000.0)
    depth[2, 3] = 0.0
    depth[:2, :2] = 330.0
    depth[4, 5:] = 730.0
    return depth


def plane_sea(depth, *, f0=1e-4, spacing=(1e5, 1e5), periodic=(True, False)):
    """depth (ny, nx) in m on a plane; spacing and periodic: (x, y)."""
    ny, nx = depth.shape
    topology = Topology(periodic_x=periodic[0], periodic_y=periodic[1])
    shape = geometry.plane(np.arange(nx + 1) * spacing[0], np.arange(ny + 1) * spacing[1], topology, f0=f0)
    return Sea(build_grid(shape, Levels(LEVELS), depth))


@pytest.fixture(scope="session")
def plane():
    return plane_sea(island_and_shelf(), spacing=(1e5, 2e5))


@pytest.fixture(scope="session")
def sphere():
    topology = Topology(periodic_x=True)
    shape = geometry.sphere(np.linspace(0, 80, 9), np.linspace(20, 80, 7), topology)
    return Sea(build_grid(shape, Levels(LEVELS), island_and_shelf()))


@pytest.fixture(scope="session")
def make_sea():
    return plane_sea
