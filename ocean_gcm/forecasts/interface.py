"""What forecasts need of a core besides its model: states to begin with, what is kept, what acts from outside."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import jax
import numpy as np
import xarray as xr

from ocean_gcm.forcing.source import Source


class InitialData(Protocol):
    """States by record.

    Attributes:
      label: what messages call the data.
      dates: (times,) cftime dates, ascending.
      trajectories: (n,) numbers of trajectories, ascending, each with a record at every date; None for one history.
    """

    label: str
    dates: np.ndarray
    trajectories: np.ndarray | None

    def ocean(self, record: int) -> Any:
        """The fields of the model at one record; they are counted through the trajectories, one behind the other.

        Raises UserError for values that are missing or impossible.
        """


class Kept(Protocol):
    """What is kept of a state: picked on the device, converted on the host.

    Attributes:
      names: CF names.
      layout: data set with one entry of every variable, all coordinates and what does not change.
    """

    names: tuple[str, ...]
    layout: xr.Dataset

    @property
    def on_device(self) -> Callable[[Any], dict[str, jax.Array]]:
        """The part that runs on the device: of the fields of the model arrays by name; a pytree."""

    def on_host(self, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """CF variables (member, ...), land NaN, from what `on_device` gave of each member."""


@dataclasses.dataclass(frozen=True)
class Forecasting:
    """How the forecasts of a core begin, what becomes of them, and what acts meanwhile.

    Attributes:
      open_initial: (path, model, names=..., encode=...) -> `InitialData`.
      kept: (model, variables=..., levels=..., depth=..., grid=...) -> `Kept`.
      source: (model, forcing, starts, length=..., longest=...) -> `Source`: what acts at the surface from each of the
        starts on; `length` is that of the forecasts, `longest` that between two saved leads, s.
      acting: (description of the source, forcing of the model) -> one line for the reader, "" if there is nothing.
      apart: sections of the configuration that a store tells by themselves.
    """

    open_initial: Callable[..., InitialData]
    kept: Callable[..., Kept]
    source: Callable[..., Source]
    acting: Callable[[Any, Any], str]
    apart: tuple[str, ...] = ()
