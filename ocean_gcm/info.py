"""What a configuration amounts to before it is run: grid, limits of the time step, memory, cost."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ocean_gcm.config import Config
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.experiment import Experiment
from ocean_gcm.grid.build import build_grid_from_config
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics.courant import gravity_wave_courant_number
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment

_INTERNAL_WAVE_SPEED = 3.0  # m s-1, first baroclinic mode of the deep ocean
_FAST_CURRENT = 2.0  # m s-1
_FAST_EDDY = 0.5  # m s-1, of quasi-geostrophic turbulence
_SPECTRAL_COURANT = 0.23  # Adams-Bashforth of third order holds up to 0.72/pi for the shortest wave
_POINT_STEPS_PER_SECOND = {"float32": 2e7, "float64": 1.2e7}  # of layers, one core of a CPU
_BYTES_PER_CELL = {"float32": 250, "float64": 500}  # state and work arrays of a forward run
_CELL_STEPS_PER_SECOND = {"float32": 5e6, "float64": 2.5e6}  # one core of a CPU


@dataclasses.dataclass(frozen=True)
class Limit:
    """Longest stable step (s) that one process allows, the smallest over the grid.

    `handled` says what the model does about it where the step may exceed it; None if it must not.
    """

    name: str
    seconds: float
    handled: str | None = None


def step_limits(grid: Grid, config: Config) -> list[Limit]:
    """Estimates of the longest time steps by linear theory, shortest spacing and largest coefficient of the grid."""
    geometry = grid.geometry
    dx, dy = geometry.dx["T"][grid.wet], geometry.dy["T"][grid.wet]
    inverse = 1.0 / dx**2 + 1.0 / dy**2
    inverse_root = float(np.sqrt(inverse).max())
    coriolis = float(np.abs(geometry.coriolis["T"][grid.wet]).max())
    gravity = gravity_wave_courant_number(grid.depth, geometry.dx["T"], geometry.dy["T"], 1.0, config.dynamics.gravity)
    limits = [
        Limit("surface gravity wave", 1.0 / gravity, "in substeps"),
        Limit(f"internal wave, {_INTERNAL_WAVE_SPEED:g} m/s", 1.0 / (_INTERNAL_WAVE_SPEED * inverse_root)),
        Limit(f"advection, {_FAST_CURRENT:g} m/s", 1.0 / (_FAST_CURRENT * float(np.maximum(1 / dx, 1 / dy).max()))),
    ]
    if coriolis > 0:
        limits.append(Limit("inertial oscillation", 1.0 / coriolis, "implicit"))
    for name, closure in config.closures.items():
        largest = 1.0
        while closure.kind == "perturbed":
            largest, closure = largest * closure.largest_factor, closure.closure
        viscosity = getattr(closure, "viscosity", None)
        if not isinstance(viscosity, float) or viscosity <= 0:
            continue
        if closure.kind in ("harmonic_viscosity", "biharmonic_viscosity"):
            # forward Euler: viscosity times the largest eigenvalue, 4 (1/dx2 + 1/dy2) or its square, is at most 2
            eigenvalue = 4.0 * inverse if closure.kind == "harmonic_viscosity" else (4.0 * inverse) ** 2
            coefficient = largest * viscosity * _scaling(grid, closure.scaling, closure.exponent)[grid.wet]
            limits.append(Limit(name, 2.0 / float((coefficient * eigenvalue).max())))
    return limits


def _scaling(grid: Grid, scaling: str, exponent: int) -> np.ndarray:
    """(ny, nx) factor of a lateral coefficient at cell centres, see `closures.classical.grid_scale`."""
    geometry = grid.geometry
    if scaling == "cos_latitude":
        return np.cos(np.radians(geometry.y["T"])) ** exponent
    if scaling == "grid_spacing":
        squared = 2.0 / (geometry.dx["T"] ** -2.0 + geometry.dy["T"] ** -2.0)
        return (squared / squared[grid.wet].max()) ** (0.5 * exponent)
    return np.ones(geometry.shape)


def describe(config: Experiment) -> dict[str, Any]:
    """Sizes, limits, memory and cost as plain data."""
    return describe_layers(config) if isinstance(config, LayersExperiment) else describe_ocean(config)


def describe_layers(config: LayersExperiment) -> dict[str, Any]:
    """See `describe`."""
    core = QuasiGeostrophy(
        config.grid.build(len(config.dynamics.layers.thickness)), config.dynamics, float(config.time.step_seconds)
    )
    nz, ny, nx = core.grid.shape
    cells, times = math.prod(core.grid.shape), config.time
    depth = float(core.thickness.sum())
    fastest = _FAST_EDDY + float(np.abs(core.flow).max())
    spacing = [length / 1e3 for length in core.grid.spacing[::-1]]
    return {
        "shape": {"nx": nx, "ny": ny, "nz": nz},
        "cells": cells,
        "wet_cells": cells,
        "wet_columns": nx * ny,
        "spacing_km": spacing * 2,
        "depth_m": [depth, depth],
        "volume_m3": depth * math.prod(core.grid.lengths),
        "time_step_seconds": times.step_seconds,
        "steps": times.require_whole_steps("time.duration", times.duration),
        "limits": [Limit(f"advection, {fastest:g} m/s", _SPECTRAL_COURANT * min(core.grid.spacing) / fastest)],
        "memory_bytes": cells * _BYTES_PER_CELL[config.precision],
        "seconds_per_simulated_year": cells
        * times.seconds_per_year
        / times.step_seconds
        / _POINT_STEPS_PER_SECOND[config.precision],
        "hash": config.hash,
    }


def describe_ocean(config: Config) -> dict[str, Any]:
    """See `describe`."""
    grid = build_grid_from_config(config.grid, config.bathymetry)
    nz, ny, nx = grid.shape
    cells = math.prod(grid.shape)
    step, times = config.time.step_seconds, config.time
    steps_per_year = times.seconds_per_year / step
    seconds_per_year = cells * steps_per_year / _CELL_STEPS_PER_SECOND[config.precision]
    geometry, wet = grid.geometry, grid.wet
    return {
        "shape": {"nx": nx, "ny": ny, "nz": nz},
        "cells": cells,
        "wet_cells": int(grid.mask.sum()),
        "wet_columns": int(wet.sum()),
        "spacing_km": [float(a[wet].min()) / 1e3 for a in (geometry.dx["T"], geometry.dy["T"])]
        + [float(a[wet].max()) / 1e3 for a in (geometry.dx["T"], geometry.dy["T"])],
        "depth_m": [float(grid.depth[wet].min()), float(grid.depth[wet].max())],
        "volume_m3": float(grid.volume.sum()),
        "time_step_seconds": step,
        "steps": times.require_whole_steps("time.duration", times.duration),
        "limits": step_limits(grid, config),
        "memory_bytes": cells * _BYTES_PER_CELL[config.precision],
        "seconds_per_simulated_year": seconds_per_year,
        "hash": config.hash,
    }


def show(config: Experiment, console: Console) -> None:
    """Print the resolved configuration and what it amounts to."""
    console.print(config.to_yaml(), markup=False, highlight=False)
    facts = describe(config)
    shape, step = facts["shape"], facts["time_step_seconds"]
    west_east, south_north, widest, longest = facts["spacing_km"]
    table = Table(title=config.name, show_header=False)
    table.add_row("grid", f"{shape['nx']} x {shape['ny']} x {shape['nz']} = {facts['cells']:,} cells")
    table.add_row("wet", f"{facts['wet_cells']:,} cells in {facts['wet_columns']:,} columns")
    table.add_row("spacing", f"x {west_east:.4g} to {widest:.4g} km, y {south_north:.4g} to {longest:.4g} km")
    table.add_row("depth", f"{facts['depth_m'][0]:.0f} to {facts['depth_m'][1]:.0f} m")
    table.add_row("steps", f"{facts['steps']:,} of {config.time.step} ({config.time.duration})")
    table.add_row("memory", f"about {facts['memory_bytes'] / 2**20:,.0f} MiB of arrays, and 500 MiB for the program")
    year = facts["seconds_per_simulated_year"]
    total = year * facts["steps"] * step / config.time.seconds_per_year
    table.add_row("cost", f"{year:,.0f} s per simulated year on one core, {_duration(total)} in all (estimate)")
    table.add_row("configuration hash", facts["hash"])
    console.print(table)
    limits = Table(title="limits of the time step (estimates)")
    for heading in ("process", "longest step", "time.step / limit", ""):
        limits.add_column(heading)
    for limit in sorted(facts["limits"], key=lambda limit: limit.seconds):
        ratio = step / limit.seconds
        verdict = "ok" if ratio <= 1 else (limit.handled or "TOO LONG")
        limits.add_row(limit.name, f"{limit.seconds:,.0f} s", f"{ratio:.2f}", verdict)
    console.print(limits)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"
