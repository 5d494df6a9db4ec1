"""A series of states in a run's output, a coarsened truth or a file like these, as fields of the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gsw
import numpy as np
import xarray as xr
import yaml

from ocean_gcm.config import Config, config_from_dict, load_config
from ocean_gcm.data import grid_agreement
from ocean_gcm.data.output import SALINITY_RATIO, dimensions, mask, uses_teos10
from ocean_gcm.data.paths import store_of
from ocean_gcm.data.variables import MODEL_FIELDS, TRACER, VARIABLES, Variable
from ocean_gcm.errors import UserError
from ocean_gcm.grid.build import build_geometry
from ocean_gcm.grid.grid import Grid

PROGNOSTIC = ("u", "v", "temperature", "salinity", "sea_surface_height")
CF_NAMES = {model: cf for model, v in MODEL_FIELDS.items() for cf, w in VARIABLES.items() if w is v}
CONFIGURATION = "configuration"
"""Attribute of coarsened data: the configuration of a run on their grid, as YAML."""


@dataclasses.dataclass(frozen=True, eq=False)
class Series:
    """States or means along time.

    Attributes:
      label: what messages call it.
      dataset: opened lazily, dates as cftime.
      config: of the run, on the grid of the data.
      grid: of the data.
    """

    label: str
    dataset: xr.Dataset
    config: Config
    grid: Grid

    def __len__(self) -> int:
        return self.dataset.sizes["time"]

    @property
    def is_mean(self) -> bool:
        """Whether the records are means over intervals."""
        return "time_bnds" in self.dataset

    @property
    def available(self) -> dict[str, Variable]:
        """Model's names of the fields that can be read."""
        found = {model: MODEL_FIELDS[model] for model in PROGNOSTIC if CF_NAMES[model] in self.dataset}
        return {**found, **{name: TRACER for name in self.config.tracers if name in self.dataset}}

    def seconds(self, variable: str = "time") -> np.ndarray:
        """Whole seconds from the start of the run to each record (or of each of its bounds: "time_bnds")."""
        dates = self.dataset[variable].values
        start = np.atleast_1d(self.config.time.date(0))[0]
        elapsed = [round((date - start).total_seconds()) for date in dates.ravel()]
        return np.array(elapsed, np.int64).reshape(dates.shape)

    def fields(self, records: slice | np.ndarray, names: Iterable[str]) -> dict[str, np.ndarray]:
        """(record, ...) arrays by the model's names, in its kinds of temperature and salinity, land 0.

        Raises UserError for a variable that is missing, has other dimensions, or is not finite in a wet cell.
        """
        names = list(names)
        teos10 = uses_teos10(self.config) and "temperature" in names
        wanted = dict.fromkeys([*names, *(["salinity"] if teos10 else [])])
        chosen = self.dataset.isel(time=records)
        arrays = {name: self._read(chosen, name) for name in wanted}
        converted = _to_model(arrays, self.config)
        # land again: fresh water of 0 degC has another Conservative Temperature
        return {name: self._wet_only(name, converted[name]) for name in names}

    def require(self, names: Iterable[str]) -> None:
        """UserError unless all variables are there with the dimensions that they should have."""
        for name in names:
            self._checked(self.dataset, name)

    def _checked(self, dataset: xr.Dataset, name: str) -> xr.DataArray:
        variable, cf_name = MODEL_FIELDS.get(name, TRACER), CF_NAMES.get(name, name)
        if cf_name not in dataset:
            held = ", ".join(n for n in dataset.data_vars if "time" in dataset[n].dims and dataset[n].ndim > 2)
            raise UserError(f"{self.label} has no variable {cf_name}; it holds {held or 'none along time'}")
        expected = ("time", *dimensions(variable, self.grid.geometry.spherical))
        if dataset[cf_name].dims != expected:
            raise UserError(
                f"variable {cf_name} of {self.label} has the dimensions {dataset[cf_name].dims}; expected {expected}"
            )
        return dataset[cf_name]

    def _read(self, dataset: xr.Dataset, name: str) -> np.ndarray:
        array = self._checked(dataset, name)
        try:
            values = array.values
        except Exception as error:  # damaged chunks: each codec raises its own
            raise UserError(f"variable {array.name} of {self.label} cannot be read: {error}") from error
        wet = mask(self.grid, MODEL_FIELDS.get(name, TRACER))
        bad = wet & ~np.isfinite(values)
        if bad.any():
            record = int(np.argwhere(bad)[0][0])
            raise UserError(
                f"variable {array.name} of {self.label} is {values[bad][0]} in {int(bad[record].sum())} wet cells at "
                f"{dataset['time'].values[record]}; expected numbers"
            )
        return self._wet_only(name, values)

    def _wet_only(self, name: str, array: np.ndarray) -> np.ndarray:
        return np.where(mask(self.grid, MODEL_FIELDS.get(name, TRACER)), array, np.zeros((), array.dtype))


