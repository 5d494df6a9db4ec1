"""A figure of a validation of layers: a held-out forecast beside the truth, and errors by lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.figures import style
from train.figures import DAY, LINES, MOST_LEADS, Rollout

UNITS = {"potential_vorticity": "s-1", "vorticity": "s-1", "streamfunction": "m2 s-1", "u": "m s-1", "v": "m s-1"}


def draw_layers_validation(
    path: Path, grid: PeriodicGrid, leads: Sequence[float], scores: Mapping[str, Mapping], rollout: Rollout, title: str
) -> Path:
    """Write a PNG: maps of potential vorticity of the uppermost layer at some leads, and below RMSE against lead.

    Arguments as of `train.figures.draw_validation`.
    """
    chosen = np.unique(np.linspace(0, len(leads) - 1, min(MOST_LEADS, len(leads))).round().astype(int))
    truth, forecast = (fields["potential_vorticity"][chosen] for fields in (rollout.truth, rollout.forecast))
    unit, word = (DAY, "d") if leads[-1] >= 2 * DAY else (3600.0, "h") if leads[-1] >= 7200 else (1.0, "s")
    with style.look():
        figure = Figure(figsize=(2.6 * len(chosen) + 1.2, 9.6), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, fontsize=9)
        above, below = figure.subfigures(2, 1, height_ratios=(7.2, 2.4))
        axes = above.subplots(3, len(chosen), squeeze=False, sharex=True, sharey=True)
        common = float(np.percentile(np.abs(truth), 99.7)) or 1.0
        difference = float(np.percentile(np.abs(forecast - truth), 99.7)) or 1.0
        rows = (("truth", truth, common), ("forecast", forecast, common), ("error", forecast - truth, difference))
        for row, (name, fields, largest) in enumerate(rows):
            for column, field in enumerate(fields):
                axis = axes[row, column]
                mesh = axis.pcolormesh(
                    grid.x / 1e3, grid.y / 1e3, field, cmap=style.COLOURS["difference"], vmin=-largest, vmax=largest
                )
                axis.set(aspect="equal", xticks=[], yticks=[], ylabel=name if column == 0 else "")
            style.colour_bar(mesh, axes[row], "pv (s⁻¹)")
        for column, number in enumerate(chosen):
            axes[0, column].set_title(f"{leads[number] / unit:g} {word}", fontsize=8)
        _draw_errors(below, np.asarray(leads) / unit, word, scores)
        return style.save(figure, path)


def _draw_errors(figure, times: np.ndarray, word: str, scores: Mapping[str, Mapping]) -> None:
    names = list(scores["rmse"])
    for axis, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, (label, line) in LINES.items():
            axis.plot(times, scores[key][name], line, marker="o", markersize=3, label=label)
        axis.set_title(f"{name.replace('_', ' ')} ({UNITS.get(name, '1')})", fontsize=8)
        axis.set_xlabel(f"lead ({word})")
        axis.set_ylim(bottom=0.0)
        axis.grid(alpha=0.3)
    figure.axes[0].set_ylabel("RMSE")
    figure.axes[0].legend(fontsize=7)
