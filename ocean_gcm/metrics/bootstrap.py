"""How certain a score is: resampling of the start dates of the forecasts that it is an average of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def resamples(number: int, draws: int = 1000, *, block: int = 1, seed: int = 0) -> np.ndarray:
    """(draws, number) indices of start dates drawn with replacement.

    With `block` > 1 runs of so many neighbouring dates are drawn together (moving blocks, Kunsch 1989), which keeps the
    correlation between forecasts that overlap; runs go around the end of the list (Politis and Romano 1992).
    """
    if number < 1 or block < 1:
        raise ValueError(f"number is {number} and block {block}; expected at least 1")
    block = min(block, number)
    first = np.random.default_rng(seed).integers(0, number, (draws, -(-number // block)))
    return ((first[..., None] + np.arange(block)) % number).reshape(draws, -1)[:, :number]


def interval(
    statistic: Callable[..., np.ndarray], parts: tuple[np.ndarray, ...], draws: np.ndarray, level: float = 0.9
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval that holds the share `level` of the resampled values of a statistic.

    Args:
      statistic: of averages over start dates, such as `lambda square: square ** 0.5`: averages first, roots last.
      parts: its arguments before the average, each (start, ...).
      draws: `resamples`; two models that share them are compared start by start.
      level: 0.9 gives the 5 and the 95 %.

    Percentile method (Efron 1979).  With one start date both ends are NaN.
    """
    if draws.shape[1] < 2:
        nothing = np.full(np.shape(statistic(*(part.mean(0) for part in parts))), np.nan)
        return nothing, nothing
    # counts of each date in each draw: an average over a resample is a product with a matrix
    counts = np.stack([np.bincount(draw, minlength=draws.shape[1]) for draw in draws]) / draws.shape[1]
    values = statistic(*(np.tensordot(counts, part, 1) for part in parts))
    return tuple(np.quantile(values, (0.5 - level / 2, 0.5 + level / 2), axis=0))
