"""An analysis as it comes: the grid of each of its variables, where it has water, and its values for the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import gsw
import jax
import numpy as np
import xarray as xr

from ocean_gcm.config import require_ocean
from ocean_gcm.data import units
from ocean_gcm.data.climatology import to_model_kinds
from ocean_gcm.data.reading import Source, variable_of
from ocean_gcm.data.regridding import edges
from ocean_gcm.encoding.boxes import FULL_TURN, Boxes, Intervals, area_coordinate
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.freezing import freezing_temperature

NAMES = {"temperature": "thetao", "salinity": "so", "u": "uo", "v": "vo", "sea_surface_height": "zos"}
"""What the variables of an analysis are called if nothing else is said."""

_QUANTITIES = {
    "temperature": units.TEMPERATURE,
    "salinity": units.SALINITY,
    "u": units.VELOCITY,
    "v": units.VELOCITY,
    "sea_surface_height": units.SEA_LEVEL,
}
_REQUIRED = ("temperature", "salinity")
_freezing_temperature = jax.jit(freezing_temperature, static_argnums=1)  # one program, not one for each operation


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """What does not change from one record of an analysis to the next.

    Attributes:
      label: what messages call it.
      names: its variables by the model's names.
      boxes: the cells of each.
      wet: (levels, ny, nx) where each has values.
      axes: latitude, longitude and depth (or None) of each, as `Source` has them.
      written: the same of the temperature as the data set has them.
    """

    label: str
    names: dict[str, str]
    boxes: dict[str, Boxes]
    wet: dict[str, np.ndarray]
    axes: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]]
    written: dict[str, np.ndarray]

    @classmethod
    def of(cls, dataset: xr.Dataset, config: Any, names: Mapping[str, str] | None = None) -> Analysis:
        """Describe `dataset`, see `Encoder.for_dataset`.  Raises UserError."""
        require_ocean(config, "an analysis")
        chosen = variables(dataset, names)
        sources = _sources(dataset, chosen, config)
        spherical = config.grid.geometry == "sphere"
        return cls(
            label=label_of(dataset),
            names=chosen,
            boxes={name: boxes_of(source, spherical) for name, source in sources.items()},
            wet={name: mask for name, mask in _masks(sources).items()},
            axes={name: (s.y, s.x, s.depth) for name, s in sources.items()},
            written=sources["temperature"].written,
        )

    def fields(self, dataset: xr.Dataset, config: Any) -> dict[str, np.ndarray]:
        """(levels, ny, nx) arrays by the model's names, in its units and kinds of temperature and salinity, land 0.

        Water colder than its freezing point at the surface is warmed to it.

        Raises UserError for another grid than the one described, for values that are missing where there were some,
        and for units that are missing or cannot be.
        """
        sources = _sources(dataset, self.names, config)
        for name, source in sources.items():
            self._require_same(name, source)
        values = {name: source.converted(_QUANTITIES[name])[0] for name, source in sources.items()}
        for name, mask in self.wet.items():
            missing = mask & ~np.isfinite(values[name])
            if missing.any():
                k, j, i = np.argwhere(missing)[0]
                raise UserError(
                    f"{sources[name].label} is missing at {int(missing.sum())} points that had values when the encoder "
                    f"was built, first at level {k}, y {sources[name].y[j]:g}, x {sources[name].x[i]:g}"
                )
            values[name] = np.where(mask, values[name], 0.0)
        kind = config.dynamics.equation_of_state.kind
        t, s = (sources[name] for name in _REQUIRED)
        latitude = t.y[:, None] if config.grid.geometry == "sphere" else 45.0
        pressure = gsw.p_from_z(-t.depth[:, None, None], latitude)
        names = (t.standard_name, s.standard_name)
        temperature, salinity = to_model_kinds(values["temperature"], values["salinity"], kind, names, pressure)
        temperature = np.maximum(temperature, np.asarray(_freezing_temperature(salinity, kind)))
        wet = self.wet["temperature"]
        values |= {"temperature": np.where(wet, temperature, 0.0), "salinity": np.where(wet, salinity, 0.0)}
        return values

    def _require_same(self, name: str, source: Source) -> None:
        for axis, found, expected in zip("yxz", (source.y, source.x, source.depth), self.axes[name], strict=True):
            if np.shape(found) != np.shape(expected) or (expected is not None and not np.allclose(found, expected)):
                raise UserError(
                    f"{source.label} has other points along {axis} than the data set that the encoder was built for"
                )


def label_of(dataset: xr.Dataset) -> str:
    """What messages call a data set: its file if it has one."""
    source = dataset.encoding.get("source")
    return str(source).rstrip("/").rsplit("/", 1)[-1] if source else "the data set"


def variables(dataset: xr.Dataset, names: Mapping[str, str] | None) -> dict[str, str]:
    """The variables that are there, by the model's names.  Raises UserError for a missing one that was asked for."""
    for name in names or {}:
        if name not in NAMES:
            raise UserError(f"names contains {name!r}; expected some of {', '.join(NAMES)}")
    chosen = {}
    for name, variable in {**NAMES, **(names or {})}.items():
        if variable in dataset.variables or name in _REQUIRED or name in (names or {}):
            chosen[name] = variable  # what is missing is refused when it is read
    return chosen


