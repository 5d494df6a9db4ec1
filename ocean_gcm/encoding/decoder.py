"""From states of the model to fields on another grid of longitudes, latitudes and depths, such as an analysis has."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ocean_gcm.config import require_ocean
from ocean_gcm.data import output
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.data.variables import MODEL_FIELDS
from ocean_gcm.encoding.analysis import NAMES, Analysis, horizontal_intervals, layers
from ocean_gcm.encoding.boxes import Boxes, model_boxes, periods
from ocean_gcm.encoding.config import DecoderConfig
from ocean_gcm.encoding.remapping import Remapping, build_remapping
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.state import Ocean, State

if TYPE_CHECKING:
    from ocean_gcm.model import OceanModel

LEAST_WATER = 0.5
"""Share of a cell that must be water of the model; it is land otherwise."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Decoder:
    """Takes states of a model to a grid of (depth, latitude, longitude).  A pytree like `Encoder`.

    Attributes:
      model: whose states these are; its `decoder` is the learned correction.
      remappings: to the grid, by T, U, V and "surface".
      wet: (depth, y, x) and (y, x) where the model has water, by "T" and "surface".
      boxes: the cells of the grid.
      axes: (depth, y, x) the points in them.
    """

    model: OceanModel
    remappings: dict[str, Remapping]
    wet: dict[str, jax.Array]
    boxes: Boxes = dataclasses.field(metadata={"static": True})
    axes: tuple[np.ndarray, np.ndarray, np.ndarray] = dataclasses.field(metadata={"static": True})

    @classmethod
    def for_dataset(
        cls, dataset: xr.Dataset | str | os.PathLike, model: OceanModel, names: Mapping[str, str] | None = None
    ) -> Decoder:
        """The decoder to the grid of the temperature in `dataset`; `names` as for the encoder.  Raises UserError.

        Values are means over the cells; with depths without bounds they are those at the depths.
        """
        dataset = dataset if isinstance(dataset, xr.Dataset) else open_dataset(dataset)
        analysis = Analysis.of(dataset, model.config, names)
        written = analysis.written
        axes = (written["depth"], written["y"], written["x"])
        depth = analysis.axes["temperature"][2]
        if not np.allclose(np.sort(axes[0]), depth):  # km, or upward
            axes = (depth, *axes[1:])
        return cls.build(model, analysis.boxes["temperature"], axes)

    @classmethod
    def for_grid(
        cls, model: OceanModel, *, longitude: Sequence[float], latitude: Sequence[float], depth: Sequence[float]
    ) -> Decoder:
        """The decoder to cells around ascending points, in degrees (or m on a plane) and m, positive down.

        Raises UserError unless they ascend.
        """
        require_ocean(model.config, "a decoder")
        axes = tuple(np.asarray(axis, float) for axis in (depth, latitude, longitude))
        for name, axis in zip(("depth", "latitude", "longitude"), axes, strict=True):
            if axis.ndim != 1 or not axis.size or (np.diff(axis) <= 0).any():
                raise UserError(f"{name} is {np.array2string(axis, threshold=6)}; expected ascending numbers")
        spherical = model.grid.geometry.spherical
        boxes = Boxes(
            horizontal_intervals(axes[2], spherical=spherical, longitude=spherical),
            horizontal_intervals(axes[1], spherical=spherical, longitude=False),
            layers(axes[0]),
        )
        return cls.build(model, boxes, axes)

    @classmethod
    def build(cls, model: OceanModel, boxes: Boxes, axes: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Decoder:
        """The decoder to the cells `boxes` around the points `axes` (depth, y, x), which may be in any order."""
        grid, dtype = model.grid, model.dtype
        linear = (model.config.decoder or DecoderConfig()).reconstruction == "linear"
        full = grid.levels.thickness[:, None, None]
        remappings = {"T": build_remapping(model_boxes(grid), boxes, grid.thickness / full, dtype, linear=linear)}
        for place, mask in (("U", grid.mask_u), ("V", grid.mask_v)):
            # land, walls included, is water at rest for velocity: so transports are kept
            wet = np.asarray(_with_walls(jnp.asarray(mask), grid, place))
            source = model_boxes(grid, place, with_walls=True)
            remappings[place] = build_remapping(source, boxes, np.ones(wet.shape), dtype, wet=wet, linear=linear)
        source, target = model_boxes(grid).at_the_surface(), boxes.at_the_surface()
        surface = build_remapping(source, target, grid.wet[None].astype(float), dtype, linear=linear)
        remappings["surface"] = surface
        wet = {name: _covered(remappings[name]) for name in ("T", "surface")}
        return cls(model, remappings, {"T": wet["T"], "surface": wet["surface"][0]}, boxes, axes)

    def fields(self, ocean: Ocean) -> dict[str, jax.Array]:
        """Fields (..., depth, y, x) by the model's names, land NaN: a pure function, of any leading axes.

        In the model's kinds of temperature and salinity, and without the learned correction.
        """
        to = self.remappings
        grid = self.model.grid
        found = {
            "temperature": to["T"](ocean.temperature),
            "salinity": to["T"](ocean.salinity),
            "u": to["U"](_with_walls(ocean.u, grid, "U")),
            "v": to["V"](_with_walls(ocean.v, grid, "V")),
            **{name: to["T"](array) for name, array in ocean.tracers.items()},
        }
        found = {name: jnp.where(self.wet["T"], array, jnp.nan) for name, array in found.items()}
        height = to["surface"](ocean.sea_surface_height[..., None, :, :])[..., 0, :, :]
        return {**found, "sea_surface_height": jnp.where(self.wet["surface"], height, jnp.nan)}

    def __call__(self, states: State, dims: Sequence[str] | None = None) -> xr.Dataset:
        """CF data set of a state, or of states with leading axes, on the grid of the decoder.

        Args:
          states: such as a state or the states of a trajectory.
          dims: names of their leading axes; default: () for one state, time, or (member, time).

        Raises UserError if `dims` does not fit.
        """
        leading = states.ocean.u.ndim - 3
        dims = ((), ("time",), ("member", "time"))[min(leading, 2)] if dims is None else tuple(dims)
        if len(dims) != leading:
            raise UserError(f"dims is {dims}; expected {leading} names, one for each leading axis of the states")
        # without the description of the grid, so that decoders of equal shapes share a program
        program = dataclasses.replace(self, boxes=None, axes=None)
        fields = {name: np.asarray(array) for name, array in _jit_decode(program, states).items()}
        return _dataset(self, output.convert(fields, self.model.config), states, dims)

    def described(self, fields: Mapping[str, np.ndarray], dims: Sequence[str]) -> xr.Dataset:
        """CF data set of arrays that `fields` gave, with the leading axes `dims`, none of which is time."""
        on_host = {name: np.asarray(array) for name, array in fields.items()}
        return _dataset(self, output.convert(on_host, self.model.config), None, tuple(dims))


@jax.jit
def _jit_decode(decoder: Decoder, states: State) -> dict[str, jax.Array]:
    decode = decoder.model.decode
    for _ in range(states.ocean.u.ndim - 3):
        decode = jax.vmap(decode)
    return decoder.fields(decode(states))


def _with_walls(array: jax.Array, grid: Grid, place: str) -> jax.Array:
    """Fields at U or V with the western (southern) wall in front, where the domain is closed; others as they are."""
    axis, periodic = (-1, grid.topology.periodic_x) if place == "U" else (-2, grid.topology.periodic_y)
    if periodic:
        return array
    padding = [(0, 0)] * array.ndim
    padding[axis] = (1, 0)
    return jnp.pad(array, padding)


def _covered(remapping: Remapping) -> jax.Array:
    share = jnp.where(remapping.known, 1.0 / jnp.where(remapping.known, remapping.inverse, 1.0), 0.0)
    return share >= LEAST_WATER


def _cells(decoder: Decoder, spherical: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Which cell belongs to each point along depth, y and x, and its sides (n, 2) in the unit of the point."""
    boxes = decoder.boxes
    north = np.rad2deg(np.arcsin(boxes.y.edges)) if spherical else boxes.y.edges
    result = []
    for points, edges in zip(decoder.axes, (boxes.z.edges, north, boxes.x.edges), strict=True):
        period = boxes.x.period if edges is boxes.x.edges else None
        # whole turns that take a point between the edges
        turns = np.zeros(points.shape) if period is None else np.floor((points - edges[0]) / period)
        order = np.clip(np.searchsorted(edges, points - turns * (period or 0.0), side="right") - 1, 0, len(edges) - 2)
        result.append((order, np.stack([edges[order], edges[order + 1]], -1) + (turns * (period or 0.0))[:, None]))
    return result


def _dataset(
    decoder: Decoder, fields: dict[str, np.ndarray], states: State | None, dims: tuple[str, ...]
) -> xr.Dataset:
    config = decoder.model.config
    spherical = decoder.model.grid.geometry.spherical
    y, x = output.horizontal_names(spherical)
    period_x, period_y = periods(decoder.model.grid.geometry)
    attributes = (
        ("depth", {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"}),
        (y, {**output.axis_attributes(y, period_y), "axis": "Y"}),
        (x, {**output.axis_attributes(x, period_x), "axis": "X"}),
    )
    coordinates, orders = {}, []
    for (name, attrs), points, (order, sides) in zip(attributes, decoder.axes, _cells(decoder, spherical), strict=True):
        if name != "depth" or decoder.boxes.z.means:
            attrs = {**attrs, "bounds": f"{name}_bnds"}
            coordinates[f"{name}_bnds"] = ((name, "bnds"), sides)
        coordinates[name] = (name, points, attrs)
        orders.append(order)
    if "time" in dims:
        days, seconds = np.asarray(states.time.days, float), np.asarray(states.time.seconds, float)
        first = tuple(slice(None) if name == "time" else 0 for name in dims)
        coordinates["time"] = ("time", config.time.date((days * 86400.0 + seconds)[first]), {"standard_name": "time"})
    variables = {}
    for name, array in fields.items():
        levels = ("depth",) if array.ndim == len(dims) + 3 else ()
        for axis, order in zip((-3, -2, -1)[-2 - len(levels) :], orders[1 - len(levels) :], strict=True):
            array = np.take(array, order, axis)
        cf_name = NAMES.get(name, name)
        attributes = output.attributes(cf_name, config, None)
        if spherical and MODEL_FIELDS.get(name) is not None and name in ("u", "v"):
            direction = "eastward" if name == "u" else "northward"
            attributes |= {"standard_name": f"{direction}_sea_water_velocity", "long_name": f"{direction} velocity"}
        variables[cf_name] = ((*dims, *levels, y, x), array, attributes)
    dataset = xr.Dataset(variables, coordinates, {"Conventions": "CF-1.10", "source": "ocean_gcm"})
    if "time" in dims:
        dataset["time"].encoding.update(units=config.time.cf_units, calendar=config.time.calendar, dtype="float64")
    return dataset
