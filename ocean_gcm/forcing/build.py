"""From the configuration of the surface to the records that the model reads."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np

from ocean_gcm.climatology import zonal
from ocean_gcm.clock import DAYS_PER_YEAR
from ocean_gcm.data import climatology, units
from ocean_gcm.data.times import MIDDLE_OF_MONTHS
from ocean_gcm.errors import UserError
from ocean_gcm.forcing import analytic
from ocean_gcm.forcing import config as options
from ocean_gcm.forcing.freezing import freezing_temperature
from ocean_gcm.forcing.surface import FIELDS, SurfaceForcing
from ocean_gcm.grid.grid import Grid

_USUAL_SALINITY = 34.7  # practical; turns potential into Conservative Temperature where no salinity is given


@dataclasses.dataclass(frozen=True)
class _Records:
    """(records, ny, nx) at `times` (fractions of the year); `kind` is a CF standard name, or None if nothing is to be
    converted."""

    values: np.ndarray
    times: tuple[float, ...] = (0.5,)
    kind: str | None = None


def build_forcing(
    config: options.SurfaceConfig,
    grid: Grid,
    *,
    equation_of_state: str,
    start_fraction: float = 0.0,
    calendar: str = "noleap",
    dtype=jnp.float32,
) -> SurfaceForcing:
    """The surface of `config` on `grid`.

    Args:
      equation_of_state: kind of the equation of state; with "teos10" targets become Conservative Temperature and
        Absolute Salinity.
      start_fraction: fraction of the year at which model time is zero.
      calendar: "noleap" or "360_day".
      dtype: of all arrays.

    Raises UserError for files that cannot be used and for choices that need a sphere on a plane.
    """
    fields = {
        **_stress(config.wind_stress, grid),
        "heat_flux": _flux(config.heat_flux, grid, units.HEAT_FLUX, "surface.heat_flux"),
        "freshwater_flux": _flux(config.freshwater, grid, units.WATER_FLUX, "surface.freshwater"),
        "sst": _target(config.sst_restoring, grid, units.TEMPERATURE, "surface.sst_restoring.target"),
        "sss": _target(config.sss_restoring, grid, units.SALINITY, "surface.sss_restoring.target"),
    }
    fields, times = _at_common_times(fields)
    fields = _in_model_kinds(fields, equation_of_state)
    masks = {"stress_x": grid.mask_u[0], "stress_y": grid.mask_v[0]}
    arrays = {}
    for name in FIELDS:
        records = fields[name]
        values = None if records is None else np.where(masks.get(name, grid.wet), records.values, 0.0)
        arrays[name] = None if values is None else jnp.asarray(values, dtype)
    return SurfaceForcing(
        **arrays,
        sst_piston_velocity=_piston(config.sst_restoring, calendar, dtype),
        sss_piston_velocity=_piston(config.sss_restoring, calendar, dtype),
        record_times=times,
        start_fraction=float(start_fraction),
        days_per_year=DAYS_PER_YEAR[calendar],
    )


def _piston(restoring, calendar, dtype):
    return jnp.asarray(0.0 if restoring is None else restoring.piston_velocity(calendar), dtype)


def _stress(config: options.Stress, grid: Grid) -> dict[str, _Records | None]:
    geometry = grid.geometry
    if isinstance(config, options.NoField):
        return {"stress_x": None, "stress_y": None}
    if isinstance(config, options.FileStress):
        out = {}
        for name, variable, place in (("stress_x", config.x, "U"), ("stress_y", config.y, "V")):
            values, times, _ = climatology.read_surface(
                config.path, variable, grid, units.STRESS, place=place, missing=config.missing
            )
            out[name] = _Records(values, times)
        return out
    latitude = geometry.y["U"]
    if isinstance(config, options.ZonalField):
        _needs_sphere(grid, "surface.wind_stress", "zonal")
        return {"stress_x": _zonal(zonal.wind_stress, latitude, config.seasonal), "stress_y": None}
    if isinstance(config, options.AccStress):
        _needs_sphere(grid, "surface.wind_stress", "acc")
        along_x = analytic.acc_stress(latitude, config.amplitude)
    elif isinstance(config, options.GyreStress):
        along_x = analytic.gyre_stress(_across(grid, "U"), config.amplitude, config.gyres)
    else:
        along_x = analytic.channel_stress(_across(grid, "U"), config.amplitude)
    return {"stress_x": _Records(along_x[None]), "stress_y": None}


def _flux(config: options.Flux, grid: Grid, quantity: units.Quantity, key: str) -> _Records | None:
    if isinstance(config, options.NoField):
        return None
    if isinstance(config, options.UniformFlux):
        return _Records(np.full((1, *grid.geometry.shape), config.value))
    if isinstance(config, options.ZonalField):
        _needs_sphere(grid, key, "zonal")
        formula = zonal.heat_flux if quantity is units.HEAT_FLUX else zonal.freshwater_flux
        records = _zonal(formula, grid.geometry.y["T"], config.seasonal)
        return dataclasses.replace(records, values=_balanced(records.values, records.times, grid))
    downward = None if config.positive is None else config.positive == "down"
    values, times, _ = climatology.read_surface(
        config.path, config.variable, grid, quantity, downward=downward, missing=config.missing
    )
    return _Records(_balanced(values, times, grid) if config.balance else values, times)


def _target(restoring, grid: Grid, quantity: units.Quantity, key: str) -> _Records | None:
    if restoring is None:
        return None
    config, y = restoring.target, grid.geometry.y["T"]
    if isinstance(config, options.UniformTarget):
        return _Records(np.full((1, *y.shape), config.value))
    if isinstance(config, options.LinearTarget):
        return _Records((config.south + (config.north - config.south) * _across(grid, "T"))[None])
    if isinstance(config, options.AccTarget):
        _needs_sphere(grid, key, "acc")
        return _Records(analytic.acc_temperature(y, config.warmest)[None])
    if isinstance(config, options.ZonalField):
        _needs_sphere(grid, key, "zonal")
        formula = zonal.sea_surface_temperature if quantity is units.TEMPERATURE else zonal.sea_surface_salinity
        return dataclasses.replace(_zonal(formula, y, config.seasonal), kind="")
    values, times, standard_name = climatology.read_surface(
        config.path, config.variable, grid, quantity, missing=config.missing
    )
    return _Records(values, times, standard_name)


def _zonal(formula, latitude: np.ndarray, seasonal: bool) -> _Records:
    """The embedded climatology in twelve months, or one record where it has no seasons."""
    if seasonal:
        months = np.stack([formula(latitude, time) for time in MIDDLE_OF_MONTHS])
        if np.ptp(months, axis=0).any():
            return _Records(months, MIDDLE_OF_MONTHS)
    return _Records(formula(latitude)[None])


def _needs_sphere(grid: Grid, key: str, kind: str) -> None:
    if not grid.geometry.spherical:
        raise UserError(f"{key}.kind is {kind!r}, which needs grid.geometry = sphere, found plane")


def _across(grid: Grid, place: str) -> np.ndarray:
    """Distance from the southern edge of the domain as a fraction of its width, (ny, nx)."""
    y = grid.geometry.y
    south, north = 2 * y["T"][0, 0] - y["V"][0, 0], y["V"][-1, 0]
    return (y[place] - south) / (north - south)


def _gap_weights(times: tuple[float, ...]) -> np.ndarray:
    """Share of the year that each record stands for under cyclic linear interpolation."""
    if len(times) == 1:
        return np.ones(1)
    gaps = np.mod(np.diff(np.append(times, times[0])), 1.0)
    return 0.5 * (gaps + np.roll(gaps, 1))


def _balanced(values: np.ndarray, times: tuple[float, ...], grid: Grid) -> np.ndarray:
    """Without its mean over the ocean and the year."""
    area = np.where(grid.wet, grid.geometry.area["T"], 0.0)
    mean = (np.tensordot(_gap_weights(times), values, 1) * area).sum() / area.sum()
    return values - mean


def _at_common_times(fields: dict[str, _Records | None]) -> tuple[dict[str, _Records | None], tuple[float, ...]]:
    """All fields with several records on the union of their times, which linear interpolation leaves unchanged."""
    several = [records.times for records in fields.values() if records is not None and len(records.values) > 1]
    if not several:
        return fields, (0.5,)
    times = tuple(sorted(set().union(*several)))
    moved = {}
    for name, records in fields.items():
        if records is not None and len(records.values) > 1 and records.times != times:
            records = _Records(_interpolated(records.values, records.times, times), times, records.kind)
        moved[name] = records
    return moved, times


def _interpolated(values: np.ndarray, times: tuple[float, ...], new: tuple[float, ...]) -> np.ndarray:
    known = np.concatenate([[times[-1] - 1.0], times, [times[0] + 1.0]])
    at = np.interp(new, known, np.arange(known.size))
    lower = np.minimum(at.astype(int), known.size - 2)
    weight = (at - lower)[:, None, None]
    cyclic = np.concatenate([values[-1:], values, values[:1]])
    return (1.0 - weight) * cyclic[lower] + weight * cyclic[lower + 1]


def _in_model_kinds(fields, equation_of_state: str):
    """Targets given as potential temperature and practical salinity in the kinds of the equation of state."""
    sst, sss = fields["sst"], fields["sss"]
    converted = dict(fields)
    if sss is not None and sss.kind is not None:
        _, salinity = climatology.to_model_kinds(np.zeros(()), sss.values, equation_of_state, ("", sss.kind))
        converted["sss"] = dataclasses.replace(sss, values=salinity)
    if sst is not None and sst.kind is not None:
        # the temperature's conversion depends on salinity by some 0.02 K per g kg-1 only
        salinity, kind = np.full((1, 1, 1), _USUAL_SALINITY), ""
        if sss is not None and sss.kind is not None:
            kind = sss.kind
            salinity = sss.values if len(sst.values) > 1 else sss.values.mean(0, keepdims=True)
        temperature, _ = climatology.to_model_kinds(sst.values, salinity, equation_of_state, (sst.kind, kind))
        # climatologies reach below the freezing point where they are extrapolated
        absolute = climatology.to_model_kinds(np.zeros(()), salinity, equation_of_state, ("", kind))[1]
        temperature = np.maximum(temperature, np.asarray(freezing_temperature(absolute, equation_of_state)))
        converted["sst"] = dataclasses.replace(sst, values=temperature)
    return converted
