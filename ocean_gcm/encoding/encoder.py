"""From an analysis on its own grid and levels to a state of the model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import xarray as xr

from ocean_gcm.data.reading import open_dataset
from ocean_gcm.encoding.analysis import Analysis
from ocean_gcm.encoding.boxes import Boxes, cell_edges, model_boxes
from ocean_gcm.encoding.config import EncoderConfig
from ocean_gcm.encoding.extension import Extension, build_extension
from ocean_gcm.encoding.remapping import Remapping, build_remapping
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.state import Ocean, State

if TYPE_CHECKING:
    from ocean_gcm.model import OceanModel

Arrays = Mapping[str, jax.Array]
_PLACES = {"temperature": "T", "salinity": "T", "u": "U", "v": "V", "sea_surface_height": "T"}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Encoder:
    """Takes fields of an analysis to states of a model.  A pytree: pass it through `jax.jit`, `jax.vmap`, `jax.grad`.

    Attributes:
      model: whose states these are; its `encoder` is the learned correction.
      remappings: from the grid of each variable, by the model's names; temperature and salinity share one.
      extensions: for water that the analysis does not know, "temperature" and "sea_surface_height".
      mean_area: (ny, nx) shares of the ocean's area where the mean sea level is taken off; None: it stays.
      analysis: what the grids are made from.
    """

    model: OceanModel
    remappings: dict[str, Remapping]
    extensions: dict[str, Extension]
    mean_area: jax.Array | None
    analysis: Analysis = dataclasses.field(metadata={"static": True})

    @classmethod
    def for_dataset(
        cls, dataset: xr.Dataset | str | os.PathLike, model: OceanModel, names: Mapping[str, str] | None = None
    ) -> Encoder:
        """The encoder for data sets on the grid of this one, with the settings of the section `encoder`.

        Axes are found by their meaning, in any order and direction, longitudes from any meridian; a region must cover
        the model's ocean.  Cells come from bounds or lie halfway between points.  The land of the analysis is where
        it has no values.  Without velocity the ocean is at rest, without sea level it is flat.

        Args:
          dataset: one record, or an address of it; its values tell the land.
          model: whose states are wanted.
          names: its variables by the model's names (temperature, salinity, u, v, sea_surface_height); default: thetao,
            so, uo, vo, zos.

        Raises UserError for what cannot be read, has more than one record, or does not cover the model's ocean.
        """
        dataset = _opened(dataset)
        analysis = Analysis.of(dataset, model.config, names)
        grid, dtype = model.grid, model.dtype
        config = model.config.encoder or EncoderConfig()
        linear = config.reconstruction == "linear"
        remappings, extensions = {}, {}
        for name in analysis.names:
            if name == "salinity":
                continue
            boxes = analysis.boxes[name]
            require_cover(boxes, grid, f"variable {analysis.names[name]!r} of {analysis.label}")
            remapping = _remapping(name, boxes, analysis.wet[name], grid, dtype, linear)
            remappings[name] = remapping
            if _PLACES[name] == "T":
                known = np.asarray(remapping.known) & grid.mask[: remapping.inverse.shape[0]]
                if not known[0].any():
                    raise UserError(f"{analysis.label} has no water where the model has some: are its axes right?")
                extensions[name] = build_extension(grid, known, dtype)
        area = grid.geometry.area["T"] * grid.wet
        mean_area = jnp.asarray(area / area.sum(), dtype) if config.remove_mean_sea_level else None
        return cls(model, remappings, extensions, mean_area, analysis)

    def __call__(
        self,
        analysis: xr.Dataset | str | os.PathLike | Arrays,
        time: jdt.Timedelta | None = None,
        key: jax.Array | None = None,
    ) -> State:
        """The state of the model for one record of an analysis.

        Args:
          analysis: a data set of one record, its address, or arrays as `arrays` gives them (these also inside of
            `jax.jit` and under `jax.vmap`).
          time: of the model; default: the start of the configuration.
          key: typed random key; default: the configuration's seed.

        Raises UserError as `arrays` does.
        """
        arrays = analysis if isinstance(analysis, Mapping) and not isinstance(analysis, xr.Dataset) else None
        if arrays is None:
            arrays = self.arrays(analysis)
        if time is None:
            time = jdt.Timedelta(jnp.int32(0), jnp.int32(0))
        key = jax.random.key(self.model.config.seed) if key is None else key
        # without the description of the analysis, so that encoders of equal shapes share a program
        return _jit_encode(dataclasses.replace(self, analysis=None), dict(arrays), time, key)

    def arrays(self, dataset: xr.Dataset | str | os.PathLike) -> dict[str, np.ndarray]:
        """Fields of one record on the grid of the analysis, in the model's names, units and kinds, land 0.

        Raises UserError for another grid than the encoder's, missing values, and impossible units.
        """
        fields = self.analysis.fields(_opened(dataset), self.model.config)
        return {name: np.asarray(array, self.model.dtype) for name, array in fields.items()}

    def ocean(self, arrays: Arrays) -> Ocean:
        """The fields of the model without the learned correction; a pure function, `arrays` may have leading axes."""
        dtype, shape = self.model.dtype, self.model.grid.shape
        values = {}
        for name, array in arrays.items():
            levels = jnp.asarray(array, dtype)
            source = "temperature" if name == "salinity" else name
            field = self.remappings[source](levels)
            values[name] = self.extensions[source](field) if source in self.extensions else field
        leading = values["temperature"].shape[:-3]
        height = values.pop("sea_surface_height", jnp.zeros((*leading, 1, *shape[1:]), dtype))[..., 0, :, :]
        if self.mean_area is not None:
            height = height - jnp.sum(height * self.mean_area, (-2, -1), keepdims=True)
        zero = jnp.zeros((*leading, *shape), dtype)
        mask = self.model.grid_arrays
        return Ocean(
            u=values.get("u", zero) * mask["mask_u"],
            v=values.get("v", zero) * mask["mask_v"],
            temperature=values["temperature"] * mask["mask_t"],
            salinity=values["salinity"] * mask["mask_t"],
            sea_surface_height=height * mask["mask_t"][0],
            tracers=_tracers(self.model, leading),
        )


@jax.jit
def _jit_encode(encoder: Encoder, arrays, time, key) -> State:
    return encoder.model.encode(encoder.ocean(arrays), time, key)


def _tracers(model: OceanModel, leading: tuple[int, ...]) -> dict[str, jax.Array]:
    """Passive tracers begin as the configuration says."""
    initial = {name: jnp.asarray(model.blueprint.initial[name], model.dtype) for name in model.config.tracers}
    return {name: jnp.broadcast_to(array, (*leading, *array.shape)) for name, array in initial.items()}


def _opened(dataset: Any) -> xr.Dataset:
    return dataset if isinstance(dataset, xr.Dataset) else open_dataset(dataset)


def _remapping(name: str, boxes: Boxes, wet: np.ndarray, grid: Grid, dtype, linear: bool) -> Remapping:
    target = model_boxes(grid, _PLACES[name])
    if name == "sea_surface_height":
        return build_remapping(boxes, target.at_the_surface(), wet.astype(float), dtype, linear=linear)
    thickness = {"T": grid.thickness, "U": grid.thickness_u, "V": grid.thickness_v}[_PLACES[name]]
    # land is water at rest for velocity: so transports are kept
    share = wet.astype(float) if _PLACES[name] == "T" else np.ones(wet.shape)
    return build_remapping(boxes, target, share, dtype, wet=wet, thickness=thickness, linear=linear)


def require_cover(boxes: Boxes, grid: Grid, label: str) -> None:
    """UserError where a wet column of `grid` lies outside of `boxes` by more than a cell of either of them."""
    geometry = grid.geometry
    own = model_boxes(grid)
    for axis, found, wanted in (("x", boxes.x, own.x), ("y", boxes.y, own.y)):
        if found.closed:
            continue
        margin = max(found.lengths.max(), wanted.lengths.max())
        centre, period = 0.5 * (found.edges[0] + found.edges[-1]), found.period
        distance = np.abs(wanted.pivots - centre)
        if period is not None:
            distance = np.abs((wanted.pivots - centre + 0.5 * period) % period - 0.5 * period)
        outside = distance > 0.5 * (found.edges[-1] - found.edges[0]) + margin
        wet = grid.wet.any(0 if axis == "x" else 1)
        if (outside & wet).any():
            edges = cell_edges(geometry)[0 if axis == "x" else 1]
            place = int(np.flatnonzero(outside & wet)[0])
            spherical = {"x": "longitude", "y": "latitude"}
            raise UserError(
                f"{label} does not cover the model's ocean: there is water at "
                f"{spherical[axis] if geometry.spherical else axis} {0.5 * (edges[place] + edges[place + 1]):g}"
            )
