"""A figure of a validation of layers: a held-out forecast beside the truth, and errors by lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.figures import style
from train.figures import DAY, MOST_LEADS, Rollout, draw_errors


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
        draw_errors(below, leads, scores, unit, word)
        return style.save(figure, path)
