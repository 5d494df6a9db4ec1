"""Tables and figure of the study and its page: the text is page.md."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ocean_gcm.errors import UserError
from ocean_gcm.figures import style

VARIABLES = {"psi": ("streamfunction (m2 s-1)", 1.0), "pv": ("potential vorticity (1e-6 s-1)", 1e6)}
LOOKS = {
    "stochastic": dict(color="#1f5a8c"),
    "perturbed": dict(color="#b8860b"),
    "deterministic": dict(color="#b8860b", linestyle="--"),
    "none": dict(color="black", linestyle="--"),
    "persistence": dict(color="0.6", linestyle=":"),
    "climatology": dict(color="0.6", linestyle="-."),
}
ENSEMBLES = ("stochastic", "perturbed")
LEADS = (1, 2, 5, 10, 15, 20)
KEPT = ("crps", "spread_skill", "rmse", "energy_score")
KEYS = ["variable", "model", "lead"]


def write_page(report: Path, folder: Path) -> Path:
    """Write qg_stochastic.md, its CSV and figure into `folder`.  Raises UserError if the report lacks a table."""
    for name in ("scores.csv", "ranks.csv"):
        if not (report / name).exists():
            raise UserError(f"{report} has no {name}; expected a report of `python -m eval forecast`")
    scores, ranks = pd.read_csv(report / "scores.csv"), pd.read_csv(report / "ranks.csv")
    kept = scores.metric.isin(KEPT) | scores.metric.str.startswith("crps_below_")
    folder.mkdir(parents=True, exist_ok=True)
    scores[kept & (scores.depth == "all")].to_csv(folder / "qg_stochastic.csv", index=False, float_format="%.4g")
    draw(folder / "qg_stochastic.png", scores)
    parts = {
        "CRPS": crps_table(scores),
        "BELOW": below_table(scores),
        "SPREAD": spread_table(scores),
        "RANKS": rank_table(ranks),
    }
    text = (Path(__file__).parent / "page.md").read_text()
    for name, lines in parts.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(lines))
    (folder / "qg_stochastic.md").write_text(text)
    return folder / "qg_stochastic.md"


def _values(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of a metric by (variable, model, lead)."""
    chosen = (scores.metric == metric) & (scores.region == "all") & (scores.depth == "all")
    return scores[chosen].set_index(KEYS).sort_index()


def _head(title: str) -> list[str]:
    return [f"| {title} | " + " | ".join(f"{lead} d" for lead in LEADS) + " |", "|---|" + "---|" * len(LEADS)]


def crps_table(scores: pd.DataFrame) -> list[str]:
    """Fair CRPS, the lowest of each lead in bold."""
    found, lines = _values(scores, "crps").value, []
    for variable, (title, factor) in VARIABLES.items():
        lines += _head(title)
        best = {lead: min(found[variable, model, lead] for model in LOOKS) for lead in LEADS}
        for model in LOOKS:
            texts = {lead: f"{factor * found[variable, model, lead]:.3g}" for lead in LEADS}
            cells = [f"**{t}**" if found[variable, model, lead] <= best[lead] else t for lead, t in texts.items()]
            lines.append(f"| {model} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines[:-1]


def below_table(scores: pd.DataFrame) -> list[str]:
    """By how much the stochastic model's CRPS is below another's, in per cent, with intervals."""
    lines = []
    for variable, (title, _) in VARIABLES.items():
        lines += _head(f"{title.split(' (')[0]}: % below")
        for model in list(LOOKS)[1:]:
            rows = _values(scores, f"crps_below_{model}").loc[variable, "stochastic"]
            cells = [f"{100 * rows.value[n]:.0f} ({100 * rows.low[n]:.0f} to {100 * rows.high[n]:.0f})" for n in LEADS]
            lines.append(f"| {model} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines[:-1]


def spread_table(scores: pd.DataFrame) -> list[str]:
    found, lines = _values(scores, "spread_skill"), _head("spread over skill")
    for model in ENSEMBLES:
        for variable, (title, _) in VARIABLES.items():
            rows = found.loc[variable, model]
            cells = [f"{rows.value[n]:.2f} ({rows.low[n]:.2f} to {rows.high[n]:.2f})" for n in LEADS]
            lines.append(f"| {model}, {title.split(' (')[0]} | " + " | ".join(cells) + " |")
    return lines


def rank_table(ranks: pd.DataFrame) -> list[str]:
    """Share of the ranks in the band of flat histograms, and the mean of the outermost two (1 if flat)."""
    number, lines = int(ranks["rank"].max()) + 1, _head("ranks in the band; outermost")
    for model in ENSEMBLES:
        for variable, (title, _) in VARIABLES.items():
            cells = []
            for lead in LEADS:
                chosen = (ranks.model == model) & (ranks.variable == variable) & (ranks.lead == lead)
                rows = ranks[chosen & (ranks.region == "all") & ranks.share.notna()].sort_values("rank")
                inside = rows.share.between(rows.band_low, rows.band_high).mean()
                cells.append(f"{100 * inside:.0f} %; {rows.share.iloc[[0, -1]].mean() * number:.1f}")
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
                found = _values(scores, metric)
                for model in models:
                    rows = found.loc[variable, model]
                    axis.plot(rows.index, scale * rows.value, label=model, **{"linewidth": 1.4, **LOOKS[model]})
                    band = scale * rows.low, scale * rows.high
                    axis.fill_between(rows.index, *band, color=LOOKS[model]["color"], alpha=0.2, lw=0)
                axis.set_ylim(0)
                axis.spines[["top", "right"]].set_visible(False)
            axes[0, column].set_title(title)
            axes[1, column].axhspan(0.9, 1.1, color="0.92", lw=0, zorder=0)
            axes[1, column].axhline(1.0, color="0.5", lw=0.7)
            axes[1, column].set_xlabel("lead (days)")
        axes[0, 0].set_ylabel("fair CRPS")
        axes[1, 0].set_ylabel("spread over skill")
        axes[0, 0].legend(fontsize=7.5)
        return style.save(figure, path)
