"""A store of forecasts with calibrated members, from one as `ocean-gcm forecast` wrote it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from rich.console import Console

from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.calibration import Calibration, calibrate
from ocean_gcm.forecasts.calibration_file import Calibrations, read_calibrations
from ocean_gcm.forecasts.statistics import parse_statistics
from ocean_gcm.forecasts.store import (
    DIMENSION,
    TRAJECTORY,
    ForecastStore,
    Layout,
    open_stored,
    output_place,
    writing,
)
from ocean_gcm.progress import PieceReport

_ALONG = (DIMENSION, "member", "lead", "quantile")


def calibrate_forecasts(
    forecasts: str | os.PathLike,
    calibration: str | os.PathLike,
    output: str | os.PathLike,
    *,
    variables: Sequence[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> xr.Dataset:
    """Calibrate the members of a store, start by start (`ocean_gcm.forecasts.calibration`).

    Args:
      forecasts: store with members, whose lead 0 stays as it is; means, deviations and quantiles are made anew.
      calibration: file of `python -m eval calibration`, from hindcasts of the same model.
      output: the store to write.
      variables: those to keep (default: all).
      resume, overwrite: go on with the store that is there, or replace it.
      console: where progress goes.

    Returns the store, opened.  Raises UserError if the calibration is one of another model, or lacks a variable or a
    lead, or if the grids differ, and if the store cannot be written.
    """
    console = console or Console(stderr=True)
    path = output_place(output, resume, overwrite)
    if os.path.realpath(path) == os.path.realpath(forecasts):
        raise UserError(f"--output is {path}, the store that is calibrated; expected another one")
    by = read_calibrations(calibration)
    source = _opened(forecasts)
    names = _names(source, variables, forecasts)
    _require_fit(source, names, by, forecasts, calibration)
    layout, starts = _layout(source, names)
    attributes = {
        **source.attrs,
        "model_fingerprint": f"{source.attrs['model_fingerprint']}+{by.fingerprint}",
        "calibration": Path(calibration).name,
    }

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    with writing(path, layout, starts, attributes, resume=resume, overwrite=overwrite, say=say) as store:
        _run(source, names, by, layout, starts, store, console)
    return xr.open_zarr(path, chunks=None, decode_timedelta=True)


def _opened(path: str | os.PathLike) -> xr.Dataset:
    """Dates as cftime, leads as they are stored."""
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    found = open_stored(path, chunks=None, decode_times=coder, decode_timedelta=False)
    if "member" not in found.dims or "model_fingerprint" not in found.attrs:
        raise UserError(f"{path} has no members; expected a store of `ocean-gcm forecast` that keeps them")
    return found


def _names(source: xr.Dataset, wanted: Sequence[str] | None, path) -> tuple[str, ...]:
    held = tuple(str(name) for name in source.data_vars if {DIMENSION, "member", "lead"} <= set(source[name].dims))
    for name in wanted or ():
        if name not in held:
            raise UserError(f"--variables has {name}; {path} has members of {', '.join(held)}")
    return tuple(wanted) if wanted else held


def _require_fit(source: xr.Dataset, names: Sequence[str], by: Calibrations, path, calibration) -> None:
    """UserError unless the calibration is one for these forecasts."""
    if (found := source.attrs["model_fingerprint"]) != by.attributes["model_fingerprint"]:
        raise UserError(
            f"{path} holds forecasts of {source.attrs.get('model')} ({found}); the calibration {calibration} was "
            f"learned from hindcasts of {by.attributes['model']} ({by.attributes['model_fingerprint']})"
        )
    for name in names:
        if name not in by.variables:
            raise UserError(
                f"the calibration {calibration} has no variable {name}; it holds {', '.join(by.variables)} (choose "
                "--variables)"
            )
        dims = tuple(d for d in source[name].dims if d not in _ALONG)
        if dims != by.dims[name] or any(source.sizes[d] != by.coordinates[d].size for d in dims):
            raise UserError(f"variable {name} of {path} lies on another grid than the calibration {calibration}")
        for dim in dims:
            here, there = source[dim].values, by.coordinates[dim].values
            if not np.allclose(here, there, rtol=1e-5, atol=1e-5 * np.abs(there).max()):
                raise UserError(f"{path} has other points along {dim} than the calibration {calibration}")
    for seconds in source.attrs["lead_seconds"]:
        if seconds > 0 and seconds not in by.leads:
            days = ", ".join(f"{lead / 86400:g}" for lead in by.leads)
            raise UserError(
                f"{path} has a lead of {seconds / 86400:g} days; the calibration {calibration} holds days {days}"
            )


def _layout(source: xr.Dataset, names: tuple[str, ...]) -> tuple[Layout, tuple[np.ndarray, np.ndarray | None]]:
    """The form of the store that the forecasts lie in, and their starts."""
    others = [n for n in source.data_vars if n not in names and set(source[n].dims) & set(_ALONG)]
    fields = source.drop_vars(others).isel({d: 0 for d in _ALONG if d in source.dims}, drop=True)
    words = [word for word in ("mean", "std") if f"{names[0]}_{word}" in source]
    words += source["quantile"].values.tolist() if "quantile" in source else []
    dates = source[DIMENSION].values
    trajectories = source[TRAJECTORY].values if TRAJECTORY in source else None
    coded = source[DIMENSION].encoding
    layout = Layout(
        fields.assign_attrs({}), names, source.sizes["member"], np.asarray(source.attrs["lead_seconds"], np.int64),
        parse_statistics(words), True, coded["units"], coded["calendar"], trajectories is not None,
        str(source[names[0]].dtype),
    )  # fmt: skip
    return layout, (dates, trajectories)


def _run(source, names, by: Calibrations, layout: Layout, starts, store: ForecastStore, console: Console) -> None:
    """All starts that are not complete."""
    dates, trajectories = starts
    done, total, leads = store.complete, len(dates), layout.leads
    if done:
        console.print(f"{done} of {total} starts are complete already", highlight=False)
    at = [dict(zip(by.leads.tolist(), by.variables[name], strict=True)) for name in names]
    with PieceReport(console, total, "forecasts calibrated", done) as progress:
        for n in range(done, total):
            store.store.reserve(1)
            counts = np.zeros(len(leads), np.int32)
            for lead, seconds in enumerate(leads.tolist()):
                fields, finite = {}, np.ones(layout.members, bool)
                for name in names:
                    fields[name] = source[name].isel({DIMENSION: n, "lead": lead}).transpose("member", ...).values
                    finite &= np.isfinite(fields[name]).reshape(layout.members, -1).any(1)
                for name, calibrations in zip(names, at, strict=True):
                    if seconds > 0:
                        fields[name] = _calibrated(fields[name], finite, calibrations[seconds])
                store.write(0, lead, fields, finite)
                counts[lead] = finite.sum()
            store.commit(dates[n : n + 1], counts[None], None if trajectories is None else trajectories[n : n + 1])
            progress.advance()


def _calibrated(members: np.ndarray, finite: np.ndarray, by: Calibration) -> np.ndarray:
    """The finite members calibrated; those that are alone stay."""
    if finite.sum() < 2:
        return members
    space = members if members.ndim == 4 else members[:, None]
    found = space.copy()
    found[finite] = calibrate(space[finite], by)
    return found.reshape(members.shape)
