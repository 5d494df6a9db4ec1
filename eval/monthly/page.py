"""The page of the study: page.md with its tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from eval.monthly.anomalies import REGIONS, VARIABLES
from eval.monthly.figures import LABELS, PLACES, TITLES, values
from eval.monthly.study import described
from eval.report.markdown import filled

_SHOWN = (1, 2, 3, 4, 5, 6, 9, 12)


def write_page(table: pd.DataFrame, found: dict, output: Path) -> Path:
    """Fill the places of page.md with tables made from the rows of the CSV."""
    parts = {
        "GOAL": goal(table),
        "GLOBAL": errors(table),
        "REGIONS": skills(table),
        "NINO34": nino(table),
        "SPREAD": spread(table),
        "CHOICES": chosen(found),
    }
    text = filled(Path(__file__).with_name("page.md"), parts)
    path = output / "monthly.md"
    path.write_text(text)
    return path


def goal(table: pd.DataFrame) -> list[str]:
    """At how many of the leads 1 to 6 each forecast beats damped persistence, and at how many surely."""
    lines = ["| leads 1 to 6 with less error than damped persistence (with 95 % confidence) | | RMSE | fair CRPS |"]
    lines += ["|---|---|---|---|"]
    for name in ("regression", "hybrid", "hybrid_no_waves", "hybrid_no_closure", "linear_inverse"):
        for variable in VARIABLES:
            cells = []
            for metric in ("rmse", "fcrps"):
                skill, low = (
                    values(table, name, variable, "global", f"{metric}_skill{end}")[:6] for end in ("", "_low")
                )
                cells.append(f"{(skill > 0).sum()} ({(low > 0).sum()}) of 6")
            lines.append(f"| `{name}` | {TITLES[variable]} | " + " | ".join(cells) + " |")
    return lines


def errors(table: pd.DataFrame) -> list[str]:
    """RMSE and fair CRPS over the globe."""
    lines = []
    for variable, unit, factor, form in (("zos", "cm", 100, "{:.2f}"), ("tos", "K", 1, "{:.3f}")):
        for metric, title in (("rmse", "RMSE"), ("fcrps", "fair CRPS")):
            lines += ["", _head(f"{TITLES[variable]}, {title} ({unit})")]
            for name in dict.fromkeys(table.model):
                found = factor * values(table, name, variable, "global", metric)
                lines.append(_row(f"`{name}`", [form.format(found[lead - 1]) for lead in _SHOWN]))
    return lines[1:]


def _head(title: str) -> str:
    cells = " | ".join(f"{lead}" for lead in _SHOWN)
    return f"| {title}, lead in months | {cells} |\n|---|" + "---|" * len(_SHOWN)


def _row(title: str, cells: list[str]) -> str:
    return f"| {title} | " + " | ".join(cells) + " |"


def _with_interval(table, name, variable, region, metric) -> list[str]:
    ends = [100 * values(table, name, variable, region, f"{metric}_skill{end}") for end in ("", "_low", "_high")]
    return [f"{a:.1f} [{b:.1f}, {c:.1f}]" for a, b, c in np.transpose(ends)[np.array(_SHOWN) - 1]]


def skills(table: pd.DataFrame) -> list[str]:
    """Per cent below damped persistence, with intervals."""
    lines = []
    for variable in VARIABLES:
        for metric, title in (("rmse", "RMSE"), ("fcrps", "fair CRPS")):
            lines += ["", _head(f"{TITLES[variable]}, {title}, % below damped persistence")]
            for region in REGIONS:
                for name in ("regression", "hybrid"):
                    cells = _with_interval(table, name, variable, region, metric)
                    lines.append(_row(f"{PLACES[region]}, `{name}`", cells))
    return lines[1:]


def nino(table: pd.DataFrame) -> list[str]:
    """Errors and correlations of Nino3.4 against both analyses."""
    lines = []
    names = ("persistence", "damped", "linear_inverse", "regression", "hybrid")
    for metric, title in (("rmse", "RMSE (K)"), ("correlation", "correlation")):
        for index, against in (("nino34", "ERSST"), ("nino34_oras5", "ORAS5")):
            lines += ["", _head(f"Nino3.4, {title} against {against}")]
            for name in names:
                found = values(table, name, index, "index", metric)
                lines.append(_row(f"`{LABELS.get(name, name)}`", [f"{found[lead - 1]:.2f}" for lead in _SHOWN]))
    lines += ["", _head("Nino3.4, fair CRPS, % below damped persistence (ERSST)")]
    for name in names[2:]:
        lines.append(_row(f"`{LABELS.get(name, name)}`", _with_interval(table, name, "nino34", "index", "fcrps")))
    return lines[1:]


def spread(table: pd.DataFrame) -> list[str]:
    """Unbiased spread over error of the mean."""
    lines = [_head("spread / error")]
    for variable in VARIABLES:
        for name in ("damped", "linear_inverse", "regression", "hybrid"):
            found = values(table, name, variable, "global", "spread_skill")
            cells = [f"{found[lead - 1]:.2f}" for lead in _SHOWN]
            lines.append(_row(f"{TITLES[variable]}, `{name}`", cells))
    return lines


def chosen(found: dict) -> list[str]:
    """What cross-validation chose."""
    choice = described(found)
    lines = ["| chosen by cross-validation | |", "|---|---|"]
    for variable in VARIABLES:
        for group, key in (("surroundings", "ridge"), ("tropical patterns", "ridge_modes")):
            text = ", ".join(f"{penalty:g}" for penalty in choice[key][variable])
            lines.append(f"| ridge, {TITLES[variable]}: penalty on {group}, leads 1 to 12 | {text} |")
    for key, title in (
        ("linear_inverse", "linear inverse model: RMSE over damped persistence"),
        ("hybrid", "hybrid, by penalty: RMSE over damped persistence"),
    ):
        known = {name: value for name, value in choice[key].items() if np.isfinite(value)}
        if known:
            text = ", ".join(f"{name}: {value:.3f}" for name, value in known.items())
            lines.append(f"| {title} | {text} |")
    return lines
