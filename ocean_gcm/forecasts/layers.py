"""Forecasts of the quasi-geostrophic core; `ocean_gcm.forecasts.interface.Forecasting` says what the functions are."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import xarray as xr

from ocean_gcm.data.layers_truth import LayersTruth, open_layers_truth
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.source import Start
from ocean_gcm.forecasts.fields import chosen_levels, require_known
from ocean_gcm.forecasts.interface import Forecasting
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic import output
from ocean_gcm.quasi_geostrophic.build import NoSurface
from ocean_gcm.quasi_geostrophic.variables import DEFAULT, VARIABLES
from ocean_gcm.state import Layers

_CORE = "the core quasi_geostrophic"


@dataclasses.dataclass(frozen=True, eq=False)
class LayersStates:
    """Records of a truth or a run of layers, which are taken as they are; time counts from the model's `time.start`."""

    truth: LayersTruth
    dates: np.ndarray

    @property
    def label(self) -> str:
        return self.truth.label

    @property
    def trajectories(self) -> np.ndarray | None:
        return self.truth.numbers

    def ocean(self, record: int) -> Layers:
        return self.truth.window(record, 1).at(0).ocean


def open_initial(path: str | os.PathLike, model: OceanModel, *, names: Any, encode: bool) -> LayersStates:
    if encode or names is not None:
        raise UserError(
            f"--encode is for analyses of the other core; {_CORE} begins with records of pv on its own grid"
        )
    truth = open_layers_truth(path, model)
    return LayersStates(truth, np.atleast_1d(model.config.time.date(truth.times)))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PickLayers:
    """Potential vorticity, of which all else is made on the host."""

    def __call__(self, layers: Layers) -> dict[str, jax.Array]:
        return {"potential_vorticity": layers.potential_vorticity}


@dataclasses.dataclass(frozen=True, eq=False)
class KeptLayers:
    """See `ocean_gcm.forecasts.interface.Kept`; `levels` are the layers that are kept."""

    model: OceanModel
    names: tuple[str, ...]
    levels: np.ndarray

    @property
    def on_device(self) -> PickLayers:
        return PickLayers()

    def on_host(self, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = output.record(self.model.grid, self.model.config, fields)
        return {name: found[name][..., self.levels, :, :].astype(np.float32) for name in self.names}

    @functools.cached_property
    def layout(self) -> xr.Dataset:
        static = output.static_dataset(self.model.grid, self.model.config).isel(lev=self.levels)
        dims = ("lev", "y", "x")
        empty = np.broadcast_to(np.float32(np.nan), [static.sizes[name] for name in dims])
        return static.assign({name: (dims, empty, output.attributes(name, None)) for name in self.names})


def kept(
    model: OceanModel,
    *,
    variables: Sequence[str] | None,
    levels: Sequence[int] | None,
    depth: float | None,
    grid: Any,
) -> KeptLayers:
    if grid is not None:
        raise UserError(f"--grid is given; forecasts of {_CORE} are kept on the model's own grid")
    names = require_known(list(DEFAULT if variables is None else variables), tuple(VARIABLES), "--variables")
    thickness = model.core.thickness
    return KeptLayers(model, names, chosen_levels(np.cumsum(thickness) - 0.5 * thickness, levels, depth))


@dataclasses.dataclass(frozen=True)
class NoSource:
    """Nothing acts at a surface; what acts from outside is among the closures."""

    forcing: NoSurface

    @property
    def description(self) -> dict[str, Any]:
        return {"mode": "none"}

    def over(self, starts: Sequence[Start], begin: int, end: int) -> NoSurface:
        return self.forcing


def source(model: OceanModel, forcing: Any, starts: Sequence[Start], *, length: int, longest: int) -> NoSource:
    if forcing is not None:
        raise UserError(f"--forcing is given, but {_CORE} has no surface; its section forcing acts in forecasts too")
    return NoSource(model.forcing)


LAYERS = Forecasting(open_initial, kept, source, lambda description, forcing: "")
