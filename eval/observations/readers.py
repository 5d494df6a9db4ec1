"""Profiles, drifters and along-track values of CF discrete sampling geometries (CF conventions, chapter 9).

Variables are found by their standard names.  Arrays may be orthogonal (profile, depth), incomplete (a depth for each
value, padded), or ragged (a count or an index of the instances).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import gsw
import numpy as np
import xarray as xr

from eval.observations.samples import Observations
from ocean_gcm.data import units
from ocean_gcm.data.output import SALINITY_RATIO
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.errors import UserError

DROGUE = 15.0
"""m; depth of drifters whose file does not say it (Lumpkin and Pazos 2007)."""
GOOD = ("1", "2")
"""Quality flags of Argo, GTSPP and SeaDataNet that are kept: good and probably good."""


@dataclasses.dataclass(frozen=True)
class Variable:
    """What can be compared.

    Attributes:
      standard_names: of the observation; the first that a file has is read.
      names: of variables without a standard name.
      quantity: units and limits.
      title, unit: for tables.
      surface: True where the depth is 0 whatever the file says.
    """

    standard_names: tuple[str, ...]
    names: tuple[str, ...]
    quantity: units.Quantity
    title: str
    unit: str
    surface: bool = False


VARIABLES = {
    "thetao": Variable(
        ("sea_water_potential_temperature", "sea_water_conservative_temperature", "sea_water_temperature"),
        ("thetao", "TEMP", "temp"), units.TEMPERATURE, "temperature", "K",
    ),
    "so": Variable(
        ("sea_water_practical_salinity", "sea_water_salinity", "sea_water_absolute_salinity"),
        ("so", "PSAL", "psal"), units.SALINITY, "salinity", "1e-3",
    ),
    "tos": Variable(
        ("sea_surface_temperature",), ("tos", "sst"), units.TEMPERATURE, "sea surface temperature", "K", True
    ),
    "uo": Variable(("eastward_sea_water_velocity",), ("uo", "ve"), units.VELOCITY, "eastward velocity", "m s-1"),
    "vo": Variable(("northward_sea_water_velocity",), ("vo", "vn"), units.VELOCITY, "northward velocity", "m s-1"),
    "zos": Variable(
        ("sea_surface_height_above_geoid",), ("zos", "adt"), units.SEA_LEVEL, "sea level", "m", True
    ),
    "sla": Variable(
        ("sea_surface_height_above_sea_level", "sea_surface_height_above_mean_sea_level"),
        ("sla",), units.SEA_LEVEL, "sea level anomaly", "m", True,
    ),
}  # fmt: skip
_COORDINATES = {
    "longitude": ("lon", "longitude", "LONGITUDE"),
    "latitude": ("lat", "latitude", "LATITUDE"),
    "time": ("time", "TIME", "JULD"),
}


def read_observations(path: str | Path, label: str) -> Observations:
    """All values of the file that `VARIABLES` knows; temperature becomes potential, salinity practical.

    Raises UserError for a file without coordinates or known variables, with impossible values, or without any value.
    """
    where = Path(str(path)).name
    with open_dataset(path) as raw:
        try:
            dataset = _adjusted(_instances_repeated(xr.decode_cf(raw), where))
        except (ValueError, OverflowError) as error:
            raise UserError(f"the times of {where} cannot be decoded: {str(error).splitlines()[0]}") from None
        named = {key: name for key, v in VARIABLES.items() if (name := _find(dataset, v.standard_names, v.names))}
        if not named:
            known = ", ".join(v.standard_names[0] for v in VARIABLES.values())
            raise UserError(f"{where} has no variable with one of the standard names {known}")
        found = {key: dataset[name] for key, name in named.items()}
        coordinates = _coordinates(dataset, where, found)
        broadcast = xr.broadcast(*found.values(), *coordinates.values())
        flat = [array.values.ravel() for array in broadcast]
    values = {
        key: _converted(array, found[key], VARIABLES[key], f"variable {named[key]!r} of {where}")
        for key, array in zip(found, flat, strict=False)
    }
    for key, name in named.items():
        values[key] = np.where(_good(dataset, name, broadcast[0]), values[key], np.nan)
    lon, lat, time, depth = flat[len(found) :]
    if not np.issubdtype(time.dtype, np.datetime64):
        raise UserError(f"the times of {where} are {time.dtype} values; expected dates of the Gregorian calendar")
    return _checked(Observations(label, lon, lat, time, depth, values), found, where)


def _checked(raw: Observations, found: dict[str, xr.DataArray], where: str) -> Observations:
    """Without what lacks a place, a time or a value; temperature and salinity in the kinds of CMIP."""
    values = _kinds(raw, {key: str(array.attrs.get("standard_name", "")) for key, array in found.items()})
    lon, lat, depth = (np.asarray(a, float) for a in (raw.lon, raw.lat, raw.depth))
    placed = np.isfinite(lon) & np.isfinite(lat) & np.isfinite(depth) & ~np.isnat(raw.time)
    for name, array, limit in (("latitude", lat, 90.0), ("longitude", lon, 720.0)):
        if placed.any() and np.abs(array[placed]).max() > limit + 1e-6:
            worst = array[placed][np.argmax(np.abs(array[placed]))]
            raise UserError(f"{where} has the {name} {worst:g}; expected degrees, at most {limit:g}")
    kept = placed & np.any([np.isfinite(array) for array in values.values()], 0)
    if not kept.any():
        raise UserError(f"{where} holds no value with a place, a time and a good quality flag")
    values = {key: array[kept] for key, array in values.items()}
    return Observations(
        raw.label, lon[kept] % 360.0, lat[kept], raw.time[kept].astype("datetime64[s]"), depth[kept], values
    )


def _find(dataset: xr.Dataset, standard_names, names) -> str | None:
    """The variable with the first of the standard names, else with one of the names."""
    for wanted in standard_names:
        for name, variable in dataset.variables.items():
            if variable.attrs.get("standard_name") == wanted:
                return str(name)
    return next((name for name in names if name in dataset.variables), None)


def _coordinates(dataset: xr.Dataset, where: str, found: dict[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Longitude, latitude, time and depth as arrays that broadcast against the variables."""
    out = {}
    for standard_name, names in _COORDINATES.items():
        name = _find(dataset, (standard_name,), names)
        if name is None:
            raise UserError(f"{where} has no {standard_name} (a variable with that standard name)")
        out[standard_name] = dataset[name].variable
    depth = _depth(dataset, where, out["latitude"], all(VARIABLES[key].surface for key in found), found)
    arrays = {**out, "depth": depth}
    return {name: xr.DataArray(variable.data, dims=variable.dims) for name, variable in arrays.items()}


