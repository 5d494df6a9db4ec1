"""What acts at the surface: a climatology of a few records a year, interpolated linearly in time, cyclic over the year.

Time is integer days and seconds until the last subtraction, so that a float32 run sees the same forcing in year 1000
as in year 1.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import jax_datetime as jdt
from jax import lax

from ocean_gcm.clock import SECONDS_PER_DAY

FIELDS = ("stress_x", "stress_y", "heat_flux", "freshwater_flux", "sst", "sss")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Surface:
    """The surface at one moment; None where nothing acts.

    Attributes:
      stress_x, stress_y: (ny, nx) stress on the ocean along x at U and along y at V points, N m-2.
      heat_flux: (ny, nx) W m-2, positive into the ocean.
      freshwater_flux: (ny, nx) kg m-2 s-1, positive into the ocean.
      sst, sss: (ny, nx) targets of the restoring, in the model's kinds of temperature (degC) and salinity (g kg-1).
      sst_piston_velocity, sss_piston_velocity: 0-d, m s-1; the flux into the ocean is piston * (target - value).
      year_fraction: 0-d, time of year in [0, 1).
    """

    stress_x: jax.Array | None
    stress_y: jax.Array | None
    heat_flux: jax.Array | None
    freshwater_flux: jax.Array | None
    sst: jax.Array | None
    sss: jax.Array | None
    sst_piston_velocity: jax.Array
    sss_piston_velocity: jax.Array
    year_fraction: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class SurfaceForcing:
    """Records of the surface fields over a year; see `Surface` for meaning, places and units.

    Attributes:
      stress_x, stress_y, heat_flux, freshwater_flux, sst, sss: (records, ny, nx), or (1, ny, nx) for a constant field,
        or None.
      sst_piston_velocity, sss_piston_velocity: 0-d, m s-1.
      record_times: times of the records as ascending fractions of the year in [0, 1).
      start_fraction: fraction of the year at which model time is zero.
      days_per_year: whole days.
    """

    stress_x: jax.Array | None
    stress_y: jax.Array | None
    heat_flux: jax.Array | None
    freshwater_flux: jax.Array | None
    sst: jax.Array | None
    sss: jax.Array | None
    sst_piston_velocity: jax.Array
    sss_piston_velocity: jax.Array
    record_times: tuple[float, ...] = dataclasses.field(default=(0.0,), metadata={"static": True})
    start_fraction: float = dataclasses.field(default=0.0, metadata={"static": True})
    days_per_year: int = dataclasses.field(default=365, metadata={"static": True})

    @property
    def dtype(self):
        return self.sst_piston_velocity.dtype

    def select(self, forecast: jax.Array) -> SurfaceForcing:
        """The year is the same for all forecasts; see `ocean_gcm.forcing.dated` for others."""
        return self

    def at(self, time: jdt.Timedelta) -> Surface:
        """The surface fields at model time `time` (0-d), interpolated linearly between the records around it."""
        dtype = self.dtype
        fields = {name: getattr(self, name) for name in FIELDS}
        if any(array is not None and array.shape[0] > 1 for array in fields.values()):
            second = second_of_year(time, self.start_fraction, self.days_per_year)
            before, after, weight = neighbours(second, self.record_times, self.days_per_year, dtype)
            fields = {name: interpolate(array, before, after, weight) for name, array in fields.items()}
        else:
            fields = {name: None if array is None else array[0] for name, array in fields.items()}
        return Surface(
            **fields,
            sst_piston_velocity=self.sst_piston_velocity,
            sss_piston_velocity=self.sss_piston_velocity,
            year_fraction=year_fraction(time, self.start_fraction, self.days_per_year, dtype),
        )


def no_forcing(dtype, *, start_fraction: float = 0.0, days_per_year: int = 365) -> SurfaceForcing:
    """A surface on which nothing acts."""
    zero = jnp.zeros((), dtype)
    return SurfaceForcing(
        **dict.fromkeys(FIELDS),
        sst_piston_velocity=zero,
        sss_piston_velocity=zero,
        start_fraction=start_fraction,
        days_per_year=days_per_year,
    )


def second_of_year(time: jdt.Timedelta, start_fraction: float, days_per_year: int) -> jax.Array:
    """Whole seconds since the year began, integer in [0, 86400 days_per_year); exact for any time."""
    start_day, start_second = divmod(round(start_fraction * days_per_year * SECONDS_PER_DAY), SECONDS_PER_DAY)
    day = (jnp.asarray(time.days) + start_day) % days_per_year  # first, so that 32 bits suffice
    second = day * SECONDS_PER_DAY + jnp.asarray(time.seconds) + start_second
    return second % (days_per_year * SECONDS_PER_DAY)


def year_fraction(time: jdt.Timedelta, start_fraction: float, days_per_year: int, dtype=jnp.float32) -> jax.Array:
    """Time of year as a fraction in [0, 1)."""
    second = second_of_year(time, start_fraction, days_per_year)
    fraction = second.astype(dtype) / (days_per_year * SECONDS_PER_DAY)
    # the last seconds of the year round up to 1 in float32
    return jnp.minimum(fraction, jnp.asarray(1 - jnp.finfo(dtype).epsneg, dtype))


def neighbours(second, record_times, days_per_year, dtype):
    """Indices of the records before and after, and the weight of the latter in [0, 1)."""
    year = days_per_year * SECONDS_PER_DAY
    number = len(record_times)
    times = jnp.asarray([round(fraction * year) for fraction in record_times], second.dtype)
    before = (jnp.sum(second >= times) - 1) % number
    after = (before + 1) % number
    gap = (times[after] - times[before]) % year
    since = (second - times[before]) % year
    return before, after, since.astype(dtype) / gap.astype(dtype)


def interpolate(array, before, after, weight):
    if array is None or array.shape[0] == 1:
        return None if array is None else array[0]
    first = lax.dynamic_index_in_dim(array, before, 0, keepdims=False)
    second = lax.dynamic_index_in_dim(array, after, 0, keepdims=False)
    return first + weight * (second - first)
