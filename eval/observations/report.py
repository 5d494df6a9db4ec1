"""The report on observations: sections for a web page and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eval.observations import statistics
from eval.observations.evaluation import PERSISTENCE, UPPER, Evaluation
from eval.observations.figures import depth_curves, earth_frame
from eval.observations.readers import VARIABLES
from eval.observations.statistics import ALL
from eval.report import Cell, Gallery, Page, Section, Table, Text, charts
from eval.report.charts import Curve
from ocean_gcm.figures import style

TITLES = {
    "rmse": "root mean square error", "bias": "bias", "correlation": "correlation",
    "box_rmse": "RMSE of box means",
    "anomaly_correlation": "anomaly correlation", "crps": "CRPS", "spread": "spread",
    "spread_skill": "spread-skill ratio",
}  # fmt: skip
SHORT = {"rmse": "RMSE", "box_rmse": "box RMSE", "spread_skill": "spread-skill", "crps": "CRPS"}
WITHOUT_UNIT = ("correlation", "anomaly_correlation", "spread_skill")


def page(found: Evaluation) -> Page:
    """The whole report."""
    judged = found.sources[0]
    facts = {
        "judged": f"{judged.label} ({judged.period})",
        "beside it": ", ".join(name for name in found.models if name != judged.label) or "nothing",
        "observations": "; ".join(f"{one.label} ({len(one)} values, {one.period})" for one in found.observations),
        "members": str(judged.members),
    }
    return Page(f"{judged.label} against observations", summary(found), facts, sections(found))


def summary(found: Evaluation) -> str:
    """The errors of each variable, of all depths and leads."""
    parts = []
    for one in found.observations:
        for variable in _variables(found, one.label):
            rmse = _select(found, one.label, variable, "rmse", ALL).groupby("model").value.mean()
            values = ", ".join(f"{model} {rmse[model]:.3g}" for model in found.models if model in rmse)
            parts.append(f"{_with_unit(variable)} at {one.label}: {values}")
    text = "; ".join(parts)
    return f"Root mean square errors of all depths: {text}."


def _with_unit(variable: str) -> str:
    """Name and unit; the unit of salinity goes without saying."""
    known = VARIABLES[variable]
    return known.title if known.unit == "1e-3" else f"{known.title} ({known.unit})"


def sections(found: Evaluation) -> list[Section]:
    made = []
    by = charts.looks(found.models, dashed=[m for m in found.models if m != found.sources[0].label])
    for one in found.observations:
        for variable in _variables(found, one.label):
            title = f"{_capital(VARIABLES[variable].title)}, {one.label}"
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
    drawn = "starts" if forecasts else "boxes of 5 degrees"
    caption = f"Bands: {100 * statistics.CONFIDENCE:.0f} % of draws with replacement of {drawn}."
    if found.table.low.isna().all():
        caption = ""
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


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _axis_label(variable: str, metric: str) -> str:
    plain = metric in WITHOUT_UNIT or VARIABLES[variable].unit == "1e-3"
    return TITLES[metric] if plain else f"{TITLES[metric]} ({VARIABLES[variable].unit})"


def _by_lead(found: Evaluation, label: str, variable: str, metric: str, by):
    rows = _select(found, label, variable, metric, ALL)
    of = {
        model: _curve(part.sort_values("lead"), part.sort_values("lead").lead) for model, part in rows.groupby("model")
    }
    if not of:
        return None
    reference = {"bias": 0.0, "spread_skill": 1.0}.get(metric)
    name = f"{label}_{variable}_{metric}_by_lead"
    title = f"{_capital(TITLES[metric])} by lead"
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
    title = f"{_capital(TITLES[metric])} by depth"
    if found.sources[0].kind == "forecasts":
        title += f", lead {rows.lead.max():g} days"
    reference = 0.0 if metric == "bias" else None
    name = f"{label}_{variable}_{metric}_by_depth"
    return depth_curves(name, title, of, by, _axis_label(variable, metric), reference)


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
        charts.points(f"{label}_{variable}_map_{model}", f"{model}: {title}", earth_frame(), lon, lat,
                      maps[model][known], boundaries, style.COLOURS["difference"], VARIABLES[variable].unit, size=9.0)
        for model in shown
    ]  # fmt: skip


def _by_layer_table(found: Evaluation, label: str, variable: str) -> Table:
    """Layers of a run or climatology; leads of a forecast."""
    forecasts = found.sources[0].kind == "forecasts"
    metrics = ["bias", "rmse"]
    rows = found.table[
        (found.table.against == label) & (found.table.variable == variable) & (found.table.region == "all")
    ]
    if forecasts:
        rows = rows[rows.depth == ALL]
        metrics += [m for m in ("crps", "spread_skill") if (rows.metric == m).any()]
    else:
        metrics += ["box_rmse", "correlation"]
    key = "lead" if forecasts else "depth"
    models = [m for m in found.models if (rows.model == m).any()]
    columns = ["lead (days)" if forecasts else "depth", "observations"]
    held = set(zip(rows.model, rows.metric, strict=True))
    shown = {metric: [model for model in models if (model, metric) in held] for metric in metrics}
    columns += [f"{SHORT.get(metric, TITLES[metric])} {model}" for metric in metrics for model in shown[metric]]
    body = [_layer_row(rows[rows[key] == level], level, models[0], shown) for level in dict.fromkeys(rows[key])]
    return Table(columns, body, _capital(_with_unit(variable)))


def _layer_row(rows: pd.DataFrame, level, judged: str, shown: Mapping[str, Sequence[str]]) -> list:
    value = rows.set_index(["model", "metric"]).value
    cells: list = [
        f"{level:g}" if isinstance(level, float) else str(level),
        f"{value.get((judged, 'number'), 0):.0f}",
    ]
    for metric, models in shown.items():
        values = [value.get((model, metric), np.nan) for model in models]
        least = np.nanmin(values) if metric in ("rmse", "box_rmse", "crps") and np.isfinite(values).any() else None
        for v in values:
            text = "" if not np.isfinite(v) else f"{v:+.3f}" if metric == "bias" else f"{v:.3f}"
            cells.append(Cell(text, "best" if v == least else ""))
    return cells


def _region_table(found: Evaluation, label: str, variable: str) -> Table:
    """RMSE and bias by region, all depths; of forecasts the mean over leads."""
    rows = found.table[(found.table.against == label) & (found.table.variable == variable) & (found.table.depth == ALL)]
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
    return Table(columns, body, f"{_capital(_with_unit(variable))}, all depths")
