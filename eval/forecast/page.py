"""The report of an evaluation of forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eval.forecast.evaluation import Scored
from eval.forecast.plan import Plan
from eval.forecast.statistics import MAPPED
from eval.forecast.tables import Confidence, coarse_ranks, events_of, ranks_of
from eval.report import Cell, Gallery, Page, Section, Slider, Table, Text, charts
from eval.report.charts import Curve, Look
from eval.report.pictures import Picture
from ocean_gcm.figures import style
from ocean_gcm.metrics.ensemble import reliability_curve

NAMES = {
    "zos": "sea level", "thetao": "temperature", "so": "salinity", "uo": "velocity along x", "vo": "velocity along y",
    "pv": "potential vorticity", "psi": "streamfunction",
    "tos": "surface temperature", "sos": "surface salinity", "mlotst": "mixed layer depth",
    "ugos": "geostrophic velocity along x", "vgos": "geostrophic velocity along y",
}  # fmt: skip
CURVES = {  # metric: (title, whether it has the unit of the variable, reference, from zero)
    "crps": ("fair CRPS", True, None, True),
    "rmse": ("root mean square error", True, None, True),
    "spread_skill": ("spread over skill", False, 1.0, True),
    "acc": ("anomaly correlation", False, None, False),
    "bias": ("bias", True, 0.0, False),
}
EVENTS = {"extreme": "above the 90th percentile of the season", "heatwave": "marine heatwave (Hobday et al. 2016)"}
MAP_LEADS, _RANK_BINS, _TABLE_LEADS = 5, 17, 6
DEFINITIONS = """
Averages come first and roots last: squares, absolute values and CRPS are averaged over area (and thickness) and over
start dates; land counts nothing.  Bands are intervals of resampled start dates.

`crps` is the fair score of Ferro (2014), in expectation the same for any number of members; of a single forecast it is
the absolute error.  `spread_skill` is the ratio of Fortin et al. (2014) with the factor (M + 1)/M: 1 if truth and
members are drawn from one distribution, below 1 for too little spread.  `acc` is the correlation of anomalies from the
climatology.  `energy_score` is the CRPS of a whole level as one vector.  `brier` is fair, and its skill is against the
frequency of the event.

`persistence` is the truth at the start date.  `climatology` is the mean of the climatological period (with its annual
cycle where the period bears one); its CRPS, spread and ranks are those of a distribution, the mean and the anomalies of
records that are spread over the period.  `damped` lets the anomaly at the start decay with the regression that the
period shows at each point and lead.

