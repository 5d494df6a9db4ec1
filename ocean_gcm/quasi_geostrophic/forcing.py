r"""What drives the layers from outside: sources of potential vorticity on the interface of closures.

Random forcing is a sum of waves in a ring of wavenumbers, white or an Ornstein-Uhlenbeck process in time.  White
forcing F held for an interval dt brings in energy at the rate <|F|^2/kappa^2> dt/2 whatever the flow does (Lilly 1969);
its amplitude follows from the rate.  With a correlation time tau the same intensity is spread: <F^2> is that of white
noise times dt/(2 tau), and the rate is the nominal one as far as tau is short for the flow.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pydantic
from flax import nnx

from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section


class KolmogorovConfig(Section):
    """amplitude cos(2 pi n y/Ly) in one layer."""

    kind: Literal["kolmogorov"] = "kolmogorov"
    amplitude: float = pydantic.Field(description="amplitude of the source in s-2")
    waves: int = pydantic.Field(4, ge=1, description="n, waves along y in the box (1)")
    layer: int = pydantic.Field(0, ge=0, description="the layer that is forced, from 0 (1)")

    def build(self, grid: PeriodicGrid, dtype) -> Kolmogorov:
        return Kolmogorov(self, grid, dtype)


class RingConfig(Section):
    """Random waves of |m| within `wavenumber` +- `width`/2 in one layer."""

    kind: Literal["ring"] = "ring"
    wavenumber: float = pydantic.Field(gt=0, description="middle of the ring in waves per shorter side of the box (1)")
    width: float = pydantic.Field(2.0, gt=0, description="width of the ring in waves per box (1)")
    energy_rate: float = pydantic.Field(gt=0, description="energy per mass of the layer and time in m2 s-3")
    correlation_time: float | None = pydantic.Field(None, gt=0, description="in s; null: white in time")
    layer: int = pydantic.Field(0, ge=0, description="the layer that is forced, from 0 (1)")

    def build(self, grid: PeriodicGrid, dtype) -> Ring:
        return Ring(self, grid, dtype)


class MovingWavesConfig(Section):
    """A (cos(k y + phi_y(t)) - cos(k x + phi_x(t))), phi(t) = pi sin(omega t) (Graham and Ringler 2013).

    The root mean square of the source is A; its mean work on the flow depends on the flow.
    """

    kind: Literal["moving_waves"] = "moving_waves"
    amplitude: float = pydantic.Field(description="A, root mean square of the source in s-2")
    waves: int = pydantic.Field(4, ge=1, description="waves per side of the box, k in units of 2 pi/L (1)")
    frequencies: tuple[float, float] = pydantic.Field(
        (1.2e-6, 1.2566e-6), description="omega of the phases along x and along y in s-1"
    )
    layer: int = pydantic.Field(0, ge=0, description="the layer that is forced, from 0 (1)")

    def build(self, grid: PeriodicGrid, dtype) -> MovingWaves:
        return MovingWaves(self, grid, dtype)


ForcingConfig = Annotated[KolmogorovConfig | RingConfig | MovingWavesConfig, pydantic.Field(discriminator="kind")]


def _require_layer(layer: int, grid: PeriodicGrid) -> None:
    if layer >= grid.shape[0]:
        raise UserError(f"forcing.layer is {layer}; expected less than {grid.shape[0]}, the number of layers")


class Kolmogorov(nnx.Module):
    """See `KolmogorovConfig`."""

    def __init__(self, config: KolmogorovConfig, grid: PeriodicGrid, dtype):
        _require_layer(config.layer, grid)
        pattern = np.zeros(grid.shape)
        pattern[config.layer] = np.cos(2.0 * np.pi * config.waves * grid.y / grid.lengths[0])[:, None]
        self.pattern = nnx.data(jnp.asarray(config.amplitude * pattern, dtype))

    def initial_memory(self, shape: tuple[int, int, int], dtype, key) -> tuple[()]:
        return ()

    def __call__(self, columns: LayerColumns, memory: Any, key) -> tuple[Effects, Any]:
        return Effects(potential_vorticity_source=self.pattern), memory


class MovingWaves(nnx.Module):
    """See `MovingWavesConfig`.  The memory is the number of steps since the start, int32."""

    def __init__(self, config: MovingWavesConfig, grid: PeriodicGrid, dtype):
        _require_layer(config.layer, grid)
        self.config, self.shape = config, grid.shape
        turns = 2.0 * np.pi * config.waves
        self.phase_x = nnx.data(jnp.asarray(turns * grid.x / grid.lengths[1], dtype))
        self.phase_y = nnx.data(jnp.asarray(turns * grid.y[:, None] / grid.lengths[0], dtype))

    def initial_memory(self, shape: tuple[int, int, int], dtype, key) -> jax.Array:
        return jnp.int32(0)

    def memory_at(self, time: jdt.Timedelta, interval: float) -> jax.Array:
        # at most 2**31 calls, and no product of days and seconds that could be larger
        days, seconds = jnp.asarray(time.days, jnp.int32), jnp.asarray(time.seconds, jnp.int32)
        step = round(interval)
        whole, rest = divmod(SECONDS_PER_DAY, step)
        return days * whole + (days * rest + seconds) // step

    def __call__(self, columns: LayerColumns, memory: jax.Array, key) -> tuple[Effects, jax.Array]:
        def moved(frequency: float) -> jax.Array:
            # turns of a step are exact in integers, so that long runs in single precision keep their phase
            per_step = round(frequency * columns.interval / (2.0 * np.pi) * 2**32)
            turn = (memory.astype(jnp.uint32) * np.uint32(per_step)).astype(self.phase_x.dtype) * 2.0**-32
            return np.pi * jnp.sin(2.0 * np.pi * turn)

        omega_x, omega_y = self.config.frequencies
        pattern = jnp.cos(self.phase_y + moved(omega_y)) - jnp.cos(self.phase_x + moved(omega_x))
        source = jnp.zeros(self.shape, pattern.dtype).at[self.config.layer].set(self.config.amplitude * pattern)
        return Effects(potential_vorticity_source=source), memory + 1


class Ring(nnx.Module):
    """See `RingConfig`.  The memory is the noise of variance one in the ring, (ny, nx)."""

    def __init__(self, config: RingConfig, grid: PeriodicGrid, dtype):
        _require_layer(config.layer, grid)
        self.config, self.grid = config, grid
        waves = np.sqrt(grid.kappa_squared) * min(grid.lengths) / (2.0 * np.pi)
        ring = np.abs(waves - config.wavenumber) <= 0.5 * config.width
        ring[0, 0] = False
        if not ring.any():
            raise UserError(f"forcing: no wavenumber of the grid lies within {config.wavenumber:g} +- {config.width}/2")
        # variance of filtered white noise, and that of its velocity
        share = grid.multiplicity * ring / (grid.shape[1] * grid.shape[2])
        inverse = 1.0 / np.where(grid.kappa_squared > 0, grid.kappa_squared, 1.0)
        self.filter = nnx.data(jnp.asarray(ring / np.sqrt(share.sum()), dtype))
        self.velocity_variance = float((share * inverse).sum() / share.sum())

    def initial_memory(self, shape: tuple[int, int, int], dtype, key: jax.Array) -> jax.Array:
        return self._noise(dtype, key)

    def redraw(self, memory: jax.Array, key: jax.Array) -> jax.Array:
        return self._noise(memory.dtype, key)

    def _noise(self, dtype, key: jax.Array) -> jax.Array:
        white = jax.random.normal(key, self.grid.shape[1:], dtype)
        return self.grid.to_physical(self.grid.to_spectral(white) * self.filter)

    def __call__(self, columns: LayerColumns, memory: jax.Array, key: jax.Array) -> tuple[Effects, jax.Array]:
        config, interval = self.config, columns.interval
        variance = 2.0 * config.energy_rate / (self.velocity_variance * interval)
        noise = self._noise(memory.dtype, key)
        if config.correlation_time is not None:
            kept = float(np.exp(-interval / config.correlation_time))
            noise = kept * memory + float(np.sqrt(1.0 - kept**2)) * noise
            variance = variance * interval / (2.0 * config.correlation_time)
        source = jnp.zeros(self.grid.shape, memory.dtype).at[config.layer].set(noise * float(np.sqrt(variance)))
        return Effects(potential_vorticity_source=source), noise
