"""Curves against depth, and the coasts for maps of points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter

from eval.report import charts
from eval.report.charts import DASHES, Curve, Look
from eval.report.pictures import GRID, INK, Picture, look, new_axes, picture_of
from ocean_gcm.figures.maps import MapFrame
from ocean_gcm.grid import earth
from ocean_gcm.grid.geometry import sphere
from ocean_gcm.grid.topology import Topology

_TICKS = (0, 50, 100, 200, 400, 700, 1000, 2000, 4000, 6000)


def depth_curves(
    name: str, title: str, of: Mapping[str, Curve], by: Mapping[str, Look], label: str, reference: float | None = None
) -> Picture:
    """Values against depth, downwards on the scale of its square root: the upper ocean gets the room it needs.

    of: by model, x in m; by: their looks; label: of the values, with their unit; reference: a thin line.
    """
    with look():
        figure, axes = new_axes(3.6, 3.2)
        for key, curve in of.items():
            colour = by[key].colour
            axes.plot(curve.y, curve.x, color=colour, linestyle=DASHES[by[key].dashes], linewidth=1.6,
                      marker="o", markersize=2.5)  # fmt: skip
            if curve.low is not None:
                axes.fill_betweenx(curve.x, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
        if reference is not None:
            axes.axvline(reference, color=INK, linewidth=0.7, alpha=0.6)
        deepest = max(float(np.max(curve.x)) for curve in of.values())
        axes.set_yscale("function", functions=(lambda z: np.sqrt(np.clip(z, 0, None)), np.square))
        axes.yaxis.set_major_locator(FixedLocator([z for z in _TICKS if z <= deepest]))
        axes.yaxis.set_minor_locator(FixedLocator([]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_ylim(1.05 * deepest, 0)
        axes.grid(True, color=GRID)
        axes.set_axisbelow(True)
        axes.set_xlabel(label)
        axes.set_ylabel("depth (m)")
        return picture_of(figure, name, title, f"{title}: {label} against depth of {', '.join(of)}")


def earth_frame() -> MapFrame:
    """The coasts of the Earth at 4 degrees, from 20E eastwards."""
    x, y = np.linspace(0, 360, 91), np.linspace(-80, 84, 42)
    wet = np.roll(earth.depth(sphere(x, y, Topology(periodic_x=True))) > 0, -5, -1)
    return charts.frame_of_edges(x + 20.0, y, wet, spherical=True)
