"""Tables of the study of calibrated forecasts and its page: the text is page.md."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from eval.forecast.study import crps_table, flatness, head, tables_of, values_of, with_intervals
from eval.gyre_forecast import figures
from eval.gyre_forecast.page import FIRST, LEADS, RATIO, VARIABLES, binned
from eval.report.markdown import filled

MODELS = ("calibrated", "raw", "physics", "persistence", "damped", "climatology")
KEPT = ("crps", "spread_skill", "rmse", "bias")


def write_page(report: Path, folder: Path) -> Path:
    """Write gyre_calibration.md, its CSV and figures into `folder`.  Raises UserError if the report lacks a table."""
    scores, ranks = tables_of(report)
    kept = (scores.metric.isin(KEPT) | scores.metric.str.startswith("crps_below_")) & (scores.depth == "all")
    folder.mkdir(parents=True, exist_ok=True)
    scores[kept].to_csv(folder / "gyre_calibration.csv", index=False, float_format="%.4g")
    figures.draw_curves(
        folder / "gyre_calibration_spread.png", scores, "spread_skill", "interior", VARIABLES, MODELS[:2]
    )
    figures.draw_ranks(folder / "gyre_calibration_ranks.png", binned(ranks), VARIABLES, *MODELS[:2])
    parts = {
        "SPREAD": spread_table(scores),
        "RANKS": rank_table(ranks),
        "CRPS": crps_table(scores, VARIABLES, MODELS, LEADS, lambda _, value: f"{value:.4f}", bold=False),
        "BELOW": below_table(scores),
    }
    (folder / "gyre_calibration.md").write_text(filled(Path(__file__).with_name("page.md"), parts))
    return folder / "gyre_calibration.md"


def spread_table(scores: pd.DataFrame) -> list[str]:
    """Ratios by lead, and at how many of the leads from `FIRST` on they are within `RATIO`."""
    found = values_of(scores, "spread_skill", "interior")
    first, second = head("spread over skill, interior", LEADS)
    lines = [f"{first} within 0.9 to 1.1 | least, largest |", f"{second}---|---|"]
    for variable, title in VARIABLES.items():
        for model in MODELS[:2]:
            rows = found.loc[variable, model]
            later = rows[rows.index >= FIRST].value
            cells = [*with_intervals(rows, LEADS), f"{later.between(*RATIO).sum()} of {len(later)}"]
            cells.append(f"{later.min():.3f}, {later.max():.3f}")
            lines.append(f"| {title}, {model} | " + " | ".join(cells) + " |")
    return lines


def rank_table(ranks: pd.DataFrame) -> list[str]:
    """Share of the ranks within the band of flat histograms and the mean of the two outermost ones; bins of them."""
    first, second = head("ranks in the band; outermost", LEADS)
    lines = [f"{first} bins of three in the band, least and largest bin, from day 2 |", f"{second}---|"]
    bins = binned(ranks)
    later = bins[(bins.region == "interior") & (bins.lead >= FIRST)]
    for variable, title in VARIABLES.items():
        for model in MODELS[:2]:
            found = (flatness(ranks, model, variable, lead, "interior") for lead in LEADS)
            cells = [f"{100 * inside:.0f} %; {ends:.2f}" for inside, ends in found]
            mine = later[(later.model == model) & (later.variable == variable)]
            inside, share = mine.share.between(mine.band_low, mine.band_high).mean(), mine.share * (mine.bin.max() + 1)
            cells.append(f"{100 * inside:.0f} %; {share.min():.2f}, {share.max():.2f}")
            lines.append(f"| {title}, {model} | " + " | ".join(cells) + " |")
    return lines


def below_table(scores: pd.DataFrame) -> list[str]:
    """By how many per cent calibrated forecasts are below the raw ones, and leads at which all others are worse."""
    found = values_of(scores, "crps_below_raw")
    first, second = head("% below raw", LEADS)
    lines = [f"{first} below all others, in 95 % of resampled starts |", f"{second}---|"]
    for variable, title in VARIABLES.items():
        rows = found.loc[variable, "calibrated"]
        cells = [
            f"{100 * rows.value[lead]:.1f} ({100 * rows.low[lead]:.1f} to {100 * rows.high[lead]:.1f})"
            for lead in LEADS
        ]
        best = pd.Series(True, rows.index)
        for model in MODELS[2:]:
            best &= values_of(scores, f"crps_below_{model}").loc[variable, "calibrated"].low > 0
        later = best[best.index >= FIRST]
        lines.append(f"| {title} | " + " | ".join(cells) + f" | {later.sum()} of {len(later)} |")
    return lines
