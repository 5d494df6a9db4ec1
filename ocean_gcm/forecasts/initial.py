"""Where forecasts begin: states on the model's own grid, or analyses on another one, by date."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cftime
import jax
import numpy as np
import xarray as xr

from ocean_gcm.clock import same_date
from ocean_gcm.data import grid_agreement
from ocean_gcm.data.paths import expand
from ocean_gcm.data.series import CF_NAMES, PROGNOSTIC, Series, open_dated
from ocean_gcm.encoding.encoder import Encoder
from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.interface import InitialData
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean


@dataclasses.dataclass(frozen=True, eq=False)
class OwnGrid:
    """States on the grid of the model, which are taken as they are."""

    series: Series
    names: tuple[str, ...]
    dtype: Any
    trajectories = None

    @property
    def label(self) -> str:
        return self.series.label

    @functools.cached_property
    def dates(self) -> np.ndarray:
        return self.series.dataset["time"].values

    def ocean(self, record: int) -> Ocean:
        fields = self.series.fields(slice(record, record + 1), self.names)
        fields = {name: np.asarray(array[0], self.dtype) for name, array in fields.items()}
        known = {name: fields.pop(name) for name in PROGNOSTIC}
        return Ocean(**known, tracers=fields)


@dataclasses.dataclass(frozen=True, eq=False)
class OtherGrid:
    """Analyses on a grid of their own, which an `Encoder` brings to that of the model."""

    label: str
    dataset: xr.Dataset
    model: OceanModel
    names: Mapping[str, str] | None
    encoders: list[Encoder] = dataclasses.field(default_factory=list)
    trajectories = None

    @functools.cached_property
    def dates(self) -> np.ndarray:
        return self.dataset["time"].values

    def ocean(self, record: int) -> Ocean:
        chosen = self.dataset.isel(time=record, drop=True)
        chosen.encoding.setdefault("source", self.label)
        if not self.encoders:
            self.encoders.append(Encoder.for_dataset(chosen, self.model, self.names))
        encoder = self.encoders[0]
        return _encoded(dataclasses.replace(encoder, analysis=None), encoder.arrays(chosen))


@jax.jit
def _encoded(encoder: Encoder, arrays: dict[str, jax.Array]) -> Ocean:
    return encoder.ocean(arrays)


def open_initial(
    path: str | os.PathLike, model: OceanModel, *, names: Mapping[str, str] | None = None, encode: bool = False
) -> InitialData:
    """Open the data that forecasts begin from; nothing but coordinates is read.

    Data of the form that this program writes (layers `lev` with `lev_bnds`, and `thkcello`) must lie on the model's
    grid and are taken exactly.  All others are analyses: they are remapped and extended, see `ocean_gcm.encoding`.

    Args:
      path: Zarr store, NetCDF file, run directory or gs:// address, with the dimension time.
      model: whose states are wanted.
      names: variables of an analysis by the model's names, as `Encoder.for_dataset` takes them.
      encode: take the data for an analysis whatever their form.

    Raises UserError for what cannot be read, has no dates, or lies on another grid.
    """
    label = os.fspath(path)
    dataset = _with_dates(_opened(expand(path)), label)
    if encode or not {"lev_bnds", "thkcello"} <= set(dataset.variables):
        dataset.encoding["source"] = label
        return OtherGrid(label, dataset, model, names)
    try:
        grid_agreement.require_grid(dataset, model.grid, label)
    except UserError as error:
        raise UserError(f"{error}; --encode takes the data for an analysis on another grid") from None
    series = Series(label, dataset, model.config, model.grid)
    found = (*PROGNOSTIC, *model.config.tracers)
    try:
        series.require(found)
    except UserError as error:
        raise UserError(f"{error}; with --encode forecasts begin at rest where there is no velocity") from None
    return OwnGrid(series, found, np.dtype(model.dtype))


def _opened(where: Path | str) -> xr.Dataset:
    """A data set; of a run its snapshots if they hold states, else its output."""
    if isinstance(where, Path) and (where / "config.yaml").exists():
        for store in (where / "snapshots.zarr", where / "output.zarr"):
            if store.exists():
                dataset = open_dated(store)
                if {CF_NAMES[name] for name in PROGNOSTIC} <= set(dataset.variables):
                    return dataset
        raise UserError(f"the run {where} has no output with {', '.join(CF_NAMES[name] for name in PROGNOSTIC)}")
    return open_dated(where)


def _with_dates(dataset: xr.Dataset, label: str) -> xr.Dataset:
    """`dataset` with an ascending axis of dates.  Raises UserError if it has none."""
    if "time" in dataset.coords and dataset["time"].ndim == 0:
        dataset = dataset.expand_dims("time")
    if "time" not in dataset.dims or not dataset.sizes["time"]:
        raise UserError(f"{label} has no records along time; expected states with dates")
    if "time" not in dataset.variables or not hasattr(dataset["time"].values[0], "calendar"):
        raise UserError(f"the time axis of {label} has no units such as 'days since 1950-01-01'")
    dates = dataset["time"].values
    if any(b <= a for a, b in zip(dates[:-1], dates[1:], strict=True)):
        raise UserError(f"the times of {label} do not ascend; expected every date once, in order")
    return dataset


def model_seconds(config: Any, date: cftime.datetime, label: str) -> int:
    """Model time at `date`, whole seconds since time.start.

    A date of another calendar becomes that of the model with the same name; one that the model's calendar lacks
    becomes the last of its month.  Raises UserError if it lies before the start.
    """
    calendar = config.time.calendar
    start = cftime.datetime(*map(int, config.time.start.split("-")), calendar=calendar)
    seconds = round((same_date(date, calendar) - start).total_seconds())
    if seconds < 0:
        raise UserError(f"the start {date} of {label} lies before the model's time.start = {config.time.start}")
    return seconds
