"""The closing account of a run: summary.json and the same as a table."""

from __future__ import annotations

import math
import resource
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr
from rich.console import Console
from rich.table import Table

from ocean_gcm.data.variables import MEANS, TRANSPORTS

_MEANS = {
    "sst": ("degC", "mean sea surface temperature"),
    "sss": ("1e-3", "mean sea surface salinity"),
    "temperature": ("degC", "mean temperature"),
    "salinity": ("1e-3", "mean salinity"),
    "sea_surface_height": ("m", "mean sea surface height"),
    "kinetic_energy": ("m2 s-2", "mean kinetic energy"),
    "available_potential_energy": ("m2 s-2", "mean available potential energy"),
    "enstrophy": ("s-2", "mean potential enstrophy"),
    "largest_speed": ("m s-1", "largest speed"),
}
_OF_LAYERS = ("available_potential_energy", "enstrophy")
_TRANSPORTS = {
    "drake_passage": "Drake Passage transport",
    "channel": "zonal transport",
    "amoc_26n": "Atlantic overturning at 26.5N",
    "amoc_max": "largest Atlantic overturning",
    "gyre_max": "largest barotropic streamfunction",
    "gyre_min": "smallest barotropic streamfunction",
    "overturning_max": "largest overturning streamfunction",
    "overturning_min": "smallest overturning streamfunction",
}


def peak_memory_bytes() -> int:
    """Most memory in use so far: of the accelerator, or of this process where there is none."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    return int(statistics.get("peak_bytes_in_use", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def last_year(store: Path, seconds_per_year: int) -> tuple[dict[str, float], dict[str, float], float]:
    """(means, transports in Sv, days) over the records of the last year of an output store, weighted with their length.

    Empty where the store has no records.
    """
    with xr.open_zarr(store, consolidated=True, decode_times=False, chunks=None) as dataset:
        if not dataset.sizes.get("time"):
            return {}, {}, 0.0
        time = dataset["time"].values
        if "time_bnds" in dataset:
            begin, end = dataset["time_bnds"].values.T
            weight = np.where(begin >= end[-1] - seconds_per_year / 86400.0 - 1e-6, end - begin, 0.0)
        else:
            weight = (time > time[-1] - seconds_per_year / 86400.0 + 1e-6).astype(float)
        if weight.sum() == 0:
            weight[-1] = 1.0

        def average(name: str) -> float:
            return float((dataset[name].values * weight).sum() / weight.sum())

        names = {**MEANS, **{name: name for name in _OF_LAYERS}}
        means = {key: average(name) for key, name in names.items() if name in dataset}
        transports = {name: average(name) for name in TRANSPORTS if name in dataset}
    return means, transports, float(weight.sum())


def without_nan(value: Any) -> Any:
    """JSON has no NaN: null instead."""
    if isinstance(value, dict):
        return {name: without_nan(below) for name, below in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(console: Console, summary: dict[str, Any], directory: Path) -> None:
    """The summary as a table."""
    table = Table(title=f"{summary['name']}: {_years(summary['simulated_years'])} to {summary['end_date']}")
    table.add_column("quantity")
    table.add_column("value", justify="right")
    for key, (unit, wording) in _MEANS.items():
        if summary["means"].get(key) is not None:
            table.add_row(wording, f"{summary['means'][key]:.4g} {unit}")
    for key, wording in _TRANSPORTS.items():
        if summary["transports"].get(key) is not None:
            table.add_row(wording, f"{summary['transports'][key]:.1f} Sv")
    table.add_section()
    for name, budget in summary["budgets"].items():
        change, gained = budget["change"], budget["input"]
        table.add_row(f"{name}: change ({budget['unit']})", f"{change:.6g}")
        table.add_row(f"{name}: from the surface ({budget['unit']})", f"{gained:.6g}")
        table.add_row(f"{name}: residual / content", _number(budget["relative_residual"], ".1e"))
    table.add_section()
    table.add_row("largest Courant number", _number(summary["largest_courant"], ".3g"))
    table.add_row("simulated years per day", _number(summary["simulated_years_per_day"], ",.0f"))
    table.add_row("wall time", f"{summary['wall_seconds']:.0f} s ({summary['compile_seconds']:.0f} s compiling)")
    table.add_row("peak memory", f"{summary['peak_memory_bytes'] / 2**20:,.0f} MiB")
    console.print(table)
    console.print(f"written to {directory}", highlight=False)


def _years(number: float) -> str:
    return "1 year" if f"{number:.4g}" == "1" else f"{number:.4g} years"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
