"""What `python -m eval forecast` does."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pandas as pd
from rich.console import Console

from eval.forecast import baselines
from eval.forecast.derived import with_derived
from eval.forecast.evaluation import Scored, Settings, evaluate_variable
from eval.forecast.flow import evaluate_flow
from eval.forecast.flow import rows as flow_rows
from eval.forecast.flow import section as flow_section
from eval.forecast.page import MAP_LEADS, chosen_leads, looks_of, page_of
from eval.forecast.plan import Plan, plan_of
from eval.forecast.stores import ForecastStore, Truth, open_forecasts, open_truth, variables_to_score
from eval.forecast.tables import Confidence, rank_rows, scores_of
from eval.report.scores import write_scores, write_table
from ocean_gcm.errors import UserError
from ocean_gcm.progress import PieceReport


def evaluate(options: argparse.Namespace) -> Path:
    """Score, write scores.csv, scores.nc and the report below `options.output`; returns the page's path.

    Raises UserError for options, stores and truths that do not fit.
    """
    confidence = _confidence(options)
    simple, others = _parted(options.baselines)
    name, path = _named(options.forecasts)
    stores = [open_forecasts(path, name), *(open_forecasts(p, n) for n, p in others)]
    truth = open_truth(options.truth, stores[0].dataset)
    stores, truth = _with_derived(stores, truth, options.derived)
    plan = plan_of(stores, truth, options.leads, partial=options.partial)
    places = variables_to_score(stores, truth, plan.valid[0], options.variables, options.derived)
    period = tuple(options.climatology) if options.climatology else None
    settings = Settings(simple, options.regions, period, options.harmonics, not options.no_extremes)
    results: dict[str, Scored] = {}
    flow, has_flow = None, {"uo", "vo"} <= set(places) and not options.no_flow
    pieces = (len(places) + has_flow) * len(plan.starts)
    with PieceReport(Console(stderr=True), pieces, "forecasts scored") as report:
        for variable, place in places.items():
            results[variable] = evaluate_variable(variable, place, stores, truth, plan, settings, report.advance)
        if has_flow:
            flow = evaluate_flow(places, stores, truth, plan, report.advance)
    tables = [scores_of(v, scored, plan, confidence) for v, scored in results.items()]
    if flow:
        tables.append(flow_rows(flow, plan, confidence))
    table = pd.concat(tables, ignore_index=True)
    facts = _facts(stores, truth, plan, options, confidence)
    write_scores(options.output, table, attributes={"title": f"scores of {stores[0].name}", **facts})
    ranks = [rank_rows(v, scored, plan, confidence) for v, scored in results.items()]
    write_table(options.output / "ranks.csv", pd.concat(ranks, ignore_index=True))
    by = looks_of(results, simple)
    more = [flow_section(flow, table, plan, by, chosen_leads(plan.leads, MAP_LEADS))] if flow else []
    return page_of(results, table, plan, confidence, facts, simple, more).write(options.output)


def _with_derived(stores: list[ForecastStore], truth: Truth, names: list[str]) -> tuple[list[ForecastStore], Truth]:
    of_truth = with_derived(truth.dataset, names, truth.label, truth.dataset)
    return [
        dataclasses.replace(store, dataset=with_derived(store.dataset, names, store.label, truth.dataset))
        for store in stores
    ], Truth(truth.label, of_truth, truth.times)


def _named(text: str) -> tuple[str, str]:
    """[NAME=]PATH -> (name, path); without a name that of the file."""
    name, equals, path = text.partition("=")
    if not equals or "/" in name or "://" in name:
        return Path(text).name.removesuffix(".zarr") or "forecasts", text
    if not name or not path:
        raise UserError(f"{text!r} is no forecast store; expected STORE or NAME=STORE")
    return name, path


def _parted(given: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Baselines by name, and other stores."""
    simple, others = [], []
    for word in filter(None, given.split(",")):
        if "=" in word:
            others.append(_named(word))
        elif word in baselines.NAMES:
            simple.append(word)
        else:
            raise UserError(
                f"--baselines has {word!r}; expected {', '.join(baselines.NAMES)} or NAME=STORE, parted by commas"
            )
    return simple, others


def _confidence(options: argparse.Namespace) -> Confidence:
    if not 0 < options.confidence < 1:
        raise UserError(f"--confidence is {options.confidence:g}; expected a share between 0 and 1, such as 0.9")
    for name in ("draws", "block"):
        if getattr(options, name) < 1:
            raise UserError(f"--{name} is {getattr(options, name)}; expected at least 1")
    return Confidence(options.confidence, options.draws, options.block)


def _facts(
    stores: list[ForecastStore], truth: Truth, plan: Plan, options: argparse.Namespace, confidence: Confidence
) -> dict[str, str]:
    """What was scored, for the head of the page; files by their names, not by where they lie here."""
    period = " to ".join(options.climatology) if options.climatology else "all records before the first start date"
    return {
        "forecasts": ", ".join(f"{s.name}: {s.members} members" for s in stores),
        "truth": truth.label,
        "start dates": f"{len(plan.starts)}, {plan.starts.span()}",
        "leads": f"{len(plan.leads)}, {plan.leads[0]:g} to {plan.leads[-1]:g} days",
        "climatological period": period,
        "bands": f"{100 * confidence.level:g} % of {confidence.draws} resamples of the start dates",
    }
