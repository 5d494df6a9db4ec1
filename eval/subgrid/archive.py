"""What the figures of a report are drawn from, of each run by itself, in one NetCDF file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from eval.subgrid.evaluation import Evaluation
from eval.subgrid.spread import binned, edges_of
from eval.subgrid.statistics import Flow
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.isotropic import ring_wavenumbers

NAME = "runs.nc"
BINS = 120


def runs_of(found: Evaluation) -> xr.Dataset:
    """Spectra, transfers, correlations and distributions along (case, run, ...).

    A case is a model and a seed, the truth among them; cases with fewer runs (trajectories, stable runs) or lags have
    NaN behind.
    """
    cases = {("truth", 0): found.target, **found.seeds}
    edges = edges_of(found.target, BINS)
    parts = [_one(flow, edges) for flow in cases.values()]
    rings = parts[0].sizes["ring"]
    sizes = {name: np.arange(max(part.sizes[name] for part in parts)) for name in ("run", "lag")}
    dataset = xr.concat([part.isel(ring=slice(rings)).reindex(sizes) for part in parts], "case")
    dataset = dataset.drop_vars(("run", "ring", "lag")).assign_coords(
        model=("case", [name for name, _ in cases]),
        seed=("case", [seed for _, seed in cases]),
        wavenumber=("ring", ring_wavenumbers(found.grid)[:rings], {"units": "rad m-1"}),
        interval=("case", [flow.interval for flow in cases.values()], {"units": "s", "long_name": "between lags"}),
    )
    return dataset.assign_coords({f"end_{name}": ("bin", ends[1:]) for name, ends in edges.items()})


def write_runs(found: Evaluation, folder: Path) -> None:
    """Write `runs.nc`.  Raises UserError if it cannot be written."""
    dataset = runs_of(found)
    try:
        encoding = {name: {"zlib": True, "dtype": "float32"} for name in dataset.data_vars}
        dataset.to_netcdf(folder / NAME, encoding=encoding)
    except OSError as error:
        raise UserError(f"{folder / NAME} could not be written: {error.strerror or error}") from error


def _one(flow: Flow, edges: dict[str, np.ndarray]) -> xr.Dataset:
    part = binned(flow, edges)
    found = {name: (("run", "ring"), values) for name, values in part.spectra.items()}
    for layer in range(part.correlation.shape[1]):
        found[f"correlation{layer + 1}"] = (("run", "lag"), part.correlation[:, layer])
    found |= {f"share_{name}": (("run", "bin"), shares) for name, shares in part.shares.items()}
    dataset = xr.Dataset(found)
    return dataset.assign_coords({name: np.arange(dataset.sizes[name]) for name in ("run", "ring", "lag")})
