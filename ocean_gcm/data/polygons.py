"""Common areas of the cells of a curvilinear grid and of boxes of longitude and latitude.

In the plane of longitude and the sine of the latitude areas are those on the sphere.  There a cell is the polygon of
its corners and of the middles of its sides (on great circles).  Neighbours share their sides, so that cells leave no
gaps; a cell around a pole is closed along the line that the pole is in this plane.

The area of a polygon within a rectangle follows from its sides alone: at each longitude, what a polygon covers between
two latitudes is the sum over the sides there, with signs by their direction, of the latitude of the side clipped to
the two.  Each side is a straight line, so the integral of this along it is exact.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ocean_gcm.encoding.boxes import FULL_TURN, Intervals

_CELLS_AT_A_TIME = 20_000
_MOST_VERTICES = 12  # four corners, four middles, and what closes a cell around a pole
_POLE = 1.0 - 1e-12  # sine of the latitude


def corners_of(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """(ny, nx, 4, 3) corners, on the unit sphere, of the cells around centres (ny, nx) in degrees: means of the four
    centres around, extrapolated at the rim."""
    centres = unit_vectors(longitude, latitude)
    for axis in (0, 1):
        first, last = (np.take(centres, [k], axis) for k in (0, -1))
        if centres.shape[axis] > 1:
            first, last = 2 * first - np.take(centres, [1], axis), 2 * last - np.take(centres, [-2], axis)
        centres = np.concatenate([first, centres, last], axis)
    corner = centres[1:, 1:] + centres[1:, :-1] + centres[:-1, 1:] + centres[:-1, :-1]
    corner /= np.linalg.norm(corner, axis=-1, keepdims=True)
    return np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], 2)


def unit_vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """(..., 3) on the unit sphere from degrees."""
    lon, lat = np.deg2rad(longitude), np.deg2rad(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)


def shares(corners: np.ndarray, x: Intervals, y: Intervals) -> sparse.csr_matrix:
    """(ny nx, cells) part of each target box that each cell covers.

    Boxes that cells cover more than once (columns or rows that a file repeats) count once.

    Args:
      corners: (cells, 4, 3) on the unit sphere, one after the other around the cell; NaN for cells to leave out.
      x, y: of the boxes, degrees and sine of the latitude.
    """
    number = len(x) * len(y)
    parts = []
    usable = np.flatnonzero(np.isfinite(corners).all((1, 2)))
    for begin in range(0, usable.size, _CELLS_AT_A_TIME):
        cells = usable[begin : begin + _CELLS_AT_A_TIME]
        polygon = _polygons(corners[cells])
        for turn in (-2, -1, 0, 1, 2):
            target, cell, area = _pairs(polygon + np.array([turn * FULL_TURN, 0.0]), x, y)
            parts.append((area, target, cells[cell]))
    area, target, cell = (np.concatenate(arrays) for arrays in zip(*parts, strict=True)) if parts else ([], [], [])
    matrix = sparse.coo_matrix((area, (target, cell)), (number, len(corners))).tocsr()
    size = (y.lengths[:, None] * x.lengths).ravel()
    covered = np.asarray(matrix.sum(1)).ravel() / size
    return sparse.diags(1.0 / (size * np.maximum(covered, 1.0))) @ matrix


def _polygons(corners: np.ndarray) -> np.ndarray:
    """(cells, vertices, 2) longitude in degrees, without jumps, and sine of the latitude; the last vertex repeated."""
    middle = corners + np.roll(corners, -1, 1)
    middle /= np.maximum(np.linalg.norm(middle, axis=-1, keepdims=True), 1e-30)
    points = np.stack([corners, middle], 2).reshape(len(corners), 8, 3)
    longitude = np.rad2deg(np.arctan2(points[..., 1], points[..., 0]))
    sine = np.clip(points[..., 2], -1.0, 1.0)
    at_pole = np.abs(sine) > _POLE
    step = np.mod(np.diff(longitude, axis=1, append=longitude[:, :1]) + 180.0, 360.0) - 180.0
    around = step.sum(1)
    longitude = longitude[:, :1] + np.concatenate([np.zeros((len(step), 1)), np.cumsum(step[:, :-1], 1)], 1)
    polygon = np.stack([longitude, sine], -1)
    padded = np.concatenate([polygon, np.repeat(polygon[:, -1:], _MOST_VERTICES - 8, 1)], 1)
    for cell in np.flatnonzero(at_pole.any(1) | (np.abs(around) > 180.0)):
        padded[cell] = _at_a_pole(polygon[cell], at_pole[cell], around[cell])
    return padded


def _at_a_pole(polygon: np.ndarray, at_pole: np.ndarray, around: float) -> np.ndarray:
    """A cell with a pole inside, or as one of its vertices, which there is a line of all longitudes."""
    if at_pole.any():
        longitude, sine = polygon[~at_pole, 0], polygon[:, 1]
        # begin behind the pole, so that the other vertices follow each other
        first = int(np.flatnonzero(at_pole)[-1]) + 1
        kept = [k % len(polygon) for k in range(first, first + len(polygon)) if not at_pole[k % len(polygon)]]
        longitude = np.unwrap(polygon[kept, 0], period=FULL_TURN)
        pole = np.sign(sine[at_pole][0])
        points = [*zip(longitude, sine[kept], strict=True), (longitude[-1], pole), (longitude[0], pole)]
    else:
        pole = np.sign(polygon[:, 1].mean())
        turn = FULL_TURN * np.sign(around)
        first = polygon[0]
        points = [*polygon, (first[0] + turn, first[1]), (first[0] + turn, pole), (first[0], pole)]
    points = np.asarray(points, float)
    return np.concatenate([points, np.repeat(points[-1:], _MOST_VERTICES - len(points), 0)])


def _pairs(polygon: np.ndarray, x: Intervals, y: Intervals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (flat), cells and their common areas, for all pairs that may have some."""
    low, high = polygon.min(1), polygon.max(1)
    ranges = []
    for axis, edges in ((0, x.edges), (1, y.edges)):
        first = np.clip(np.searchsorted(edges, low[:, axis], side="right") - 1, 0, len(edges) - 1)
        last = np.clip(np.searchsorted(edges, high[:, axis], side="left"), 0, len(edges) - 1)
        ranges.append((first, np.maximum(last - first, 0)))
    (i0, ni), (j0, nj) = ranges
    count = ni * nj
    cell = np.repeat(np.arange(len(polygon)), count)
    if not cell.size:
        return (np.zeros(0, int),) * 2 + (np.zeros(0),)
    within = np.arange(cell.size) - np.repeat(np.cumsum(count) - count, count)
    i, j = i0[cell] + within % ni[cell], j0[cell] + within // ni[cell]
    area = np.abs(_area_within(polygon[cell], x.edges[i], x.edges[i + 1], y.edges[j], y.edges[j + 1]))
    kept = area > 0
    return (j * len(x) + i)[kept], cell[kept], area[kept]


def _area_within(polygon: np.ndarray, west, east, south, north) -> np.ndarray:
    """(n,) signed areas of (n, vertices, 2) polygons within rectangles."""
    west, east, south, north = (np.asarray(a)[:, None] for a in (west, east, south, north))
    x0, y0 = polygon[..., 0], polygon[..., 1]
    x1, y1 = np.roll(x0, -1, 1), np.roll(y0, -1, 1)
    begin, end = np.clip(x0, west, east), np.clip(x1, west, east)
    run = np.where(x1 == x0, 1.0, x1 - x0)
    ya, yb = y0 + (y1 - y0) * (begin - x0) / run, y0 + (y1 - y0) * (end - x0) / run
    level = np.abs(yb - ya) < 1e-9
    mean = np.where(
        level,
        np.clip(0.5 * (ya + yb), south, north),
        (_integral(yb, south, north) - _integral(ya, south, north)) / np.where(level, 1.0, yb - ya),
    )
    return np.sum((mean - south) * (end - begin), 1)


def _integral(y, south, north):
    """Of clip(y, south, north) over y, up to a constant."""
    inside = np.clip(y, south, north)
    return 0.5 * inside**2 + south * np.minimum(y - south, 0.0) + north * np.maximum(y - north, 0.0)