def open_series(path: str | Path, config: Config | None = None) -> Series:
    """Open a run directory (its output.zarr), a store in one (snapshots.zarr), a coarsened Zarr, or a NetCDF file.

    Args:
      path: of it, or a gs:// address.
      config: of a run on the grid of the data; default: config.yaml beside the data, or what coarsened data hold.

    Raises UserError for data that cannot be read, have no records or no configuration, or do not lie on its grid.
    """
    store = store_of(path)
    label = str(store)
    dataset = open_dated(store)
    if "time" not in dataset.dims or dataset.sizes["time"] == 0:
        raise UserError(f"{label} has no records along time")
    config = config or configuration_of(dataset, store)
    if not hasattr(dataset["time"].values[0], "calendar"):
        raise UserError(f"the time axis of {label} has no units such as 'days since 0001-01-01'")
    found, expected = dataset["time"].values[0].calendar, config.time.calendar
    if found != expected:
        raise UserError(f"{label} has the calendar {found}; expected {expected}, that of its configuration")
    geometry, levels = build_geometry(config.grid), config.grid.levels.build()
    grid_agreement.require_geometry(dataset, geometry, label)
    grid_agreement.require_levels(dataset, levels, label)
    return Series(label, dataset, config, Grid(geometry, levels, grid_agreement.thickness_of(dataset, label)))


def configuration_of(dataset: xr.Dataset, store: Path | str) -> Config:
    """The configuration of the run that wrote `store`.  Raises UserError if there is none."""
    if CONFIGURATION in dataset.attrs:
        return config_from_dict(yaml.safe_load(dataset.attrs[CONFIGURATION]), f"the configuration in {store}")
    if isinstance(store, Path) and (store.parent / "config.yaml").exists():
        return load_config(store.parent / "config.yaml")
    raise UserError(f"{store} has no configuration: neither config.yaml beside it nor an attribute {CONFIGURATION}")


def open_dated(path: Path | str) -> xr.Dataset:
    """A Zarr store or NetCDF file, lazily, with dates as cftime.  Raises UserError."""
    url = isinstance(path, str)
    if not url and not path.exists():
        raise UserError(f"{path} does not exist; expected a run directory, a Zarr store or a NetCDF file")
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    options: dict[str, Any] = {"engine": "zarr", "chunks": None} if url or path.is_dir() else {}
    try:
        return xr.open_dataset(path, decode_times=coder, **options)
    except Exception as error:  # every backend raises its own
        kind = "a Zarr store" if options else "a NetCDF file"
        raise UserError(f"{path} cannot be read as {kind}: {' '.join(str(error).split())}") from error


def _to_model(fields: Mapping[str, np.ndarray], config: Config) -> dict[str, np.ndarray]:
    """The inverse of `output.convert`: Conservative Temperature and Absolute Salinity where the model has these."""
    fields = dict(fields)
    if not uses_teos10(config):
        return fields
    if "salinity" in fields:
        absolute = np.asarray(fields["salinity"], float) * SALINITY_RATIO
        if "temperature" in fields:
            dtype, potential = fields["temperature"].dtype, np.asarray(fields["temperature"], float)
            fields["temperature"] = gsw.CT_from_pt(np.maximum(absolute, 0.0), potential).astype(dtype)
        fields["salinity"] = absolute.astype(fields["salinity"].dtype)
    return fields
