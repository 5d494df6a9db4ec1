"""Dated records of what acts at the surface, in a store on the model's grid: found, checked and read by need."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import cftime
import numpy as np
import xarray as xr

from ocean_gcm.data import grid_agreement, time_axis, units
from ocean_gcm.data.climatology import to_model_kinds
from ocean_gcm.data.paths import expand
from ocean_gcm.data.quantities import PREPARED
from ocean_gcm.data.recipe import TimeRecipe
from ocean_gcm.data.series import open_dated
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.surface import SurfaceForcing
from ocean_gcm.forcing.wind import wind_stress
from ocean_gcm.grid.grid import Grid

LATENT_HEAT = 2.5e6
"""J kg-1 of evaporation (Large and Yeager 2004)."""
_USUAL_SALINITY = 34.7  # practical, where the store has none

Arrays = dict[str, np.ndarray]


def _net_heat(found: Arrays) -> np.ndarray:
    return found["rss"] + found["rls"] - found["hfls"] - found["hfss"]


def _net_water(*gains: str):
    def net(found: Arrays) -> np.ndarray:
        gained = sum(found[name] for name in gains)
        return gained - found["hfls"] / LATENT_HEAT

    return net


WAYS = {
    "wind_stress": {
        ("tauuo", "tauvo"): lambda found: (found["tauuo"], found["tauvo"]),
        ("uas", "vas"): lambda found: wind_stress(found["uas"], found["vas"]),
    },
    "heat_flux": {
        ("hfds",): lambda found: found["hfds"],
        ("rss", "rls", "hfls", "hfss"): _net_heat,
    },
    "freshwater": {
        ("wfo",): lambda found: found["wfo"],
        ("pr", "hfls", "friver"): _net_water("pr", "friver"),
        ("prra", "prsn", "hfls", "friver"): _net_water("prra", "prsn", "friver"),
        ("pr", "hfls"): _net_water("pr"),
        ("prra", "prsn", "hfls"): _net_water("prra", "prsn"),
    },
    "sst": {("tos",): lambda found: found["tos"]},
    "sss": {("sos",): lambda found: found["sos"]},
}
"""What can be made, and from which variables of a store: the first that is there counts."""
FIELDS = {
    "wind_stress": ("stress_x", "stress_y"),
    "heat_flux": ("heat_flux",),
    "freshwater": ("freshwater_flux",),
    "sst": ("sst",),
    "sss": ("sss",),
}
"""Their names in `SurfaceForcing`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """Records in order of time.

    Attributes:
      label: what messages call the store.
      dataset: opened lazily.
      grid: of the model.
      equation_of_state: kind; decides the kinds of temperature and salinity of the targets.
      ways: variables that are read, by what is made of them.
      dates: (records,) cftime dates at which they are valid.
      known: (records,) dates from which on they are known: the ends of intervals, where they are means.
    """

    label: str
    dataset: xr.Dataset
    grid: Grid
    equation_of_state: str
    ways: Mapping[str, tuple[str, ...]]
    dates: np.ndarray
    known: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Of the fields, as `SurfaceForcing` calls them."""
        return tuple(name for kind in self.ways for name in FIELDS[kind])

    @property
    def calendar(self) -> str:
        return self.dates[0].calendar

    def offsets(self, date: cftime.datetime) -> tuple[np.ndarray, np.ndarray]:
        """(records,) whole seconds from `date` to `dates` and to `known`; `date` is one of the records' calendar."""
        base = np.array([(d - self.dates[0]).total_seconds() for d in (date, *self.known)])
        return self._elapsed - round(base[0]), np.round(base[1:] - base[0]).astype(np.int64)

    @functools.cached_property
    def _elapsed(self) -> np.ndarray:
        return np.array([round((d - self.dates[0]).total_seconds()) for d in self.dates], np.int64)

    @functools.cached_property
    def usual_interval(self) -> float:
        """Seconds between two records; of a single one infinite."""
        return float(np.median(np.diff(self._elapsed))) if len(self.dates) > 1 else float("inf")

    @property
    def identity(self) -> dict[str, Any]:
        """What the records are, for whoever reads a forecast: no place on a disk."""
        source = self.dataset.attrs.get("recipe_hash", self.dataset.attrs.get("title", ""))
        text = f"{source}{dict(self.ways)}{[str(date) for date in self.dates]}"
        return {
            "data": self.dataset.attrs.get("title", "no title"),
            "variables": sorted({name for names in self.ways.values() for name in names}),
            "hash": hashlib.sha256(text.encode()).hexdigest()[:16],
        }

    def read(self, records: slice) -> Arrays:
        """(records, ny, nx) float64 by the names of `SurfaceForcing`, at their points, in the model's kinds, 0 on land.

        Reads these records alone.  Raises UserError for values that are missing in water or impossible.
        """
        needed = sorted({name for names in self.ways.values() for name in names})
        found = {name: self._variable(name, records) for name in needed}
        made: Arrays = {}
        for kind, names in self.ways.items():
            result = WAYS[kind][names](found)
            made |= dict(zip(FIELDS[kind], result if isinstance(result, tuple) else (result,), strict=True))
        made |= self._targets(made)
        for name, axis, mask in (("stress_x", -1, self.grid.mask_u), ("stress_y", -2, self.grid.mask_v)):
            if name in made:  # faces lie between the cells; beyond a wall the mask counts
                made[name] = np.where(mask[0], 0.5 * (made[name] + np.roll(made[name], -1, axis)), 0.0)
        return {name: np.where(self.grid.wet, a, 0.0) if "stress" not in name else a for name, a in made.items()}

    def _variable(self, name: str, records: slice) -> np.ndarray:
        array, label = self.dataset[name].isel(time=records), f"variable {name} of {self.label}"
        try:
            values = array.values.astype(np.float64)
        except Exception as error:  # damaged chunks: each codec raises its own
            raise UserError(f"{label} cannot be read: {' '.join(str(error).split())[:200]}") from error
        values = np.where(self.grid.wet, values, np.nan)
        missing = np.isnan(values) & self.grid.wet
        if missing.any():
            record = int(np.argwhere(missing)[0][0])
            raise UserError(
                f"{label} is missing in {int(missing[record].sum())} wet cells at {array['time'].values[record]}; "
                "expected numbers"
            )
        return units.to_model(values, self.dataset[name].attrs.get("units"), PREPARED[name].quantity, label)

    def _targets(self, made: Arrays) -> Arrays:
        """Temperature and salinity in the kinds of the equation of state."""
        salinity = made.get("sss", np.full((1, 1, 1), _USUAL_SALINITY))
        kind = str(self.dataset["sos"].attrs.get("standard_name", "")) if "sss" in made else ""
        temperature = made.get("sst", np.zeros(()))
        sst, sss = to_model_kinds(temperature, salinity, self.equation_of_state, ("", kind))
        return {name: array for name, array in (("sst", sst), ("sss", sss)) if name in made}