def _depth(dataset: xr.Dataset, where: str, latitude: xr.Variable, surface: bool, found) -> xr.Variable:
    if surface:
        return xr.Variable((), 0.0)
    name = _find(dataset, ("depth",), ("depth", "DEPTH"))
    if name is not None:
        label = f"coordinate {name!r} of {where}"
        values = units.to_model(
            np.asarray(dataset[name].values, float), dataset[name].attrs.get("units"), units.DEPTH, label
        )
        upward = str(dataset[name].attrs.get("positive", "down")).lower() == "up"
        return xr.Variable(dataset[name].dims, -values if upward else values)
    name = _find(dataset, ("sea_water_pressure",), ("PRES", "pressure"))
    if name is not None:
        pressure = xr.DataArray(dataset[name].values.astype(float), dims=dataset[name].dims)
        if (flags := _flags(dataset, name)) is not None:
            pressure = pressure.where(flags.isin(GOOD))
        pressure, here = xr.broadcast(pressure, xr.DataArray(latitude.data, dims=latitude.dims))
        return xr.Variable(pressure.dims, -gsw.z_from_p(pressure.values, here.values))
    if {"uo", "vo"} & set(found):
        return xr.Variable((), DROGUE)
    raise UserError(
        f"{where} has no depth and no pressure (variables with the standard names depth, sea_water_pressure)"
    )


def _instances_repeated(dataset: xr.Dataset, where: str) -> xr.Dataset:
    """Ragged arrays as flat ones: what is given once per profile or drifter is repeated for each of its values."""
    for name, variable in dataset.variables.items():
        if "sample_dimension" in variable.attrs:
            sample, instance = variable.attrs["sample_dimension"], variable.dims[0]
            counts = np.nan_to_num(np.asarray(variable.values, float)).astype(int)
            if sample not in dataset.dims or counts.sum() != dataset.sizes[sample]:
                raise UserError(
                    f"{name!r} of {where} adds up to {counts.sum()} values, but the dimension {sample!r} has "
                    f"{dataset.sizes.get(sample, 0)}"
                )
            index = np.repeat(np.arange(len(counts)), counts)
        elif "instance_dimension" in variable.attrs:
            instance, sample = variable.attrs["instance_dimension"], variable.dims[0]
            index = np.asarray(variable.values, int)
        else:
            continue
        per_instance = [n for n, v in dataset.variables.items() if v.dims == (instance,) and n != name]
        repeated = {n: (sample, dataset[n].values[index], dataset[n].attrs) for n in per_instance}
        return dataset.drop_vars([*per_instance, name]).assign(repeated)
    return dataset


