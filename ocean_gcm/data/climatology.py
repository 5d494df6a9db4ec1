"""Tracers and surface fields of a climatology on the points of the model's grid."""

from __future__ import annotations

import os
from typing import Literal

import gsw
import numpy as np

from ocean_gcm.data import regridding, units
from ocean_gcm.data.reading import Source, read_variable
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.freezing import freezing_temperature
from ocean_gcm.grid.grid import Grid

Missing = Literal["error", "nearest"]
_PRACTICAL_TO_ABSOLUTE = 35.16504 / 35.0
_UPWARD = ("surface_upward_heat_flux_in_sea_water", "surface_upward_water_flux", "upward_heat_flux_in_sea_water")
_DOWNWARD = (
    "surface_downward_heat_flux_in_sea_water",
    "surface_downward_heat_flux_in_air",
    "surface_downward_water_flux",
    "water_flux_into_sea_water",
)


def read_tracers(
    path: str | os.PathLike,
    grid: Grid,
    *,
    temperature: str,
    salinity: str,
    record: int | Literal["mean"] = "mean",
    equation_of_state: str = "teos10",
    missing: Missing = "error",
) -> dict[str, np.ndarray]:
    """`temperature` and `salinity` (nz, ny, nx) float64 on the grid, 0 on land, in the model's kinds of both.

    Linear in depth (at the centres of full levels), in the horizontal the file's own values where the points coincide,
    means over cells on a coarser grid, bilinear otherwise.  Potential, Conservative or in-situ temperature and
    practical or Absolute Salinity are told apart by the standard name (potential and practical unless it says
    otherwise).  Water colder than its freezing point at the surface is warmed to it.

    Args:
      record: which record of a time axis (0 is the first), or the mean of all.
      equation_of_state: with "teos10" the results are Conservative Temperature and Absolute Salinity.
      missing: "nearest" takes the nearest value of the same level, or the one above, for wet cells that the file does
        not know; "error" refuses.

    Raises UserError as `read_variable` does, for wrong units, and for missing values.
    """
    sources = {}
    for kind, name in (("temperature", temperature), ("salinity", salinity)):
        source = read_variable(path, name, spherical=grid.geometry.spherical)
        if source.depth is None:
            raise UserError(f"{source.label} has no depth axis; expected a field of (depth, y, x)")
        sources[kind] = source
    values = {
        "temperature": _tracer(sources["temperature"], units.TEMPERATURE, grid, record, missing),
        "salinity": _tracer(sources["salinity"], units.SALINITY, grid, record, missing),
    }
    wet = grid.mask
    empty = wet & (values["temperature"] == 0) & (values["salinity"] == 0)
    if empty.any():
        raise UserError(
            f"{sources['salinity'].label} and the temperature are both 0 at {_location(empty, grid)}, which is wet in "
            "the model: is 0 the file's land?"
        )
    kinds = (sources["temperature"].standard_name, sources["salinity"].standard_name)
    pressure = gsw.p_from_z(-grid.levels.centres[:, None, None], _latitude(grid))
    t, s = to_model_kinds(values["temperature"], values["salinity"], equation_of_state, kinds, pressure)
    t = np.maximum(t, np.asarray(freezing_temperature(s, equation_of_state)))
    return {"temperature": np.where(wet, t, 0.0), "salinity": np.where(wet, s, 0.0)}


def read_tracer_records(
    path: str | os.PathLike, grid: Grid, *, temperature: str, salinity: str, **options
) -> tuple[dict[str, np.ndarray], tuple[float, ...]]:
    """`read_tracers` of all records of a climatology: (records, nz, ny, nx) by name, and their fractions of the year.

    Raises UserError as `read_tracers` does, and for a file without several records.
    """
    source = read_variable(path, temperature, spherical=grid.geometry.spherical)
    if len(source.values) < 2:
        raise UserError(f"{source.label} has one record; expected the records of a year, such as 12 months")
    found = [
        read_tracers(path, grid, temperature=temperature, salinity=salinity, record=record, **options)
        for record in range(len(source.values))
    ]
    return {name: np.stack([fields[name] for fields in found]) for name in found[0]}, source.times


def to_model_kinds(temperature, salinity, equation_of_state: str, standard_names=("", ""), pressure=0.0):
    """Temperature and salinity in the kinds that the equation of state takes.

    "teos10": Conservative Temperature and Absolute Salinity (SA = SP 35.16504/35, without the regional anomaly);
    otherwise potential temperature and practical salinity.  `pressure` (dbar) matters for in-situ temperature only.
    """
    kind, salinity_kind = standard_names
    absolute = salinity if "absolute" in salinity_kind else salinity * _PRACTICAL_TO_ABSOLUTE
    if "conservative" in kind:
        conservative, potential = temperature, None
    else:
        insitu = kind == "sea_water_temperature" and np.any(np.asarray(pressure) > 0)
        potential = gsw.pt0_from_t(absolute, temperature, pressure) if insitu else temperature
        conservative = None
    if equation_of_state == "teos10":
        return (gsw.CT_from_pt(absolute, potential) if conservative is None else conservative), absolute
    return (gsw.pt_from_CT(absolute, conservative) if potential is None else potential), (
        absolute / _PRACTICAL_TO_ABSOLUTE
    )


