"""A truth of layers as records that forecasts can be matched with: its trajectories one behind the other."""

from __future__ import annotations

import numpy as np
import xarray as xr
import yaml

from eval.forecast.dates import Dates
from eval.forecast.derived import lazily
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.layers_truth import DIMENSIONS, PV
from ocean_gcm.data.series import CONFIGURATION
from ocean_gcm.errors import UserError
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment
from ocean_gcm.quasi_geostrophic.output import attributes, record, static_dataset
from ocean_gcm.quasi_geostrophic.variables import VARIABLES

_RECORDS = 16  # that are computed at once


def records_of_trajectories(dataset: xr.Dataset, of_forecasts: xr.Dataset, label: str) -> tuple[xr.Dataset, Dates]:
    """Variables of a run of layers, made of `pv` when a piece of them is read, and the times of the records.

    Args:
      dataset: with `pv` (trajectory, time, layer, y, x), time in s since the start of a trajectory.
      of_forecasts: a store of forecasts, whose configuration says what the layers are.
      label: of the truth, for messages.

    Raises UserError for forecasts of another core, and for a truth with other layers or cells.
    """
    config = config_from_dict(
        yaml.safe_load(of_forecasts.attrs.get(CONFIGURATION, "")) or {}, "the forecasts' configuration"
    )
    if not isinstance(config, LayersExperiment):
        raise UserError(f"{label} is a truth of layers; expected forecasts of the core quasi_geostrophic")
    grid = config.grid.build(len(config.dynamics.layers.thickness))
    if PV not in dataset or dataset[PV].dims != DIMENSIONS or dataset[PV].shape[2:] != grid.shape:
        raise UserError(f"{label} has no pv {DIMENSIONS} of {grid.shape} cells, the grid of the forecasts")
    number, moments = dataset.sizes["trajectory"], np.round(dataset["time"].values).astype(np.int64)
    trajectories = dataset["trajectory"].values if "trajectory" in dataset.coords else np.arange(number)
    times = Dates.of(np.tile(np.atleast_1d(config.time.date(moments)), number), np.repeat(trajectories, len(moments)))
    pv = dataset[PV].chunk({"trajectory": 1, "time": _RECORDS}).rename(layer="lev", time="moment")
    pv = pv.stack(time=("trajectory", "moment"), create_index=False).transpose("time", "lev", "y", "x")
    pv = pv.drop_vars(("trajectory", "moment"), errors="ignore")
    static = static_dataset(grid, config)
    places = {name: (name, dataset[name].values, static[name].attrs) for name in "yx"}
    levels = {name: static[name] for name in ("lev", "lev_bnds")}
    fields = {name: _made(pv, name, grid, config) for name in VARIABLES}
    return xr.Dataset(fields).assign_coords(**places, **levels), times


def _made(pv: xr.DataArray, name: str, grid, config) -> xr.DataArray:
    if name == PV:
        return pv.assign_attrs(attributes(PV, None))

    def make(q):
        return record(grid, config, {"potential_vorticity": q})[name].astype(np.float32)

    return lazily(make, [pv], 3, 3, attributes(name, None))
