"""Tables and figure of the study and its page: the text is page.md."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from eval.forecast.study import crps_table, flatness, head, tables_of, values_of, with_intervals
from eval.report.markdown import filled
from ocean_gcm.figures import style

VARIABLES = {"psi": ("streamfunction (m2 s-1)", 1.0), "pv": ("potential vorticity (1e-6 s-1)", 1e6)}
LOOKS = {
    "stochastic": dict(color="#1f5a8c"),
    "calibrated": dict(color="#2e7d4f"),
    "perturbed": dict(color="#b8860b"),
    "smooth": dict(color="#7a3b2e"),
    "deterministic": dict(color="#b8860b", linestyle="--"),
    "none": dict(color="black", linestyle="--"),
    "persistence": dict(color="0.6", linestyle=":"),
    "climatology": dict(color="0.6", linestyle="-."),
}
ENSEMBLES = ("stochastic", "calibrated", "perturbed", "smooth")
LEADS = (1, 2, 5, 10, 15, 20)
KEPT = ("crps", "spread_skill", "rmse", "energy_score")


def write_page(report: Path, folder: Path) -> Path:
    """Write qg_stochastic.md, its CSV and figure into `folder`.  Raises UserError if the report lacks a table."""
    scores, ranks = tables_of(report)
    kept = scores.metric.isin(KEPT) | scores.metric.str.startswith("crps_below_")
    folder.mkdir(parents=True, exist_ok=True)
    scores[kept & (scores.depth == "all")].to_csv(folder / "qg_stochastic.csv", index=False, float_format="%.4g")
    draw(folder / "qg_stochastic.png", scores)
    titles = {variable: title for variable, (title, _) in VARIABLES.items()}
    parts = {
        "CRPS": crps_table(scores, titles, tuple(LOOKS), LEADS, lambda v, value: f"{VARIABLES[v][1] * value:.3g}"),
        "BELOW": below_table(scores),
        "SPREAD": spread_table(scores),
        "RANKS": rank_table(ranks),
    }
    text = filled(Path(__file__).with_name("page.md"), parts)
    (folder / "qg_stochastic.md").write_text(text)
    return folder / "qg_stochastic.md"


def below_table(scores: pd.DataFrame) -> list[str]:
    """By how much the stochastic model's CRPS is below another's, in per cent, with intervals."""
    lines = []
    for variable, (title, _) in VARIABLES.items():
        lines += head(f"{title.split(' (')[0]}: % below", LEADS)
        for model in list(LOOKS)[1:]:
            rows = values_of(scores, f"crps_below_{model}").loc[variable, "stochastic"]
            cells = [f"{100 * rows.value[n]:.0f} ({100 * rows.low[n]:.0f} to {100 * rows.high[n]:.0f})" for n in LEADS]
            lines.append(f"| {model} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines[:-1]


def spread_table(scores: pd.DataFrame) -> list[str]:
    found, lines = values_of(scores, "spread_skill"), head("spread over skill", LEADS)
    for model in ENSEMBLES:
        for variable, (title, _) in VARIABLES.items():
            rows = found.loc[variable, model]
            cells = with_intervals(rows, LEADS)
            lines.append(f"| {model}, {title.split(' (')[0]} | " + " | ".join(cells) + " |")
    return lines


def rank_table(ranks: pd.DataFrame) -> list[str]:
    """Share of the ranks in the band of flat histograms, and the mean of the outermost two (1 if flat)."""
    lines = head("ranks in the band; outermost", LEADS)
    for model in ENSEMBLES:
        for variable, (title, _) in VARIABLES.items():
            found = (flatness(ranks, model, variable, lead) for lead in LEADS)
            cells = [f"{100 * inside:.0f} %; {ends:.1f}" for inside, ends in found]
            lines.append(f"| {model}, {title.split(' (')[0]} | " + " | ".join(cells) + " |")
    return lines


def draw(path: Path, scores: pd.DataFrame) -> Path:
    """Fair CRPS of all models and spread over skill of the ensembles by lead; bands are those of the table."""
    with style.look():
        figure, axes = style.new_figure(9.0, 6.0, 2, 2, sharex=True)
        for column, (variable, (title, factor)) in enumerate(VARIABLES.items()):
            for axis, metric, models, scale in (
                (axes[0, column], "crps", LOOKS, factor), (axes[1, column], "spread_skill", ENSEMBLES, 1.0)
            ):  # fmt: skip
                found = values_of(scores, metric)
                for model in models:
                    rows = found.loc[variable, model]
                    axis.plot(rows.index, scale * rows.value, label=model, **{"linewidth": 1.4, **LOOKS[model]})
                    band = scale * rows.low, scale * rows.high
                    axis.fill_between(rows.index, *band, color=LOOKS[model]["color"], alpha=0.2, lw=0)
                axis.spines[["top", "right"]].set_visible(False)
            axes[0, column].set_title(title)
            axes[1, column].axhspan(0.9, 1.1, color="0.92", lw=0, zorder=0)
            axes[1, column].axhline(1.0, color="0.5", lw=0.7)
            axes[1, column].set_xlabel("lead (days)")
        for axis in axes.flat:
            axis.set_ylim(0)
            axis.set_xticks([0, *range(5, max(LEADS) + 1, 5)])
        axes[0, 0].set_ylabel("fair CRPS")
        axes[1, 0].set_ylabel("spread over skill")
        axes[0, 0].legend(fontsize=7.5)
        return style.save(figure, path)
