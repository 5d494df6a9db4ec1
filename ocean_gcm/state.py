"""The state of a model: one pytree that holds everything a restart needs."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
from jax import lax


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Ocean:
    """Resolved fields of the finite-volume core; levels from the surface down, land holds zeros.

    Attributes:
      u, v: (nz, ny, nx) velocity along x at eastern and along y at northern faces, m s-1.
      temperature: (nz, ny, nx) at cell centres, degC (Conservative Temperature with the TEOS-10 equation of state).
      salinity: (nz, ny, nx), g kg-1 (Absolute Salinity with TEOS-10).
      sea_surface_height: (ny, nx), m.
      tracers: further tracers by name, (nz, ny, nx) each.
    """

    u: jax.Array
    v: jax.Array
    temperature: jax.Array
    salinity: jax.Array
    sea_surface_height: jax.Array
    tracers: dict[str, jax.Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Layers:
    """Resolved field of the quasi-geostrophic core.

    Attributes:
      potential_vorticity: (nz, ny, nx) of the layers from the surface down, without that of the background, s-1.
    """

    potential_vorticity: jax.Array


History = tuple[tuple[jax.Array, jax.Array], ...]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Stepper:
    """Memory of the time stepping.

    Attributes:
      history: past advective tendencies of (u, v), latest first, m s-2.
      rounding: in float32, what rounding has cut off each tracer so far, by name; empty in float64.
    """

    history: History
    rounding: dict[str, jax.Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class LayersStepper:
    """Memory of the time stepping of the quasi-geostrophic core; empty for schemes of Runge-Kutta type.

    Attributes:
      history: past explicit tendencies, latest first: (2, nz, ny, nx // 2 + 1), real and imaginary parts of
        coefficients, s-2.
      taken: 0-d, number of steps taken, as far as it matters.
    """

    history: tuple[jax.Array, ...]
    taken: jax.Array | None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class State:
    """Resolved fields, the stepper's and the closures' memories, elapsed time and random key.

    All leaves are floating-point numbers, so that `jax.grad` takes a whole state: time and key are kept as small whole
    numbers, which float32 holds exactly (days up to 45 000 years).

    Attributes:
      ocean: `Ocean` or `Layers`, after the dynamical core; stepper: `Stepper` or `LayersStepper`.
      closures: memories by name.
      clock: (2,) float32, whole days and seconds since the start.
      noise: (2 n,) float32, the n 32-bit words of the random key as halves of 16 bits.
    """

    ocean: Ocean | Layers
    stepper: Stepper | LayersStepper
    closures: dict[str, Any]
    clock: jax.Array
    noise: jax.Array

    @classmethod
    def create(cls, ocean, stepper, closures: dict[str, Any], time: jdt.Timedelta, key) -> State:
        """A state at elapsed `time` with the typed random `key`."""
        words = jax.random.key_data(key)
        halves = jnp.concatenate([words >> 16, words & 0xFFFF], axis=-1)
        clock = jnp.stack([jnp.asarray(time.days), jnp.asarray(time.seconds)], axis=-1)
        return cls(ocean, stepper, closures, clock.astype(jnp.float32), halves.astype(jnp.float32))

    @property
    def time(self) -> jdt.Timedelta:
        """Time since the start, exact."""
        clock = jnp.asarray(self.clock).astype(jnp.int32)
        return jdt.Timedelta(clock[..., 0], clock[..., 1])

    @property
    def key(self) -> jax.Array:
        """The typed random key."""
        high, low = jnp.split(jnp.asarray(self.noise).astype(jnp.uint32), 2, axis=-1)
        return jax.random.wrap_key_data((high << 16) | low)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Diagnostics:
    """What a step reports: surface inputs over the step (0-d arrays).

    Attributes:
      volume_input: m3.
      heat_input: degC m3 (times rho0 cp gives J).
      salt_input: g kg-1 m3.
      courant: largest of the advective Courant numbers.
    """

    volume_input: jax.Array
    heat_input: jax.Array
    salt_input: jax.Array
    courant: jax.Array

    @classmethod
    def zero(cls, dtype) -> Diagnostics:
        """Of no step."""
        zero = jnp.zeros((), dtype)
        return cls(zero, zero, zero, zero)

    def __add__(self, other: Diagnostics) -> Diagnostics:
        """Inputs add up; of the Courant numbers the largest counts."""
        return Diagnostics(
            self.volume_input + other.volume_input,
            self.heat_input + other.heat_input,
            self.salt_input + other.salt_input,
            jnp.maximum(self.courant, other.courant),
        )

    def over(self, axes: tuple[str, ...]) -> Diagnostics:
        """Of the whole grid, from those of the parts that devices along the named mesh axes have."""
        inputs = (lax.psum(x, axes) for x in (self.volume_input, self.heat_input, self.salt_input))
        return Diagnostics(*inputs, _largest(self.courant, axes))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class LayersDiagnostics:
    """What a step of the quasi-geostrophic core reports: the largest advective Courant number (0-d)."""

    courant: jax.Array

    @classmethod
    def zero(cls, dtype) -> LayersDiagnostics:
        """Of no step."""
        return cls(jnp.zeros((), dtype))

    def __add__(self, other: LayersDiagnostics) -> LayersDiagnostics:
        """Of the Courant numbers the largest counts."""
        return LayersDiagnostics(jnp.maximum(self.courant, other.courant))

    def over(self, axes: tuple[str, ...]) -> LayersDiagnostics:
        """Of the whole grid, from those of the parts that devices along the named mesh axes have."""
        return LayersDiagnostics(_largest(self.courant, axes))


def _largest(courant: jax.Array, axes: tuple[str, ...]) -> jax.Array:
    # no derivative is defined, and none is wanted
    return lax.pmax(lax.stop_gradient(courant), axes)
