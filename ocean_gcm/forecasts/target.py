"""Other grids on which forecasts are wanted: regular ones by their spacing, lists of points, or those of a data set."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
import pydantic
import xarray as xr

from ocean_gcm.encoding.decoder import Decoder
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.section import Section
from ocean_gcm.validation import validated
from ocean_gcm.yaml_tree import file_of, read_tree

_SPACING = re.compile(r"(\d+(?:\.\d+)?)(?:/(\d+))?deg")


class Axis(Section):
    """Points from one to another at equal distances."""

    first: float = pydantic.Field(description="the first point, in degrees, or m for depth and on a plane")
    last: float = pydantic.Field(description="the last point")
    step: float = pydantic.Field(gt=0, description="distance between two points")

    def points(self) -> np.ndarray:
        """(n,) ascending.  Raises UserError unless the step divides the distance."""
        number = (self.last - self.first) / self.step
        if self.last <= self.first or abs(number - round(number)) > 1e-6:
            raise UserError(
                f"an axis goes from {self.first:g} to {self.last:g} in steps of {self.step:g}; expected ascending "
                "points and a whole number of steps"
            )
        return np.linspace(self.first, self.last, round(number) + 1)


class TargetGrid(Section):
    """A file that describes a grid: points along each axis, as lists or as `first`, `last`, `step`."""

    longitude: list[float] | Axis = pydantic.Field(description="degrees east, or m on a plane")
    latitude: list[float] | Axis = pydantic.Field(description="degrees north, or m on a plane")
    depth: list[float] | Axis | None = pydantic.Field(
        None, description="m, positive down; null: the middles of the model's levels"
    )


def build_target(grid: str | os.PathLike | xr.Dataset, model: OceanModel) -> Decoder:
    """The decoder to another grid.

    Args:
      grid: a spacing such as "1deg" or "1/4deg": cells of a regular grid of the whole sphere, at the model's levels; a
        YAML file as `TargetGrid` describes it; or a data set (or its file) whose temperature lies on the grid.
      model: whose states are decoded.

    Raises UserError for what is none of these, and for grids that cannot be.
    """
    if isinstance(grid, xr.Dataset):
        return Decoder.for_dataset(grid, model)
    text = os.fspath(grid)
    levels = model.grid.levels.centres
    if match := _SPACING.fullmatch(text):
        if not model.grid.geometry.spherical:
            raise UserError(f"--grid is {text!r}, which needs grid.geometry = sphere, found plane")
        spacing = float(match[1]) / float(match[2] or 1)
        if not 0.01 <= spacing <= 90 or abs(180 / spacing - round(180 / spacing)) > 1e-6:
            raise UserError(f"--grid is {text!r}; expected a spacing that divides 180 degrees, such as 1deg or 1/4deg")
        rows = round(180 / spacing)
        middle = (np.arange(2 * rows) + 0.5) * spacing
        return Decoder.for_grid(model, longitude=middle, latitude=middle[:rows] - 90.0, depth=levels)
    if text.endswith((".yaml", ".yml")):
        axes = _axes(text)
        return Decoder.for_grid(
            model,
            longitude=axes["longitude"],
            latitude=axes["latitude"],
            depth=levels if axes["depth"] is None else axes["depth"],
        )
    return Decoder.for_dataset(grid, model)


def _axes(path: str) -> dict[str, Any]:
    found = validated(TargetGrid, read_tree(path), lambda mistake: file_of(path, mistake))
    axes = {name: getattr(found, name) for name in ("longitude", "latitude", "depth")}
    return {name: axis.points() if isinstance(axis, Axis) else axis for name, axis in axes.items()}
