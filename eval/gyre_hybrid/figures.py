"""Figures of the study: errors by lead, and climates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ocean_gcm.figures import style

TITLES = {"sea_surface_height": "sea level (m)", "temperature": "temperature (K)", "velocity": "velocity (m s-1)"}
LOOKS = {
    "persistence": dict(color="0.6", linestyle=":"),
    "climatology": dict(color="0.6", linestyle="--"),
    "none": dict(color="black"),
    "classical": dict(color="#b8860b"),
    "single_step": dict(color="#4f8f4f"),
    "rollout": dict(color="#c0504d"),
    "stochastic": dict(color="#1f5a8c"),
}


def _look(name: str) -> dict:
    return LOOKS[name] if name in LOOKS else {**LOOKS["classical"], "linewidth": 0.7, "alpha": 0.7}


def draw_forecasts(path: Path, forecasts: pd.DataFrame) -> Path:
    """RMSE against lead; of ensembles that of their mean; bands are seeds."""
    several = (forecasts.members > 1) & (forecasts.model == "stochastic")
    table = forecasts[(forecasts.members == 1) & (forecasts.model != "stochastic") | several]
    found = table.groupby(["variable", "model", "seed", "lead"])["mean_squared_error"].mean() ** 0.5
    with style.look():
        figure, axes = style.new_figure(9.0, 3.2, 1, 3)
        for axis, (variable, title) in zip(axes[0], TITLES.items(), strict=True):
            names = list(dict.fromkeys(table.model))
            one_classical = next((name for name in names if name not in LOOKS), None)
            for name in names:
                seeds = found[variable, name].unstack("lead")
                look = _look(name)
                label = "classical" if name == one_classical else name if name in LOOKS else None
                axis.plot(seeds.columns, seeds.mean(), label=label, **{"linewidth": 1.3, **look})
                if len(seeds) > 1:
                    axis.fill_between(seeds.columns, seeds.min(), seeds.max(), color=look["color"], alpha=0.2, lw=0)
            axis.set_title(title)
            axis.set_xlabel("lead (days)")
            axis.set_ylim(0)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0, 0].set_ylabel("root mean square error")
        axes[0, 2].legend(fontsize=7)
        return style.save(figure, path)


def draw_climates(path: Path, fields: Mapping[str, np.ndarray]) -> Path:
    """Eddy kinetic energy and mean sea level at the surface of truth and models, and spectra."""
    labels = list(dict.fromkeys(name.split("/")[0] for name in fields))
    first = [next((n for n in labels if n.split(".")[0] == kind), None) for kind in LOOKS]
    shown = ["truth", *(name for name in first if name)]
    with style.look():
        figure, axes = style.new_figure(1.9 * (len(shown) + 1), 4.2, 2, len(shown) + 1)
        for column, name in enumerate(shown):
            energy = axes[0, column].imshow(
                np.log10(np.maximum(fields[f"{name}/eddy_energy"], 1e-6)), origin="lower", vmin=-4, vmax=-0.5,
                cmap=style.COLOURS["speed"],
            )  # fmt: skip
            level = axes[1, column].imshow(
                fields[f"{name}/sea_level"], origin="lower", vmin=-0.6, vmax=0.6, cmap=style.COLOURS["sea_level"]
            )
            axes[0, column].set_title(name.split(".")[0])
            for axis in axes[:, column]:
                axis.set_xticks([])
                axis.set_yticks([])
        figure.colorbar(energy, ax=axes[0, len(shown) - 1], label="log10 eddy energy (m2 s-2)", shrink=0.8)
        figure.colorbar(level, ax=axes[1, len(shown) - 1], label="mean sea level (m)", shrink=0.8)
        top, bottom = axes[0, -1], axes[1, -1]
        for name in shown:
            spectrum = fields[f"{name}/spectrum"]
            look = dict(color="0.5", linewidth=2.5) if name == "truth" else _look(name.split(".")[0])
            top.loglog(np.arange(1, len(spectrum) + 1), spectrum, **{"linewidth": 1.2, **look})
            bottom.plot(fields[f"{name}/speeds"][::6], **{"linewidth": 0.7, **look})
        top.set_title("spectrum along x")
        bottom.set_title("largest speed (m s-1)")
        bottom.set_xlabel("months")
        return style.save(figure, path)
