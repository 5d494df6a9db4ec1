"""Scores of large ensembles with numpy: for verdicts on a CPU, where XLA sorts ten times slower; no derivatives.

The definitions are those of `crps` and `ensemble`, which serve as losses.  Members lie along the leading axis; land is
left out by weights, and must hold numbers.
"""

from __future__ import annotations

import numpy as np


def fair_crps(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """As `crps.fair_crps`: (M, ...) and (...) -> (...)."""
    number = _require_two(members)
    difference = members - truth
    skill = np.abs(difference).mean(0)
    difference.sort(0)
    # the sum of |x_j - x_k| over pairs is that of the sorted values times (members below - members above)
    rank = (2.0 * np.arange(number) - (number - 1)).astype(members.dtype)
    return skill - np.tensordot(rank, difference, 1) / (number * (number - 1))


def energy_score(members: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """As the fair `crps.energy_score` of vectors along the last axis: (M, ..., n) and (..., n) -> (...).

    weights: (..., n), zero on land; each vector's are divided by their sum.  Distances come from scalar products in
    float64: |a - b|^2 = a.a + b.b - 2 a.b.
    """
    number = _require_two(members)
    total = weights.sum(-1, keepdims=True)
    share = np.sqrt(weights / np.where(total > 0, total, 1.0))
    vectors = np.moveaxis((members - truth) * share, 0, -2).astype(float)  # (..., M, n)
    products = vectors @ np.swapaxes(vectors, -1, -2)
    square = np.diagonal(products, axis1=-2, axis2=-1)
    apart = np.sqrt(np.maximum(square[..., :, None] + square[..., None, :] - 2 * products, 0.0))
    apart[..., np.arange(number), np.arange(number)] = 0.0
    return np.sqrt(square).mean(-1) - apart.sum((-2, -1)) / (2 * number * (number - 1))


def rank_histogram(members: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """As `ensemble.rank_histogram`, of several sets of weights: (M, n), (n,), (region, n) -> (region, M + 1)."""
    number = len(members)
    below = (members < truth).sum(0)
    equal = (members == truth).sum(0)
    last, shared = below + equal, weights / (equal + 1)
    size = number + 2
    steps = np.stack(
        [np.bincount(below, row, size) - np.bincount(last + 1, row, size) for row in np.asarray(shared, float)]
    )
    total = weights.sum(-1, keepdims=True)
    return np.cumsum(steps, -1)[:, :-1] / np.where(total > 0, total, 1.0)


def _require_two(members: np.ndarray) -> int:
    if len(members) < 2:
        raise ValueError(f"the ensemble has {len(members)} member; expected at least 2 along the first axis")
    return len(members)
