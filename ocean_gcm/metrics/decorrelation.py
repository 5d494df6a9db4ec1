r"""How long a field at a point resembles itself: the Eulerian autocorrelation in time."""

from __future__ import annotations

import numpy as np


def autocorrelation(field: np.ndarray, lags: int) -> np.ndarray:
    r"""(lags + 1,) of a field (time, ...), from lag 0:

    C(n) = <q(t) q(t+n)> / sqrt(<q(t)^2> <q(t+n)^2>),

    means over the points and all pairs of records n apart, of the deviations from the mean over everything.  It is NaN
    for a field without variance.  Raises ValueError where there are no such pairs.
    """
    if not 0 <= lags < len(field):
        raise ValueError(f"{lags} lags of {len(field)} records")
    flat = np.asarray(field, float).reshape(len(field), -1)
    flat = flat - flat.mean()
    squares = np.concatenate([[0.0], np.cumsum((flat**2).sum(1))])
    found = []
    for lag in range(lags + 1):
        number = len(flat) - lag
        size = np.sqrt(squares[number] * (squares[-1] - squares[lag]))
        product = np.vdot(flat[:number], flat[lag:])
        found.append(product / size if size > 0 else np.nan)
    return np.array(found)


def decorrelation_time(correlation: np.ndarray, interval: float, level: float = float(np.exp(-1.0))) -> float:
    """When the correlation (lags + 1,) first falls to `level`, between two lags on a line, in the unit of `interval`.

    NaN where it does not fall so far.
    """
    below = np.flatnonzero(np.asarray(correlation) <= level)
    if not len(below) or below[0] == 0:
        return float("nan")
    after = below[0]
    high, low = correlation[after - 1], correlation[after]
    return float(interval * (after - 1 + (high - level) / (high - low)))
