"""Figures of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ocean_gcm.figures import style

LOOKS = {
    "hybrid": dict(color="#1f5a8c"),
    "physics": dict(color="black"),
    "persistence": dict(color="0.6", linestyle=":"),
    "damped": dict(color="#b8860b", linestyle="-."),
    "climatology": dict(color="0.6", linestyle="--"),
    "calibrated": dict(color="#1f5a8c"),
    "raw": dict(color="#b04a3a"),
}
_RANK_LEADS = (2, 10, 30)


def draw_curves(
    path: Path, scores: pd.DataFrame, metric: str, region: str, titles: Mapping[str, str], models: Sequence[str]
) -> Path:
    """A metric by lead, one panel for each variable; bands are those of the table."""
    chosen = scores[(scores.metric == metric) & (scores.region == region) & (scores.depth == "all")]
    with style.look():
        figure, axes = style.new_figure(9.0, 5.4, 2, 2)
        for axis, (variable, title) in zip(axes.flat, titles.items(), strict=True):
            for model in models:
                rows = chosen[(chosen.variable == variable) & (chosen.model == model)].sort_values("lead")
                axis.plot(rows.lead, rows.value, label=model, **{"linewidth": 1.3, **LOOKS[model]})
                axis.fill_between(rows.lead, rows.low, rows.high, color=LOOKS[model]["color"], alpha=0.2, lw=0)
            if metric == "spread_skill":
                axis.axhspan(0.9, 1.1, color="0.9", lw=0, zorder=0)
                axis.axhline(1.0, color="0.5", lw=0.7)
            axis.set_title(title)
            axis.set_ylim(0)
            axis.spines[["top", "right"]].set_visible(False)
        for axis in axes[1]:
            axis.set_xlabel("lead (days)")
        label = {"crps": "fair CRPS", "spread_skill": f"spread over skill, {region}"}[metric]
        for axis in axes[:, 0]:
            axis.set_ylabel(label)
        axes[0, 0].legend(fontsize=7.5)
        return style.save(figure, path)


def draw_ranks(
    path: Path, ranks: pd.DataFrame, titles: Mapping[str, str], model: str = "hybrid", before: str | None = None
) -> Path:
    """Rank histograms of a model in the interior with the bands of flat ones; a row for each lead.

    before: another model, as a line.
    """
    inside = ranks[ranks.region == "interior"]
    bins = int(ranks.bin.max()) + 1
    with style.look():
        figure, axes = style.new_figure(9.0, 5.4, len(_RANK_LEADS), len(titles), sharex=True)
        for row, lead in zip(axes, _RANK_LEADS, strict=True):
            for axis, (variable, title) in zip(row, titles.items(), strict=True):
                here = inside[(inside.variable == variable) & (inside.lead == lead)].sort_values("bin")
                rows = here[here.model == model]
                axis.bar(rows.bin, rows.share * bins, width=0.9, color="#7aa6cf")
                if before is not None:
                    other = here[here.model == before]
                    axis.step(other.bin, other.share * bins, where="mid", color=LOOKS[before]["color"], lw=1.1)
                axis.vlines(rows.bin, rows.band_low * bins, rows.band_high * bins, color="black", lw=0.9)
                axis.axhline(1.0, color="0.3", lw=0.7, ls="--")
                axis.set_ylim(0, max(2.0, 1.1 * float(np.max(rows.share)) * bins))
                axis.spines[["top", "right"]].set_visible(False)
                axis.tick_params(labelsize=7)
                if lead == _RANK_LEADS[0]:
                    axis.set_title(title.split(" (")[0], fontsize=8.5)
            row[0].set_ylabel(f"day {lead}\nshare, flat = 1", fontsize=8)
        for axis in axes[-1]:
            axis.set_xlabel("rank of the truth, in bins", fontsize=8)
        return style.save(figure, path)
