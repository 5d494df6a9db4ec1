"""Depth of the sea floor: analytic shapes, the embedded Earth, and files."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pydantic
from scipy import ndimage

from ocean_gcm.errors import UserError
from ocean_gcm.grid import earth
from ocean_gcm.grid.geometry import Geometry
from ocean_gcm.section import Section

Interval = tuple[float, float]


class Box(Section):
    """Cells whose centres lie inside become land; coordinates in degrees on the sphere, m on a plane."""

    x: Interval = pydantic.Field(description="west and east side in degrees or m")
    y: Interval = pydantic.Field(description="south and north side in degrees or m")

    @pydantic.model_validator(mode="after")
    def _ordered(self):
        for name in ("x", "y"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"{name} = [{low:g}, {high:g}] must increase")
        return self


class _Bathymetry(Section):
    """What all kinds of bathymetry share."""

    walls: tuple[Box, ...] = pydantic.Field((), description="boxes of land added to the bathymetry")
    smallest_basin: int = pydantic.Field(
        2, ge=1, description="basins of fewer cells (counted at the surface) are lakes; 2 concerns lone cells"
    )
    fill_lakes: bool = pydantic.Field(False, description="make land of lakes; otherwise they are refused")


class FlatBathymetry(_Bathymetry):
    """A flat sea floor."""

    kind: Literal["flat"]
    depth: float = pydantic.Field(gt=0, description="depth in m")


class SeamountBathymetry(_Bathymetry):
    """A Gaussian hill on a flat floor (Beckmann and Haidvogel 1993)."""

    kind: Literal["seamount"]
    depth: float = pydantic.Field(gt=0, description="depth far from the seamount in m")
    height: float = pydantic.Field(gt=0, description="height above the floor in m; above the surface it is an island")
    width: float = pydantic.Field(gt=0, description="distance at which the height has fallen to 1/e, in m")
    centre: tuple[float, float] | None = pydantic.Field(
        None, description="x and y of the top in degrees or m; null is the middle of the domain"
    )


class RidgeBathymetry(_Bathymetry):
    """A Gaussian ridge from south to north, optionally with a gap."""

    kind: Literal["ridge"]
    depth: float = pydantic.Field(gt=0, description="depth far from the ridge in m")
    height: float = pydantic.Field(gt=0, description="height above the floor in m")
    width: float = pydantic.Field(gt=0, description="distance at which the height has fallen to 1/e, in m")
    centre: float | None = pydantic.Field(None, description="x of the crest in degrees or m; null is the middle")
    gap: Interval | None = pydantic.Field(None, description="range of y in degrees or m without ridge")


class EarthBathymetry(_Bathymetry):
    """The Earth drawn as text in `earth.txt`, sampled at the resolution of the grid."""

    kind: Literal["earth"]
    smallest_basin: int = pydantic.Field(20, ge=1, description="basins of fewer cells are lakes")
    fill_lakes: bool = pydantic.Field(True, description="make land of lakes; otherwise they are refused")


class FileBathymetry(_Bathymetry):
    """Depth or elevation from a file, on any grid."""

    kind: Literal["file"]
    path: str = pydantic.Field(description="NetCDF or Zarr; $NAME stands for environment variables")
    variable: str = pydantic.Field(description="name of the depth (positive down) or elevation (positive up) in m")


BathymetryConfig = Annotated[
    FlatBathymetry | SeamountBathymetry | RidgeBathymetry | EarthBathymetry | FileBathymetry,
    pydantic.Field(discriminator="kind"),
]


def depth(config: _Bathymetry, geometry: Geometry) -> np.ndarray:
    """(ny, nx) depth of the sea floor in m, positive down, 0 on land, lakes removed.

    Raises UserError for lakes that may not be filled, for a domain without water, and for what is wrong with a file.
    """
    if isinstance(config, FlatBathymetry):
        result = np.full(geometry.shape, config.depth)
    elif isinstance(config, SeamountBathymetry):
        result = _seamount(config, geometry)
    elif isinstance(config, RidgeBathymetry):
        result = _ridge(config, geometry)
    elif isinstance(config, EarthBathymetry):
        if not geometry.spherical:
            raise UserError("bathymetry.kind = earth needs grid.geometry = sphere, found plane")
        result = earth.depth(geometry)
    else:
        from ocean_gcm.data import bathymetry as files  # files are opened only by those who ask for one

        result = files.read(config.path, config.variable, geometry)
    for box in config.walls:
        inside = np.ones(geometry.shape, bool)
        for axis, (low, high) in (("x", box.x), ("y", box.y)):
            coordinate = getattr(geometry, axis)["T"]
            inside &= (coordinate > low) & (coordinate < high)
        result = np.where(inside, 0.0, result)
    name = f"bathymetry ({config.path}: {config.variable})" if isinstance(config, FileBathymetry) else "bathymetry"
    return without_lakes(result, geometry, config.smallest_basin, config.fill_lakes, name)


def basins(wet: np.ndarray, periodic_x: bool, periodic_y: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Basins joined over cell faces: labels (ny, nx; 0 on land) and the number of cells of each label.

    wet: (ny, nx) booleans.
    """
    labels, number = ndimage.label(wet)
    parent = np.arange(number + 1)

    def root(label):
        while parent[label] != label:
            label = parent[label]
        return label

    seams = ([(labels[:, 0], labels[:, -1])] if periodic_x else []) + ([(labels[0], labels[-1])] if periodic_y else [])
    for first, last in seams:
        for a, b in {(int(a), int(b)) for a, b in zip(first, last, strict=True) if a and b}:
            parent[root(a)] = root(b)
    labels = np.array([root(label) for label in parent])[labels]
    return labels, np.bincount(labels.ravel(), minlength=number + 1)


