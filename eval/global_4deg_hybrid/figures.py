"""Figures of the study: errors by year, maps and zonal means of the error at the end."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from eval.reference_climatology import Climatology
from ocean_gcm import plot
from ocean_gcm.figures import maps, sections, style
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics import means

COLOURS = {"physics": "black", "hybrid": "#c0504d"}
OTHERS = ("#1f5a8c", "#5aa05a", "#b07a2a", "#7a5aa0")
"""Colours of further models, in their order."""


def draw_years(path: Path, series: Mapping[str, pd.DataFrame]) -> Path:
    """RMSE of the upper ocean against the year, one line for each model."""
    with style.look():
        figure, axes = style.new_figure(5.5, 3.0)
        axis = axes[0, 0]
        others = itertools.cycle(OTHERS)
        for name, table in series.items():
            axis.plot(table.year, table.value, color=COLOURS.get(name) or next(others), label=name, linewidth=1.5)
        axis.set_xlabel("year")
        axis.set_ylabel("RMSE of temperature, 0 to 800 m (K)")
        axis.set_ylim(0)
        axis.margins(x=0.01)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", linewidth=0.6)
        axis.legend(frameon=False)
        return style.save(figure, path)


def draw_errors(
    path: Path, grid: Grid, temperatures: Mapping[str, np.ndarray], known: Climatology, level: int, when: str
) -> Path:
    """Temperature minus the climatology: maps of a level above zonal means, one column for each model."""
    frame = maps.frame_of(grid)
    edges, along = plot.meridional_edges(grid)
    errors = {name: field - known.temperature for name, field in temperatures.items()}
    at_level = {name: error[level] for name, error in errors.items()}
    zonal = {}
    for name, error in errors.items():
        finite = np.isfinite(error)
        zonal[name] = means.zonal_mean(np.where(finite, error, 0.0), grid.volume * finite)
    columns = len(errors)
    with style.look():
        figure, axes = style.new_figure(5.0 * columns, 5.4, 2, columns, sharey="row")
        for row, panels in enumerate((at_level, zonal)):
            values = np.concatenate([field.ravel() for field in panels.values()])
            boundaries = style.difference_levels(values, number=14)
            for axis, (name, field) in zip(axes[row], panels.items(), strict=True):
                palette = style.COLOURS["difference"]
                if row == 0:
                    mesh = maps.draw_map(axis, frame, field, boundaries, palette)
                    axis.set_title(f"{name}: {grid.levels.centres[level]:.0f} m, {when}")
                else:
                    place = edges, grid.levels.faces
                    mesh = sections.draw_section(axis, *place, field, boundaries, palette, along=along, lines=False)
                    axis.set_title(f"{name}: zonal mean")
            style.colour_bar(mesh, list(axes[row]), "model minus Levitus (K)", style.thinned(boundaries))
        return style.save(figure, path)