def _converted(values: np.ndarray, array: xr.DataArray, variable: Variable, label: str) -> np.ndarray:
    if not np.issubdtype(values.dtype, np.number):
        raise UserError(f"{label} holds {values.dtype} values; expected numbers")
    return units.to_model(values.astype(np.float64), array.attrs.get("units"), variable.quantity, label)


def _good(dataset: xr.Dataset, name: str, like: xr.DataArray) -> np.ndarray | bool:
    """Where the quality flag of a variable is good; everywhere without one."""
    flags = _flags(dataset, name)
    if flags is None:
        return True
    return flags.isin(GOOD).broadcast_like(like).transpose(*like.dims).values.ravel()


def _flags(dataset: xr.Dataset, name: str) -> xr.DataArray | None:
    """The quality flags NAME_qc (or NAME_QC) as text."""
    flag = next((n for n in (f"{name}_qc", f"{name}_QC", f"{name}_quality") if n in dataset.variables), None)
    if flag is None:
        return None
    variable = dataset[flag].variable
    text = np.char.strip(variable.values.astype("U8"))
    if np.issubdtype(variable.dtype, np.number):
        text = np.where(np.isnan(variable.values.astype(float)), "", text)
        text = np.char.replace(text, ".0", "")
    return xr.DataArray(text, dims=variable.dims)


def _adjusted(dataset: xr.Dataset) -> xr.Dataset:
    """Variables of Argo with their adjusted values and flags where there are some.

    Where the data mode is R (real time) nothing has been adjusted; where it is A or D the adjusted values count alone,
    and one that is missing there was found bad (Argo user's manual, doi:10.13155/29825).  Without a data mode profiles
    that have any adjusted value count as adjusted.
    """
    modes = next((n for n in ("DATA_MODE", "data_mode") if n in dataset.variables), None)
    pairs = [(name, f"{name}{end}") for name in dataset.variables for end in ("_ADJUSTED", "_adjusted")]
    changed, dropped = {}, []
    for name, better in pairs:
        if better not in dataset.variables:
            continue
        values, new = (xr.DataArray(dataset[n].values, dims=dataset[n].dims) for n in (name, better))
        if modes is not None:
            text = np.char.strip(dataset[modes].values.astype("U8"))
            used = xr.DataArray(np.isin(text, ("A", "D")), dims=dataset[modes].dims)
        else:
            used = new.notnull() if new.ndim < 2 else new.notnull().any(new.dims[-1])
        changed[name] = (values.dims, xr.where(used, new, values).transpose(*values.dims).data, dataset[name].attrs)
        dropped += [n for n in dataset.variables if str(n).startswith(better)]
        flags, of_new = _flags(dataset, name), _flags(dataset, better)
        if of_new is not None:
            dropped += [n for n in dataset.variables if n == f"{name}_qc"]  # the merged flags are NAME_QC
            kept = xr.full_like(of_new, GOOD[0]) if flags is None else flags
            changed[f"{name}_QC"] = (values.dims, xr.where(used, of_new, kept).transpose(*values.dims).data)
    return dataset.drop_vars(dropped).assign(changed)


def _kinds(raw: Observations, kinds: dict[str, str]) -> dict[str, np.ndarray]:
    """Potential temperature and practical salinity, by TEOS-10 (SA = SP 35.16504/35)."""
    values = dict(raw.values)
    absolute = None
    if "so" in values:
        is_absolute = "absolute" in kinds["so"]
        absolute = values["so"] if is_absolute else values["so"] * SALINITY_RATIO
        values["so"] = absolute / SALINITY_RATIO
    kind = kinds.get("thetao", "")
    if kind in ("sea_water_temperature", "sea_water_conservative_temperature"):
        # where salinity is missing that of mean sea water changes the result by less than 0.01 K
        salinity = SALINITY_RATIO * 35.0 if absolute is None else np.where(np.isfinite(absolute), absolute, 35.165)
        if kind == "sea_water_temperature":
            pressure = gsw.p_from_z(-np.asarray(raw.depth, float), np.asarray(raw.lat, float))
            values["thetao"] = gsw.pt0_from_t(salinity, values["thetao"], np.maximum(pressure, 0.0))
        else:
            values["thetao"] = gsw.pt_from_CT(salinity, values["thetao"])
    return values
