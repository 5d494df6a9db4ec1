"""Where prepared data go: the grid of a model, with its land, floor and points, or cells of longitude and latitude."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import gsw
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ocean_gcm.config import Config, load_config
from ocean_gcm.data import output
from ocean_gcm.data.climatology import to_model_kinds
from ocean_gcm.data.quantities import PREPARED
from ocean_gcm.data.recipe import ModelGrid, RegularGrid
from ocean_gcm.data.variables import MODEL_FIELDS, VARIABLES
from ocean_gcm.encoding.analysis import layers
from ocean_gcm.encoding.boxes import Boxes, Intervals, area_coordinate, model_boxes
from ocean_gcm.encoding.decoder import LEAST_WATER
from ocean_gcm.encoding.extension import Extension, build_extension
from ocean_gcm.encoding.remapping import LEAST_SHARE, Remapping, build_remapping
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.freezing import freezing_temperature
from ocean_gcm.grid.build import build_grid_from_config
from ocean_gcm.grid.grid import Grid

_LEAST_KNOWN = 0.5
"""Part of a model's ocean that a source must know at the surface."""

_MODEL_NAMES = {cf: name for name, v in MODEL_FIELDS.items() for cf, w in VARIABLES.items() if w is v}


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """From the levels of a source, above each target box, to the target.

    Attributes:
      remapping: along the vertical; None for fields of the surface.
      extension: into water that the source does not know; None: such water stays unknown.
      known: (nz, ny, nx) or (ny, nx) where the source knows something.
      wet: where there are values in the end, likewise.
    """

    remapping: Remapping | None
    extension: Extension | None
    known: np.ndarray
    wet: np.ndarray

    def __call__(self, means: np.ndarray) -> np.ndarray:
        """(records, levels, ny, nx) means over boxes, NaN on land, to (records, nz, ny, nx) or (records, ny, nx), NaN
        where there are no values."""
        values = np.asarray(_down(self.remapping, self.extension, jnp.asarray(np.nan_to_num(means), jnp.float32)))
        return np.where(self.wet, values if self.wet.ndim == 3 else values[:, 0], np.nan)


@jax.jit
def _down(remapping: Remapping | None, extension: Extension | None, means: jax.Array) -> jax.Array:
    values = means if remapping is None else remapping(means)
    return values if extension is None else extension(values)


