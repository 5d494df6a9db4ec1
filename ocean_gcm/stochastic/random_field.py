"""Random fields on the wet surface: Gaussian, correlated in space and time, of variance one in every cell.

Each field is r = S w with S the normalised diffusion of `diffusion.py`, and the noise w of every cell is an
autoregressive process of its own,

    w' = phi w + sqrt(1 - phi^2) xi,   phi = exp(-dt / tau),   xi white, dt the interval of the physics.

S and the recursion commute, so r is the process r' = phi r + sqrt(1 - phi^2) S xi; but with w as the memory any
change of the correlation length, say while it is learned, acts at once and leaves the variance at one.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
from flax import nnx
from jax import lax

from ocean_gcm.clock import Duration, duration_seconds
from ocean_gcm.closures.interface import Columns
from ocean_gcm.errors import UserError
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.grid.topology import Topology
from ocean_gcm.section import Section
from ocean_gcm.stochastic.diffusion import Diffusion, sufficient_degree
from ocean_gcm.stochastic.variance import diffused_variance, largest_eigenvalue, surface_laplacian

NODES_PER_FOLD = 4
"""Lengths per factor e at which the variance is tabulated where the length may be learned."""


class RandomFieldsConfig(Section):
    """Gaussian random fields of variance one: correlation exp(-time / tau) and, far from coasts, exp(-r^2 / (2 L^2)).

    Where cells are larger than the length the field is white.  The length can be learned only within `length_range`,
    for which the variance is tabulated; the number of sweeps follows its upper end.
    """

    time: Duration = pydantic.Field("P10D", description="correlation time tau in s or as an ISO-8601 duration")
    length: float = pydantic.Field(1.0e6, gt=0, description="correlation length L in m")
    length_range: tuple[float, float] | None = pydantic.Field(
        None, description="smallest and largest length that may be learned in m; null: the length is fixed"
    )
    number: int = pydantic.Field(1, ge=1, description="number of independent fields, no unit")

    @pydantic.model_validator(mode="after")
    def _length_in_range(self):
        if self.length_range is not None:
            low, high = self.length_range
            if not 0 < low < high:
                raise ValueError(f"length_range = [{low:g}, {high:g}] must increase and be positive (m)")
            if not low <= self.length <= high:
                raise ValueError(f"length = {self.length:g} m lies outside of length_range = [{low:g}, {high:g}]")
        return self


class RandomFields(nnx.Module):
    """Independent random fields on a grid; what owns them keeps their memory.

        memory = fields.initial(key)
        memory, r = fields.step(memory, key, columns)

    Attributes:
      time: correlation time in s, `nnx.Param`.
      length: correlation length in m, `nnx.Param` where it may be learned, else a number.
    """

    def __init__(self, config: RandomFieldsConfig, grid: Grid, dtype):
        """Raises UserError where the cells are too small for the length."""
        self.number = config.number
        self.time = nnx.Param(jnp.asarray(duration_seconds(config.time), dtype))
        self.range = config.length_range
        self.length = config.length if self.range is None else nnx.Param(jnp.asarray(config.length, dtype))
        bound = largest_eigenvalue(surface_laplacian(grid))
        longest = config.length if self.range is None else self.range[1]
        try:
            self.diffusion = Diffusion(bound, sufficient_degree(longest, bound))
        except ValueError as error:
            raise UserError(
                f"a correlation length of {longest:g} m takes {error} on this grid; expected a shorter one"
            ) from None
        self.node_lengths = (config.length,) if self.range is None else _nodes(*self.range)
        # said to be data: within a trace nnx would take them for constants
        self.wet = nnx.data(jnp.asarray(grid.wet, dtype))
        variance = diffused_variance(grid, np.asarray(self.node_lengths))
        self.log_variance = nnx.data(jnp.asarray(np.log(variance), dtype))

    def initial(self, key: jax.Array) -> jax.Array:
        """Memory drawn from the stationary distribution, (number, ny, nx)."""
        return jax.random.normal(key, (self.number, *self.wet.shape), jnp.float32).astype(self.wet.dtype) * self.wet

    def step(self, memory: jax.Array, key: jax.Array, columns: Columns) -> tuple[jax.Array, Field]:
        """The memory one interval of the physics later, and the fields (number, y, x) at T/s with halo, 0 on land."""
        static = columns.static
        ny, nx = memory.shape[-2:]
        steps = columns.interval / self.time[...]
        wet = static.surface_mask_t.interior(ny, nx)
        # 1 - phi^2 without cancellation where the interval is short
        new = jnp.sqrt(-jnp.expm1(-2.0 * steps)) * _noise(key, memory, static.topology)
        memory = (jnp.exp(-steps) * memory + new) * wet
        return memory, self.fields(static, memory)

    def fields(self, static: Metrics, memory: jax.Array) -> Field:
        """The fields that belong to a memory, see `step`."""
        length, weights = self._length_and_weights()
        smooth = self.diffusion(static, memory, length)
        normalised = smooth * jnp.exp(-0.5 * jnp.tensordot(weights, self.log_variance, 1))
        normalised = normalised * static.surface_mask_t.interior(*memory.shape[-2:])
        return Field(
            static.topology.pad(static.materialize(normalised), static.halo), "T", "s", -static.halo, -static.halo
        )

    def _length_and_weights(self):
        """The length (m), kept within its range, and the weights that interpolate the table to it."""
        dtype = self.wet.dtype
        if self.range is None:
            return self.length, jnp.ones(1, dtype)
        length = jnp.clip(self.length[...], *self.range)
        return length, _lagrange(jnp.log(length), np.log(self.node_lengths)).astype(dtype)


def _noise(key, memory, topology: Topology):
    """Numbers of variance one like `memory`: the same ones however the grid is cut over devices, and in float32."""
    number, ny, nx = memory.shape
    white = jax.random.normal(key, (number, ny * topology.mesh_y, nx * topology.mesh_x), jnp.float32)
    if topology.mesh_y > 1:
        white = lax.dynamic_slice_in_dim(white, lax.axis_index("y") * ny, ny, 1)
    if topology.mesh_x > 1:
        white = lax.dynamic_slice_in_dim(white, lax.axis_index("x") * nx, nx, 2)
    return white.astype(memory.dtype)


def _nodes(low: float, high: float) -> tuple[float, ...]:
    """Chebyshev points (both ends included) in the logarithm of the length."""
    number = 5 + int(np.ceil(NODES_PER_FOLD * np.log(high / low)))
    place = 0.5 * (1.0 - np.cos(np.pi * np.arange(number) / (number - 1)))
    return tuple(float(x) for x in low * (high / low) ** place)


def _lagrange(x, nodes: np.ndarray):
    """Weights of the polynomial through the nodes at x: products, so that derivatives at the nodes are right too."""
    weights = []
    for k, node in enumerate(nodes):
        others = np.delete(nodes, k)
        weights.append(jnp.prod((x - others) / (node - others)))
    return jnp.stack(weights)
