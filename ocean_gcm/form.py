"""How the fields of a core look outside of the model: in files, accounts and messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ocean_gcm import nonfinite
from ocean_gcm.budget import Budget
from ocean_gcm.data import output
from ocean_gcm.experiment import Experiment
from ocean_gcm.forcing.config import DatedConfig
from ocean_gcm.forecasts import layers as layers_forecasts
from ocean_gcm.forecasts import ocean as ocean_forecasts
from ocean_gcm.forecasts.interface import Forecasting
from ocean_gcm.quasi_geostrophic import output as layers
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment


@dataclasses.dataclass(frozen=True)
class Form:
    """What simulations and forecasts need to know of a core besides its model.

    Attributes:
      fields_of: (fields) -> arrays by name, on the host.
      static_dataset: (grid, config) -> data set of what does not change.
      records: (grid, config, arrays by name, times, bounds, names) -> data set along time, see `data.output.records`.
      account: type of the running account, with `begin`, `add` and `close`; a dataclass of JSON-like values.
      mask: (grid, name) -> where a field has values.
      place: (grid, name, index) -> where that is, in words.
      dated: (config) -> its section on dated records of what acts at the surface, or None.
      forecasting: how its forecasts begin, and what becomes of them.
    """

    fields_of: Callable[[Any], dict[str, np.ndarray]]
    static_dataset: Callable[..., xr.Dataset]
    records: Callable[..., xr.Dataset]
    account: type
    mask: Callable[[Any, str], np.ndarray]
    place: Callable[[Any, str, tuple[int, ...]], str]
    dated: Callable[[Any], DatedConfig | None]
    forecasting: Forecasting


OCEAN = Form(
    output.fields_of,
    output.static_dataset,
    output.records,
    Budget,
    nonfinite.mask_of_field,
    nonfinite.place,
    lambda config: config.forcing,
    ocean_forecasts.OCEAN,
)
LAYERS = Form(
    layers.fields_of,
    layers.static_dataset,
    layers.records,
    layers.CourantAccount,
    lambda grid, name: np.ones(grid.shape, bool),
    layers.place,
    lambda config: None,  # their section `forcing` is the core's own
    layers_forecasts.LAYERS,
)


def form_of(config: Experiment) -> Form:
    """The form of the core of an experiment."""
    return LAYERS if isinstance(config, LayersExperiment) else OCEAN


def dataset_from_trajectory(model: Any, trajectory: Any) -> xr.Dataset:
    """CF data set of the states that `model.unroll` saved."""
    form, states = form_of(model.config), trajectory.states
    times = np.asarray(states.time.days, float) * 86400.0 + np.asarray(states.time.seconds, float)
    fields = form.fields_of(states.ocean)
    if form is OCEAN:
        return output.dataset_from_fields(model.grid, model.config, fields, times)
    found = form.records(model.grid, model.config, fields, times, None, layers.VARIABLES)
    return form.static_dataset(model.grid, model.config).merge(found, combine_attrs="override")