def read_surface(
    path: str | os.PathLike,
    variable: str,
    grid: Grid,
    quantity: units.Quantity,
    *,
    place: str = "T",
    downward: bool | None = None,
    missing: Missing = "error",
) -> tuple[np.ndarray, tuple[float, ...], str]:
    """Records of a surface field (records, ny, nx) at T, U or V points, 0 on land; their times; the standard name.

    Args:
      downward: for fluxes, whether the file's are positive into the ocean; None takes it from the standard name.
        Ignored for other quantities.

    Raises UserError as `read_variable` does, and for wrong units, an unknown direction of a flux, missing values.
    """
    source = read_variable(path, variable, spherical=grid.geometry.spherical)
    values = source.converted(quantity)
    if values.shape[1] != 1 and quantity in (units.TEMPERATURE, units.SALINITY):
        values = values[:, :1]  # the uppermost level of a three-dimensional climatology
    if values.shape[1] != 1:
        raise UserError(f"{source.label} has a depth axis; expected a surface field")
    if quantity in (units.HEAT_FLUX, units.WATER_FLUX):
        values = values * _sign(source, downward)
    mask = {"T": grid.mask, "U": grid.mask_u, "V": grid.mask_v}[place][0]
    points = regridding.to_points(values[:, 0], source.x, source.y, grid.geometry, place, mask, source.label)
    if missing == "nearest":
        points = np.stack([regridding.fill_from_nearest(record, mask, grid.geometry, place) for record in points])
    _refuse_missing(points, mask, source.label, grid, place)
    return np.where(mask, points, 0.0), source.times or (0.5,), source.standard_name


def _sign(source: Source, downward: bool | None) -> float:
    by_name = {**dict.fromkeys(_UPWARD, False), **dict.fromkeys(_DOWNWARD, True)}.get(source.standard_name)
    if downward is None and by_name is None:
        raise UserError(
            f"{source.label} has the standard name {source.standard_name!r}, which does not tell whether the flux is "
            "positive into or out of the ocean; expected one such as 'surface_downward_heat_flux_in_sea_water' or the "
            "setting positive: down or up"
        )
    if downward is not None and by_name is not None and downward != by_name:
        raise UserError(
            f"{source.label} has the standard name {source.standard_name!r}, but the setting says positive: "
            f"{'down' if downward else 'up'}; expected them to agree"
        )
    return 1.0 if (by_name if downward is None else downward) else -1.0


def _tracer(source: Source, quantity, grid: Grid, record, missing: Missing) -> np.ndarray:
    values = source.converted(quantity)
    if record == "mean":
        values = values.mean(0)
    elif not 0 <= record < values.shape[0]:
        raise UserError(f"record {record} of {source.label} was asked for; it has {values.shape[0]} (0 is the first)")
    else:
        values = values[record]
    values = regridding.to_depths(values, source.depth, grid.levels.centres)
    values = regridding.to_points(values, source.x, source.y, grid.geometry, "T", grid.wet, source.label)
    if missing == "nearest":
        filled = []
        for level, mask in zip(values, grid.mask, strict=True):
            level = regridding.fill_from_nearest(level, mask, grid.geometry)
            filled.append(np.where(np.isnan(level) & bool(filled), filled[-1], level) if filled else level)
        values = np.stack(filled)
    _refuse_missing(values, grid.mask, source.label, grid, "T")
    return np.where(grid.mask, values, 0.0)


def _refuse_missing(values: np.ndarray, mask: np.ndarray, label: str, grid: Grid, place: str) -> None:
    holes = np.isnan(values) & mask
    if holes.any():
        raise UserError(
            f"{label} is missing at {holes.sum()} wet points of the grid, first at {_location(holes, grid, place)}; "
            "expected a value there (missing: nearest fills such points)"
        )


def _location(where: np.ndarray, grid: Grid, place: str = "T") -> str:
    first, j, i = np.argwhere(where)[0]
    x, y = grid.geometry.x[place][j, i], grid.geometry.y[place][j, i]
    names = ("longitude", "latitude") if grid.geometry.spherical else ("x", "y")
    return f"{names[0]} {x:g}, {names[1]} {y:g}, {'level' if where.shape == grid.shape else 'record'} {first}"


def _latitude(grid: Grid) -> np.ndarray:
    return grid.geometry.y["T"] if grid.geometry.spherical else np.full(grid.geometry.shape, 45.0)
