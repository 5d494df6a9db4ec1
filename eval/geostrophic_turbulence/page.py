"""Tables of the page, with the spread over seeds and what sampling leaves open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from eval.geostrophic_turbulence.chance import MEAN, rows_of
from eval.geostrophic_turbulence.figures import draw
from eval.report.markdown import filled
from eval.subgrid.archive import NAME as RUNS
from eval.subgrid.spread import WIDTH
from ocean_gcm.errors import UserError

DAY = 86400.0
MEANS = {
    ("kinetic_energy1", "mean"): ("kinetic energy (m2 s-2)", 1.0),
    ("enstrophy1", "mean"): ("enstrophy (1e-12 s-2)", 1e-12),
    ("q1", "decorrelation_time"): ("decorrelation of vorticity (days)", DAY),
}
STATE = MEANS | {MEAN: ("mean of vorticity over its root mean square", 1.0)}
"""Title and unit by variable and metric."""
ERRORS = {
    ("kinetic_energy_spectrum1", "spectrum_error"): ("energy spectrum (log10)", 1.0),
    ("enstrophy_spectrum1", "spectrum_error"): ("enstrophy spectrum (log10)", 1.0),
    ("kinetic_transfer", "transfer_error"): ("transfer of energy", 1.0),
    ("enstrophy_transfer1", "transfer_error"): ("transfer of enstrophy", 1.0),
    ("q1", "distance"): ("distribution of vorticity", 1.0),
    ("u1", "distance"): ("of velocity", 1.0),
}
SIMILARITIES = {
    (name, "similarity"): (title, 1.0)
    for name, title in {
        "q1": "vorticity",
        "u1": "velocity",
        "kinetic_energy_spectrum1": "energy spectrum",
        "enstrophy_spectrum1": "enstrophy spectrum",
        "kinetic_transfer": "transfer of energy",
    }.items()
}
SOURCES = {
    ("source1", "correlation"): ("correlation", 1.0),
    ("source1", "r2"): ("explained variance", 1.0),
    ("source1", "amplitude_ratio"): ("amplitude", 1.0),
    ("source1", "enstrophy_ratio"): ("enstrophy taken", 1.0),
}
Columns = dict[tuple[str, str], tuple[str, float]]


def write_page(report: Path, trainings: Sequence[str], folder: Path) -> Path:
    """Write geostrophic_turbulence.md, .png and .csv into `folder`.  Raises UserError for what cannot be read."""
    for name in ("subgrid.csv", RUNS):
        if not (report / name).exists():
            raise UserError(f"{report} has no {name}; expected a report of `python -m eval subgrid`")
    scores = pd.read_csv(report / "subgrid.csv", keep_default_na=True)
    forecasts = pd.concat([forecasts_of(text) for text in trainings], ignore_index=True) if trainings else None
    learned = [name for name, own in scores.groupby("model", sort=False) if own.seed.nunique() > 1]
    with xr.open_dataset(report / RUNS) as runs:
        draw(folder / "geostrophic_turbulence.png", runs)
        scores = pd.concat([scores, rows_of(runs, ERRORS)], ignore_index=True)
    parts = {
        "MEANS": table(scores, STATE, stable=True),
        "ERRORS": table(scores, ERRORS),
        "SIMILARITIES": table(scores[scores.model != "truth"], SIMILARITIES),
        "SOURCES": table(scores[scores.model != "truth"], SOURCES),
        "DIFFERENCES": differences(scores, [name for name in learned if name != "offline"], "offline", MEANS | ERRORS),
        "FORECASTS": [] if forecasts is None else forecast_table(forecasts),
    }
    kept = scores if forecasts is None else pd.concat([scores, forecasts], ignore_index=True)
    columns = ["model", "seed", "variable", "lead", "metric", "value", "low", "high"]
    kept[columns].to_csv(folder / "geostrophic_turbulence.csv", index=False, float_format="%.5g")
    path = folder / "geostrophic_turbulence.md"
    path.write_text(filled(Path(__file__).with_name("page.md"), parts), encoding="utf-8")
    return path


def table(scores: pd.DataFrame, columns: Columns, stable: bool = False) -> list[str]:
    """A row for each model: mean over seeds ± standard error of sampling, and the seeds' range where there are some."""
    titles = [title for title, _ in columns.values()]
    lines = ["| model | " + " | ".join(["stable runs"] * stable + titles) + " |"]
    lines.append("|---|" + "---|" * (len(titles) + stable))
    for name, own in scores.groupby("model", sort=False):
        cells = [cell(own[(own.variable == v) & (own.metric == m)], unit) for (v, m), (_, unit) in columns.items()]
        if stable:
            shares = own[own.metric == "stable"].value
            steps = own[own.metric == "steps"].value
            least = f" ({steps.mean():.0f} steps)" if shares.mean() < 1.0 and len(steps) else ""
            cells.insert(0, f"{shares.mean():.0%}{least}" if len(shares) else "")
        if any(cells):
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def cell(rows: pd.DataFrame, unit: float = 1.0) -> str:
    """mean ± standard error (smallest to largest of the seeds)."""
    values = rows.value.to_numpy(float) / unit
    if not np.isfinite(values).any():
        return ""
    error = float(np.nanmean(rows.high - rows.value)) / WIDTH / unit if rows.high.notna().any() else np.nan
    text = digits(np.nanmean(values))
    if np.isfinite(error):
        text += f" ± {error:.1g}"
    if len(values) > 1:
        text += f" ({digits(np.nanmin(values))} to {digits(np.nanmax(values))})"
    return text


def digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.2g}"


def differences(scores: pd.DataFrame, names: Iterable[str], base: str, columns: Columns) -> list[str]:
    """Each model less `base`, seed by seed: mean ± standard error over seeds, in bold where that is four of them."""
    titles = [title for title, _ in columns.values()]
    lines = [f"| less `{base}` | " + " | ".join(titles) + " |", "|---|" + "---|" * len(titles)]
    indexed = scores.set_index(["model", "variable", "metric", "seed"]).value.sort_index()
    for name in names:
        cells = []
        for (variable, metric), (_, unit) in columns.items():
            try:
                own, other = (indexed.loc[each, variable, metric] for each in (name, base))
            except KeyError:
                cells.append("")
                continue
            difference = ((own - other) / unit).dropna()
            if len(difference) < 2:
                cells.append("")
                continue
            mean, error = difference.mean(), difference.std() / np.sqrt(len(difference))
            text = f"{mean:+.2g} ± {error:.1g}"
            cells.append(f"**{text}**" if abs(mean) > 4.0 * error else text)
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def forecasts_of(text: str) -> pd.DataFrame:
    """Rows of the last validation of each training of NAME=RUN,RUN.  Raises UserError."""
    name, sign, paths = text.partition("=")
    if not sign:
        raise UserError(f"{text!r} names no trainings; expected NAME=RUN or NAME=RUN,RUN")
    rows = []
    for seed, path in enumerate(paths.split(",")):
        file = Path(path) / "validation.jsonl"
        try:
            last = json.loads(file.read_text(encoding="utf-8").splitlines()[-1])
        except (OSError, ValueError, IndexError) as error:
            raise UserError(f"{file} could not be read: {error}; expected that of a training") from None
        leads = [seconds / DAY for seconds in last["lead_seconds"]]
        kinds = {name: "rmse"}
        if name == "offline" and seed == 0:
            kinds |= {"none": "rmse_untrained", "persistence": "rmse_persistence"}
        for model, kind in kinds.items():
            values = last[kind]["potential_vorticity"]
            rows += [(model, seed, "pv", lead, "rmse", value) for lead, value in zip(leads, values, strict=True)]
    return pd.DataFrame(rows, columns=["model", "seed", "variable", "lead", "metric", "value"]).assign(
        low=np.nan, high=np.nan
    )


def forecast_table(forecasts: pd.DataFrame) -> list[str]:
    """RMSE by lead, a mean over seeds and their range."""
    leads = sorted(forecasts.lead.unique())
    lines = ["| model | " + " | ".join(f"{lead * 24:.3g} h" for lead in leads) + " |", "|---|" + "---|" * len(leads)]
    first = [name for name in ("persistence", "none") if name in set(forecasts.model)]
    for name in [*first, *(n for n in dict.fromkeys(forecasts.model) if n not in first)]:
        own = forecasts[forecasts.model == name]
        lines.append(f"| `{name}` | " + " | ".join(cell(own[own.lead == lead], 1e-8) for lead in leads) + " |")
    return lines
