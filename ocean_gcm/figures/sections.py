"""Vertical sections: zonal means, overturning, meridional cuts."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator

from ocean_gcm.figures import style

_BREAK = 1000.0  # m; above it depth is drawn on a larger scale in deep oceans


def draw_section(axes: Axes, x_edges, depth_faces, field, boundaries, colours, *, along: str, lines: bool = True):
    """Cells of (nz, n) filled with colours, sea floor grey, contour lines on top; returns the mappable.

    x_edges: (n + 1,) degrees or km; depth_faces: (nz + 1,) m; along: latitude, longitude, x or y.
    """
    values = np.ma.masked_invalid(field)
    norm = style.normalisation(boundaries, colours)
    mesh = axes.pcolormesh(x_edges, depth_faces, values, cmap=colours, norm=norm)
    if lines and min(values.shape) > 1:
        x = 0.5 * (x_edges[1:] + x_edges[:-1])
        z = 0.5 * (depth_faces[1:] + depth_faces[:-1])
        _contour_lines(axes, x, z, values, style.thinned(boundaries, 12))
    finish(axes, x_edges, depth_faces, along)
    return mesh


def draw_overturning(axes: Axes, x, depth_faces, streamfunction, boundaries, *, along: str, floor=None):
    """Filled contours (Sv) of (nz + 1, n) at depth faces; `floor` (n,) m is drawn as grey relief if given."""
    colours = style.COLOURS["transport"]
    norm = style.normalisation(boundaries, colours)
    filled = axes.contourf(x, depth_faces, streamfunction, boundaries, cmap=colours, norm=norm, extend="both")
    _contour_lines(axes, x, depth_faces, np.ma.masked_invalid(streamfunction), boundaries)
    if floor is not None:
        axes.fill_between(x, floor, depth_faces[-1], color=style.LAND, step="mid", linewidth=0, zorder=3)
    finish(axes, x, depth_faces, along)
    return filled


def _contour_lines(axes: Axes, x, z, values, boundaries) -> None:
    finite = values.compressed()
    if finite.size == 0 or finite.min() == finite.max():
        return
    inside = boundaries[(boundaries > finite.min()) & (boundaries < finite.max())]
    if len(inside) == 0:
        return
    style_of = ["dashed" if level < 0 and boundaries[0] < 0 < boundaries[-1] else "solid" for level in inside]
    contours = axes.contour(x, z, values, inside, colors="0.2", linewidths=0.5, linestyles=style_of)
    axes.clabel(contours, inside[:: max(1, len(inside) // 8)], fontsize=6.5, fmt="%g", inline_spacing=2)


def finish(axes: Axes, x, depth_faces, along: str) -> None:
    """Depth downwards, the upper kilometre enlarged in a deep ocean."""
    axes.set_facecolor(style.LAND)
    bottom = float(depth_faces[-1])
    if bottom > 2 * _BREAK:
        deep = (bottom - _BREAK) / _BREAK
        axes.set_yscale("function", functions=(lambda z: _compress(z, deep), lambda z: _expand(z, deep)))
        ticks = [0, 250, 500, 750, 1000, *np.arange(2000, bottom + 1, 1000)]
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_minor_locator(FixedLocator([]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.axhline(_BREAK, color="0.3", linewidth=0.5)
    axes.set_ylim(bottom, 0)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylabel("depth (m)")
    if along in ("latitude", "longitude"):
        span = x[-1] - x[0]
        axes.xaxis.set_major_locator(MultipleLocator(60 if span > 180 else 20 if span > 60 else 10))
        (style.label_latitude if along == "latitude" else style.label_longitude)(axes.xaxis)
    else:
        if axes.xaxis.get_tick_params().get("labelbottom", True):
            axes.set_xlabel(f"{along} (km)")


def _compress(depth, deep: float):
    """Depth -> height on the page: 1 for the upper kilometre, 1 for all that lies below."""
    depth = np.asarray(depth, float)
    return np.where(depth < _BREAK, depth / _BREAK, 1.0 + (depth - _BREAK) / (_BREAK * deep))


def _expand(height, deep: float):
    height = np.asarray(height, float)
    return np.where(height < 1.0, height * _BREAK, _BREAK + (height - 1.0) * _BREAK * deep)
