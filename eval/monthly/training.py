"""Training of the hybrid through rollouts of a year with the fair CRPS."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from eval.monthly import regression
from eval.monthly.anomalies import Sample
from eval.monthly.hybrid import Hybrid, initial_parameters, memory_of
from ocean_gcm.metrics.averages import masked_mean
from ocean_gcm.metrics.crps import fair_crps

BATCH = 24
MEMBERS = 4
LEARNING_RATE = 0.01


def score_weights(hybrid: Hybrid, sample: Sample) -> np.ndarray:
    """(lead, variable, 1) one over the error of damped persistence, so that all leads and variables count alike."""
    errors = sample.targets(sample.starts) - regression.baseline("damped", sample, sample.starts)
    size = np.sqrt((errors**2 @ sample.series.weights).mean(0)) / hybrid.scales
    return (1 / size)[..., None]


def train(
    hybrid: Hybrid,
    sample: Sample,
    iterations: int,
    *,
    seed: int = 0,
    penalty: float = 0.0,
    every: int = 50,
    watch: Callable[[int, dict, float], None] = lambda *_: None,
) -> dict[str, jax.Array]:
    """Parameters after `iterations` of Adam on random starts of the sample.

    penalty: weight of the squared distance of the parameters from those before training.  `watch` is called with the
    number of iterations, the parameters and the mean loss at 0, `every`, 2 `every`, ...
    """
    first = initial_parameters(hybrid, sample)
    weights = jnp.asarray(sample.series.weights, jnp.float32)
    by_lead = jnp.asarray(score_weights(hybrid, sample), jnp.float32)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, iterations)))

    def loss(parameters, memory, season, truth, key):
        members = hybrid.rollout(parameters, memory, season, key, MEMBERS)
        score = masked_mean(fair_crps(members, truth) * by_lead, weights)
        moved = sum(((parameters[name] - first[name]) ** 2).sum() for name in parameters)
        return score + penalty * moved, score

    @jax.jit
    def step(parameters, state, memory, season, truth, key):
        (_, score), gradient = jax.value_and_grad(loss, has_aux=True)(parameters, memory, season, truth, key)
        updates, state = optimiser.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, score

    rng, key = np.random.default_rng(seed), jax.random.key(seed)
    parameters, state, scores = first, optimiser.init(first), []
    watch(0, parameters, float("nan"))
    for n in range(1, iterations + 1):
        starts = rng.choice(sample.starts, min(BATCH, len(sample.starts)), replace=False)
        truth = (sample.targets(starts) / hybrid.scales[:, None]).astype(np.float32)
        batch = memory_of(sample, starts), sample.series.season[starts], truth
        parameters, state, score = step(parameters, state, *batch, jax.random.fold_in(key, n))
        scores.append(float(score))
        if n % every == 0:
            watch(n, parameters, float(np.mean(scores[-every:])))
    return parameters
