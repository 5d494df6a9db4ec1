"""Time series."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ocean_gcm.figures import style

LINE = "#1f5a8c"


def draw_series(
    path: Path, years: np.ndarray, panels: Mapping[str, np.ndarray], title: str, ranges: Mapping[str, tuple] = {}
) -> Path:
    """One small panel per quantity ("label (unit)" -> (time,)); `ranges` shades an observed range by label."""
    columns = 2 if len(panels) > 1 else 1
    rows = int(np.ceil(len(panels) / columns))
    in_days = years[-1] - years[0] < 1.0
    x = years * 365.0 if in_days else years
    figure, grid = style.new_figure(7.2 if columns == 2 else 4.5, 1.55 * rows + 0.5, rows, columns, sharex=True)
    axes = grid.ravel()
    for axis, (label, values) in zip(axes, panels.items(), strict=False):
        if label in ranges:
            axis.axhspan(*ranges[label], color="0.9", linewidth=0)
        axis.plot(x, values, color=LINE, linewidth=1.1, marker="." if len(x) < 30 else None, markersize=3)
        axis.set_title(label, fontsize=8.5)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", linewidth=0.6)
        axis.ticklabel_format(axis="y", useOffset=False)
        axis.margins(x=0.01)
        axis.tick_params(labelsize=8)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    for axis in axes[max(0, len(panels) - columns) : len(panels)]:
        axis.set_xlabel("time (days)" if in_days else "time (years)")
        axis.tick_params(labelbottom=True)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return style.save(figure, path)