def _sources(dataset: xr.Dataset, names: Mapping[str, str], config: Any) -> dict[str, Source]:
    dataset = _one_record(dataset, names)
    spherical = config.grid.geometry == "sphere"
    sources = {n: variable_of(dataset, v, label_of(dataset), spherical=spherical) for n, v in names.items()}
    if spherical:
        sources = {name: _unbroken(source) for name, source in sources.items()}
    for name, source in sources.items():
        if (source.depth is None) != (name == "sea_surface_height"):
            expected = "a field of (y, x)" if name == "sea_surface_height" else "one of (depth, y, x)"
            raise UserError(
                f"{source.label} has {'no' if source.depth is None else 'a'} depth axis; expected {expected}"
            )
    t, s = (sources[name] for name in _REQUIRED)
    if t.values.shape != s.values.shape:
        raise UserError(f"{s.label} has the shape {s.values.shape[1:]}, the temperature {t.values.shape[1:]}")
    if (t.converted(units.TEMPERATURE) == 0).sum() and ((t.values == 0) & (s.values == 0)).any():
        raise UserError(f"{s.label} and the temperature are both 0 at some points: is 0 the file's land? expected NaN")
    return sources


def _one_record(dataset: xr.Dataset, names: Mapping[str, str]) -> xr.Dataset:
    """Without a time axis of one record."""
    for dimension in [d for d in dataset.dims if str(d).lower().startswith(("time", "month"))]:
        if dataset.sizes[dimension] != 1 and any(
            dimension in dataset[v].dims for v in names.values() if v in dataset.variables
        ):
            raise UserError(
                f"{label_of(dataset)} has {dataset.sizes[dimension]} records along {dimension}; expected one, for "
                f"instance dataset.isel({dimension}=0)"
            )
        dataset = dataset.isel({dimension: 0}, drop=True)
    return dataset


def _masks(sources: Mapping[str, Source]) -> dict[str, np.ndarray]:
    masks = {name: np.isfinite(source.values[0]) for name, source in sources.items()}
    both = masks["temperature"] & masks["salinity"]
    return {**masks, "temperature": both, "salinity": both}


def boxes_of(source: Source, spherical: bool) -> Boxes:
    """The cells around the points of a source: its bounds, or halfway between points.

    Depths without bounds are places of values, not middles of layers; the uppermost layer reaches the surface.
    """
    x = horizontal_intervals(source.x, source.bounds.get("x"), spherical=spherical, longitude=spherical)
    y = horizontal_intervals(source.y, source.bounds.get("y"), spherical=spherical, longitude=False)
    if source.depth is None:
        return Boxes(x, y, Intervals.between(np.array([0.0, 1.0])))
    return Boxes(x, y, layers(source.depth, source.bounds.get("depth")))


def layers(depth: np.ndarray, bounds: np.ndarray | None = None) -> Intervals:
    """Layers around `depth`; `bounds` (2, n) are those less the depth."""
    faces = _joined(depth, bounds)
    if faces is not None:
        return Intervals.between(faces)
    faces = edges(depth) if depth.size > 1 else np.array([0.0, max(2.0 * depth[0], 1.0)])
    return Intervals(np.concatenate([[0.0], faces[1:]]), np.asarray(depth, float))


def horizontal_intervals(
    points: np.ndarray, bounds: np.ndarray | None = None, *, spherical: bool, longitude: bool
) -> Intervals:
    """Cells around ascending longitudes (degrees), latitudes (then in sin(latitude)) or metres."""
    sides = _joined(points, bounds)
    if longitude and _gap(points) is None:
        if sides is None or abs(sides[-1] - sides[0] - FULL_TURN) > 1e-6:
            seam = 0.5 * (points[0] + points[-1] + FULL_TURN)
            sides = np.concatenate([[seam - FULL_TURN], 0.5 * (points[1:] + points[:-1]), [seam]])
        return Intervals.between(sides, FULL_TURN)
    sides = edges(points) if sides is None else sides
    if longitude:
        return Intervals.between(sides, FULL_TURN)
    return Intervals.between(area_coordinate(sides, spherical))


def _gap(longitude: np.ndarray) -> int | None:
    """The last column of a region before the gap that it leaves; None if the columns go all the way round."""
    gaps = np.append(np.diff(longitude), longitude[0] + FULL_TURN - longitude[-1])
    widest = int(np.argmax(gaps))
    return widest if longitude.size == 1 or gaps[widest] > 1.5 * np.median(gaps) else None


def unbroken(longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Ascending longitudes of a region across the meridian where they begin to count, in one piece, and their places;
    None if there is nothing to do."""
    gap = _gap(longitude)
    if gap is None or gap == longitude.size - 1:
        return None
    places = np.roll(np.arange(longitude.size), -(gap + 1))
    return np.where(places > gap, longitude[places] - FULL_TURN, longitude[places]), places


def _unbroken(source: Source) -> Source:
    found = unbroken(source.x)
    if found is None:
        return source
    x, places = found
    bounds = {name: b[:, places] if name == "x" else b for name, b in source.bounds.items()}
    return dataclasses.replace(source, x=x, values=source.values[..., places], bounds=bounds)


def _joined(points: np.ndarray, bounds: np.ndarray | None) -> np.ndarray | None:
    """(n + 1,) edges from bounds that leave no gap; None otherwise."""
    if bounds is None:
        return None
    low, high = points + bounds
    size = np.abs(high - low).max()
    if (high <= low).any() or (np.abs(low[1:] - high[:-1]) > 1e-4 * size).any():
        return None
    return np.append(low, high[-1])
