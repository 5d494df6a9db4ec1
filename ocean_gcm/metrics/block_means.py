r"""Means over blocks of cells, so that scores see large scales: on a masked ocean what a spectrum is on a full sphere.

A score of fields at every point is ruled by the smallest scales, where most of the error of an eddying flow is.  Means
over blocks of f x f cells keep only what is larger than the blocks.  With the error $e$, block means $\bar e^f$ and
the pointwise score $s$,

    S = sum_f c_f < s(e^f) >,

where < > weighs each block with its wet area, so that a block at the coast counts by the water in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from ocean_gcm.grid.stored import stored
from ocean_gcm.metrics.averages import masked_mean

Offset = tuple[int, int]


def block_sum(field: jax.Array, factor: int, *, periodic_x: bool = False, offset: Offset = (0, 0)) -> jax.Array:
    """Sums of (..., ny, nx) over blocks of `factor` x `factor` cells.

    Cells that are missing from a block at the northern or eastern side count as zeros.  The first block begins
    `offset` (y, x) cells before the grid; what lies there is zero or, if `periodic_x`, the other end of the row.
    """
    south, west = (shift % factor for shift in offset)
    if periodic_x and west:
        field, west = jnp.roll(field, west, -1), 0
    ny, nx = field.shape[-2:]
    sides = [(south, -(ny + south) % factor), (west, -(nx + west) % factor)]
    if any(map(any, sides)):
        field = jnp.pad(field, [(0, 0)] * (field.ndim - 2) + sides)
    ny, nx = (n // factor for n in field.shape[-2:])
    return field.reshape(*field.shape[:-2], ny, factor, nx, factor).sum((-3, -1))


def block_mean(
    field: jax.Array, weights: jax.Array, factor: int, *, periodic_x: bool = False, offset: Offset = (0, 0)
) -> tuple[jax.Array, jax.Array]:
    """Weighted means over blocks (see `block_sum`), and the weight of each block.

    Args:
      field: (..., ny, nx); on land anything.
      weights: areas or volumes, zero on land, of a shape that broadcasts against the field with the same (ny, nx).
      factor: cells of a block along each side.
      periodic_x: whether a block may reach around the end of a row.
      offset: cells (y, x) by which the blocks are shifted to the south and west.

    Returns the means (..., NY, NX), 0 in blocks of land, and the sums of the weights in each block.
    """
    weighted = jnp.where(weights > 0, field, 0) * weights
    return _divided(*(block_sum(a, factor, periodic_x=periodic_x, offset=offset) for a in (weighted, weights)))


def block_means(
    field: jax.Array, weights: jax.Array, factors: Sequence[int], *, periodic_x: bool = False, shifted: bool = False
) -> dict[int, list[tuple[jax.Array, jax.Array]]]:
    """`block_mean` for ascending `factors`, each from sums over smaller blocks where these fit into it.

    By factor: a list of one pair (means, weights) or, with `shifted`, of two, the second on blocks that are shifted by
    half their size along both axes, so that no place lies on the edge of all blocks.
    """
    weighted = jnp.where(weights > 0, field, 0) * weights
    sums = {1: (weighted, weights)}
    out = {}
    for factor in factors:
        smaller = max(f for f in sums if factor % f == 0)
        sums[factor] = tuple(block_sum(a, factor // smaller) for a in sums[smaller])
        out[factor] = [_divided(*sums[factor])]
        if shifted and factor > 1:
            half = factor // 2
            moved = (block_sum(a, factor, periodic_x=periodic_x, offset=(half, half)) for a in (weighted, weights))
            out[factor].append(_divided(*moved))
    return out


def multiscale_mean(
    score: Callable[[jax.Array], jax.Array],
    difference: jax.Array,
    weights: jax.Array,
    factors: Sequence[int],
    factor_weights: Sequence[float],
    *,
    periodic_x: bool = False,
    shifted: bool = False,
) -> jax.Array:
    """sum over factors f of factor_weights[f] times the weighted mean of `score(block means of difference)`.

    Args:
      score: pointwise, (..., ny, nx) -> (..., ny, nx) without the axes that it takes away (members), for instance
        `lambda e: fair_crps(e, 0.0)`.
      difference: forecast minus truth, (..., ny, nx); block means are linear, so the difference of two is the block
        mean of the difference.
      weights: (ny, nx) or (nz, ny, nx), zero on land.
      factors, factor_weights: ascending sizes of the blocks in cells and their weights; the factor 1 is the grid.

    The mean is over the axes that the weights have; axes before them remain.
    """
    axes = tuple(range(-weights.ndim, 0))
    scales = block_means(difference, weights, factors, periodic_x=periodic_x, shifted=shifted)
    never = weights[(0,) * weights.ndim] < 0
    total = 0.0
    for factor, share in zip(factors, factor_weights, strict=True):
        blocks = scales[factor]
        for mean, weight in blocks:
            # a CRPS reads each member many times: without this the block means are formed anew each time
            mean = mean if factor == 1 else stored(mean, never)
            total = total + (share / len(blocks)) * masked_mean(score(mean), weight, axes)
    return total


def _divided(weighted: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
    return weighted / jnp.where(weights > 0, weights, 1), weights
