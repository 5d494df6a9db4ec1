"""The closing table of a run: means and transports of its last output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics import basins, courant, kinetic_energy, means, streamfunction, transport


def closing_summary(grid: Grid, fields: Mapping[str, np.ndarray], time_step: float | None = None) -> dict:
    """`means` and `transports` of one state or mean, as numbers that JSON can hold (None where undefined).

    Args:
      grid: of the model.
      fields: temperature, salinity, u, v (nz, ny, nx) and sea_surface_height (ny, nx); optionally courant (0-d), the
        largest Courant number that the run met.
      time_step: s; without `courant` in the fields the Courant number of these fields is reported if it is given.

    Returns {"means": {sst, sss, temperature, salinity, sea_surface_height, kinetic_energy, largest_speed,
    largest_courant}, "transports": {...}} in degC, the salinity's unit, m, m2 s-2, m s-1, 1 and Sv.  A global domain
    has drake_passage, amoc_26n and amoc_max; every other re-entrant one has channel; every domain has the extremes of
    the barotropic streamfunction, gyre_max and gyre_min, and of the overturning, overturning_max and overturning_min.
    """
    fields = {name: np.asarray(array, float) for name, array in fields.items()}
    out = {"means": closing_means(grid, fields, time_step), "transports": closing_transports(grid, fields)}
    return {part: {name: _number(value) for name, value in values.items()} for part, values in out.items()}


def closing_means(grid: Grid, fields: Mapping[str, np.ndarray], time_step: float | None = None) -> dict[str, float]:
    """See `closing_summary`; volumes are those under the free surface (z*)."""
    geometry = grid.geometry
    area = geometry.area["T"] * grid.wet
    height = fields.get("sea_surface_height", np.zeros(area.shape))
    stretching = 1.0 + np.where(grid.wet, height, 0.0) / np.where(grid.wet, grid.depth, 1.0)
    volume = grid.volume * stretching
    u, v = fields["u"] * grid.mask_u, fields["v"] * grid.mask_v
    volume_u, volume_v = grid.thickness_u * geometry.area["U"], grid.thickness_v * geometry.area["V"]
    result = {
        "sst": means.area_mean(np.where(grid.wet, fields["temperature"][0], 0.0), area),
        "sss": means.area_mean(np.where(grid.wet, fields["salinity"][0], 0.0), area),
        "temperature": means.volume_mean(np.where(grid.mask, fields["temperature"], 0.0), volume),
        "salinity": means.volume_mean(np.where(grid.mask, fields["salinity"], 0.0), volume),
        "sea_surface_height": means.area_mean(np.where(grid.wet, height, 0.0), area),
        "kinetic_energy": kinetic_energy.mean_kinetic_energy(u, v, volume_u, volume_v, grid.volume),
        "largest_speed": max(np.abs(u).max(), np.abs(v).max()),
    }
    if "courant" in fields:
        result["largest_courant"] = np.max(fields["courant"])
    elif time_step is not None:
        result["largest_courant"] = courant.horizontal_courant_number(
            u, v, geometry.dx["U"], geometry.dy["V"], time_step
        )
    return result


def closing_transports(grid: Grid, fields: Mapping[str, np.ndarray]) -> dict[str, float]:
    """See `closing_summary`; Sv."""
    geometry = grid.geometry
    u, v = np.where(grid.mask_u, fields["u"], 0.0), np.where(grid.mask_v, fields["v"], 0.0)
    barotropic = streamfunction.barotropic_streamfunction(u, grid.thickness_u, geometry.dy["U"])
    overturning = streamfunction.overturning_streamfunction(v, grid.thickness_v, geometry.dx["V"])
    result = {}
    if is_global(grid):
        result.update(global_transports(grid, u, v))
    elif grid.topology.periodic_x:
        result["channel"] = transport.zonal_transport(u, grid.thickness_u, geometry.dy["U"]).mean()
    result.update(gyre_max=barotropic.max(), gyre_min=barotropic.min())
    result.update(overturning_max=overturning.max(), overturning_min=overturning.min())
    return result


def is_global(grid: Grid) -> bool:
    """True for a sphere that is whole in longitude and reaches from 60S to 50N."""
    geometry = grid.geometry
    if not (geometry.spherical and grid.topology.periodic_x):
        return False
    width = geometry.x["U"][0, -1] - 2 * geometry.x["T"][0, 0] + geometry.x["U"][0, 0]
    latitude = geometry.y["T"][:, 0]
    return bool(abs(width - 360.0) < 1e-3 and latitude[0] < -60.0 and latitude[-1] > 50.0)


def global_transports(grid: Grid, u: np.ndarray, v: np.ndarray) -> dict[str, float]:
    """drake_passage, amoc_26n and amoc_max (20N to 65N; both below 500 m) in Sv; u, v zero on land.

    What the domain's geography does not have (a continent that closes the passage) is left out.
    """
    geometry = grid.geometry
    result = {}
    passage = transport.drake_passage(geometry.x["U"], geometry.y["U"], grid.thickness_u.sum(0))
    if passage is not None:
        column, rows = passage
        result["drake_passage"] = transport.section_transport(
            u[:, :, column], grid.thickness_u[:, :, column], geometry.dy["U"][:, column], rows
        )
    overturning = atlantic_overturning(grid, v)
    latitude, faces = geometry.y["V"][:, 0], grid.levels.faces
    result["amoc_26n"] = streamfunction.overturning_at(overturning, latitude, faces)
    result["amoc_max"] = streamfunction.overturning_maximum(overturning, latitude, faces, south=20.0, north=65.0)
    return result


def atlantic_overturning(grid: Grid, v: np.ndarray) -> np.ndarray:
    """(nz + 1, ny) Sv of the Atlantic north of 34S (see `basins.atlantic_mask`), zero elsewhere."""
    geometry = grid.geometry
    mask = basins.atlantic_mask(geometry.x["T"], geometry.y["T"], grid.wet)
    return streamfunction.overturning_streamfunction(v, grid.thickness_v, geometry.dx["V"], basins.northern_faces(mask))


def _number(value) -> float | None:
    value = float(value)
    return value if np.isfinite(value) else None
