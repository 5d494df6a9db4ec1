"""Reliability of ensembles: spread against skill, ranks of the truth, probabilities of events.

Members lie along the leading axis.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ocean_gcm.metrics.averages import masked_mean, wet_difference
from ocean_gcm.metrics.subgradients import square_root


def ensemble_variance(members: jax.Array) -> jax.Array:
    """Variance among members (M, ...), with M - 1 in the denominator.  Raises ValueError for fewer than two."""
    number = members.shape[0]
    if number < 2:
        raise ValueError(f"the ensemble has {number} member; expected at least 2 along the first axis")
    deviation = members - members[:1]  # from the first member: float32 keeps the digits of a small spread
    return ((deviation - deviation.mean(0)) ** 2).sum(0) / (number - 1)


def spread_skill_ratio(members: jax.Array, truth: jax.Array, weights, axis=None) -> jax.Array:
    """Spread over the root mean square error of the ensemble mean; 1 for a reliable ensemble of any size.

        sqrt( (M + 1)/M <variance with M - 1> / <(ensemble mean - truth)^2> )

    Fortin et al. (2014, doi:10.1175/JHM-D-14-0008.1): both are averaged over `axis` of the truth first, with `weights`
    that broadcast against it.  0 where there is no error.
    """
    number = members.shape[0]
    difference = wet_difference(members, truth, weights)
    variance = masked_mean(ensemble_variance(difference), weights, axis)
    square = masked_mean(difference.mean(0) ** 2, weights, axis)
    return square_root((number + 1) / number * variance / jnp.where(square > 0, square, jnp.inf))


def rank_histogram(members: jax.Array, truth: jax.Array, weights) -> jax.Array:
    """(M + 1,) shares of the truth's rank among the members; flat, 1/(M + 1) each, for a reliable ensemble.

    Rank 0: the truth is below all members (Hamill 2001).  A truth that equals members is shared evenly between the
    ranks it could have.  `weights` broadcast against the truth.
    """
    weights = jnp.broadcast_to(jnp.asarray(weights, members.dtype), truth.shape)
    wet = weights > 0
    below, equal = ((x & wet).sum(0) for x in (members < truth, members == truth))
    share = weights / (equal + 1)
    # each truth adds its share from rank `below` on and takes it off behind rank `below + equal`
    steps = jnp.zeros(members.shape[0] + 2, members.dtype)
    steps = steps.at[below.ravel()].add(share.ravel()).at[(below + equal + 1).ravel()].add(-share.ravel())
    total = weights.sum()
    return jnp.cumsum(steps)[:-1] / jnp.where(total > 0, total, 1)


def brier_score(members: jax.Array, truth: jax.Array, threshold, *, fair: bool = True) -> jax.Array:
    """Squared error of the probability that the value exceeds `threshold`, one number per point.

    The probability p is the share of members.  The fair score takes off p (1 - p)/(M - 1), so that its expectation
    does not depend on M (Ferro 2014, doi:10.1002/qj.2270).  A step function of its input: no loss.  Raises ValueError
    for a fair score of fewer than two members.
    """
    number = members.shape[0]
    if fair and number < 2:
        raise ValueError(f"the ensemble has {number} member; expected at least 2 along the first axis")
    probability = (members > threshold).mean(0, dtype=members.dtype)
    score = (probability - (truth > threshold)) ** 2
    return score - probability * (1 - probability) / (number - 1) if fair else score


def reliability_sums(probability: jax.Array, outcome: jax.Array, weights, bins: int = 10) -> jax.Array:
    """(3, bins) sums of weight, of weight times probability and of weight times outcome, by bin of the probability.

    Args:
      probability: forecast, in 0 to 1.
      outcome: 1 where the event was, 0 elsewhere; of the same shape.
      weights: broadcast against them, zero on land.
      bins: intervals of equal width of the probability.

    Sums of several forecasts add up; `reliability_curve` makes means of them.
    """
    weights = jnp.broadcast_to(jnp.asarray(weights, probability.dtype), probability.shape)
    wet = weights > 0
    place = jnp.clip((jnp.where(wet, probability, 0) * bins).astype(int), 0, bins - 1).ravel()
    parts = jnp.stack([weights, jnp.where(wet, probability, 0) * weights, jnp.where(wet, outcome, 0) * weights])
    return jnp.zeros((3, bins), probability.dtype).at[:, place].add(parts.reshape(3, -1))


def reliability_curve(sums):
    """(probability, frequency, share), each (bins,), from `reliability_sums` (Murphy and Winkler 1977).

    The means of probability and outcome in each bin, NaN in empty ones, and the share of all weights that fell into it.
    A reliable forecast has equal means.
    """
    weight = sums[0]
    filled = jnp.where(weight > 0, weight, jnp.nan)
    return sums[1] / filled, sums[2] / filled, weight / weight.sum()