A rank histogram is flat if the truth could be any member: a U means too little spread, a dome too much, a slope a bias.
"""


def page_of(
    results: Mapping[str, Scored],
    table: pd.DataFrame,
    plan: Plan,
    confidence: Confidence,
    facts: Mapping[str, str],
    baselines: Sequence[str],
    more: Sequence[Section] = (),
) -> Page:
    """The whole page; `more` are sections of their own before the definitions."""
    models, by = list(next(iter(results.values())).models), looks_of(results, baselines)
    sections = [
        Section("Scorecard", [_verdict(results, table), *_scorecards(results, table, plan)]),
        Section("Scores by lead", list(_curves(results, table, by))),
        Section("Reliability", list(_reliability(results, table, plan, confidence, by))),
    ]
    if any(scored.place.has_levels for scored in results.values()):
        sections.append(Section("Depth", _profiles(results, table, plan, by)))
    if any("brier_extreme" in one.parts for scored in results.values() for one in scored.models.values()):
        sections.append(Section("Extremes", list(_extremes(results, table, plan, by))))
    sections.append(Section("Maps", list(_maps(results, plan, baselines))))
    if len(next(iter(results.values())).regions) > 1:
        sections.append(Section("Regions", list(_regions(results, table, by)), folded=True))
    sections += [*more, Section("Definitions", [Text(DEFINITIONS)], folded=True)]
    title = f"{models[0]}: forecasts of {_span(plan.leads)} days"
    summary = f"{len(plan.starts)} start dates, {len(models)} models, {len(results)} variables against one truth."
    return Page(title, summary, facts, sections)


def looks_of(results: Mapping[str, Scored], baselines: Sequence[str]) -> dict[str, Look]:
    """How the models are drawn, baselines with dashes."""
    models = list(next(iter(results.values())).models)
    return charts.looks(models, [name for name in models if name in baselines])


def name_of(variable: str) -> str:
    return NAMES.get(variable, variable)


def chosen_leads(leads: np.ndarray, number: int) -> np.ndarray:
    """Places of so many leads, the first and the last among them, closer together at short leads."""
    if len(leads) <= number:
        return np.arange(len(leads))
    wanted = leads[0] * (leads[-1] / leads[0]) ** np.linspace(0, 1, number)
    found = np.unique([int(np.argmin(np.abs(leads - lead))) for lead in wanted])
    return found


def _span(leads: np.ndarray) -> str:
    return f"{leads[-1]:g}" if len(leads) == 1 else f"{leads[0]:g} to {leads[-1]:g}"


def _rows(table: pd.DataFrame, variable: str, metric: str, region: str = "all", depth: str = "all") -> pd.DataFrame:
    mine = (table.variable == variable) & (table.metric == metric) & (table.region == region) & (table.depth == depth)
    return table[mine]


def _verdict(results: Mapping[str, Scored], table: pd.DataFrame) -> Table:
    """At how many leads the first model is better than each other, whatever the sample of start dates."""
    first, *others = next(iter(results.values())).models
    rows = []
    for other in others:
        cells = []
        for variable in results:
            found = _rows(table, variable, f"crps_below_{other}")
            sure = found.low.notna().any()
            better, worse = (found.low > 0, found.high < 0) if sure else (found.value > 0, found.value < 0)
            mark = "good" if better.all() else "bad" if worse.any() else ""
            cells.append(Cell(f"{int(better.sum())} of {len(found)}", mark))
        rows.append([other, *cells])
    caption = (
        f"Leads at which the fair CRPS of {first} is lower, beyond the band of resampled start dates, than that of"
    )
    return Table(["", *map(name_of, results)], rows, caption)


def _scorecards(results: Mapping[str, Scored], table: pd.DataFrame, plan: Plan):
    """A table of the CRPS for each variable, the best of a column marked."""
    places = chosen_leads(plan.leads, _TABLE_LEADS)
    for variable, scored in results.items():
        models = list(scored.models)
        values = _rows(table, variable, "crps").pivot(index="model", columns="lead", values="value").loc[models]
        chosen = values[plan.leads[places]]
        best = chosen.min()
        rows = [
            [model, *(Cell(f"{x:.3g}", "best" if x <= best[lead] else "") for lead, x in chosen.loc[model].items())]
            for model in models
        ]
        ratio = _rows(table, variable, "spread_skill").set_index(["model", "lead"]).value
        if (models[0], plan.leads[0]) in ratio.index:
            rows.append([f"spread / skill of {models[0]}", *(_goal(ratio[models[0], lead]) for lead in chosen)])
        columns = [f"{name_of(variable)} ({scored.units})", *(f"{lead:g} d" for lead in chosen)]
        yield Table(columns, rows, "fair CRPS, the whole volume" if scored.place.has_levels else "fair CRPS")


def _goal(ratio: float) -> Cell:
    if not np.isfinite(ratio):
        return Cell("")
    return Cell(f"{ratio:.2f}", "good" if 0.9 <= ratio <= 1.1 else "bad" if not 0.8 <= ratio <= 1.25 else "")


def _curve(rows: pd.DataFrame, column: str = "lead") -> Curve:
    banded = rows.low.notna().all()
    return Curve(rows[column].values, rows.value.values, *((rows.low.values, rows.high.values) if banded else ()))


def _curves(results: Mapping[str, Scored], table: pd.DataFrame, by: Mapping[str, Look]):
    for metric, (title, with_unit, reference, from_zero) in CURVES.items():
        pictures = []
        for variable, scored in results.items():
            rows = _rows(table, variable, metric)
            of = {model: _curve(rows[rows.model == model]) for model in by if (rows.model == model).any()}
            of = {model: curve for model, curve in of.items() if np.isfinite(curve.y).any()}
            if of:
                pictures.append(
                    charts.curves(
                        f"{metric}_{variable}", name_of(variable), of, by, "lead (days)",
                        f"{title} ({scored.units})" if with_unit else title, reference=reference,
                        from_zero=from_zero, band=(0.9, 1.1) if metric == "spread_skill" else None,
                    )
                )  # fmt: skip
        if pictures:
            yield Gallery(pictures, f"{title[0].upper()}{title[1:]}.", charts.legend(by))


def _reliability(results: Mapping[str, Scored], table, plan: Plan, confidence: Confidence, by: Mapping[str, Look]):
    """Rank histograms of the ensembles, lead by lead."""
    frames: dict[str, list[Picture]] = {}
    for k in chosen_leads(plan.leads, MAP_LEADS):
        label = plan.lead_labels()[k]
        for variable, scored in results.items():
            for model, one in scored.models.items():
                if "ranks" in one.parts and model != "climatology":
                    ranks = ranks_of(coarse_ranks(one, _RANK_BINS), int(k), 0, confidence)
                    title = f"{model}, {name_of(variable)}: {100 * ranks.inside:.0f} % in the band"
                    frames.setdefault(label, []).append(
                        charts.rank_histogram(
                            f"ranks_{variable}_{model}_{k}", title, ranks.shares, ranks.band_low, ranks.band_high,
                            by[model].colour,
                        )
                    )  # fmt: skip
    if frames:
        caption = (
            f"Ranks of the truth among the members, in {_RANK_BINS} bins at most; black: where "
            f"{100 * confidence.level:.0f} % of flat histograms of so many start dates lie."
        )
        yield Slider(frames, "lead", caption)
    else:
        yield Text("There is no ensemble among the models: a single forecast has no ranks and no spread.")


def _profiles(results: Mapping[str, Scored], table: pd.DataFrame, plan: Plan, by: Mapping[str, Look]):
    """Errors by depth, lead by lead."""
    frames: dict[str, list[Picture]] = {}
    for k in chosen_leads(plan.leads, MAP_LEADS):
        pictures = frames.setdefault(plan.lead_labels()[k], [])
        for variable, scored in results.items():
            if not scored.place.has_levels:
                continue
            mine = table[(table.variable == variable) & (table.metric == "crps") & (table.region == "all")]
            mine = mine[(mine.lead == plan.leads[k]) & (mine.depth != "all")]
            mine = mine.assign(metres=mine.depth.str.removesuffix(" m").astype(float))
            of = {model: _curve(mine[mine.model == model], "metres") for model in by}
            pictures.append(
                charts.curves(
                    f"depth_{variable}_{k}", name_of(variable), of, by, "depth (m)", f"fair CRPS ({scored.units})",
                    from_zero=True, downward=True,
                )
            )  # fmt: skip
    return [charts.legend(by), Slider(frames, "lead", "Fair CRPS by level.")]


def _extremes(results: Mapping[str, Scored], table: pd.DataFrame, plan: Plan, by: Mapping[str, Look]):
    for event, title in EVENTS.items():
        skill, diagrams = [], {}
        for variable, scored in results.items():
            depth = scored.place.depth_labels()[0]
            rows = _rows(table, variable, f"brier_skill_{event}", depth=depth)
            if rows.empty:
                continue
            of = {model: _curve(rows[rows.model == model]) for model in by if (rows.model == model).any()}
            skill.append(
                charts.curves(
                    f"brier_{event}_{variable}", f"{name_of(variable)}, {depth}", of, by, "lead (days)",
                    "Brier skill", reference=0.0,
                )
            )  # fmt: skip
            ensembles = {m: one for m, one in scored.models.items() if one.members > 1 and event in events_of(one)}
            for k in chosen_leads(plan.leads, MAP_LEADS):
                curves = {
                    model: tuple(map(np.asarray, reliability_curve(one.parts[f"reliability_{event}"][:, k].sum(0))))
                    for model, one in ensembles.items()
                }
                if curves:
                    diagrams.setdefault(plan.lead_labels()[k], []).append(
                        charts.reliability(f"reliability_{event}_{variable}_{k}", name_of(variable), curves, by)
                    )
        if skill:
            yield Gallery(
                skill, f"Event: {title}, uppermost level.  1 is perfect, 0 its mean frequency.", charts.legend(by)
            )
        if diagrams:
            yield Slider(diagrams, "lead", f"Event: {title}.  Sizes show how often a probability was given.")


def _maps(results: Mapping[str, Scored], plan: Plan, baselines: Sequence[str]):
    """Bias and error of the forecasts at the uppermost level, lead by lead."""
    places, starts = chosen_leads(plan.leads, MAP_LEADS), len(plan.starts)
    for variable, scored in results.items():
        frame = scored.place.frame(scored.wet[0])
        models = {m: one.maps / starts for m, one in scored.models.items() if m not in baselines}
        bias = {m: maps[places, MAPPED.index("error")] for m, maps in models.items()}
        rmse = {m: maps[places, MAPPED.index("squared_error")] ** 0.5 for m, maps in models.items()}
        scales = {
            "bias": (bias, style.COLOURS["difference"], charts.shared_levels(list(bias.values()), symmetric=True)),
            "rmse": (rmse, style.COLOURS["speed"], charts.shared_levels([*rmse.values(), np.zeros(1)])),
        }
        frames = {}
        for n, k in enumerate(places):
            frames[plan.lead_labels()[k]] = [
                charts.map_of(
                    f"map_{kind}_{variable}_{model}_{k}", f"{kind} of {model}", frame, fields[n], boundaries, colours,
                    f"{kind} of {name_of(variable)} ({scored.units})",
                )
                for kind, (of, colours, boundaries) in scales.items()
                for model, fields in of.items()
            ]  # fmt: skip
        depth = scored.place.depth_labels()[0]
        yield Slider(
            frames, "lead", f"{name_of(variable)}, {depth}: mean error and root mean square error of the mean."
        )


def _regions(results: Mapping[str, Scored], table: pd.DataFrame, by: Mapping[str, Look]):
    for variable, scored in results.items():
        pictures = []
        for region in list(scored.regions)[1:]:
            rows = _rows(table, variable, "crps", region=region)
            of = {model: _curve(rows[rows.model == model]) for model in by}
            pictures.append(
                charts.curves(
                    f"region_{variable}_{region}", region, of, by, "lead (days)", f"fair CRPS ({scored.units})",
                    from_zero=True,
                )
            )  # fmt: skip
        yield Gallery(pictures, f"Fair CRPS of {name_of(variable)} by region.", charts.legend(by))
