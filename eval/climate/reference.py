"""Temperature and salinity of the final mean against an observed climatology."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from eval.climate.diagnostics import Climate
from eval.reference_climatology import Climatology, read_climatology
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.errors import UserError
from ocean_gcm.metrics import means
from ocean_gcm.metrics.heat_content import layer_thickness

STANDARD_NAMES = {
    "temperature": ("sea_water_potential_temperature",),
    "salinity": ("sea_water_practical_salinity", "sea_water_salinity"),
}
LAYERS = {"all": (0.0, 1e5), "0-300 m": (0.0, 300.0), "300-800 m": (300.0, 800.0), "800-2000 m": (800.0, 2000.0),
          "2000 m and below": (2000.0, 1e5)}  # fmt: skip
CF_NAMES = {"temperature": "thetao", "salinity": "so"}
SURFACE_NAMES = {"temperature": "sst", "salinity": "sss"}
UNITS = {"temperature": "K", "salinity": "1"}


@dataclasses.dataclass(frozen=True)
class Reference:
    """A climatology, and the model's errors against it.

    Attributes:
      climatology: on the model's cells, NaN where unknown.
      difference: temperature and salinity, model minus observed (nz, ny, nx), NaN where unknown.
    """

    climatology: Climatology
    difference: dict[str, np.ndarray]


def open_reference(text: str, climate: Climate) -> Reference:
    """Annual means of potential temperature and practical salinity of PATH or NAME=PATH, found by their standard names.

    Raises UserError for a file without them, or that covers nothing of the model's ocean.
    """
    label, separator, path = text.partition("=")
    if not separator:
        label, path = Path(text).stem, text
    with open_dataset(path) as dataset:
        found = {}
        for kind, wanted in STANDARD_NAMES.items():
            names = [
                str(name)
                for name, variable in dataset.data_vars.items()
                if variable.attrs.get("standard_name") in wanted and variable.ndim >= 3
            ]
            # records of a year are averaged; a mean that the file holds beside them is the same
            names = sorted(names, key=lambda name: dataset[name].ndim) or [CF_NAMES[kind]]
            if names[0] not in dataset:
                raise UserError(f"{Path(path).name} has no variable with the standard name {' or '.join(wanted)}")
            found[kind] = names[0]
    known = read_climatology(label, path, climate.grid, found["temperature"], found["salinity"])
    difference = {
        kind: np.where(climate.grid.mask, climate.fields[kind] - getattr(known, kind), np.nan) for kind in CF_NAMES
    }
    if not np.isfinite(difference["temperature"]).any():
        raise UserError(f"{Path(path).name} has no value in the model's ocean; is its land mask or depth another?")
    return Reference(known, difference)


def error_rows(climate: Climate, reference: Reference) -> pd.DataFrame:
    """Columns variable, depth, metric, value, unit: bias and root mean square error by layer and of the surface."""
    grid, rows = climate.grid, []
    for kind, difference in reference.difference.items():
        known = np.isfinite(difference)
        filled = np.where(known, difference, 0.0)
        for layer, (top, bottom) in LAYERS.items():
            weights = layer_thickness(grid.thickness, top, bottom) * grid.geometry.area["T"] * known
            values = {"bias": means.volume_mean(filled, weights), "rmse": means.root_mean_square(filled, weights)}
            for metric, value in values.items():
                rows.append((CF_NAMES[kind], layer, metric, float(value), UNITS[kind]))
        weights = climate.area * known[0]
        values = {"bias": means.area_mean(filled[0], weights), "rmse": means.root_mean_square(filled[0], weights)}
        for metric, value in values.items():
            rows.append((f"{SURFACE_NAMES[kind]}_{metric}", "all", "value", float(value), UNITS[kind]))
    return pd.DataFrame(rows, columns=["variable", "depth", "metric", "value", "unit"])


def zonal_error(climate: Climate, difference: np.ndarray) -> np.ndarray:
    """(nz, ny) mean along x over the cells that both know."""
    known = np.isfinite(difference)
    return means.zonal_mean(np.where(known, difference, 0.0), climate.grid.volume * known)
