"""The report on closures of layers: sections for a web page and for the documentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eval.report import Cell, Gallery, Page, Section, Table, Text, charts
from eval.report.charts import Curve
from eval.subgrid.evaluation import Evaluation
from ocean_gcm.metrics.isotropic import ring_wavenumbers

TRUTH = "truth"
_DAY = 86400.0
_BINS = 60


def page(found: Evaluation) -> Page:
    """The whole report."""
    plan = found.plan
    seeds = found.scores.groupby("model").seed.nunique()
    facts = {
        "truth": found.truth,
        "models": ", ".join(f"{m} ({seeds[m]} seeds)" if seeds[m] > 1 else m for m in _models(found)),
        "runs": f"{plan.starts} of {plan.steps} steps of {found.time_step:g} s, the first {plan.spin_up:.0%} left out",
    }
    return Page("Subgrid closures of layers", summary(found), facts, sections(found))


def summary(found: Evaluation) -> str:
    """One sentence on each model."""
    stable, error = _by_model(found, "stable"), _by_model(found, "spectrum_error")
    parts = []
    for model in (m for m in _models(found) if m in stable):
        text = f"{stable[model]:.0%} of the runs with {model} are stable"
        parts.append(text + (f", spectra off by {10 ** error[model] - 1:.0%}" if model in error else ""))
    return "; ".join(parts) + "."


def sections(found: Evaluation) -> list[Section]:
    made = []
    if (found.scores.metric == "r2").any():
        metrics = ("correlation", "r2", "amplitude_ratio", "enstrophy_ratio")
        text = (
            "The sources of closures beside the diagnosed one, in states of the truth: correlation, explained variance "
            "(`r2`), ratio of amplitudes, and of the enstrophy that they take."
        )
        made.append(Section("Offline", [Text(text), _table(found, metrics, "r2")]))
    looks = charts.looks([TRUTH, *found.flows], dashed=[TRUTH])
    legend = charts.legend(looks)
    spectra, transfers = _pictures(found, looks, "_spectrum"), _pictures(found, looks, "transfer")
    made.append(Section("Stability and means", [_means(found)]))
    text = "Root mean square error of the logarithm (base 10) of spectra, over the rings of the truth."
    made.append(Section("Spectra", [Gallery(spectra, text, legend), _table(found, ("spectrum_error",), "")]))
    text = "Gain of energy by advection and closures, of enstrophy by advection; errors in sizes of the truth's."
    made.append(Section("Transfers", [Gallery(transfers, text, legend), _table(found, ("transfer_error",), "")]))
    text = "Wasserstein distances from the truth's distributions, in its standard deviations."
    made.append(
        Section("Distributions", [Gallery(_densities(found, looks), text, legend), _table(found, ("distance",), "")])
    )
    made.append(Section("Decorrelation", [Gallery(_correlations(found, looks), "", legend)]))
    if (found.scores.metric == "similarity").any():
        text = "1: as the truth; 0: as without a closure; negative: farther from the truth (Ross et al. 2023)."
        made.append(Section("Online similarity", [Text(text), _table(found, ("similarity",), "")]))
    return made


def _by_model(found: Evaluation, metric: str) -> pd.Series:
    """Means of a metric over seeds and variables."""
    return found.scores[found.scores.metric == metric].groupby("model").value.mean()


def _models(found: Evaluation) -> list[str]:
    return [model for model in dict.fromkeys(found.scores.model) if model != TRUTH]


def _table(found: Evaluation, metrics: Sequence[str], best: str) -> Table:
    """A row for each model, a column for each variable and metric that has values; the best of `best` marked."""
    rows = found.scores[found.scores.metric.isin(metrics)]
    columns = list(dict.fromkeys(zip(rows.variable, rows.metric, strict=True)))
    values = rows.pivot_table(index="model", columns=["variable", "metric"], values="value", sort=False)
    names = [f"{variable} {metric}" if len(metrics) > 1 else variable for variable, metric in columns]
    made = []
    for model in (m for m in _models(found) if m in values.index):
        cells = [_cell(values, model, column, column[1] == best) for column in columns]
        made.append([model, *cells])
    return Table(["model", *(name.replace("_", " ") for name in names)], made)


def _cell(values: pd.DataFrame, model: str, column: tuple[str, str], marked: bool) -> Cell:
    if column not in values or not np.isfinite(value := values.loc[model, column]):
        return Cell("")
    return Cell(f"{value:.3g}", "best" if marked and value == values[column].max() else "")


def _means(found: Evaluation) -> Table:
    chosen = found.scores[found.scores.metric.isin(("mean", "decorrelation_time"))]
    names = list(dict.fromkeys(zip(chosen.variable, chosen.metric, strict=True)))
    stable, rows = _by_model(found, "stable"), []
    for model in [TRUTH, *_models(found)]:
        own = chosen[chosen.model == model].groupby(["variable", "metric"]).value.mean()
        cells = [
            f"{own[name] / (_DAY if name[1] == 'decorrelation_time' else 1.0):.3g}" if name in own else ""
            for name in names
        ]
        rows.append([model, f"{stable[model]:.0%}" if model in stable else "", *cells])
    units = {"kinetic": "m2 s-2", "enstrophy": "s-2"}
    titles = [
        f"decorrelation of {v} (days)"
        if m == "decorrelation_time"
        else f"{v.replace('_', ' ')} ({units[v.split('_')[0].rstrip('0123456789')]})"
        for v, m in names
    ]
    return Table(["model", "stable runs", *titles], rows)


def _flows(found: Evaluation) -> dict:
    return {TRUTH: found.target, **found.flows}


def _pictures(found: Evaluation, looks, kind: str) -> list:
    waves = ring_wavenumbers(found.grid) * 1e3
    pictures = []
    for name, target in found.target.statistics.spectra.items():
        if kind not in name or not np.any(target):
            continue
        logarithmic = kind == "_spectrum"
        high = np.flatnonzero(np.abs(target) > 1e-6 * np.abs(target).max())[-1] + 1
        of = {
            model: Curve(waves[1:high], flow.statistics.spectra[name][1:high]) for model, flow in _flows(found).items()
        }
        unit = "m2 s-3" if not logarithmic else "s-2" if "enstrophy" in name else "m2 s-2"
        title = name.replace("_", " ")
        pictures.append(
            charts.curves(
                name, title, of, looks, "wavenumber (rad km-1)", f"per ring ({unit})", logarithmic=logarithmic,
                reference=None if logarithmic else 0.0,
            )
        )  # fmt: skip
    if kind == "transfer":
        for layer, target in enumerate(found.target.enstrophy_transfer):
            high = (
                len(target)
                if not np.any(target)
                else np.flatnonzero(np.abs(target) > 1e-6 * np.abs(target).max())[-1] + 1
            )
            of = {m: Curve(waves[1:high], flow.enstrophy_transfer[layer][1:high]) for m, flow in _flows(found).items()}
            name = f"enstrophy_transfer{layer + 1}"
            title = name.replace("_", " ")
            pictures.append(
                charts.curves(name, title, of, looks, "wavenumber (rad km-1)", "per ring (s-3)", reference=0.0)
            )
    return pictures


def _densities(found: Evaluation, looks) -> list:
    pictures = []
    for name, values in found.target.statistics.samples.items():
        if name[0] not in "quv":
            continue
        spread = values.std()
        edges = np.linspace(-6.0, 6.0, _BINS + 1)
        of = {}
        for model, flow in _flows(found).items():
            density, _ = np.histogram((flow.statistics.samples[name] - values.mean()) / spread, edges, density=True)
            of[model] = Curve(0.5 * (edges[1:] + edges[:-1]), np.log10(np.where(density > 0, density, np.nan)))
        pictures.append(
            charts.curves(
                f"density_{name}", name, of, looks, "standard deviations of the truth", "log10 of the density"
            )
        )
    return pictures


def _correlations(found: Evaluation, looks) -> list:
    pictures = []
    for layer in range(len(found.target.correlation)):
        of = {
            model: Curve(np.arange(len(flow.correlation[layer])) * flow.interval / _DAY, flow.correlation[layer])
            for model, flow in _flows(found).items()
        }
        title = f"autocorrelation of q{layer + 1}"
        pictures.append(
            charts.curves(f"autocorrelation_q{layer + 1}", title, of, looks, "lag (days)", "1", reference=0.0)
        )
    return pictures
