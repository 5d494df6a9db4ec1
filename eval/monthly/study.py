"""The parts of the study, each kept in the output directory, so that what was interrupted goes on there."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from eval.monthly import choices, hybrid, linear_inverse, regression, scoring, training, wave_speed
from eval.monthly.anomalies import (
    LEADS,
    Sample,
    Series,
    folds,
    nino34_weights,
    read_nino34,
    read_series,
    sample,
)

FOLDS = 4
HYBRIDS = {
    "hybrid": hybrid.HybridConfig(),
    "hybrid_no_waves": hybrid.HybridConfig(waves=False),
    "hybrid_no_closure": hybrid.HybridConfig(closure=False),
}
_BATCH = 16
"""Starts whose ensembles are made at once."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the study runs on.

    Attributes:
      data: directory of the data.
      output: directory of what is kept.
      period: (first, last) month that statistics may use.
      members: of the ensembles.
      stages: of the hybrid's training.
      penalties: of the hybrid's training, of which cross-validation chooses if there are several.
      validated: folds in which the hybrid is cross-validated.
      say: called with lines about what is done.
    """

    data: Path
    output: Path
    period: tuple[str, str] = ("1980-01", "2002-12")
    members: int = 24
    stages: tuple[training.Stage, ...] = training.STAGES
    penalties: tuple[float, ...] = (1e-3,)
    validated: tuple[int, ...] = (1, 3)
    say: Callable[[str], None] = print

    def kept(self, name: str, make: Callable[[], object]):
        """What `make` returns, from the output directory if it was made before."""
        path = self.output / f"{name}.pickle"
        if not path.exists():
            self.output.mkdir(parents=True, exist_ok=True)
            self.say(f"{name} ...")
            made = make()
            part = path.with_suffix(".part")
            part.write_bytes(pickle.dumps(made))
            part.replace(path)
        return pickle.loads(path.read_bytes())


@dataclasses.dataclass(frozen=True)
class Data:
    """Series, samples and observed indices of a plan."""

    series: Series
    known: Sample
    folds: list[Sample]
    internal_speed: np.ndarray
    indices: dict[str, tuple[np.ndarray, np.ndarray]]


def read(plan: Plan) -> Data:
    """Reads all files.  Raises UserError for what is missing or wrong in them."""
    series = read_series(plan.data)
    months = series.months(*plan.period)
    known = sample(series, months)
    weights = nino34_weights(series)
    at = known.held_out[:, None] + np.arange(1, LEADS + 1)
    indices = {}
    for name, index in {
        "nino34": known.anomalies[:, 1] @ weights,
        "nino34_oras5": read_nino34(plan.data, series),
    }.items():
        cycle = np.array([index[months & (series.season == m)].mean() for m in range(12)])
        indices[name] = (weights, (index - cycle[series.season])[at])
    speed = wave_speed.observed_wave_speed(plan.data, series)
    return Data(series, known, folds(series, months, FOLDS), speed, indices)


def dressed(plan: Plan, mean: np.ndarray, errors: np.ndarray) -> scoring.Forecasts:
    """Members around a mean forecast with the covariance of errors of years held out."""
    rng = np.random.default_rng(0)
    members = np.stack([m + regression.drawn_errors(errors, plan.members, rng).astype(np.float32) for m in mean], 1)
    return scoring.Forecasts(mean, members)


def baseline(plan: Plan, data: Data, name: str) -> scoring.Forecasts:
    errors = choices.held_out_errors(data.folds, lambda s: regression.baseline(name, s, s.held_out))
    return dressed(plan, regression.baseline(name, data.known, data.known.held_out), errors)


def ridge(plan: Plan, data: Data, choice: choices.RidgeChoice) -> scoring.Forecasts:
    return dressed(plan, choice.forecasts(data.known, data.known.held_out), choice.errors)


def inverse(plan: Plan, data: Data, choice) -> scoring.Forecasts:
    """Of the linear inverse model, from its own noise."""
    model = linear_inverse.fit_fields(data.known, choice[0], seasonal=choice[1])
    rng, starts = np.random.default_rng(0), data.known.held_out
    members = [model.ensemble(data.known, start, plan.members, rng).astype(np.float32) for start in starts]
    return scoring.Forecasts(model.mean(data.known, starts), np.stack(members, 1))


def hybrid_forecasts(model: hybrid.Hybrid, parameters, known: Sample, members: int, seed: int = 0) -> scoring.Forecasts:
    """Of a hybrid at the held-out starts, from its own noise; members = 0 for the mean alone."""
    mean = jax.jit(lambda p, memory, season: model.rollout(p, memory, season, None)[0])
    draw = jax.jit(lambda p, memory, season, key: model.rollout(p, memory, season, key, members))
    means, drawn = [], []
    for n, starts in enumerate(np.array_split(known.held_out, -(-len(known.held_out) // _BATCH))):
        memory, season = hybrid.memory_of(known, starts), known.series.season[starts]
        means.append(hybrid.in_cells(known, mean(parameters, memory, season)))
        if members:
            states = draw(parameters, memory, season, jax.random.fold_in(jax.random.key(seed), n))
            drawn.append(hybrid.in_cells(known, states).astype(np.float32))
    return scoring.Forecasts(np.concatenate(means), np.concatenate(drawn, 1) if members else np.empty(0))


def trained(plan: Plan, name: str, known: Sample, speed: np.ndarray, penalty: float):
    """(model, parameters) of a hybrid."""
    model = hybrid.build(known, speed, HYBRIDS[name])

    def watch(done, _, score):
        plan.say(f"  {name}: {done} iterations, loss {score:.4f}")

    return model, training.train(model, known, plan.stages, penalty=penalty, watch=watch)


def choose_penalty(plan: Plan, data: Data) -> dict[float, float]:
    """By penalty: mean over leads and variables of RMSE over that of damped persistence in the validated folds."""
    if len(plan.penalties) == 1:
        return dict.fromkeys(plan.penalties, float("nan"))
    samples = [data.folds[n] for n in plan.validated]
    weights = data.series.weights

    def size(errors):
        return (np.concatenate(errors) ** 2 @ weights).mean(0) ** 0.5

    targets = [s.targets(s.held_out) for s in samples]
    reference = size([regression.baseline("damped", s, s.held_out) - t for s, t in zip(samples, targets, strict=True)])
    short = dataclasses.replace(plan, stages=plan.stages[:1])
    found = {}
    for penalty in plan.penalties:
        errors = []
        for n, (one, target) in enumerate(zip(samples, targets, strict=True)):

            def forecast(one=one, penalty=penalty):
                made = trained(short, "hybrid", one, data.internal_speed, penalty)
                return hybrid_forecasts(*made, one, 0).mean

            errors.append(plan.kept(f"validation_{penalty:g}_{n}", forecast) - target)
        found[penalty] = float((size(errors) / reference).mean())
    return found


def run(plan: Plan) -> dict:
    """Everything that page and figures are made of, by name.

    Raises UserError for data that are missing or wrong.
    """
    data = read(plan)
    plan.say(f"{len(data.known.starts)} starts to learn from, {len(data.known.held_out)} to be forecast")
    found = {"data": data, "ridge": plan.kept("ridge", lambda: choices.choose_ridge(data.folds))}
    found["linear_inverse"] = plan.kept("linear_inverse", lambda: choices.choose_linear_inverse(data.folds))
    found["penalties"] = choose_penalty(plan, data)
    penalty = min(found["penalties"], key=found["penalties"].get)
    found["hybrids"] = {
        name: plan.kept(
            f"parameters_{name}", lambda name=name: trained(plan, name, data.known, data.internal_speed, penalty)
        )
        for name in HYBRIDS
    }
    makers = {name: lambda name=name: baseline(plan, data, name) for name in regression.BASELINES}
    makers["linear_inverse"] = lambda: inverse(plan, data, found["linear_inverse"])
    makers["regression"] = lambda: ridge(plan, data, found["ridge"])
    for name, made in found["hybrids"].items():
        makers[name] = lambda made=made: hybrid_forecasts(*made, data.known, plan.members)
    weights = nino34_weights(data.series)

    def scored(make):
        forecasts = make()
        index = forecasts.mean[:, :, 1] @ weights, forecasts.members[:, :, :, 1] @ weights
        return scoring.score(forecasts, data.known, data.indices), index

    kept = {name: plan.kept(f"scores_{name}", lambda make=make: scored(make)) for name, make in makers.items()}
    found["scores"] = {name: scores for name, (scores, _) in kept.items()}
    found["plumes"] = {name: index for name, (_, index) in kept.items()}
    (plan.output / "choices.json").write_text(json.dumps(described(found), indent=1))
    return found


def described(found: dict) -> dict:
    """The choices, in words and numbers."""
    leads = range(LEADS)
    ridge_choice = found["ridge"]
    return {
        "ridge": {
            variable: [choices.PENALTIES[ridge_choice.penalty[lead, v]]["local"] for lead in leads]
            for v, variable in enumerate(("zos", "tos"))
        },
        "ridge_modes": {
            variable: [choices.PENALTIES[ridge_choice.penalty[lead, v]]["modes"] for lead in leads]
            for v, variable in enumerate(("zos", "tos"))
        },
        "linear_inverse": found["linear_inverse"][2],
        "hybrid": {f"{penalty:g}": value for penalty, value in found["penalties"].items()},
    }
