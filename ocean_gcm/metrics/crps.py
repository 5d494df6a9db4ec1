r"""Continuous ranked probability score and energy score of ensembles.

With members $x_j$, $j = 1 \dots M$, of a forecast and the truth $y$

    CRPS   = 1/M sum_j |x_j - y| - 1/(2 M^2) sum_jk |x_j - x_k|           (Gneiting and Raftery 2007, eq. 20)
    fair   = 1/M sum_j |x_j - y| - 1/(2 M (M - 1)) sum_jk |x_j - x_k|     (Ferro 2014, doi:10.1002/qj.2270)
    almost = alpha fair + (1 - alpha) CRPS                                (Lang et al. 2024, arXiv:2412.15832)

The expectation of the fair score does not depend on M: it judges the distribution that the members are drawn from.
It cannot see one member of M that is far off while all others sit on the truth; alpha < 1 takes this away.

Functions take members along the leading axis and return one score per point; averages are in `averages`.  Differences
to the truth are taken first, so that float32 keeps the digits of small errors of large numbers.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ocean_gcm.metrics.averages import masked_mean, wet_difference
from ocean_gcm.metrics.subgradients import absolute, square_root

MOST_PAIRED = 24
"""Members up to which all pairs cost less than sorting (docs/decisions.md, Scores of ensembles)."""


def crps(members: jax.Array, truth: jax.Array) -> jax.Array:
    """CRPS of the empirical distribution of `members` (M, ...), M >= 2, in the unit of `truth` (...).

    Biased: it is larger for small ensembles of the same distribution.  Raises ValueError for fewer than two members.
    """
    return almost_fair_crps(members, truth, alpha=0.0)


def fair_crps(members: jax.Array, truth: jax.Array) -> jax.Array:
    """Fair (unbiased) CRPS of `members` (M, ...), M >= 2, in the unit of `truth` (...); it may be negative.

    Raises ValueError for fewer than two members.
    """
    return almost_fair_crps(members, truth, alpha=1.0)


def almost_fair_crps(members: jax.Array, truth: jax.Array, alpha: float = 0.95) -> jax.Array:
    """alpha times the fair plus 1 - alpha times the ordinary CRPS of `members` (M, ...), M >= 2.

    Raises ValueError for fewer than two members, for which the fair score has no meaning.
    """
    number = _require_two(members)
    difference = members - truth
    return absolute(difference).mean(0) - _spread_share(number, alpha) * mean_difference(difference)


def crps_or_absolute_error(members: jax.Array, truth: jax.Array, alpha: float = 1.0) -> jax.Array:
    """`almost_fair_crps`, or the absolute error of a single member: to compare a forecast with an ensemble."""
    return absolute(members[0] - truth) if members.shape[0] == 1 else almost_fair_crps(members, truth, alpha)


def mean_difference(members: jax.Array) -> jax.Array:
    """Gini's mean difference: the mean of |x_j - x_k| over the pairs of different members, (M, ...) -> (...).

    Its gradient is zero between members that agree.  All pairs up to `MOST_PAIRED` members, sorted beyond.
    """
    number = _require_two(members)
    total = _sum_over_pairs(members) if number <= MOST_PAIRED else _sum_by_rank(members)
    return total * (2.0 / (number * (number - 1)))


def energy_score(members: jax.Array, truth: jax.Array, weights, axis, alpha: float = 1.0) -> jax.Array:
    """Energy score, the CRPS of a vector: |.| becomes the root of the weighted mean square over `axis`.

    Args:
      members: (M, ...), M >= 2.
      truth: (...).
      weights: broadcast against the truth, zero on land.
      axis: axes of the truth that make the vector, as negative numbers, such as (-2, -1).
      alpha: 1 is the fair score, 0 the one of the empirical distribution.

    Gneiting and Raftery (2007, eq. 22) with exponent 1.  Raises ValueError for fewer than two members.
    """
    number = _require_two(members)
    difference = wet_difference(members, truth, weights)

    def norm(x):
        return square_root(masked_mean(x * x, weights, axis))

    pairs = sum(share * norm(difference - jnp.roll(difference, k, 0)).sum(0) for k, share in _shifts(number))
    spread = pairs * (2.0 / (number * (number - 1)))
    return norm(difference).mean(0) - _spread_share(number, alpha) * spread


def _require_two(members) -> int:
    number = members.shape[0]
    if number < 2:
        raise ValueError(f"the ensemble has {number} member; expected at least 2 along the first axis")
    return number


def _spread_share(number: int, alpha: float) -> float:
    """The factor of the mean difference: 1/2 for the fair, (M - 1)/(2 M) for the ordinary score."""
    return 0.5 * (1.0 - (1.0 - alpha) / number)


def _shifts(number: int) -> list[tuple[int, float]]:
    """Shifts k that bring every pair together once, with the share that counts (the half shift meets pairs twice)."""
    return [(k, 0.5 if 2 * k == number else 1.0) for k in range(1, number // 2 + 1)]


def _sum_over_pairs(x: jax.Array) -> jax.Array:
    return sum(share * absolute(x - jnp.roll(x, k, 0)).sum(0) for k, share in _shifts(x.shape[0]))


def _sum_by_rank(x: jax.Array) -> jax.Array:
    """sum_j x_j (members below x_j - members above x_j).

    Members that agree get the same rank, so that the gradient does not depend on their order.
    """
    number = x.shape[0]
    x = lax.sort(x, dimension=0)
    fixed = lax.stop_gradient(x)
    index = np.arange(number).reshape(-1, *(1,) * (x.ndim - 1))
    one = jnp.ones_like(fixed[:1], bool)
    step = fixed[1:] != fixed[:-1]
    below = lax.cummax(jnp.where(jnp.concatenate([one, step]), index, 0), axis=0)
    last = lax.cummin(jnp.where(jnp.concatenate([step, one]), index, number - 1), axis=0, reverse=True)
    return ((below + last - (number - 1)).astype(x.dtype) * x).sum(0)
