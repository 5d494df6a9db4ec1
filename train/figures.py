"""Figures of validation: a held-out forecast beside the truth, and errors by lead."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ocean_gcm.figures import style
from ocean_gcm.figures.maps import draw_map, frame_of
from ocean_gcm.grid.grid import Grid

DAY = 86400.0
MOST_LEADS = 3
"""Leads of which maps are drawn: the first, the last and one between."""

SHOWN = {
    "sea_surface_height": ("sea level (m)", "sea_level"),
    "temperature": ("surface temperature (°C)", "temperature"),
}
_WIDTH, _ERRORS = 2.3, 2.6
"""Inches: width of a map, height of the row of errors."""

LINES = {"rmse": ("trained", "-"), "rmse_untrained": ("untrained", "--"), "rmse_persistence": ("persistence", ":")}
UNITS = {
    **{"u": "m s-1", "v": "m s-1", "temperature": "K", "salinity": "g kg-1", "sea_surface_height": "m"},
    **{"potential_vorticity": "s-1", "vorticity": "s-1", "streamfunction": "m2 s-1"},
}


@dataclasses.dataclass(frozen=True)
class Rollout:
    """One held-out forecast at its leads.

    Attributes:
      forecast, truth: by name of `SHOWN`, (lead, ny, nx) of the surface.
    """

    forecast: Mapping[str, np.ndarray]
    truth: Mapping[str, np.ndarray]


def draw_validation(
    path: Path, grid: Grid, leads: Sequence[float], scores: Mapping[str, Mapping], rollout: Rollout, title: str
) -> Path:
    """Write a PNG: maps of truth, forecast and error at some leads, and below RMSE against lead.

    Args:
      path: of the file.
      grid: of the model.
      leads: s.
      scores: rmse, rmse_untrained and rmse_persistence by variable, a number for each lead.
      rollout: the forecast of the maps.
      title: above all.
    """
    chosen = np.unique(np.linspace(0, len(leads) - 1, min(MOST_LEADS, len(leads))).round().astype(int))
    with style.look():
        maps = 3 * (_WIDTH * _shape(grid) + 0.15) + 0.5
        figure = Figure(figsize=(len(SHOWN) * (_WIDTH * len(chosen) + 1.0), maps + _ERRORS), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title)
        above, below = figure.subfigures(2, 1, height_ratios=(maps, _ERRORS))
        halves = above.subfigures(1, len(SHOWN))
        for half, (name, (label, colours)) in zip(halves, SHOWN.items(), strict=True):
            fields = (rollout.truth[name][chosen], rollout.forecast[name][chosen])
            _draw_maps(half, grid, [leads[n] for n in chosen], fields, label, style.COLOURS[colours])
        draw_errors(below, leads, scores, DAY, "d")
        return style.save(figure, path)


def _draw_maps(figure, grid: Grid, leads: Sequence[float], fields, label: str, colours) -> None:
    """Rows truth, forecast and error; columns leads."""
    truth, forecast = fields
    frame, wet = frame_of(grid), grid.wet
    axes = figure.subplots(3, len(leads), squeeze=False, sharex=True, sharey=True)
    signed = colours is style.COLOURS["sea_level"]
    common = style.levels(np.stack([truth, forecast])[..., wet], symmetric=signed, percentile=0.2)
    errors = style.difference_levels((forecast - truth)[..., wet])
    for column, lead in enumerate(leads):
        rows = (
            ("truth", truth[column], common, colours),
            ("forecast", forecast[column], common, colours),
            ("error", forecast[column] - truth[column], errors, style.COLOURS["difference"]),
        )
        meshes = []
        for row, (name, field, boundaries, colour) in enumerate(rows):
            meshes.append(draw_map(axes[row, column], frame, field, boundaries, colour))
            axes[row, column].set(xlabel="", xticks=[], yticks=[])
            axes[row, column].set_ylabel(name if column == 0 else "")
        axes[0, column].set_title(f"{lead / DAY:g} d")
    style.colour_bar(meshes[1], axes[:2].ravel(), label, ticks=style.thinned(common, 7))
    style.colour_bar(meshes[2], axes[2], "error", ticks=style.thinned(errors, 5))


def _shape(grid: Grid) -> float:
    """Height over width of a map."""
    frame = frame_of(grid)
    return float(np.clip(np.ptp(frame.y_edges) / np.ptp(frame.x_edges), 0.3, 1.5))


def draw_errors(figure, leads: Sequence[float], scores: Mapping[str, Mapping], seconds: float, unit: str) -> None:
    """RMSE of each variable against the lead, in a unit of so many seconds."""
    times = np.asarray(leads) / seconds
    names = list(scores["rmse"])
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, (label, line) in LINES.items():
            axes.plot(times, scores[key][name], line, marker="o", markersize=3, label=label)
        axes.set_title(f"{name.replace('_', ' ')} ({UNITS.get(name, '1')})", fontsize=8)
        axes.set_xlabel(f"lead ({unit})")
        axes.set_ylim(bottom=0.0)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("RMSE")
    figure.axes[0].legend(fontsize=7)