class ModelTarget:
    """The grid of a model; see `target_of`."""

    def __init__(self, settings: ModelGrid):
        self.config: Config = load_config(settings.config, settings.overrides)
        self.settings = settings
        if self.config.grid.geometry != "sphere":
            raise UserError(f"{settings.config} has a plane; expected grid.geometry: sphere for data of the Earth")
        self.grid: Grid = build_grid_from_config(self.config.grid, self.config.bathymetry)
        self.calendar: str | None = self.config.time.calendar
        self.equation_of_state = self.config.dynamics.equation_of_state.kind

    def describe(self) -> str:
        nz, ny, nx = self.grid.shape
        return f"the grid of {self.config.name}, {nx} x {ny} x {nz} cells"

    def boxes(self, name: str) -> Boxes:
        """Boxes that the values of a variable are means over."""
        boxes = model_boxes(self.grid, PREPARED[name].variable.place)
        return boxes if PREPARED[name].variable.levels else boxes.at_the_surface()

    def columns(self, name: str, levels: Intervals | None, share: np.ndarray, wet: np.ndarray, label: str) -> Columns:
        """How a variable with `levels` goes on from its means over boxes.

        Args:
          share, wet: (levels, ny, nx) part of each box that counts, and where the source has water.

        Raises UserError for a source that does not know enough of the ocean.
        """
        variable = PREPARED[name].variable
        mask = output.mask(self.grid, variable)
        surface = share[:1] if variable.place == "T" else wet[:1]
        self._require_enough((surface > LEAST_SHARE)[0] & (mask[0] if variable.levels else mask), mask, label)
        if levels is None:
            known = share[0] > LEAST_SHARE
            extension = build_extension(self.grid, known[None], jnp.float32)
            return Columns(None, extension, known & mask, mask)
        boxes = self.boxes(name)
        thickness = {"T": self.grid.thickness, "U": self.grid.thickness_u, "V": self.grid.thickness_v}[variable.place]
        source = dataclasses.replace(boxes, z=levels)
        remapping = build_remapping(source, boxes, share, jnp.float32, wet=wet, thickness=thickness)
        known = np.asarray(remapping.known) & mask
        extension = build_extension(self.grid, known, jnp.float32) if variable.place == "T" else None
        return Columns(remapping, extension, known, mask)

    def _require_enough(self, known: np.ndarray, mask: np.ndarray, label: str) -> None:
        wet = mask[0] if mask.ndim == 3 else mask
        area = np.where(wet, self.grid.geometry.area["T"], 0.0)
        part = float((area * known).sum() / area.sum())
        if part < _LEAST_KNOWN:
            raise UserError(
                f"{label} knows {100 * part:.0f}% of the ocean of {self.config.name}; expected at least "
                f"{100 * _LEAST_KNOWN:.0f}%: does it cover the ocean, and are its axes right? (a region needs a target "
                "of its own)"
            )

    def water(self, temperature, salinity, names: tuple[str, str], depth: np.ndarray):
        """Temperature and salinity (..., levels, ny, nx) in the model's kinds, not below freezing."""
        pressure = gsw.p_from_z(-depth[:, None, None], self.grid.geometry.y["T"])
        t, s = to_model_kinds(temperature, salinity, self.equation_of_state, names, pressure)
        return np.fmax(t, np.asarray(freezing_temperature(s, self.equation_of_state))), s

    def elapsed(self, dates: np.ndarray) -> np.ndarray:
        """Model seconds of dates.  Raises UserError before the start of the model's time."""
        start = np.atleast_1d(self.config.time.date(0))[0]
        seconds = np.array([(date - start).total_seconds() for date in dates])
        if seconds.min() < 0:
            raise UserError(
                f"the records begin on {dates[0]:%Y-%m-%d}, before time.start = {self.config.time.start} of "
                f"{self.config.name}; expected an earlier start (target.overrides: [time.start=...])"
            )
        return seconds

    def dataset(self, fields: Mapping[str, np.ndarray], dates: np.ndarray, bounds: np.ndarray | None) -> xr.Dataset:
        """Records of the form of the model's output from arrays by CF name; temperature and salinity in its kinds."""
        seconds = self.elapsed(dates)
        interval = None if bounds is None else np.stack([self.elapsed(bounds[:, side]) for side in (0, 1)], -1)
        state = {_MODEL_NAMES[name]: np.nan_to_num(array) for name, array in fields.items() if name in _MODEL_NAMES}
        if self.settings.remove_mean_sea_level and "sea_surface_height" in state:
            area = self.grid.geometry.area["T"] * self.grid.wet
            mean = (state["sea_surface_height"] * area).sum((1, 2), keepdims=True) / area.sum()
            state["sea_surface_height"] = np.where(self.grid.wet, state["sea_surface_height"] - mean, 0.0)
        if self.settings.at_rest:
            shape = (len(dates), *self.grid.shape)
            for name, rest in (("u", shape), ("v", shape), ("sea_surface_height", (shape[0], *shape[2:]))):
                state.setdefault(name, np.zeros(rest, np.float32))
        names = [name for name, model in _MODEL_NAMES.items() if model in state] + list(self.settings.derived)
        found = output.records(self.grid, self.config, state, seconds, interval, names)
        for name in self.settings.derived:
            if name not in found:
                raise UserError(f"target.derived contains {name!r}, which cannot be made from {', '.join(fields)}")
        method = "time: mean" if bounds is not None else "time: point"
        for name in fields:
            if name not in found:
                dims = ("time", *output.dimensions(PREPARED[name].variable, True))
                found[name] = (dims, fields[name].astype(np.float32), {**attributes(name), "cell_methods": method})
        return found

    def static(self) -> xr.Dataset:
        """Coordinates and what does not change."""
        return output.static_dataset(self.grid, self.config)


