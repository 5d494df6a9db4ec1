"""Sources and long runs of several models beside one truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eval.models import is_config, model_at
from eval.subgrid import offline, online
from eval.subgrid.spread import WIDTH, standard_errors
from eval.subgrid.statistics import Flow, compare, flow_statistics, together
from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.layers_truth import open_layers_truth
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.similarity import similarities
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment

SEEN = "truth_seen"
"""Name of the truth as the coarse grid sees it beside a finer target: the best that a coarse model could be."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is run and compared.

    Attributes:
      steps, save_every: of each run, and between the states that count.
      starts: runs of each model, from states of the truth.
      spin_up: share of each run that does not count.
      offline: number of states in which sources are compared.
      held_out: first trajectory of these states.
    """

    steps: int = 10000
    save_every: int = 20
    starts: int = 2
    spin_up: float = 0.25
    offline: int = 64
    held_out: int = 0

    def __post_init__(self):
        for name, least in (("steps", 1), ("save_every", 1), ("starts", 1), ("offline", 0), ("held_out", 0)):
            if (value := getattr(self, name)) < least:
                raise UserError(f"--{name.replace('_', '-')} is {value}; expected at least {least}")
        if self.steps % self.save_every:
            raise UserError(f"--save-every is {self.save_every}; expected a divisor of --steps = {self.steps}")
        if not 0 <= self.spin_up < 1:
            raise UserError(f"--spin-up is {self.spin_up:g}; expected a share from 0 to less than 1")

    @property
    def first(self) -> int:
        """The first record that counts."""
        return int(self.spin_up * (self.steps // self.save_every))


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
      truth: label of the store; target: its statistics.
      flows: statistics by model, all seeds together; those of which no run stayed finite are not among them.
      seeds: the same by model and seed.
      scores: table of model, seed, variable, lead, metric, value, low, high.
      plan, time_step, grid: of the runs; the step in s.
    """

    truth: str
    target: Flow
    flows: Mapping[str, Flow]
    seeds: Mapping[tuple[str, int], Flow]
    scores: pd.DataFrame
    plan: Plan
    time_step: float
    grid: object


def open_models(
    texts: Sequence[str], closures: Sequence[str] = (), overrides: Sequence[str] = ()
) -> dict[str, tuple[OceanModel, ...]]:
    """Models by name, of texts [NAME=]PATH[,PATH ...]: a YAML file, an exported model or a training run, the keys set.

    Several paths are trainings of one model with other seeds.  The first YAML file with each of the closures in the
    place of its own comes after it, under the closure's kind.

    Raises UserError for what cannot be built, names that are given twice, seeds of other models, and closures without a
    YAML file.
    """
    found: dict[str, tuple[OceanModel, ...]] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        paths = (path if sign else text).split(",")
        name = name if sign else Path(paths[0]).stem
        if name in found:
            raise UserError(f"two models are called {name}; name one of them: NAME={paths[0]}")
        found[name] = tuple(_layers_model(path, overrides) for path in paths)
        _require_seeds(name, found[name])
        if is_config(paths[0]):
            for kind in closures:
                tree = found[name][0].config.model_dump(mode="json")
                tree |= {"closures": {"subgrid": {"kind": kind}}, "weights": None}
                found[kind] = (build_model(config_from_dict(tree, f"{paths[0]} with the closure {kind}")),)
            closures = ()
    if closures:
        raise UserError(f"--closures is {' '.join(closures)}, which needs a YAML file among the models")
    return found


def _layers_model(path: str, overrides: Sequence[str]) -> OceanModel:
    model = model_at(path, overrides)
    if not isinstance(model.config, LayersExperiment):
        raise UserError(f"{path} has dynamics.core = {model.config.dynamics.core}; expected quasi_geostrophic")
    return model


