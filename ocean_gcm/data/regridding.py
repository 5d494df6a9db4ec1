"""Horizontal and vertical interpolation of a rectilinear source to the points of the model's grid.

Masks travel as weights: a missing source value has none, so coasts do not bleed into the water.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial import cKDTree

from ocean_gcm.errors import UserError
from ocean_gcm.grid.geometry import Geometry

_SNAP = 1e-5  # in source spacings: points this close take the source value itself


@dataclasses.dataclass(frozen=True)
class Axis:
    """Neighbouring source indices of points along one axis, and the weight of the upper one; `outside` in spacings."""

    lower: np.ndarray
    upper: np.ndarray
    weight: np.ndarray
    outside: np.ndarray


def along_axis(source: np.ndarray, points: np.ndarray, *, cyclic: bool) -> Axis:
    """Linear interpolation from ascending `source` to `points` (any shape); constant beyond the ends.

    With `cyclic` the axis is a longitude; it is joined over the date line if the source goes all the way round.
    """
    if cyclic:
        points = source[0] + np.mod(points - source[0] + _SNAP, 360.0) - _SNAP
    if source.size == 1:
        zero = np.zeros(points.shape, int)
        return Axis(zero, zero, np.zeros(points.shape), np.where(points == source[0], 0.0, 1.0))
    spacing = np.diff(source)
    around = cyclic and source[-1] + 1.5 * spacing.max() > source[0] + 360.0
    extended = np.append(source, source[0] + 360.0) if around else source
    if cyclic and not around:  # points just west of the first column
        points = np.where(points - source[-1] > source[0] + 360.0 - points, points - 360.0, points)
    lower = np.clip(np.searchsorted(extended, points, side="right") - 1, 0, extended.size - 2)
    gap = extended[lower + 1] - extended[lower]
    weight = (points - extended[lower]) / gap
    outside = np.maximum(np.maximum(-weight, weight - 1.0), 0.0)
    weight = np.clip(weight, 0.0, 1.0)
    weight = np.where(weight < _SNAP, 0.0, np.where(weight > 1.0 - _SNAP, 1.0, weight))
    return Axis(lower, (lower + 1) % source.size, weight, np.where(outside < _SNAP, 0.0, outside))


def bilinear(values: np.ndarray, x: Axis, y: Axis) -> np.ndarray:
    """(..., Ny, Nx) at the points of the two axes (ny, nx); NaN sources are left out, NaN where none remains."""
    valid = np.isfinite(values)
    filled = np.where(valid, values, 0.0)
    total = weight = 0.0
    for row, wy in ((y.lower, 1.0 - y.weight), (y.upper, y.weight)):
        for column, wx in ((x.lower, 1.0 - x.weight), (x.upper, x.weight)):
            total = total + wy * wx * filled[..., row, column]
            weight = weight + wy * wx * valid[..., row, column]
    # a point that leans on land by more than nine tenths is not known
    return np.divide(total, weight, out=np.full(np.shape(total), np.nan), where=weight > 0.1)


def conservative(values: np.ndarray, overlap_x: np.ndarray, overlap_y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of (..., Ny, Nx) over target cells, and the valid fraction of each cell (both (..., ny, nx)).

    `overlap_*` are (n, N) matrices of common lengths (longitude; sine of latitude or metres).
    """
    valid = np.isfinite(values)
    total = overlap_y @ np.where(valid, values, 0.0) @ overlap_x.T
    weight = overlap_y @ valid.astype(float) @ overlap_x.T
    area = overlap_y.sum(1)[:, None] * overlap_x.sum(1)
    mean = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 1e-12 * area)
    return mean, np.divide(weight, area, out=np.zeros(weight.shape), where=area > 0)


def edges(centres: np.ndarray) -> np.ndarray:
    """Edges halfway between centres."""
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def overlap(target_edges: np.ndarray, source_edges: np.ndarray) -> np.ndarray:
    """(n, N) lengths that target and source cells share."""
    low = np.maximum(target_edges[:-1, None], source_edges[None, :-1])
    high = np.minimum(target_edges[1:, None], source_edges[None, 1:])
    return np.maximum(high - low, 0.0)