def without_lakes(
    depth: np.ndarray,
    geometry: Geometry,
    smallest_basin: int = 2,
    fill: bool = False,
    name: str = "bathymetry",
) -> np.ndarray:
    """`depth` (ny, nx; m) with basins of fewer than `smallest_basin` cells filled, or refused unless `fill`.

    `name` is what errors call the bathymetry.  Raises UserError for lakes, and where nothing but lakes is wet.
    """
    wet = depth > 0
    if not wet.any():
        raise UserError(f"{name} leaves no water in the domain: all depths are zero; expected some above zero")
    labels, sizes = basins(wet, geometry.topology.periodic_x, geometry.topology.periodic_y)
    lakes = wet & (sizes[labels] < smallest_basin)
    if (wet == lakes).all():
        raise UserError(
            f"{name} has only basins of fewer than smallest_basin = {smallest_basin} cells; expected a larger one"
        )
    if lakes.any() and not fill:
        j, i = np.argwhere(lakes)[0]
        x, y = geometry.x["T"][j, i], geometry.y["T"][j, i]
        unit = "degrees" if geometry.spherical else "m"
        raise UserError(
            f"{name} has an isolated basin of {sizes[labels[j, i]]} cell(s) at x = {x:g}, y = {y:g} {unit}; "
            f"expected at least {smallest_basin} joined cells (bathymetry.fill_lakes=true makes land of such lakes)"
        )
    return np.where(lakes, 0.0, depth)


def _middle(coordinate: np.ndarray) -> float:
    return 0.5 * float(coordinate.min() + coordinate.max())


def _distance(geometry: Geometry, x0: float, y0: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances in m along x and y from (x0, y0) to the cell centres, the shorter way around if periodic."""
    x, y = geometry.x["T"], geometry.y["T"]
    offset_x, offset_y = x - x0, y - y0
    if geometry.topology.periodic_x:
        period = x[0, -1] - x[0, 0] + 2.0 * (geometry.x["U"][0, 0] - x[0, 0])
        offset_x = (offset_x + 0.5 * period) % period - 0.5 * period
    if geometry.topology.periodic_y:
        period = y[-1, 0] - y[0, 0] + 2.0 * (geometry.y["V"][0, 0] - y[0, 0])
        offset_y = (offset_y + 0.5 * period) % period - 0.5 * period
    if geometry.spherical:
        metres = geometry.dy["T"][0, 0] / (2.0 * (geometry.y["V"][0, 0] - y[0, 0]))  # per degree
        return offset_x * metres * np.cos(np.radians(y)), offset_y * metres
    return offset_x, offset_y


def _seamount(config: SeamountBathymetry, geometry: Geometry) -> np.ndarray:
    x0, y0 = config.centre or (_middle(geometry.x["T"]), _middle(geometry.y["T"]))
    x, y = _distance(geometry, x0, y0)
    return np.maximum(config.depth - config.height * np.exp(-(x**2 + y**2) / config.width**2), 0.0)


def _ridge(config: RidgeBathymetry, geometry: Geometry) -> np.ndarray:
    x0 = _middle(geometry.x["T"]) if config.centre is None else config.centre
    x, _ = _distance(geometry, x0, _middle(geometry.y["T"]))
    height = config.height * np.exp(-((x / config.width) ** 2))
    if config.gap is not None:
        y = geometry.y["T"]
        height = np.where((y > config.gap[0]) & (y < config.gap[1]), 0.0, height)
    return np.maximum(config.depth - height, 0.0)
