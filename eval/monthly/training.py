"""Training of the hybrid through rollouts of a year with the fair CRPS."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax

from eval.monthly import regression
from eval.monthly.anomalies import Sample
from eval.monthly.hybrid import Hybrid, initial_parameters, memory_of, on_map
from ocean_gcm.metrics.averages import masked_mean
from ocean_gcm.metrics.crps import fair_crps

LEARNING_RATE = 0.01


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of the training.

    Attributes:
      iterations: steps of Adam.
      members: 1 for the squared error of the mean forecast, more for the fair CRPS.
      batch: starts of each step.
    """

    iterations: int
    members: int
    batch: int


STAGES = (Stage(40, 1, 32), Stage(20, 4, 12))
PENALTY_SHARES = dict.fromkeys(("closure", "rossby", "kelvin", "free", "transmission", "reflection"), 0.1)
"""Of the penalty, for what is not learned cell by cell (1 for all else)."""
CELL_RATE = 0.3
"""Of the learning rate, for what is learned cell by cell: few months speak for each cell."""


def score_weights(hybrid: Hybrid, sample: Sample) -> np.ndarray:
    """(lead, variable, 1, 1) one over the error of damped persistence, so that all leads and variables count alike."""
    errors = sample.targets(sample.starts) - regression.baseline("damped", sample, sample.starts)
    size = np.sqrt((errors**2 @ sample.series.weights).mean(0)) / hybrid.scales
    return (1 / size)[..., None, None]


def train(
    hybrid: Hybrid,
    sample: Sample,
    stages: Sequence[Stage] = STAGES,
    *,
    seed: int = 0,
    penalty: float = 0.0,
    every: int = 10,
    watch: Callable[[int, dict, float], None] = lambda *_: None,
) -> dict[str, jax.Array]:
    """Parameters after all stages, from those before training.

    penalty: weight of the squared distance from the parameters before training.  `watch` is called with the number of
    iterations, the parameters and the mean loss of the iterations since: at 0, `every`, 2 `every`, ...
    """
    first = parameters = initial_parameters(hybrid, sample)
    rng, key, done = np.random.default_rng(seed), jax.random.key(seed), 0
    watch(0, parameters, float("nan"))
    for stage in stages:
        optimiser = optax.chain(
            optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, stage.iterations))
        )
        step, state, scores = _step(hybrid, sample, first, stage, penalty, optimiser), optimiser.init(parameters), []
        for _ in range(stage.iterations):
            starts = rng.choice(sample.starts, min(stage.batch, len(sample.starts)), replace=False)
            batch = memory_of(sample, starts), sample.series.season[starts], on_map(sample, sample.targets(starts))
            parameters, state, score = step(parameters, state, *batch, jax.random.fold_in(key, done))
            done += 1
            scores.append(float(score))
            if done % every == 0:
                watch(done, parameters, float(np.mean(scores[-every:])))
    return parameters


def _step(hybrid: Hybrid, sample: Sample, first, stage: Stage, penalty: float, optimiser):
    """The compiled update of a stage."""
    weights = jnp.asarray(np.nan_to_num(sample.series.on_map(sample.series.weights)), jnp.float32)
    by_lead = jnp.asarray(score_weights(hybrid, sample), jnp.float32)

    def loss(parameters, memory, season, truth, key):
        if stage.members == 1:
            error = (hybrid.rollout(parameters, memory, season, None)[0] - truth) * by_lead
            score = masked_mean(error**2, weights)
        else:
            members = hybrid.rollout(parameters, memory, season, key, stage.members)
            score = masked_mean(fair_crps(members, truth) * by_lead, weights)
        moved = sum(
            PENALTY_SHARES.get(name, 1.0) * ((parameters[name] - first[name]) ** 2).sum() for name in parameters
        )
        return score + penalty * moved, score

    @jax.jit
    def step(parameters, state, memory, season, truth, key):
        (_, score), gradient = jax.value_and_grad(loss, has_aux=True)(parameters, memory, season, truth, key)
        updates, state = optimiser.update(gradient, state)
        updates = {name: update if name in PENALTY_SHARES else CELL_RATE * update for name, update in updates.items()}
        return optax.apply_updates(parameters, updates), state, score

    return step
