"""Where the values of a variable are: axes, weights, land and regions, from the coordinates of a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from eval.report.charts import frame_of_edges
from ocean_gcm.errors import UserError
from ocean_gcm.figures.maps import MapFrame
from ocean_gcm.metrics.basins import NAMES, basins

EARTH_RADIUS = 6.371e6  # m
_INTERIOR = 3  # cells from land
_TROPICS = 20.0  # degrees


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """The points of one variable.

    Attributes:
      dims: names of the dimensions (level, y, x), or (y, x) of a two-dimensional variable.
      spherical: whether y and x are degrees.
      x, y: (nx,), (ny,) coordinates.
      x_edges, y_edges: (nx + 1,), (ny + 1,) sides of the cells.
      depth: (nz,) m, or (0,) for a two-dimensional variable.
      area: (ny, nx) m2.
      thickness: (nz, ny, nx) m; 1 for a two-dimensional variable.
      periodic_y, periodic_x: whether columns and rows go all around, on the Earth or on a plane that says so.
    """

    dims: tuple[str, ...]
    spherical: bool
    x: np.ndarray
    y: np.ndarray
    x_edges: np.ndarray
    y_edges: np.ndarray
    depth: np.ndarray
    area: np.ndarray
    thickness: np.ndarray
    periodic_y: bool = False
    periodic_x: bool = False

    @property
    def levels(self) -> int:
        return len(self.thickness)

    @property
    def has_levels(self) -> bool:
        return len(self.dims) == 3

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.thickness.shape

    @property
    def periods(self) -> tuple[float | None, float | None]:
        """After which lengths x and y repeat; a longitude always does."""
        width, height = np.ptp(self.x_edges), np.ptp(self.y_edges)
        return 360.0 if self.spherical else width if self.periodic_x else None, height if self.periodic_y else None

    def depth_labels(self) -> list[str]:
        """Of the levels, such as "50 m"; "surface" for a two-dimensional variable."""
        return [f"{depth:g} m" for depth in self.depth] if self.has_levels else ["surface"]

    def frame(self, wet: np.ndarray) -> MapFrame:
        """The layout of a map; `wet` (ny, nx)."""
        return frame_of_edges(self.x_edges, self.y_edges, wet, spherical=self.spherical)


def place_of(dataset: xr.Dataset, variable: str, dims: tuple[str, ...], label: str) -> Place:
    """From the coordinates of `dataset`.

    Raises UserError for dimensions that are not (level,) y, x, or that have no coordinate.
    """
    if len(dims) not in (2, 3) or not dims[-2].startswith(("lat", "y")) or not dims[-1].startswith(("lon", "x")):
        raise UserError(
            f"variable {variable} of {label} has the dimensions {', '.join(dims)} in space; expected a level (if any), "
            "then lat or y, then lon or x"
        )
    for name in dims:
        if name not in dataset.coords:
            raise UserError(f"{label} has no coordinate {name}, a dimension of its variable {variable}")
    spherical = dims[-2].startswith("lat")
    y, x = (np.asarray(dataset[name].values, float) for name in dims[-2:])
    y_edges, x_edges = (_edges(dataset, name) for name in dims[-2:])
    if spherical:
        y_edges = np.clip(y_edges, -90, 90)
        height = EARTH_RADIUS**2 * np.abs(np.diff(np.sin(np.radians(y_edges))))
        width = np.abs(np.radians(np.diff(x_edges)))
    else:
        height, width = np.abs(np.diff(y_edges)), np.abs(np.diff(x_edges))
    area = height[:, None] * width
    if len(dims) == 2:
        depth, thickness = np.empty(0), np.ones((1, *area.shape))
    else:
        depth = np.asarray(dataset[dims[0]].values, float)
        layer = np.abs(np.diff(_edges(dataset, dims[0])))
        thickness = np.broadcast_to(layer[:, None, None], (len(layer), *area.shape))
        if "thkcello" in dataset and dataset["thkcello"].dims == dims:
            thickness = np.nan_to_num(dataset["thkcello"].values.astype(float))
    periodic_y = not spherical and _goes_around(dataset[dims[-2]], y_edges, 0.0)
    periodic_x = _goes_around(dataset[dims[-1]], x_edges, 360.0 * spherical)
    return Place(dims, spherical, x, y, x_edges, y_edges, depth, area, thickness, periodic_y, periodic_x)


def _goes_around(coordinate: xr.DataArray, edges: np.ndarray, earth: float) -> bool:
    """Whether cells fill the circle `earth`, or the attribute `period` of a plane that repeats."""
    period = earth or float(coordinate.attrs.get("period", 0.0))
    return period > 0 and abs(abs(edges[-1] - edges[0]) - period) < 0.5 * np.abs(np.diff(edges)).min()


def _edges(dataset: xr.Dataset, name: str) -> np.ndarray:
    """Sides of cells: the bounds where the file has them, else the middles between centres."""
    bounds = dataset[name].attrs.get("bounds", f"{name}_bnds")
    if bounds in dataset.variables and dataset[bounds].shape == (dataset.sizes[name], 2):
        pairs = dataset[bounds].values.astype(float)
        if np.allclose(pairs[1:, 0], pairs[:-1, 1]):
            return np.append(pairs[:, 0], pairs[-1, 1])
    centres = np.asarray(dataset[name].values, float)
    if len(centres) == 1:
        return centres + np.array([-0.5, 0.5])
    middles = 0.5 * (centres[1:] + centres[:-1])
    first = (
        max(0.0, 2 * centres[0] - middles[0]) if dataset[name].attrs.get("axis") == "Z" else 2 * centres[0] - middles[0]
    )
    return np.concatenate([[first], middles, [2 * centres[-1] - middles[-1]]])


def require_same_place(found: Place, expected: Place, variable: str, label: str, reference: str) -> None:
    """UserError unless the coordinates are equal (to a hundredth of a cell)."""
    if found.dims != expected.dims:
        raise UserError(
            f"variable {variable} of {label} has the dimensions {', '.join(found.dims)}; expected "
            f"{', '.join(expected.dims)} as in {reference}"
        )
    axes = [("x", -1), ("y", -2)] + ([("depth", -3)] if expected.has_levels else [])
    for axis, n in axes:
        a, b = getattr(found, axis), getattr(expected, axis)
        name = expected.dims[n]
        if a.size != b.size:
            raise UserError(
                f"{label} lies on another grid than {reference}: {name} has {a.size} points; expected {b.size}"
            )
        spacing = np.abs(np.diff(b)).min() if b.size > 1 else max(abs(float(b[0])), 1.0)
        wrong = ~(np.abs(a - b) <= 0.01 * spacing)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise UserError(
                f"{label} lies on another grid than {reference}: {name}[{at}] is {a[at]:g}; expected {b[at]:g}"
            )


def regions_of(place: Place, wet: np.ndarray, chosen: Sequence[str]) -> dict[str, np.ndarray]:
    """Masks (ny, nx) by name, for wet (ny, nx).

    chosen: names, or NAME=west,east,south,north in degrees (km on a plane); empty: all that the grid has.  Known are
    all, interior (three cells and more from land), and on the sphere tropics, north, south (of 20 degrees) and basins.

    Raises UserError for a name that is not known, and for a region without water.
    """
    known = _known_regions(place, wet)
    if not chosen:
        return {name: mask for name, mask in known.items() if (mask & wet).any()}
    found = {}
    for text in chosen:
        name, _, box = text.partition("=")
        if box:
            found[name] = _box(place, box, text)
        elif name in known:
            found[name] = known[name]
        else:
            raise UserError(f"--regions has {text!r}; expected NAME=west,east,south,north or one of {', '.join(known)}")
        if not (found[name] & wet).any():
            raise UserError(f"the region {text!r} of --regions holds no water of the truth")
    return found


def _known_regions(place: Place, wet: np.ndarray) -> dict[str, np.ndarray]:
    everywhere = np.ones(wet.shape, bool)
    found = {"all": everywhere}
    inside = interior(wet, periodic_x=place.periodic_x, periodic_y=place.periodic_y)
    if not inside.all():
        found["interior"] = inside
    if place.spherical:
        lat = np.broadcast_to(place.y[:, None], wet.shape)
        found |= {"tropics": np.abs(lat) <= _TROPICS, "north": lat > _TROPICS, "south": lat < -_TROPICS}
        if place.periodic_x:
            code = basins(place.x[None, :], place.y[:, None], wet)
            found |= {name: code == n for n, name in enumerate(NAMES) if n > 0}
    return found


def interior(
    wet: np.ndarray, *, periodic_x: bool = False, periodic_y: bool = False, cells: int = _INTERIOR
) -> np.ndarray:
    """True where no land lies within `cells` cells along x, y or a diagonal; what lies outside is land."""
    for _ in range(cells):
        padded = np.pad(wet, ((1, 1), (0, 0)), mode="wrap" if periodic_y else "constant")
        padded = np.pad(padded, ((0, 0), (1, 1)), mode="wrap" if periodic_x else "constant")
        ny, nx = wet.shape
        wet = np.all([padded[j : j + ny, i : i + nx] for j in range(3) for i in range(3)], axis=0)
    return wet


def _box(place: Place, box: str, text: str) -> np.ndarray:
    try:
        west, east, south, north = (float(number) for number in box.split(","))
    except ValueError:
        raise UserError(f"--regions has {text!r}; expected four numbers, NAME=west,east,south,north") from None
    unit = 1.0 if place.spherical else 1e3
    turn_x, turn_y = place.periods
    along = _between(place.x, west * unit, east * unit, turn_x)
    across = _between(place.y, south * unit, north * unit, turn_y)
    return across[:, None] & along


def _between(centres: np.ndarray, low: float, high: float, period: float | None) -> np.ndarray:
    """Where centres lie from `low` upward to `high`, over the seam of an axis that repeats."""
    if period is None:
        return (centres >= low) & (centres <= high)
    width = high - low if high > low else (high - low) % period or period
    return (centres - low) % period <= width


def region_weights(place: Place, wet: np.ndarray, regions: Mapping[str, np.ndarray]) -> np.ndarray:
    """(region, nz, ny, nx) volumes of the wet cells (nz, ny, nx) as shares of the largest region, float32."""
    volume = place.area * place.thickness * wet
    weights = np.stack([volume * mask for mask in regions.values()])
    return (weights / weights.sum((1, 2, 3)).max()).astype(np.float32)
