"""Run directories without a run: the writers of the library on fields made up for the purpose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ocean_gcm.config import config_from_dict
from ocean_gcm.data import output
from ocean_gcm.grid.build import build_grid_from_config

YEAR = 365 * 86400.0
GLOBE = {
    "name": "small_globe",
    "grid": {
        "geometry": "sphere", "nx": 45, "ny": 20, "x": [0, 360], "y": [-80, 80], "periodic_x": True,
        "levels": {"thickness": [100, 400, 1500, 3000]},
    },
    "bathymetry": {"kind": "earth", "smallest_basin": 4},
    "initial": {"kind": "zonal"},
    "dynamics": {"equation_of_state": {"kind": "linear"}},
    "time": {"step": "PT1H", "duration": "P1Y"},
}  # fmt: skip
GYRE = {
    "name": "small_gyre",
    "grid": {
        "geometry": "plane", "nx": 24, "ny": 20, "x": [0, 2.4e6], "y": [0, 2.0e6], "f0": 1e-4,
        "levels": {"number": 6, "depth": 3000},
    },
    "bathymetry": {"kind": "flat", "depth": 3000},
    "initial": {"kind": "uniform"},
    "dynamics": {"equation_of_state": {"kind": "linear"}},
    "time": {"step": "PT1H", "duration": "P1Y"},
}  # fmt: skip
CHANNEL = {
    **GYRE,
    "name": "small_channel",
    "grid": {**GYRE["grid"], "periodic_x": True},
    "bathymetry": {"kind": "flat", "depth": 3000, "walls": [{"x": [0, 1e5], "y": [1e6, 2e6]}]},
}


def write_run(directory: Path, tree: dict, records: int = 3, means: bool = True):
    """A run of one record per year with gyres, a stratification and a little warming; returns the grid."""
    config = config_from_dict(tree)
    grid = build_grid_from_config(config.grid, config.bathymetry)
    fields = made_up_fields(grid)
    stacked = {
        name: np.stack([array + (0.01 * year if name == "temperature" else 0.0) for year in range(records)])
        for name, array in fields.items()
    }
    edges = np.arange(records + 1) * YEAR
    bounds = np.stack([edges[:-1], edges[1:]], -1) if means else None
    times = edges[:-1] + 0.5 * YEAR if means else edges[1:]
    directory.mkdir(parents=True, exist_ok=True)
    output.dataset_from_fields(grid, config, stacked, times, bounds).to_zarr(directory / "output.zarr", mode="w")
    (directory / "config.yaml").write_text(config.to_yaml())
    (directory / "summary.json").write_text(
        json.dumps({"simulated_years": records, "budgets": {"heat": {"relative_residual": 1e-14}}, "wall_seconds": 1.0})
    )
    return grid


def made_up_fields(grid) -> dict[str, np.ndarray]:
    """Temperature falls with depth and from the middle rows outwards; a clockwise and an anticlockwise gyre."""
    geometry = grid.geometry
    y = geometry.y["T"]
    northing = (y - y.min()) / np.ptp(y)
    depth = grid.levels.centres[:, None, None]
    temperature = 2.0 + 24.0 * np.exp(-depth / 800.0) * np.sin(np.pi * northing) ** 2
    salinity = 34.7 + 0.8 * np.exp(-depth / 500.0) * np.sin(3 * np.pi * northing)
    flow = np.exp(-depth / 700.0) * np.sin(2 * np.pi * (geometry.y["U"] - y.min()) / np.ptp(y)) * 0.1
    north = np.exp(-depth / 700.0) * np.sin(2 * np.pi * geometry.x["V"] / geometry.x["V"].max()) * 0.05
    return {
        "temperature": np.where(grid.mask, temperature, 0.0),
        "salinity": np.where(grid.mask, salinity, 0.0),
        "u": np.where(grid.mask_u, flow, 0.0),
        "v": np.where(grid.mask_v, north, 0.0),
        "sea_surface_height": np.where(grid.wet, np.sin(np.pi * northing), 0.0),
    }
