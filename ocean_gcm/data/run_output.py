"""Reading what a run left: output, grid, configuration and closing table."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import xarray as xr
import yaml

from ocean_gcm.errors import UserError
from ocean_gcm.grid import geometry
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

_MODEL_NAMES = {"temperature": "thetao", "salinity": "so", "u": "uo", "v": "vo", "w": "wo", "sea_surface_height": "zos"}


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run left.

    Attributes:
      directory: its path.
      dataset: output.zarr, lazily read, with cftime dates.
      grid: rebuilt from the output's coordinates and cell thicknesses.
      config: config.yaml as plain mappings.
      summary: summary.json, {} while there is none.
    """

    directory: Path
    dataset: xr.Dataset
    grid: Grid
    config: Mapping[str, Any]
    summary: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.config.get("name", self.directory.name)

    @property
    def days_per_year(self) -> float:
        return 360.0 if self._calendar == "360_day" else 365.0

    def years(self, bound: int = 1) -> np.ndarray:
        """(time,) model years from the start of the run to the end (or with `bound` 0 the beginning) of each record.

        Of an output of moments, the years to these.
        """
        start = cftime.datetime.strptime(
            str(self.config.get("time", {}).get("start", "0001-01-01")), "%Y-%m-%d", calendar=self._calendar
        )
        has_bounds = "time_bnds" in self.dataset
        dates = self.dataset.time_bnds.values[:, bound] if has_bounds else self.dataset.time.values
        return np.array([(date - start).total_seconds() for date in dates]) / 86400.0 / self.days_per_year

    @property
    def _calendar(self) -> str:
        return self.dataset.time.values[0].calendar

    def fields(self, records: slice | int = -1) -> dict[str, np.ndarray]:
        """The model's fields (u, v, temperature, ...; float64, land 0) of one record or the mean of several.

        temperature and salinity are the file's potential temperature and practical salinity.
        """
        chosen = self.dataset.isel(time=records)
        out = {}
        for name, cf_name in _MODEL_NAMES.items():
            if cf_name in chosen:
                array = chosen[cf_name]
                array = array.mean("time") if "time" in array.dims else array
                out[name] = np.nan_to_num(array.values.astype(float))
        return out


def open_run(directory: str | Path) -> Run:
    """Open what `simulate` wrote.  Raises UserError if the directory has no configuration or no output."""
    directory = Path(directory)
    config_path, store = directory / "config.yaml", directory / "output.zarr"
    for path in (config_path, store):
        if not path.exists():
            raise UserError(f"{directory} is not a run directory: {path.name} is missing")
    config = yaml.safe_load(config_path.read_text())
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    dataset = xr.open_zarr(store, decode_times=coder, chunks=None)
    if dataset.sizes.get("time", 0) == 0:
        raise UserError(f"{store} has no records yet")
    summary_path = directory / "summary.json"
    summary = json.loads(summary_path.read_text()) if summary_path.exists() else {}
    return Run(directory, dataset, grid_of_output(dataset, config.get("grid", {})), config, summary)


def grid_of_output(dataset: xr.Dataset, grid_config: Mapping[str, Any]) -> Grid:
    """The grid of a data set with bounds of lat/lon (or y/x) and lev, and `thkcello`.

    `grid_config` gives what files do not hold: periodic_x, periodic_y, and radius, rotation_rate or f0, beta.
    Raises UserError if a coordinate is missing.
    """
    spherical = "lat" in dataset.dims
    y, x = ("lat", "lon") if spherical else ("y", "x")
    for name in (f"{y}_bnds", f"{x}_bnds", "lev_bnds", "thkcello"):
        if name not in dataset.variables:
            raise UserError(f"the output has no variable {name}; it was not written by this program")
    edges = {}
    for axis in (y, x):
        bounds = dataset[f"{axis}_bnds"].values
        edges[axis] = np.append(bounds[:, 0], bounds[-1, 1])
    topology = Topology(bool(grid_config.get("periodic_x", False)), bool(grid_config.get("periodic_y", False)))
    names = ("radius", "rotation_rate") if spherical else ("f0", "beta")
    constants = {name: float(grid_config[name]) for name in names if grid_config.get(name) is not None}
    builder = geometry.sphere if spherical else geometry.plane
    bounds = dataset["lev_bnds"].values
    thickness = np.nan_to_num(dataset["thkcello"].values.astype(float))
    return Grid(builder(edges[x], edges[y], topology, **constants), Levels(bounds[:, 1] - bounds[:, 0]), thickness)