def _require_seeds(name: str, models: Sequence[OceanModel]) -> None:
    """UserError where models differ by more than seeds and weights."""
    first = _without_seeds(models[0].config.science())
    for number, model in enumerate(models[1:], 1):
        if _without_seeds(model.config.science()) != first:
            raise UserError(
                f"{name} has another configuration for seed {number} than for 0; expected other weights only"
            )


def _without_seeds(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {
            key: _without_seeds(value) for key, value in tree.items() if key not in ("seed", "weights", "statistics")
        }
    return tree


def require_reference(without: str | None, models: Mapping[str, object]) -> None:
    """UserError where `without` is no model's name."""
    if without is not None and without not in models:
        raise UserError(f"--without is {without}; expected one of {', '.join(models)}")


def evaluate(
    models: Mapping[str, Sequence[OceanModel]],
    truth: str,
    plan: Plan,
    without: str | None,
    progress: Callable = lambda *a: None,
    target_path: str | None = None,
) -> Evaluation:
    """Scores of all models against the statistics of `truth`, or of `target_path`, a truth that may have more cells.

    Raises UserError for models and truths that do not fit.
    """
    first = next(iter(models.values()))[0]
    for name, seeds in models.items():
        online.require_same_flow(truth, seeds[0], name)
    other = None if target_path is None else online.open_target(target_path, first)
    store = open_layers_truth(truth, first)
    target = (
        online.truth_statistics(first, store, plan)
        if other is None
        else other.statistics(plan.save_every * first.time_step)
    )
    rows = [("truth", 0, *row) for row in _with_ends(target.rows(), standard_errors(target, target))]
    target = target.seen_by(first.grid)
    found: dict[tuple[str, int], Flow] = {}
    for number, (name, seeds) in enumerate(models.items()):
        progress(number, name)
        for seed, model in enumerate(seeds):
            if plan.offline and store.has_sources:
                rows += [(name, seed, *row) for row in offline.scores(model, store, plan.offline, plan.held_out)]
        for seed, (model, runs) in enumerate(zip(seeds, online.run(seeds, store, plan), strict=True)):
            rows.append((name, seed, "pv", "", "stable", float(runs.stable.mean())))
            rows.append((name, seed, "pv", "", "steps", float(runs.lasted.mean())))
            if runs.stable.any():
                found[name, seed] = flow_statistics(model, runs.kept, runs.interval)
    if other is not None and len(store.times) > 2 * plan.save_every * first.time_step / store.interval:
        found[SEEN, 0] = online.truth_statistics(first, store, plan)
    progress(len(models), "")
    reference = found.get((without, 0))
    for (name, seed), flow in found.items():
        rows += [(name, seed, *row) for row in _compared(flow, target, None if name == without else reference)]
    columns = ["model", "seed", "variable", "lead", "metric", "value", "low", "high"]
    table = pd.DataFrame([(*row, *[np.nan] * (len(columns) - len(row))) for row in rows], columns=columns)
    names = dict.fromkeys(name for name, _ in found)
    flows = {name: together([flow for (own, _), flow in found.items() if own == name]) for name in names}
    label = Path(str(target_path or truth)).name
    return Evaluation(label, target, flows, found, table, plan, first.time_step, first.grid)


def _compared(flow: Flow, target: Flow, without: Flow | None) -> list[tuple]:
    """Rows (variable, lead, metric, value, low, high) of a flow."""
    rows = [*flow.rows(), *compare(flow, target)]
    if without is not None:
        near = similarities(flow.statistics, target.statistics, without.statistics, target.rings)
        rows += [(name, "", "similarity", value) for name, value in near.items()]
    return _with_ends(rows, standard_errors(flow, target, without))


def _with_ends(rows: list[tuple], errors: Mapping[tuple[str, str], float]) -> list[tuple]:
    """Rows with the ends of their intervals, NaN where the standard error is not known."""
    reach = [WIDTH * errors.get((row[0], row[2]), np.nan) for row in rows]
    return [(*row, row[-1] - half, row[-1] + half) for row, half in zip(rows, reach, strict=True)]