def open_records(
    path: str, grid: Grid, year: SurfaceForcing, equation_of_state: str, kinds: tuple[str, ...] | None = None
) -> Records:
    """Open a store that `ocean-gcm data prepare` wrote for the model's grid; nothing but coordinates is read.

    Args:
      path: Zarr store, NetCDF file or gs:// address.
      grid, equation_of_state: of the model.
      year: its repeating year, whose fields are replaced or added to.
      kinds: what is taken, of the keys of `WAYS`; None: all that acts in the model and that the store gives.

    Raises UserError for a store on another grid, without dates, with gaps or times twice, and if it does not give
    what is wanted.
    """
    dataset = open_dated(expand(path))
    label = str(path)
    if "time" not in dataset.dims or not dataset.sizes["time"]:
        raise UserError(f"the forcing {label} has no records along time")
    if "time" not in dataset.variables or not hasattr(dataset["time"].values[0], "calendar"):
        raise UserError(f"the time axis of the forcing {label} has no units such as 'days since 1950-01-01'")
    try:
        grid_agreement.require_geometry(dataset, grid.geometry, f"the forcing {label}")
    except UserError as error:
        raise UserError(f"{error}; ocean-gcm data prepare with target: kind: model puts data there") from None
    dates = dataset["time"].values
    axis = time_axis.arrange(dates, TimeRecipe(), f"the forcing {label}")
    if (np.diff(axis.order) != 1).any():
        raise UserError(f"the times of the forcing {label} do not ascend; expected records in order")
    known = dataset["time_bnds"].values[:, 1] if "time_bnds" in dataset.variables else dates
    ways = _ways(dataset, label, year, kinds)
    expected = ("time", *(d for d in dataset.dims if d in ("lat", "lon", "y", "x")))
    for name in sorted({name for names in ways.values() for name in names}):
        if set(dataset[name].dims) != set(expected):
            raise UserError(
                f"variable {name} of the forcing {label} has the dimensions {dataset[name].dims}; expected {expected}"
            )
    return Records(label, dataset.transpose("time", "lat", "y", "lon", "x", ..., missing_dims="ignore"), grid,
                   equation_of_state, ways, dates, known)  # fmt: skip


def acting(year: SurfaceForcing) -> tuple[str, ...]:
    """What acts in a model, of the keys of `WAYS`."""
    return tuple(kind for kind, names in FIELDS.items() if any(getattr(year, name) is not None for name in names))


def _ways(dataset: xr.Dataset, label: str, year: SurfaceForcing, kinds) -> dict[str, tuple[str, ...]]:
    there = acting(year)
    for kind in kinds or ():
        if kind not in there:
            raise UserError(
                f"forcing.fields contains {kind}, which does not act in the model; its section surface has "
                f"{', '.join(there) or 'nothing'}"
            )
    found = {}
    for kind in kinds or there:
        way = next((names for names in WAYS[kind] if set(names) <= set(dataset.variables)), None)
        if way is not None:
            found[kind] = way
        elif kinds is not None:
            raise UserError(f"the forcing {label} does not give {kind}: it needs {_needs(kind)}; {_holds(dataset)}")
    if not found:
        wanted = "; ".join(f"{kind} needs {_needs(kind)}" for kind in there)
        raise UserError(
            f"the forcing {label} gives nothing that acts in the model ({wanted or 'nothing acts there'}); "
            f"{_holds(dataset)}"
        )
    return found


def _needs(kind: str) -> str:
    return " or ".join(" and ".join(names) for names in WAYS[kind])


def _holds(dataset: xr.Dataset) -> str:
    held = [str(name) for name, v in dataset.data_vars.items() if "time" in v.dims and v.ndim > 2]
    return f"it holds {', '.join(held) or 'no fields along time'}"
