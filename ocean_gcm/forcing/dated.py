"""What acts at the surface by dates: records of a window, or anomalies that persist on top of the repeating year.

Both hold what several forecasts need, with a leading axis of forecasts, and are seen from one of them (`forecast`): so
the members of an ensemble share the records, and one compiled program serves all starts.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import jax_datetime as jdt
from jax import lax

from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.forcing.surface import Surface, SurfaceForcing


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class WindowForcing:
    """Dated records, interpolated linearly in time; before the first and after the last of them they are constant.

    Attributes:
      year: the repeating year, without the fields that `fields` replace.
      fields: (forecasts, records, ny, nx) by the names of `Surface`.
      days, seconds: (forecasts, records) int32 model times of the records, ascending.
      forecast: 0-d int32, which of the forecasts it is.
    """

    year: SurfaceForcing
    fields: dict[str, jax.Array]
    days: jax.Array
    seconds: jax.Array
    forecast: jax.Array

    @property
    def dtype(self):
        return self.year.dtype

    def select(self, forecast: jax.Array) -> WindowForcing:
        """The same records as another of the forecasts sees them."""
        return dataclasses.replace(self, forecast=forecast)

    def at(self, time: jdt.Timedelta) -> Surface:
        """The surface at model time `time` (0-d)."""
        records = self.days.shape[1]
        since = _since(time, *(_row(table, self.forecast) for table in (self.days, self.seconds)))
        before = jnp.clip(jnp.sum(since >= 0) - 1, 0, records - 2)
        gap = since[before] - since[before + 1]
        weight = jnp.clip(since[before].astype(self.dtype) / gap.astype(self.dtype), 0.0, 1.0)
        found = {}
        for name, array in self.fields.items():
            # one axis for forecasts and records: members of different forecasts fetch one record each
            flat, place = array.reshape(-1, *array.shape[2:]), self.forecast * records + before
            first, second = _row(flat, place), _row(flat, place + 1)
            found[name] = first + weight * (second - first)
        return dataclasses.replace(self.year.at(time), **found)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PersistedForcing:
    """The repeating year and the anomalies of the starts: year(t) + anomaly exp(-(t - start) decay).

    Attributes:
      year: the repeating year.
      anomalies: (forecasts, ny, nx) by the names of `Surface`.
      days, seconds: (forecasts,) int32 model times of the starts.
      decay: 0-d, s-1; 0 where anomalies persist as they are.
      forecast: 0-d int32, which of the forecasts it is.
    """

    year: SurfaceForcing
    anomalies: dict[str, jax.Array]
    days: jax.Array
    seconds: jax.Array
    decay: jax.Array
    forecast: jax.Array

    @property
    def dtype(self):
        return self.year.dtype

    def select(self, forecast: jax.Array) -> PersistedForcing:
        """The same anomalies as another of the forecasts sees them."""
        return dataclasses.replace(self, forecast=forecast)

    def at(self, time: jdt.Timedelta) -> Surface:
        """The surface at model time `time` (0-d)."""
        since = _since(time, self.days[self.forecast], self.seconds[self.forecast])
        left = jnp.exp(-self.decay * jnp.maximum(since, 0).astype(self.dtype))
        surface, found = self.year.at(time), {}
        for name, array in self.anomalies.items():
            anomaly, usual = left * _row(array, self.forecast), getattr(surface, name)
            found[name] = anomaly if usual is None else usual + anomaly
        return dataclasses.replace(surface, **found)


Forcing = SurfaceForcing | WindowForcing | PersistedForcing
"""What a model may be stepped with."""


def _row(array: jax.Array, place: jax.Array) -> jax.Array:
    return lax.dynamic_index_in_dim(array, place, 0, keepdims=False)


def _since(time: jdt.Timedelta, days: jax.Array, seconds: jax.Array) -> jax.Array:
    """Whole seconds from moments to `time`; 32 bits hold 68 years."""
    return (jnp.asarray(time.days) - days) * SECONDS_PER_DAY + (jnp.asarray(time.seconds) - seconds)
