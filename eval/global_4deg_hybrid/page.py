"""The page of the study: page.md with its tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from eval.report.markdown import filled

GOAL = 25.0
"""Per cent by which the hybrid's error of the upper ocean is to lie below that of the physics at the end."""


def write_page(table: pd.DataFrame, output: Path, last: int) -> Path:
    """Fill the places of page.md with tables made from the rows of the CSV."""
    parts = {
        "GOAL": goal(table, last),
        "YEARS": years(table),
        "FORECASTS": forecasts(table),
        "CLIMATES": climates(table, f"{last}y"),
        "PROFILES": profiles(table, last),
        "STATE": state(table, f"{last}y"),
    }
    text = filled(Path(__file__).with_name("page.md"), parts)
    path = output / "global_4deg_hybrid.md"
    path.write_text(text)
    return path


def _pick(table: pd.DataFrame, **keys) -> pd.Series:
    """Values of the rows with these keys, by model."""
    for key, value in keys.items():
        table = table[table[key] == value]
    return table.set_index("model").value


def _change(found: pd.Series) -> str:
    return f"{100 * (found['hybrid'] / found['physics'] - 1):+.0f} %" if found["physics"] else ""


def goal(table: pd.DataFrame, last: int) -> list[str]:
    keys = {"variable": "thetao_0_800m", "metric": "rmse", "against": "Levitus", "region": "all", "lead": f"{last}y"}
    found = _pick(table, **keys)
    less = 100 * (1 - found["hybrid"] / found["physics"])
    reached = "reached" if less >= GOAL else "**missed**"
    return [
        f"Root mean square error of temperature, 0 to 800 m, against Levitus in year {last}: physics "
        f"{found['physics']:.3f} K, hybrid {found['hybrid']:.3f} K, {less:.0f} % less (goal {GOAL:.0f} %, {reached})."
    ]


def years(table: pd.DataFrame) -> list[str]:
    """Errors of the upper ocean by year, model and region."""
    regions = {"all": "everywhere", "learned": "outside of the regions", "held_out": "in the regions"}
    own = table[(table.variable == "thetao_0_800m") & (table.metric == "rmse") & (table.against == "Levitus")]
    lines = ["| RMSE of temperature, 0 to 800 m (K) | | " + " | ".join(f"year {n}" for n in _leads(table)) + " |"]
    lines += ["|---|---|" + "---|" * len(_leads(table))]
    for region, title in regions.items():
        for name in dict.fromkeys(own[own.region == region].model):
            found = own[(own.region == region) & (own.model == name)].set_index("lead").value
            lines.append(f"| {title} | `{name}` | " + " | ".join(f"{found[f'{n}y']:.3f}" for n in _leads(table)) + " |")
    return lines


def _leads(table: pd.DataFrame) -> list[int]:
    own = table[(table.variable == "thetao_0_800m") & (table.model == "physics")].lead
    return sorted({int(lead.rstrip("y")) for lead in own})


def forecasts(table: pd.DataFrame) -> list[str]:
    """Errors of the validations by lead and region, a block for each training."""
    lines = []
    for truth in sorted(name for name in set(table.against) if str(name).startswith("truth of ")):
        own = table[table.against == truth]
        leads, trained = list(dict.fromkeys(own.lead)), truth.removeprefix("truth of ")
        lines += [
            f"| `{trained}`: RMSE, all depths | | " + " | ".join(lead.replace("d", " d") for lead in leads) + " |"
        ]
        lines += ["|---|---|" + "---|" * len(leads)]
        for variable, title in {"thetao": "temperature (K)", "so": "salinity"}.items():
            for region, where in {"learned": "", "held_out": ", held-out regions"}.items():
                for name in ("persistence", "physics", trained):
                    keys = {"model": name, "variable": variable, "region": region}
                    found = own
                    for key, value in keys.items():
                        found = found[found[key] == value]
                    if len(found):
                        cells = " | ".join(f"{value:.4f}" for value in found.set_index("lead").value[leads])
                        lines.append(f"| {title}{where} | `{name}` | {cells} |")
        lines.append("")
    return lines[:-1]


def climates(table: pd.DataFrame, lead: str) -> list[str]:
    """Errors of the last year by variable, layer and climatology."""
    lines = ["| | against | physics | hybrid | change | bias of physics | of hybrid |", "|---|---|---|---|---|---|---|"]
    labels = {"thetao": ("temperature", "K"), "so": ("salinity", "")}
    for variable, (title, unit) in labels.items():
        for layer in ("0_300m", "0_800m", "800_5000m"):
            name = f"{title}, {layer.replace('_5000m', ' m to the bottom').replace('_', ' to ').replace('m', ' m', 1)}"
            name = name.replace("  m", " m") + (f" ({unit})" if unit else "")
            for against in ("Levitus", "WOA18"):
                keys = {"variable": f"{variable}_{layer}", "against": against, "region": "all", "lead": lead}
                rmse, bias = (_pick(table, **keys, metric=metric) for metric in ("rmse", "bias"))
                lines.append(
                    f"| {name} | {against} | {rmse['physics']:.3f} | {rmse['hybrid']:.3f} | {_change(rmse)} | "
                    f"{bias['physics']:+.3f} | {bias['hybrid']:+.3f} |"
                )
    return lines


def profiles(table: pd.DataFrame, last: int) -> list[str]:
    """Errors at profiles in the first and the last year."""
    lines = [
        "| | profiles | values | Levitus itself | physics, year 1 | hybrid | change | "
        f"physics, year {last} | hybrid | change |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    labels = {"thetao": "temperature (K)", "so": "salinity"}
    for variable, title in labels.items():
        for layer, depths in (("50_800m", "50 to 800 m"), ("800_2000m", "800 to 2000 m")):
            for against in ("WOD 2001", "Argo"):
                keys = {"variable": f"{variable}_{layer}", "against": against}
                known = _pick(table, **keys, metric="rmse", lead="")["levitus"]
                number = _pick(table, **keys, metric="number", lead="1y")["physics"]
                cells = [f"{title}, {depths}", against, f"{number:,.0f}", f"{known:.3f}"]
                for lead in ("1y", f"{last}y"):
                    found = _pick(table, **keys, metric="rmse", lead=lead)
                    cells += [f"{found['physics']:.3f}", f"{found['hybrid']:.3f}", _change(found)]
                lines.append("| " + " | ".join(cells) + " |")
    return lines


def state(table: pd.DataFrame, lead: str) -> list[str]:
    """Transports and budgets at the end."""
    labels = {
        "drake_passage": ("Drake Passage (Sv)", "{:.1f}"),
        "amoc_26n": ("Atlantic overturning at 26.5N (Sv)", "{:.1f}"),
        "amoc_max": ("largest Atlantic overturning (Sv)", "{:.1f}"),
        "volume_budget": ("residual of the volume budget / content", "{:.1e}"),
        "heat_budget": ("residual of the heat budget / content", "{:.1e}"),
        "salt_budget": ("residual of the salt budget / content", "{:.1e}"),
    }
    lines = ["| | physics | hybrid |", "|---|---|---|"]
    for variable, (title, form) in labels.items():
        found = _pick(table, variable=variable, lead=lead)
        if len(found):
            lines.append(f"| {title} | {form.format(found['physics'])} | {form.format(found['hybrid'])} |")
    return lines
