"""The page of the study: tables by model and lead, goals, figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from eval.gyre_hybrid.figures import LOOKS, draw_climates, draw_forecasts
from eval.gyre_hybrid.forecasts import VARIABLES
from eval.report.markdown import filled

NAMES = {"sea_surface_height": "sea level (m)", "temperature": "temperature (K)", "velocity": "velocity (m s-1)"}
LEADS = (5, 10, 30, 60)
_DRAWS = 2000


def write_page(tables: Path, folder: Path) -> Path:
    """Write gyre_hybrid.md, its CSV and figures into `folder`."""
    forecasts = pd.read_csv(tables / "forecasts.csv")
    climates = pd.read_csv(tables / "climates.csv")
    draw_forecasts(folder / "gyre_hybrid_forecasts.png", forecasts)
    draw_climates(folder / "gyre_hybrid_climate.png", dict(np.load(tables / "climates.npz")))
    long_table(forecasts, climates).to_csv(folder / "gyre_hybrid.csv", index=False, float_format="%.5g")
    parts = {
        "ERRORS": error_table(forecasts),
        "REDUCTIONS": reduction_table(forecasts),
        "ENSEMBLES": ensemble_table(forecasts),
        "CLIMATES": climate_table(climates),
    }
    text = filled(Path(__file__).with_name("page.md"), parts)
    (folder / "gyre_hybrid.md").write_text(text)
    return folder / "gyre_hybrid.md"


def rmse(table: pd.DataFrame) -> pd.Series:
    """By model, seed, variable and lead: the root of the mean over starts."""
    return table.groupby(["model", "seed", "variable", "lead"])["mean_squared_error"].mean() ** 0.5


def deterministic(forecasts: pd.DataFrame) -> pd.DataFrame:
    return forecasts[forecasts.members == 1]


def _models(table: pd.DataFrame) -> list[str]:
    """Those of `LOOKS` in its order, classical ones where these are."""
    places = list(LOOKS)
    place = lambda name: places.index(name if name in LOOKS else name.split("_")[0])  # noqa: E731
    return sorted(set(table.model), key=lambda name: (place(name), name))


def _cell(values: np.ndarray, digits: int = 3) -> str:
    """Mean over seeds and half of their range."""
    mean = f"{values.mean():.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.ptp(values) / 2:.{digits}f}"


def error_table(forecasts: pd.DataFrame) -> list[str]:
    found = rmse(deterministic(forecasts))
    lines = []
    for variable in VARIABLES:
        lines += [f"| {NAMES[variable]} | " + " | ".join(f"{lead} d" for lead in LEADS) + " |"]
        lines += ["|---|" + "---|" * len(LEADS)]
        for name in _models(deterministic(forecasts)):
            cells = [_cell(found[name][:, variable, lead].values) for lead in LEADS]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines[:-1]


def reduction(forecasts: pd.DataFrame, name: str, base: str, variable: str, lead: int) -> tuple[float, float, float]:
    """1 - RMSE(name) / RMSE(base): of all starts and seeds, and the 5 and 95 % of resampled starts."""
    table = forecasts[(forecasts.variable == variable) & (forecasts.lead == lead) & (forecasts.members == 1)]

    def squares(model):
        one = table[table.model == model]
        return one.pivot_table(index="start", columns="seed", values="mean_squared_error").values.mean(1)

    a, b = squares(name), squares(base)
    draws = np.random.default_rng(0).integers(0, len(a), (_DRAWS, len(a)))
    spread = 1 - np.sqrt(a[draws].mean(1) / b[draws].mean(1))
    return 1 - np.sqrt(a.mean() / b.mean()), *np.quantile(spread, (0.05, 0.95))


def best_classical(forecasts: pd.DataFrame, variable: str, lead: int) -> str:
    found = rmse(deterministic(forecasts))
    names = [n for n in _models(forecasts) if n.startswith("classical")]
    return min(names, key=lambda n: found[n][:, variable, lead].mean())


def reduction_table(forecasts: pd.DataFrame) -> list[str]:
    lines = ["| `rollout` | lead | below `none` (5 to 95 %) | below the best classical |", "|---|---|---|---|"]
    for variable in VARIABLES:
        for lead in LEADS:
            best = best_classical(forecasts, variable, lead)
            cells = [reduction(forecasts, "rollout", base, variable, lead) for base in ("none", best)]
            text = [f"{100 * r:.0f} % ({100 * low:.0f} to {100 * high:.0f})" for r, low, high in cells]
            lines.append(f"| {NAMES[variable]} | {lead} d | {text[0]} | {text[1]}, `{best}` |")
    return lines


def ensemble_table(forecasts: pd.DataFrame) -> list[str]:
    """Fair CRPS beside the absolute error of the deterministic hybrid, and spread over skill."""
    lines = [
        "| | lead | absolute error of `rollout` | fair CRPS of `stochastic` | its spread over its skill |",
        "|---|---|---|---|---|",
    ]
    for variable in VARIABLES:
        for lead in LEADS:
            at = forecasts[(forecasts.variable == variable) & (forecasts.lead == lead)]
            by_seed = lambda name, several, column: (  # noqa: E731
                at[(at.model == name) & ((at.members > 1) == several)].groupby("seed")[column].mean()  # noqa: B023
            )
            number = at[at.members > 1].members.max()
            spread = by_seed("stochastic", True, "variance") * (number + 1) / number
            ratio = (spread / by_seed("stochastic", True, "mean_squared_error")) ** 0.5
            columns = [
                by_seed("rollout", False, "mean_absolute_error"),
                by_seed("stochastic", True, "fair_crps"),
            ]
            cells = [_cell(c.values, 4) for c in columns] + [_cell(ratio.values, 2)]
            lines.append(f"| {NAMES[variable]} | {lead} d | " + " | ".join(cells) + " |")
    return lines


def climate_table(climates: pd.DataFrame) -> list[str]:
    columns = {
        "sea_level_error": ("mean sea level, error (m)", "{:.3f}"),
        "temperature_error": ("mean temperature, error (K)", "{:.2f}"),
        "eddy_energy_ratio": ("surface eddy energy / truth", "{:.2f}"),
        "mean_energy_ratio": ("mean energy / truth", "{:.2f}"),
        "spectrum_log_error": ("error of ln(spectrum)", "{:.2f}"),
        "fast": ("99.9 % of speeds (m s-1)", "{:.2f}"),
        "high": ("99.9 % of sea level (m)", "{:.2f}"),
    }
    lines = ["| | stable | " + " | ".join(title for title, _ in columns.values()) + " |"]
    lines += ["|---|---|" + "---|" * len(columns)]
    climates = climates.assign(name=[label.split(".")[0] for label in climates.model])
    for name in dict.fromkeys(climates.name):
        mine = climates[climates.name == name]
        cells = []
        for key, (_, form) in columns.items():
            values = mine[key].values
            text = form.format(np.nanmean(values))
            cells.append(text if len(values) == 1 else f"{text} ± {form.format(np.ptp(values) / 2)}")
        lines.append(f"| {name} | {int(mine.stable.sum())} of {len(mine)} | " + " | ".join(cells) + " |")
    return lines


def long_table(forecasts: pd.DataFrame, climates: pd.DataFrame) -> pd.DataFrame:
    """Columns model, seed, variable, lead, metric, value."""
    keys = ["model", "seed", "members", "variable", "lead"]
    means = forecasts.groupby(keys)[["mean_squared_error", "mean_absolute_error", "fair_crps", "variance"]].mean()
    means.insert(0, "rmse", means.pop("mean_squared_error") ** 0.5)
    first = means.reset_index().melt(keys, var_name="metric").dropna()
    second = climates.assign(seed=climates.state, members=1, variable="climate", lead="").drop(columns="state")
    second = second.melt(keys, var_name="metric")
    return pd.concat([first, second])
