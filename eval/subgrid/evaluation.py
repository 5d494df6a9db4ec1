"""Sources and long runs of several models beside one truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from eval.models import is_config, model_at
from eval.subgrid import offline, online
from eval.subgrid.statistics import Flow, compare, flow_statistics
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
      flows: statistics by model; those of which no run stayed finite are not among them.
      scores: table of model, variable, lead, metric, value.
      plan, time_step, grid: of the runs; the step in s.
    """

    truth: str
    target: Flow
    flows: Mapping[str, Flow]
    scores: pd.DataFrame
    plan: Plan
    time_step: float
    grid: object


def open_models(
    texts: Sequence[str], closures: Sequence[str] = (), overrides: Sequence[str] = ()
) -> dict[str, OceanModel]:
    """Models by name, of texts [NAME=]PATH: a YAML file, an exported model or a training run, with the keys set.

    The first YAML file with each of the closures in the place of its own comes after it, under the closure's kind.

    Raises UserError for what cannot be built, names that are given twice, and closures without a YAML file.
    """
    found: dict[str, OceanModel] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        path = path if sign else text
        name = name if sign else Path(path).stem
        if name in found:
            raise UserError(f"two models are called {name}; name one of them: NAME={path}")
        model = model_at(path, overrides)
        if not isinstance(model.config, LayersExperiment):
            raise UserError(f"{path} has dynamics.core = {model.config.dynamics.core}; expected quasi_geostrophic")
        found[name] = model
        if is_config(path):
            for kind in closures:
                tree = model.config.model_dump(mode="json") | {"closures": {"subgrid": {"kind": kind}}, "weights": None}
                found[kind] = build_model(config_from_dict(tree, f"{path} with the closure {kind}"))
            closures = ()
    if closures:
        raise UserError(f"--closures is {' '.join(closures)}, which needs a YAML file among the models")
    return found


def require_reference(without: str | None, models: Mapping[str, OceanModel]) -> None:
    """UserError where `without` is no model's name."""
    if without is not None and without not in models:
        raise UserError(f"--without is {without}; expected one of {', '.join(models)}")


def evaluate(
    models: Mapping[str, OceanModel],
    truth: str,
    plan: Plan,
    without: str | None,
    progress: Callable = lambda *a: None,
    target_path: str | None = None,
) -> Evaluation:
    """Scores of all models against the statistics of `truth`, or of `target_path`, a truth that may have more cells.

    Raises UserError for models and truths that do not fit.
    """
    rows: list[tuple] = []
    target, flows, stores = None, {}, {}
    for name, model in models.items():
        online.require_same_flow(truth, model, name)
    other = None if target_path is None else online.open_target(target_path, next(iter(models.values())))
    for number, (name, model) in enumerate(models.items()):
        progress(number, name)
        store = open_layers_truth(truth, model)
        if plan.offline and store.has_sources:
            rows += [(name, *row) for row in offline.scores(model, store, plan.offline, plan.held_out)]
        runs = online.run(model, store, plan)
        rows.append((name, "pv", "", "stable", float(runs.stable.mean())))
        if target is None:
            target = (
                online.truth_statistics(model, store, plan)
                if other is None
                else other.statistics(plan.save_every * model.time_step)
            )
        if runs.stable.any():
            flows[name] = flow_statistics(model, runs.kept, runs.interval)
        stores[name] = store.label
    if other is not None and len(store.times) > 2 * plan.save_every * model.time_step / store.interval:
        flows[SEEN] = online.truth_statistics(model, store, plan)
    progress(len(models), "")
    rows += [("truth", *row) for row in target.rows()]
    target = target.seen_by(next(iter(models.values())).grid)
    for name, flow in flows.items():
        rows += [(name, *row) for row in (*flow.rows(), *compare(flow, target))]
    if without in flows:
        for name, flow in flows.items():
            if name != without:
                near = similarities(flow.statistics, target.statistics, flows[without].statistics, target.rings)
                rows += [(name, metric, "", "similarity", value) for metric, value in near.items()]
    table = pd.DataFrame(rows, columns=["model", "variable", "lead", "metric", "value"])
    first = next(iter(models.values()))
    label = Path(str(target_path or truth)).name
    return Evaluation(label, target, flows, table, plan, first.time_step, first.grid)
