"""Pages of studies, made of what `python -m eval forecast` wrote."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ocean_gcm.errors import UserError, exit_code


def page_program(name: str, description: str, write_page: Callable[[Path, Path], Path]) -> Callable[..., int]:
    """The program `python -m eval.NAME REPORT`: write_page(report, folder) and where that is."""

    def main(arguments: list[str] | None = None) -> int:
        parser = argparse.ArgumentParser(prog=f"python -m eval.{name}", description=description)
        parser.add_argument("report", type=Path, help="directory of the report, with scores.csv and ranks.csv")
        parser.add_argument("--output", type=Path, default=Path("docs/results"))
        options = parser.parse_args(arguments)
        return exit_code(lambda: print(f"wrote {write_page(options.report, options.output)}"), name)

    return main


def tables_of(report: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and ranks of a report.  Raises UserError if it lacks one."""
    for name in ("scores.csv", "ranks.csv"):
        if not (report / name).exists():
            raise UserError(f"{report} has no {name}; expected a report of `python -m eval forecast`")
    return pd.read_csv(report / "scores.csv"), pd.read_csv(report / "ranks.csv")


def values_of(scores: pd.DataFrame, metric: str, region: str = "all", depth: str = "all") -> pd.DataFrame:
    """Rows of a metric by (variable, model, lead)."""
    chosen = (scores.metric == metric) & (scores.region == region) & (scores.depth == depth)
    return scores[chosen].set_index(["variable", "model", "lead"]).sort_index()


def head(title: str, leads: Sequence[int]) -> list[str]:
    """The first two lines of a table with a column for each lead in days."""
    return [f"| {title} | " + " | ".join(f"{lead} d" for lead in leads) + " |", "|---|" + "---|" * len(leads)]


def crps_table(
    scores: pd.DataFrame,
    titles: Mapping[str, str],
    models: Sequence[str],
    leads: Sequence[int],
    text: Callable[[str, float], str],
    *,
    bold: bool = True,
) -> list[str]:
    """Fair CRPS of the whole domain, a table for each variable; the lowest of each lead in bold.

    text: (variable, value) -> how the value is written.
    """
    found, lines = values_of(scores, "crps").value, []
    for variable, title in titles.items():
        lines += head(title, leads)
        best = {lead: min(found[variable, model, lead] for model in models) for lead in leads}
        for model in models:
            values = {lead: found[variable, model, lead] for lead in leads}
            marks = {lead: "**" if bold and value <= best[lead] else "" for lead, value in values.items()}
            cells = [f"{marks[lead]}{text(variable, value)}{marks[lead]}" for lead, value in values.items()]
            lines.append(f"| {model} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines[:-1]


def with_intervals(rows: pd.DataFrame, leads: Sequence[int]) -> list[str]:
    """Cells "value (low to high)" of rows by lead."""
    return [f"{rows.value[lead]:.2f} ({rows.low[lead]:.2f} to {rows.high[lead]:.2f})" for lead in leads]


def flatness(ranks: pd.DataFrame, model: str, variable: str, lead: float, region: str = "all") -> tuple[float, float]:
    """Share of the ranks in the band of flat histograms, and the mean of the outermost two (1 if flat)."""
    chosen = (ranks.model == model) & (ranks.variable == variable) & (ranks.lead == lead) & (ranks.region == region)
    rows = ranks[chosen & ranks.share.notna()].sort_values("rank")
    inside = rows.share.between(rows.band_low, rows.band_high).mean()
    return float(inside), float(rows.share.iloc[[0, -1]].mean() * (int(ranks["rank"].max()) + 1))
