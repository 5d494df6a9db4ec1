"""The report on observations: sections for a web page and for the documentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eval.observations import statistics
from eval.observations.evaluation import PERSISTENCE, UPPER, Evaluation
from eval.observations.readers import VARIABLES
from eval.observations.statistics import ALL
from eval.report import Cell, Gallery, Page, Section, Table, Text, charts
from eval.report.charts import Curve
from ocean_gcm.figures import style
from ocean_gcm.grid import earth
from ocean_gcm.grid.geometry import sphere
from ocean_gcm.grid.topology import Topology

TITLES = {
    "rmse": "root mean square error", "bias": "bias", "correlation": "correlation", "box_rmse": "RMSE of box means",
    "anomaly_correlation": "anomaly correlation", "crps": "CRPS", "spread": "spread", "spread_skill": "spread-skill ratio",
}  # fmt: skip
WITHOUT_UNIT = ("correlation", "anomaly_correlation", "spread_skill")


def page(found: Evaluation) -> Page:
    """The whole report."""
    judged = found.sources[0]
    facts = {
        "judged": f"{judged.label} ({judged.period})",
        "beside it": ", ".join(name for name in found.models if name != judged.label) or "nothing",
        "observations": "; ".join(f"{one.label}, {one.period}" for one in found.observations),
        "members": str(judged.members),
    }
    return Page(f"{judged.label} against observations", summary(found), facts, sections(found))


def summary(found: Evaluation) -> str:
    """Which model has the smallest error of each variable, of all depths."""
    parts = []
    for one in found.observations:
        for variable in _variables(found, one.label):
            rmse = _select(found, one.label, variable, "rmse", ALL).groupby("model").value.mean()
            best = rmse.idxmin()
            unit = VARIABLES[variable].unit
            parts.append(
                f"{VARIABLES[variable].title} of {one.label}: RMSE {rmse[found.sources[0].label]:.3g} {unit}, "
                f"least {best} {rmse[best]:.3g}"
            )
    return "; ".join(parts) + "."


def sections(found: Evaluation) -> list[Section]:
    made = []
    by = charts.looks(found.models, dashed=[m for m in found.models if m != found.sources[0].label])
    for one in found.observations:
        for variable in _variables(found, one.label):
            title = f"{VARIABLES[variable].title.capitalize()}, {one.label}"
            made.append(Section(title, _parts(found, one.label, variable, by)))
    return made


def _parts(found: Evaluation, label: str, variable: str, by) -> list:
    rows = _select(found, label, variable, "number", None)
    layers = [layer for layer in dict.fromkeys(rows.depth) if layer != ALL]
    forecasts = found.sources[0].kind == "forecasts"
    pictures = []
    if forecasts:
        wanted = ["rmse", "bias", "correlation", "anomaly_correlation", "crps", "spread_skill"]
        pictures += [p for m in wanted if (p := _by_lead(found, label, variable, m, by)) is not None]
    if len(layers) > 1:
        wanted = ["rmse", "bias"] if forecasts else ["rmse", "bias", "box_rmse", "correlation"]
        pictures += [p for m in wanted if (p := _by_depth(found, label, variable, m, by)) is not None]
    pictures += _maps(found, label, variable)
    caption = "Bands: 95 % of draws with replacement of " + ("starts" if forecasts else "boxes of 5 degrees") + "."
    parts: list = [Gallery(pictures, caption, charts.legend(by)), _by_layer_table(found, label, variable)]
    regions = _region_table(found, label, variable)
    if len(regions.rows) > 1:
        parts.append(regions)
    if len(layers) > 1 and not forecasts:
        parts.append(Text("RMSE of box means: differences are averaged over boxes of 5 degrees first."))
    return parts


def _variables(found: Evaluation, label: str) -> list[str]:
    return list(dict.fromkeys(found.table[found.table.against == label].variable))


def _select(found: Evaluation, label: str, variable: str, metric: str, depth: str | None, region: str = "all"):
    table = found.table
    chosen = (table.against == label) & (table.variable == variable) & (table.metric == metric)
    chosen &= table.region == region
    return table[chosen & (table.depth == depth)] if depth is not None else table[chosen]


def _axis_label(variable: str, metric: str) -> str:
    unit = "" if metric in WITHOUT_UNIT else f" ({VARIABLES[variable].unit})"
    return TITLES[metric] + unit


def _by_lead(found: Evaluation, label: str, variable: str, metric: str, by):
    rows = _select(found, label, variable, metric, ALL)
    of = {model: _curve(part.sort_values("lead"), part.sort_values("lead").lead) for model, part in rows.groupby("model")}
    if not of:
        return None
    reference = {"bias": 0.0, "spread_skill": 1.0}.get(metric)
    name = f"{label}_{variable}_{metric}_by_lead"
    title = f"{TITLES[metric].capitalize() if metric != 'crps' else 'CRPS'} by lead"
    return charts.curves(name, title, of, by, "lead (days)", _axis_label(variable, metric), reference=reference)


def _by_depth(found: Evaluation, label: str, variable: str, metric: str, by):
    """Of forecasts at the longest lead."""
    rows = _select(found, label, variable, metric, None)
    rows = rows[rows.depth != ALL]
    if rows.empty:
        return None
    if found.sources[0].kind == "forecasts":
        rows = rows[rows.lead == rows.lead.max()]
    of = {}
    for model, part in rows.groupby("model"):
        middle = part.depth.map(_middle)
        order = middle.argsort()
        of[model] = _curve(part.iloc[order], middle.iloc[order])
    title = f"{TITLES[metric][0].upper()}{TITLES[metric][1:]} by depth"
    if found.sources[0].kind == "forecasts":
        title += f", lead {rows.lead.max():g} days"
    reference = 0.0 if metric == "bias" else None
    name = f"{label}_{variable}_{metric}_by_depth"
    return charts.curves(
        name, title, of, by, "depth (m)", _axis_label(variable, metric), reference=reference, downward=True
    )


def _middle(layer: str) -> float:
    upper, lower = layer.removesuffix(" m").split("-")
    return 0.5 * (float(upper) + float(lower))


def _curve(rows: pd.DataFrame, x) -> Curve:
    known = rows.low.notna().all()
    ends = (rows.low.to_numpy(float), rows.high.to_numpy(float)) if known else (None, None)
    return Curve(np.asarray(x, float), rows.value.to_numpy(float), *ends)


def _maps(found: Evaluation, label: str, variable: str) -> list:
    """Mean differences of the upper ocean by box, of the judged source and the one beside it."""
    maps = found.maps[label, variable]
    shown = [found.sources[0].label, *(m for m in maps if m not in (found.sources[0].label, PERSISTENCE))][:2]
    known = np.isfinite(maps[shown[0]])
    if not known.any():
        return []
    size = statistics.BOX
    box = np.flatnonzero(known)
    lat, lon = -90.0 + size * (box // round(360 / size) + 0.5), size * (box % round(360 / size) + 0.5)
    boundaries = style.difference_levels(np.concatenate([maps[m][known] for m in shown]), number=12, percentile=2.0)
    title = "mean difference" if VARIABLES[variable].surface else f"mean difference, 0 to {UPPER:g} m"
    return [
        charts.points(f"{label}_{variable}_map_{model}", f"{model}: {title}", _frame(), lon, lat, maps[model][known],
                      boundaries, style.COLOURS["difference"], VARIABLES[variable].unit, size=9.0)
        for model in shown
    ]  # fmt: skip


def _frame():
    """The coasts of the Earth for maps of points."""
    x, y = np.linspace(0, 360, 181), np.linspace(-80, 84, 83)
    depth = earth.depth(sphere(x, y, Topology(periodic_x=True)))
    wet = np.roll(depth > 0, -10, -1)
    return charts.frame_of_edges(x + 20.0, y, wet, spherical=True)


def _by_layer_table(found: Evaluation, label: str, variable: str) -> Table:
    """Layers of a run or climatology; leads of a forecast."""
    forecasts = found.sources[0].kind == "forecasts"
    metrics = ["bias", "rmse"]
    rows = found.table[(found.table.against == label) & (found.table.variable == variable) & (found.table.region == "all")]
    if forecasts:
        rows = rows[rows.depth == ALL]
        metrics += [m for m in ("crps", "spread_skill") if (rows.metric == m).any()]
    else:
        metrics += ["box_rmse", "correlation"]
    key = "lead" if forecasts else "depth"
    models = [m for m in found.models if (rows.model == m).any()]
    columns = ["lead (days)" if forecasts else "depth", "observations"]
    columns += [f"{model}, {TITLES[metric]}" for metric in metrics for model in models]
    body = [_layer_row(rows[rows[key] == level], level, models, metrics) for level in dict.fromkeys(rows[key])]
    return Table(columns, body, f"{VARIABLES[variable].title.capitalize()} ({VARIABLES[variable].unit})")


def _layer_row(rows: pd.DataFrame, level, models: Sequence[str], metrics: Sequence[str]) -> list:
    value = rows.set_index(["model", "metric"]).value
    cells: list = [f"{level:g}" if isinstance(level, float) else str(level), f"{value.get((models[0], 'number'), 0):.0f}"]
    for metric in metrics:
        values = [value.get((model, metric), np.nan) for model in models]
        least = np.nanmin(values) if metric in ("rmse", "box_rmse", "crps") and np.isfinite(values).any() else None
        for v in values:
            text = "" if not np.isfinite(v) else f"{v:+.3f}" if metric == "bias" else f"{v:.3f}"
            cells.append(Cell(text, "best" if v == least else ""))
    return cells


def _region_table(found: Evaluation, label: str, variable: str) -> Table:
    """RMSE and bias by region, all depths; of forecasts the mean over leads."""
    rows = found.table[
        (found.table.against == label) & (found.table.variable == variable) & (found.table.depth == ALL)
    ]
    models = [m for m in found.models if (rows.model == m).any()]
    body = []
    for region in dict.fromkeys(rows.region):
        part = rows[rows.region == region]
        mean = part.groupby(["model", "metric"]).value.mean()
        number = part[(part.metric == "number") & (part.model == models[0])].value.sum()
        rmse = [mean.get((model, "rmse"), np.nan) for model in models]
        cells = [Cell(f"{v:.3f}", "best" if v == np.nanmin(rmse) else "") for v in rmse]
        cells += [Cell(f"{mean.get((model, 'bias'), np.nan):+.3f}") for model in models]
        body.append([region if region != "all" else "everywhere", f"{number:.0f}", *cells])
    columns = ["region", "observations", *(f"{m}, RMSE" for m in models), *(f"{m}, bias" for m in models)]
    return Table(columns, body, f"{VARIABLES[variable].title.capitalize()} ({VARIABLES[variable].unit}), all depths")