class RegularTarget:
    """Cells of longitude and latitude; see `target_of`."""

    def __init__(self, settings: RegularGrid, depth: np.ndarray | None, levels: Intervals | None):
        self.settings, self.calendar = settings, None
        sides = []
        for low, high in (settings.longitude, settings.latitude):
            sides.append(np.linspace(low, high, round((high - low) / settings.resolution) + 1))
        self.sides = tuple(sides)
        if settings.depth is not None:
            depth = np.asarray(settings.depth, float)
            levels = layers(depth)
        self.depth, self.levels = depth, levels

    def describe(self) -> str:
        x, y = self.sides
        levels = "" if self.depth is None else f" x {len(self.depth)}"
        return f"cells of {self.settings.resolution:g} degree(s), {len(x) - 1} x {len(y) - 1}{levels}"

    def boxes(self, name: str) -> Boxes:
        """Boxes that the values of a variable are means over."""
        x, y = self.sides
        z = self.levels if PREPARED[name].variable.levels else Intervals.between(np.array([0.0, 1.0]))
        return Boxes(Intervals.between(x, 360.0), Intervals.between(area_coordinate(y, True)), z)

    def columns(self, name: str, levels: Intervals | None, share: np.ndarray, wet: np.ndarray, label: str) -> Columns:
        """As `ModelTarget.columns`; a cell is land unless half of it is water of the source."""
        water = wet if PREPARED[name].at_rest else share
        if not (water > LEAST_WATER).any():
            raise UserError(f"{label} has no water in {self.describe()}: do they overlap?")
        if levels is None:
            known = water[0] >= LEAST_WATER
            return Columns(None, None, known, known)
        boxes = self.boxes(name)
        source = dataclasses.replace(boxes, z=levels)
        remapping = build_remapping(source, boxes, share, jnp.float32, wet=wet > 0)
        covered = remapping if water is share else build_remapping(source, boxes, water, jnp.float32)
        known = np.asarray(covered.inverse)
        known = np.divide(1.0, known, out=np.zeros_like(known), where=known > 0) >= LEAST_WATER
        return Columns(remapping, None, known, known)

    def water(self, temperature, salinity, names: tuple[str, str], depth: np.ndarray):
        """Potential temperature and practical salinity."""
        latitude = 0.5 * (self.sides[1][1:] + self.sides[1][:-1])[:, None]
        return to_model_kinds(temperature, salinity, "linear", names, gsw.p_from_z(-depth[:, None, None], latitude))

    def dataset(self, fields: Mapping[str, np.ndarray], dates: np.ndarray, bounds: np.ndarray | None) -> xr.Dataset:
        """Records with the dimensions time, depth, lat, lon from arrays by CF name."""
        method = "time: mean" if bounds is not None else "time: point"
        variables: dict[str, Any] = {}
        for name, array in fields.items():
            dims = ("time", *(("depth",) if array.ndim == 4 else ()), "lat", "lon")
            variables[name] = (dims, array.astype(np.float32), {**attributes(name), "cell_methods": method})
        found = xr.Dataset(variables, {"time": ("time", dates, {"standard_name": "time", "axis": "T"})})
        if bounds is not None:
            found["time"].attrs["bounds"] = "time_bnds"
            found["time_bnds"] = (("time", "bnds"), bounds)
        for name in ("time", "time_bnds"):
            if name in found:
                found[name].encoding.update(
                    units="days since 1950-01-01 00:00:00", calendar=dates[0].calendar, dtype="float64"
                )
        return found

    def static(self) -> xr.Dataset:
        """Coordinates and areas."""
        coordinates = {}
        for name, letter, sides in zip(("lon", "lat"), "XY", self.sides, strict=True):
            attrs = {**output.axis_attributes(name), "axis": letter, "bounds": f"{name}_bnds"}
            coordinates[name] = (name, 0.5 * (sides[1:] + sides[:-1]), attrs)
            coordinates[f"{name}_bnds"] = ((name, "bnds"), np.stack([sides[:-1], sides[1:]], -1))
        if self.depth is not None:
            attrs = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"}
            if self.levels.means:
                attrs["bounds"] = "depth_bnds"
                coordinates["depth_bnds"] = (
                    ("depth", "bnds"),
                    np.stack([self.levels.edges[:-1], self.levels.edges[1:]], -1),
                )
            coordinates["depth"] = ("depth", self.depth, attrs)
        x, y = self.sides
        area = 6371000.0**2 * np.diff(np.sin(np.deg2rad(y)))[:, None] * np.deg2rad(np.diff(x))
        areas = (("lat", "lon"), area, {"standard_name": "cell_area", "units": "m2"})
        return xr.Dataset({"areacello": areas}, coordinates, {"Conventions": "CF-1.10", "source": "ocean_gcm"})


Target = ModelTarget | RegularTarget


def target_of(settings: ModelGrid | RegularGrid, depth: np.ndarray | None, levels: Intervals | None) -> Target:
    """The target of a recipe; `depth` and `levels` of the source stand in where a regular grid names none.

    Raises UserError for a configuration that cannot be used.
    """
    if isinstance(settings, ModelGrid):
        return ModelTarget(settings)
    return RegularTarget(settings, depth, levels)


def attributes(name: str) -> dict[str, str]:
    """CF attributes of a prepared variable; velocities point east and north."""
    variable = PREPARED[name].variable
    found = {"long_name": variable.long_name, "units": variable.units}
    standard = variable.standard_name
    if name in ("uo", "vo"):
        direction = "eastward" if name == "uo" else "northward"
        standard, found["long_name"] = f"{direction}_sea_water_velocity", f"{direction} velocity"
    return {**found, "standard_name": standard} if standard else found
