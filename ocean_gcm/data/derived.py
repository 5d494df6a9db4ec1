"""What follows from the model's fields when they are written: surface values, streamfunction, means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ocean_gcm.data.variables import MEANS
from ocean_gcm.dynamics.equation_of_state import build_equation_of_state
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics.budget import total_volume
from ocean_gcm.metrics.mixed_layer import mixed_layer_depth
from ocean_gcm.metrics.streamfunction import barotropic_streamfunction
from ocean_gcm.metrics.summary import closing_means, closing_transports

SVERDRUP = 1e6  # m3 s-1

Fields = Mapping[str, np.ndarray]


def with_vertical_velocity(grid: Grid, fields: Fields) -> dict[str, np.ndarray]:
    """`fields` with the upward velocity `w` (m s-1, at upper faces) from continuity, where it is missing."""
    fields = dict(fields)
    if "w" not in fields and {"u", "v"} <= set(fields):
        fields["w"] = vertical_velocity(grid, fields["u"], fields["v"])
    return fields


def vertical_velocity(grid: Grid, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Upward velocity at the upper faces from the divergence of u and v over the thickness at rest, m s-1.

    Shapes (..., nz, ny, nx).
    """
    geometry = grid.geometry
    east = np.asarray(u, float) * grid.thickness_u * geometry.dy["U"]
    north = np.asarray(v, float) * grid.thickness_v * geometry.dx["V"]
    convergence = _before(grid, east, -1) - east + _before(grid, north, -2) - north
    upward = np.cumsum(convergence[..., ::-1, :, :], -3)[..., ::-1, :, :]
    return (np.where(grid.mask, upward, 0.0) / geometry.area["T"]).astype(np.asarray(u).dtype)


def _before(grid: Grid, array: np.ndarray, axis: int) -> np.ndarray:
    """The neighbour to the west (axis -1) or south (axis -2); beyond a wall zeros."""
    rolled = np.roll(array, 1, axis)
    if not (grid.topology.periodic_x if axis == -1 else grid.topology.periodic_y):
        rolled[(..., slice(0, 1)) if axis == -1 else (..., slice(0, 1), slice(None))] = 0
    return rolled


def _surface(name: str):
    def of(grid: Grid, config: Any, fields: Fields, converted: Fields) -> np.ndarray | None:
        return converted[name][..., 0, :, :] if name in converted else None

    return of


def _mixed_layer_depth(grid: Grid, config: Any, fields: Fields, converted: Fields) -> np.ndarray | None:
    if not {"temperature", "salinity"} <= set(fields):
        return None
    dynamics = config.dynamics
    equation = build_equation_of_state(dynamics.equation_of_state, dynamics.reference_density)
    records = [
        mixed_layer_depth(np.asarray(equation.density(t, s, 0.0)), grid.centre_depth, grid.mask)
        for t, s in zip(fields["temperature"], fields["salinity"], strict=True)
    ]
    return np.stack(records)


def _barotropic_streamfunction(grid: Grid, config: Any, fields: Fields, converted: Fields) -> np.ndarray | None:
    if "u" not in fields:
        return None
    sverdrups = barotropic_streamfunction(np.asarray(fields["u"], float), grid.thickness_u, grid.geometry.dy["U"])
    return sverdrups * (SVERDRUP * config.dynamics.reference_density)


# by CF name: (grid, config, model fields, fields as written) -> array, or None if something is missing
DERIVED = {
    "tos": _surface("temperature"),
    "sos": _surface("salinity"),
    "mlotst": _mixed_layer_depth,
    "msftbarot": _barotropic_streamfunction,
}


def series(grid: Grid, converted: Fields) -> dict[str, np.ndarray]:
    """Numbers for each record, see `variables.SERIES`: means and the transports that the domain has room for."""
    needed = ("temperature", "salinity", "u", "v", "sea_surface_height")
    if not set(needed) <= set(converted):
        return {}
    collected: dict[str, list[float]] = {}
    for values in zip(*(np.asarray(converted[name], float) for name in needed), strict=True):
        fields = dict(zip(needed, values, strict=True))
        means = closing_means(grid, fields)
        numbers = {series_name: means[name] for name, series_name in MEANS.items()}
        numbers["volo"] = total_volume(fields["sea_surface_height"], grid.thickness, grid.geometry.area["T"])
        for name, value in {**numbers, **closing_transports(grid, fields)}.items():
            collected.setdefault(name, []).append(float(value))
    return {name: np.array(numbers) for name, numbers in collected.items()}
