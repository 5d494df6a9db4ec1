"""`ocean-gcm coarsen`: a fine run as the truth of a coarse model, one Zarr of the form of a run's output."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ocean_gcm import __version__
from ocean_gcm.config import Config, config_from_dict
from ocean_gcm.data import grid_agreement, output
from ocean_gcm.data.series import CONFIGURATION, PROGNOSTIC, Series, open_series
from ocean_gcm.data.variables import VARIABLES
from ocean_gcm.data.zarr_store import GrowingStore
from ocean_gcm.errors import UserError
from ocean_gcm.grid.build import build_geometry, build_grid_from_config
from ocean_gcm.grid.coarsening import Coarsening, coarse_grid
from ocean_gcm.grid.grid import Grid
from ocean_gcm.run_directory import provenance
from ocean_gcm.validation import suggestion

_WORKING_BYTES = 128e6  # of one chunk of records in float64
_COPIES = 4  # arrays of the size of the fine fields that exist at a time


def coarsen(
    run: str | Path,
    target: str | Path,
    factor: int,
    *,
    layers: int = 1,
    wet_fraction: float = 0.5,
    variables: Iterable[str] | None = None,
    config: Config | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Write the conservative means of a fine run over blocks of `factor` x `factor` columns to the Zarr store `target`.

    See `ocean_gcm.grid.coarsening` for what is conserved.  Memory does not grow with the length of the run.

    Args:
      run: run directory, or a Zarr store or NetCDF file of the form of a run's output.
      target: appears when it is complete.
      factor, layers: cells of a block along x and y, and layers that become one.
      wet_fraction: smallest part of water of a wet coarse cell.
      variables: CF names to write; default: those that `run` has.  What is no state (wo, tos, mlotst, ...) is derived
        from the coarse fields.
      config: of the coarse model; its domain, levels and mask must be those of the blocks, its bottom cells count.
      overwrite: replace what lies at `target`.
      progress: called with the number of records done and that of all.

    Returns {"records", "shape" (nz, ny, nx), "lost_volume" (part of the fine volume in coarse land)}.

    Raises UserError for data that cannot be used, a factor that does not divide the grid, a configuration that does not
    agree, a variable that cannot be made, and a store that exists or cannot be written.
    """
    target = Path(target)
    if target.exists() and not overwrite:
        raise UserError(f"{target} exists; --overwrite replaces it")
    series = open_series(run)
    coarse_config = coarse_configuration(series.config, factor, layers, series.label)
    blocks = build_coarsening(series, coarse_config, factor, layers, wet_fraction, config)
    names = _names(series, variables)
    attributes = _attributes(series, coarse_config, factor, layers, wet_fraction)
    draft = target.with_name(f".{target.name}-{uuid.uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(series, blocks, coarse_config, names, attributes, draft, progress)
        if target.exists():
            shutil.rmtree(target)
        draft.rename(target)
    except OSError as error:
        raise UserError(f"{target} could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return {"records": len(series), "shape": blocks.coarse.shape, "lost_volume": blocks.lost_fraction()}


def coarse_configuration(fine: Config, factor: int, layers: int, label: str) -> Config:
    """The configuration `fine` with the grid of the blocks.  Raises UserError if they do not divide the fine grid."""
    thickness = fine.grid.levels.build().thickness
    for what, number, size in (
        ("--factor", factor, fine.grid.nx),
        ("--factor", factor, fine.grid.ny),
        ("--levels", layers, len(thickness)),
    ):
        if number < 1 or size % number:
            grid = f"{fine.grid.nx} x {fine.grid.ny} cells and {len(thickness)} levels"
            raise UserError(f"{what} is {number}; expected a divisor of the grid of {label}, {grid}")
    tree = fine.model_dump(mode="json")
    tree["grid"].update(nx=fine.grid.nx // factor, ny=fine.grid.ny // factor)
    if layers > 1:
        merged = thickness.reshape(-1, layers).sum(1).tolist()
        tree["grid"]["levels"] = {"thickness": merged}
    return config_from_dict(tree, f"the coarse grid of {label}")


def build_coarsening(
    series: Series,
    coarse_config: Config,
    factor: int,
    layers: int,
    wet_fraction: float,
    given: Config | None = None,
) -> Coarsening:
    """The operators from the grid of `series` to that of `coarse_config`, or of `given`, which must agree with it.

    Raises UserError if it does not, and if no water is left.
    """
    if not 0 <= wet_fraction <= 1:
        raise UserError(f"--wet-fraction is {wet_fraction:g}; expected a number from 0 to 1")
    geometry = build_geometry(coarse_config.grid)
    blocks = coarse_grid(series.grid, geometry, factor, layers, wet_fraction)
    if not blocks.wet.any():
        raise UserError(f"no block of {factor} x {factor} cells of {series.label} has water enough to be wet")
    if given is not None:
        _require_agreement(series, coarse_config, blocks, given)
        blocks = build_grid_from_config(given.grid, given.bathymetry)
    return Coarsening(series.grid, blocks, factor, layers)


def _require_agreement(series: Series, coarse_config: Config, blocks: Grid, given: Config) -> None:
    label = f"the coarsened {series.label}"
    grid = build_grid_from_config(given.grid, given.bathymetry)
    for key in ("geometry", "periodic_x", "periodic_y"):
        found, expected = getattr(coarse_config.grid, key), getattr(given.grid, key)
        if found != expected:
            raise UserError(f"{label} has grid.{key} = {found}; the configuration {given.name} has {expected}")
    if given.time.calendar != coarse_config.time.calendar:
        raise UserError(
            f"{label} has time.calendar = {coarse_config.time.calendar}; the configuration {given.name} has "
            f"{given.time.calendar}"
        )
    described = output.static_dataset(blocks, coarse_config)
    grid_agreement.require_geometry(described, grid.geometry, label)
    grid_agreement.require_levels(described, grid.levels, label)
    grid_agreement.require_mask(blocks.mask, grid, label)


def _names(series: Series, variables: Iterable[str] | None) -> list[str]:
    known = [*VARIABLES, *series.config.tracers]
    if variables is None:
        return [name for name in known if name in series.dataset]
    for name in variables:
        if name not in known:
            raise UserError(f"--variables contains {name!r}; {suggestion(name, known)}")
    return list(variables)


def _attributes(series: Series, coarse_config: Config, factor: int, layers: int, wet_fraction: float) -> dict[str, Any]:
    """What the store says about where its numbers come from."""
    made_by = provenance()
    return {
        "configuration_hash": coarse_config.hash,
        "record_kind": "mean" if series.is_mean else "snapshot",
        CONFIGURATION: coarse_config.to_yaml(),
        "fine_configuration": series.config.to_yaml(),
        "fine_configuration_hash": series.config.hash,
        "coarsening_factor": factor,
        "coarsening_layers": layers,
        "coarsening_wet_fraction": float(wet_fraction),
        "ocean_gcm_version": __version__,
        "ocean_gcm_commit": made_by.get("commit", "unknown"),
        "history": f"conservative means over {factor} x {factor} columns and {layers} layer(s), ocean-gcm coarsen",
    }


def _write(series, blocks, config, names, attributes, path, progress) -> None:
    """Records in chunks that fit into the working memory."""
    present = [name for name in (*PROGNOSTIC, *config.tracers) if name in series.available]
    series.require(present)
    cells = int(np.prod(series.grid.shape))
    chunk = int(np.clip(_WORKING_BYTES // (8 * cells * _COPIES), 1, 64))
    static = output.static_dataset(blocks.coarse, config)
    store = None
    for begin in range(0, len(series), chunk):
        records = _records(series, blocks, config, names, present, slice(begin, min(begin + chunk, len(series))))
        if store is None:
            template = static.merge(records, combine_attrs="override")
            store = GrowingStore.create(path, template, attributes, config.output.precision)
        store.append(records)
        progress(store.records, len(series))


def _records(series, blocks, config, names, present, chosen: slice) -> xr.Dataset:
    fields = blocks(series.fields(chosen, present))
    times = series.seconds()[chosen].astype(float)
    bounds = series.seconds("time_bnds")[chosen].astype(float) if series.is_mean else None
    records = output.records(blocks.coarse, config, fields, times, bounds, names)
    for name in names:
        if name not in records:
            raise UserError(
                f"variable {name!r} cannot be made from {series.label}, which has {', '.join(present) or 'no state'}"
            )
    return records
