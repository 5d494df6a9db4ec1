"""Tables of the study and its page: the text is page.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from eval.forecast.study import crps_table, flatness, head, tables_of, values_of, with_intervals
from eval.gyre_forecast import figures
from eval.report.markdown import filled

VARIABLES = {"zos": "sea level (m)", "thetao": "temperature (K)", "uo": "velocity along x (m s-1)",
             "vo": "velocity along y (m s-1)"}  # fmt: skip
MODELS = ("hybrid", "physics", "persistence", "damped", "climatology")
LEADS = (1, 2, 5, 10, 20, 30)
FIRST = 2  # days: from here on the goals hold
RATIO = (0.9, 1.1)
KEPT = (
    "crps",
    "spread_skill",
    "rmse",
    "separation_km",
    "ratio_to_truth",
    "brier_skill_extreme",
    "brier_skill_heatwave",
)
_BINS = 17


def write_page(report: Path, folder: Path) -> Path:
    """Write gyre_forecast.md, its CSV and figures into `folder`.  Raises UserError if the report lacks a table."""
    scores, ranks = tables_of(report)
    kept = scores.metric.isin(KEPT) | scores.metric.str.startswith("crps_below_")
    by_level = scores.metric.isin(["crps", "spread_skill", "rmse"]) & (scores.depth != "all")
    folder.mkdir(parents=True, exist_ok=True)
    scores[kept & ~by_level].to_csv(folder / "gyre_forecast.csv", index=False, float_format="%.4g")
    figures.draw_curves(folder / "gyre_forecast_crps.png", scores, "crps", "all", VARIABLES, MODELS)
    figures.draw_curves(folder / "gyre_forecast_spread.png", scores, "spread_skill", "interior", VARIABLES, MODELS[:2])
    figures.draw_ranks(folder / "gyre_forecast_ranks.png", binned(ranks), VARIABLES)
    parts = {
        "CRPS": crps_table(scores, VARIABLES, MODELS, LEADS, lambda _, value: f"{value:.4f}"),
        "BELOW": below_table(scores),
        "SPREAD": spread_table(scores),
        "RANKS": rank_table(ranks),
        "FLOW": flow_table(scores),
    }
    text = filled(Path(__file__).with_name("page.md"), parts)
    (folder / "gyre_forecast.md").write_text(text)
    return folder / "gyre_forecast.md"


def below_table(scores: pd.DataFrame) -> list[str]:
    """Leads from `FIRST` on at which the hybrid is better, and by how much at least."""
    lines = ["| hybrid below | " + " | ".join(VARIABLES.values()) + " |", "|---|" + "---|" * len(VARIABLES)]
    for region in ("all", "interior"):
        for model in MODELS[1:]:
            found, cells = values_of(scores, f"crps_below_{model}", region), []
            for variable in VARIABLES:
                rows = found.loc[variable, "hybrid"]
                rows = rows[rows.index >= FIRST]
                least = rows.value.idxmin()
                cells.append(
                    f"{(rows.low > 0).sum()} of {len(rows)}; least {100 * rows.value[least]:.0f} % at {least:g} d"
                )
            where = "whole basin" if region == "all" else "interior"
            lines.append(f"| {model}, {where} | " + " | ".join(cells) + " |")
    return lines


def spread_table(scores: pd.DataFrame) -> list[str]:
    found = values_of(scores, "spread_skill", "interior")
    first, second = head("spread over skill, interior", LEADS)
    lines = [f"{first} leads within 0.9 to 1.1 |", f"{second}---|"]
    for model in MODELS[:2]:
        for variable, title in VARIABLES.items():
            rows = found.loc[variable, model]
            cells = with_intervals(rows, LEADS)
            later = rows[rows.index >= FIRST].value
            lines.append(
                f"| {model}, {title} | " + " | ".join(cells) + f" | {later.between(*RATIO).sum()} of {len(later)} |"
            )
    return lines


def binned(ranks: pd.DataFrame) -> pd.DataFrame:
    """Neighbouring ranks added up to `_BINS` bins; bands as for the sum of ranks that rise and fall together."""
    number = int(ranks["rank"].max()) + 1
    edges = np.round(np.linspace(0, number, min(_BINS, number) + 1)).astype(int)
    bins = np.searchsorted(edges, ranks["rank"], side="right") - 1
    keys = ["model", "variable", "region", "lead"]
    return ranks.assign(bin=bins).groupby([*keys, "bin"], as_index=False)[["share", "band_low", "band_high"]].sum()


def rank_table(ranks: pd.DataFrame) -> list[str]:
    """Share of the ranks within the band of flat histograms, and of the two outermost ranks."""
    lines = head("hybrid, interior", LEADS)
    for variable, title in VARIABLES.items():
        found = (flatness(ranks, "hybrid", variable, lead, "interior") for lead in LEADS)
        cells = [f"{100 * inside:.0f} %, {ends:.1f}" for inside, ends in found]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def flow_table(scores: pd.DataFrame) -> list[str]:
    lines = head("", LEADS)
    parts = (("drifters", "separation_km", "separation of drifters (km)", ".0f"),
             ("kinetic_energy", "ratio_to_truth", "surface energy over that of the truth", ".2f"))  # fmt: skip
    for variable, metric, title, form in parts:
        found = values_of(scores, metric, depth="surface").value
        for model in ("hybrid", "physics", "persistence"):
            if (variable, model) in found.index.droplevel("lead"):
                cells = [format(found[variable, model, lead], form) for lead in LEADS]
                lines.append(f"| {title}, {model} | " + " | ".join(cells) + " |")
    return lines
