"""Horizontal maps on longitude-latitude grids and on planes."""

from __future__ import annotations

import dataclasses

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MultipleLocator

from ocean_gcm.figures import style
from ocean_gcm.grid.grid import Grid

_WESTERN_EDGE = 20.0  # degrees east: a whole sphere is cut through Africa, so no ocean is cut


@dataclasses.dataclass(frozen=True)
class MapFrame:
    """How the cells of a grid are laid out in a map.

    Attributes:
      x_edges, y_edges: (nx + 1,), (ny + 1,) degrees on the sphere, km on a plane.
      shift: columns by which arrays are rolled to the west first.
      wet: (ny, nx), rolled.
      spherical: True for degrees.
    """

    x_edges: np.ndarray
    y_edges: np.ndarray
    shift: int
    wet: np.ndarray
    spherical: bool

    def roll(self, array: np.ndarray) -> np.ndarray:
        return np.roll(array, -self.shift, -1)


def frame_of(grid: Grid) -> MapFrame:
    """The frame of a grid; a sphere that is whole in longitude begins at 20E."""
    geometry = grid.geometry
    x, y = _edges(geometry.x["T"][0], geometry.x["U"][0]), _edges(geometry.y["T"][:, 0], geometry.y["V"][:, 0])
    shift = 0
    if geometry.spherical and grid.topology.periodic_x and abs(x[-1] - x[0] - 360.0) < 1e-6:
        distance = np.abs((x[:-1] - _WESTERN_EDGE + 180.0) % 360.0 - 180.0)
        shift = int(np.argmin(distance))
        widths = np.roll(np.diff(x), -shift)
        start = (x[shift] + 180.0) % 360.0 - 180.0
        x = start + np.append(0.0, np.cumsum(widths))
    scale = 1.0 if geometry.spherical else 1e-3
    return MapFrame(x * scale, y * scale, shift, np.roll(grid.wet, -shift, -1), geometry.spherical)


def _edges(centres: np.ndarray, upper: np.ndarray) -> np.ndarray:
    return np.append(2 * centres[0] - upper[0], upper)


def draw_map(axes: Axes, frame: MapFrame, field: np.ndarray, boundaries: np.ndarray, colours):
    """Cells of (ny, nx) filled with colours, land grey with its outline; returns the mappable."""
    values = np.ma.masked_invalid(np.where(frame.wet, frame.roll(field), np.nan))
    mesh = axes.pcolormesh(
        frame.x_edges, frame.y_edges, values, cmap=colours, norm=style.normalisation(boundaries, colours)
    )
    finish(axes, frame)
    return mesh


def draw_corner_contours(axes: Axes, frame: MapFrame, field: np.ndarray, boundaries: np.ndarray, colours):
    """Filled contours of a field at all corners (ny + 1, nx + 1), with lines; land covers them."""
    values = field
    if frame.shift:
        values = np.roll(field[:, :-1], -frame.shift, -1)
        values = np.concatenate([values, values[:, :1]], 1)
    x, y = frame.x_edges, frame.y_edges
    norm = style.normalisation(boundaries, colours)
    filled = axes.contourf(x, y, values, boundaries, cmap=colours, extend="both", norm=norm)
    axes.contour(x, y, values, boundaries[boundaries != 0], colors="0.25", linewidths=0.4, linestyles="solid")
    axes.contour(x, y, values, [0.0], colors="0.1", linewidths=0.8)
    land = np.ma.masked_where(frame.wet, np.ones(frame.wet.shape))
    axes.pcolormesh(x, y, land, cmap=ListedColormap([style.LAND]), zorder=2)
    finish(axes, frame)
    return filled


def draw_arrows(axes: Axes, frame: MapFrame, u: np.ndarray, v: np.ndarray, most: int = 45) -> None:
    """Unit arrows of a flow at cell centres (ny, nx); at most `most` along the longer side."""
    stride = max(1, int(np.ceil(max(u.shape) / most)))
    x = 0.5 * (frame.x_edges[1:] + frame.x_edges[:-1])
    y = 0.5 * (frame.y_edges[1:] + frame.y_edges[:-1])
    part = (slice(stride // 2, None, stride),) * 2
    u, v = np.where(frame.wet, frame.roll(u), np.nan)[part], np.where(frame.wet, frame.roll(v), np.nan)[part]
    speed = np.hypot(u, v)
    largest = np.nanmax(speed) if np.isfinite(speed).any() else 0.0
    if largest <= 0:
        return
    keep = speed > 0.02 * largest
    # the length grows slowly with speed, so that weak flow keeps its direction
    length = np.sqrt(speed / largest)
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = np.where(keep, u / speed * length, np.nan), np.where(keep, v / speed * length, np.nan)
    scale = 0.6 * u.shape[1]
    axes.quiver(x[part[1]], y[part[0]], a, b, scale=scale, width=0.0018, color="0.1", headwidth=4, zorder=3)


def finish(axes: Axes, frame: MapFrame) -> None:
    """Grey land, coast, ticks, aspect."""
    axes.set_facecolor(style.LAND)
    axes.add_collection(LineCollection(coast_segments(frame), colors=style.COAST, linewidths=0.5, zorder=4))
    axes.set_xlim(frame.x_edges[0], frame.x_edges[-1])
    axes.set_ylim(frame.y_edges[0], frame.y_edges[-1])
    if frame.spherical:
        span_x, span_y = np.ptp(frame.x_edges), np.ptp(frame.y_edges)
        axes.xaxis.set_major_locator(MultipleLocator(60 if span_x > 180 else 20 if span_x > 60 else 10))
        axes.yaxis.set_major_locator(MultipleLocator(30 if span_y > 100 else 20 if span_y > 50 else 10))
        style.label_longitude(axes.xaxis)
        style.label_latitude(axes.yaxis)
        axes.set_aspect("equal" if span_x > 180 else 1.0 / max(np.cos(np.radians(frame.y_edges.mean())), 0.3))
    else:
        axes.set_xlabel("x (km)")
        axes.set_ylabel("y (km)")
        ratio = np.ptp(frame.y_edges) / np.ptp(frame.x_edges)
        axes.set_aspect("equal" if 0.2 < ratio < 4 else "auto")


def coast_segments(frame: MapFrame) -> list[list[tuple[float, float]]]:
    """Edges between wet and dry cells."""
    x, y, wet = frame.x_edges, frame.y_edges, frame.wet
    segments = [[(x[i + 1], y[j]), (x[i + 1], y[j + 1])] for j, i in np.argwhere(wet[:, 1:] != wet[:, :-1])]
    segments += [[(x[i], y[j + 1]), (x[i + 1], y[j + 1])] for j, i in np.argwhere(wet[1:] != wet[:-1])]
    return segments


def map_size(frame: MapFrame, width: float = 7.2) -> tuple[float, float]:
    """(width, height) in inches that suits the domain's shape."""
    ratio = np.ptp(frame.y_edges) / np.ptp(frame.x_edges)
    if not 0.2 < ratio < 4:
        return width, 3.2
    if ratio > 0.8:
        height = 5.2
        return max(height / ratio * 1.05 + 1.4, 3.6), height
    return width, max(width * ratio * 0.85 + 0.6, 2.6)