def cell_overlaps(source_x, source_y, geometry: Geometry) -> tuple[np.ndarray, np.ndarray] | None:
    """Overlap matrices in x and y between a source and the cells of the grid, None unless its cells are rectangles."""
    x, y = geometry.x["T"], geometry.y["T"]
    if np.ptp(x, axis=0).max() > 1e-9 or np.ptp(y, axis=1).max() > 1e-9:
        return None
    east, north = geometry.x["U"][0], geometry.y["V"][:, 0]
    target_x = np.append(2 * x[0, 0] - east[0], east)
    target_y = np.append(2 * y[0, 0] - north[0], north)
    edges_x, edges_y = edges(source_x), edges(source_y)
    if not geometry.spherical:
        return overlap(target_x, edges_x), overlap(target_y, edges_y)
    shares = sum(overlap(target_x, edges_x + turn) for turn in (-720.0, -360.0, 0.0, 360.0))
    sine = [np.sin(np.deg2rad(np.clip(e, -90.0, 90.0))) for e in (target_y, edges_y)]
    return shares, overlap(*sine)


def coarser_than(source_x, source_y, geometry: Geometry) -> bool:
    """True if the grid's cells are at least one and a half source cells wide both ways."""
    if min(source_x.size, source_y.size) < 2:
        return False
    x, y = geometry.x["T"], geometry.y["T"]
    wide = np.diff(x, axis=1).mean() / np.diff(source_x).mean() if x.shape[1] > 1 else 1.0
    tall = np.diff(y, axis=0).mean() / np.diff(source_y).mean() if y.shape[0] > 1 else 1.0
    return min(wide, tall) >= 1.5


def to_points(values, source_x, source_y, geometry: Geometry, place: str, needed: np.ndarray, label: str) -> np.ndarray:
    """(..., Ny, Nx) at the points `place` (T, U, V) of the grid, (..., ny, nx); NaN where the source knows nothing.

    Points that coincide with the source's take its values.  Means over cells (T points of a coarser grid) are
    conservative, all else is bilinear.

    Raises UserError if `needed` (ny, nx) points lie outside the source by more than one of its spacings.
    """
    x = along_axis(source_x, geometry.x[place], cyclic=geometry.spherical)
    y = along_axis(source_y, geometry.y[place], cyclic=False)
    for axis, points, source, what in (
        (x, geometry.x[place], source_x, "longitude" if geometry.spherical else "x"),
        (y, geometry.y[place], source_y, "latitude" if geometry.spherical else "y"),
    ):
        missed = needed & (axis.outside > 1.0)
        if missed.any():
            raise UserError(
                f"{label} covers {what} {source[0]:g} to {source[-1]:g}, but the grid needs {points[missed][0]:g}"
            )
    if place == "T" and coarser_than(source_x, source_y, geometry):
        matrices = cell_overlaps(source_x, source_y, geometry)
        if matrices is not None:
            return conservative(values, *matrices)[0]
    return bilinear(values, x, y)


def to_depths(values: np.ndarray, source_depth: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """(..., N, ny, nx) at `depths` (n,): linear between valid levels of a column, constant from the uppermost valid one
    up, and from the deepest valid one down to the next source level (exclusive); NaN below."""
    out = []
    valid = np.isfinite(values)
    for depth in depths:
        lower = int(np.clip(np.searchsorted(source_depth, depth, side="right") - 1, 0, max(source_depth.size - 2, 0)))
        upper = min(lower + 1, source_depth.size - 1)
        gap = source_depth[upper] - source_depth[lower]
        weight = float(np.clip((depth - source_depth[lower]) / gap, 0.0, 1.0)) if gap > 0 else 0.0
        weight = 0.0 if weight < _SNAP else 1.0 if weight > 1 - _SNAP else weight
        above, below = values[..., lower, :, :], values[..., upper, :, :]
        mixed = (1.0 - weight) * above + weight * below if 0 < weight < 1 else (below if weight else above)
        if weight < 1:
            mixed = np.where(valid[..., upper, :, :] | ~valid[..., lower, :, :], mixed, above)
        out.append(mixed)
    return np.stack(out, axis=-3)


def fill_from_nearest(values: np.ndarray, needed: np.ndarray, geometry: Geometry, place: str = "T") -> np.ndarray:
    """(ny, nx) with NaN at `needed` points replaced by the nearest known value; unchanged if nothing is known."""
    known = np.isfinite(values)
    missing = needed & ~known
    if not missing.any() or not known.any():
        return values
    points = positions(geometry, place)
    _, nearest = cKDTree(points[known]).query(points[missing])
    filled = values.copy()
    filled[missing] = values[known][nearest]
    return filled


def positions(geometry: Geometry, place: str) -> np.ndarray:
    """(ny, nx, 3) on the unit sphere, or (ny, nx, 2) in m on a plane: points whose distances can be compared."""
    x, y = geometry.x[place], geometry.y[place]
    if not geometry.spherical:
        return np.stack([x, y], -1)
    lon, lat = np.deg2rad(x), np.deg2rad(y)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
