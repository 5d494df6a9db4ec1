"""Statistical calibration of ensembles, learned from hindcasts: members that are as far apart as forecasts are wrong.

Member by member, so that fields, leads and variables of a member keep belonging together (Van Schaeybroeck and
Vannitsem 2015, doi:10.1002/qj.2397); at each point members keep their order (Schefzik et al. 2013,
doi:10.1214/13-STS443).  With mean m and standard deviation s of the M members, of one variable at one lead,

    x' = m + b + sigma q(d),   sigma = g s (s/S)^p,   d = (x - m)/s

  b: mean error of the hindcasts in the cell.
  S: root mean square of s there; g: ratio of errors to S there, of the cell and its neighbours.
  p: how errors follow s within a cell: 0 in proportion, -1 not at all.
  q: a monotone function, one for each level, which gives d the distribution that the truth has.

b and g are taken as far as two halves of the hindcasts agree about them (empirical Bayes: Efron and Morris 1973).
Where truth and members are exchangeable, all of it leaves the members as they are.

Arrays: leading axis starts or members, then (nz, ny, nx); NaN on land.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence

import numpy as np

FEWEST_STARTS = 8
FEWEST_MEMBERS = 5
_NODES = 61  # of q
_BINS = 12  # of s/S, for p
_EDGES = np.linspace(-12.0, 12.0, 2401)  # of standardized departures
_TINY = 1e-30


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """Of one variable at one lead.

    Attributes:
      bias: b (nz, ny, nx), truth minus mean, in the variable's units.
      factor: g (nz, ny, nx).
      spread: S (nz, ny, nx), in the variable's units.
      exponent: p (nz,).
      members, observed: (nz, nodes) standardized departures of members and of the truth at the same probabilities;
        q goes through these pairs.
    """

    bias: np.ndarray
    factor: np.ndarray
    spread: np.ndarray
    exponent: np.ndarray
    members: np.ndarray
    observed: np.ndarray


def moments_of(members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (with M - 1) of members (M, ...), in float64."""
    departure = (members - members[:1]).astype(float)
    return members[0] + departure.mean(0), departure.var(0, ddof=1)


def learn(
    members: Iterable[np.ndarray],
    truth: np.ndarray,
    *,
    neighbours: int = 1,
    periodic: tuple[bool, bool] = (False, False),
) -> Calibration:
    """A calibration from N hindcasts.

    Args:
      members: (M, nz, ny, nx) of one start after another; gone through three times, not in memory at once.
      truth: (N, nz, ny, nx).
      neighbours: how many cells on each side count for g.
      periodic: whether y and x go around.

    Raises ValueError for fewer than `FEWEST_STARTS` hindcasts or `FEWEST_MEMBERS` members.
    """
    number, pairs = 0, []
    for one in members:
        number = len(one)
        pairs.append(moments_of(one))
    starts = len(pairs)
    if starts < FEWEST_STARTS or number < FEWEST_MEMBERS:
        raise ValueError(
            f"there are {starts} hindcasts of {number} members; expected at least {FEWEST_STARTS} of {FEWEST_MEMBERS}"
        )
    mean, variance = (np.stack(part) for part in zip(*pairs, strict=True))
    spread = np.sqrt(variance.mean(0))
    active = spread > 0  # not land, and not a field that nothing changes
    bias, residual = _bias(truth - mean)
    one_more = 1 + 1 / number  # the truth is no part of the mean
    ratio = np.where(active, residual, np.nan) / np.where(active, spread, 1.0)
    relative = np.where(active, np.sqrt(variance), np.nan) / np.where(active, spread, 1.0)
    factor = _factor(ratio**2 / one_more, neighbours, periodic)
    exponent = _exponent((ratio / factor) ** 2 / one_more, relative**2, members, spread)
    width = relative ** (1 + exponent[:, None, None])
    factor = factor / np.sqrt((width**2).mean(0))  # errors of a cell are kept, whatever the exponent
    standard = ratio / np.maximum(factor * width * np.sqrt(one_more), _TINY)
    nodes = [_probabilities(np.isfinite(standard[:, k]).sum()) for k in range(standard.shape[1])]
    observed = np.stack([_quantiles(standard[:, k], at) for k, at in enumerate(nodes)])
    factor = np.where(active, factor, np.where(np.isfinite(spread), 1.0, np.nan))
    return Calibration(bias, factor, spread, exponent, _of_members(members, nodes, exponent), observed)


def calibrate(members: np.ndarray, by: Calibration) -> np.ndarray:
    """Members (M, nz, ny, nx) as the calibration has them, in their dtype; members that agree stay together.

    Raises ValueError for fewer than two.
    """
    if len(members) < 2:
        raise ValueError(f"the ensemble has {len(members)} member; expected at least 2")
    mean, variance = moments_of(members)
    s = np.sqrt(variance)
    safe = np.maximum(s, _TINY)
    departure = (members - mean) / safe
    with np.errstate(invalid="ignore"):
        relative = np.maximum(s / np.maximum(by.spread, _TINY), _TINY) ** by.exponent[:, None, None]
    changed = np.stack([_through(departure[:, k], by.members[k], by.observed[k]) for k in range(members.shape[1])], 1)
    sigma = np.where(s > 0, by.factor * s * relative, 0.0)
    return (mean + by.bias + sigma * changed).astype(members.dtype)


def _bias(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """b of errors (N, nz, ny, nx), and what is left of each error with the b of the others."""
    starts = len(error)
    raw = error.mean(0)
    halves = error[: starts // 2].mean(0), error[starts // 2 :].mean(0)
    levels, cells = np.zeros((2, len(raw), 1, 1))
    for k in range(len(raw)):
        wet = np.isfinite(raw[k])
        if wet.any():
            first, second, whole = (x[k][wet] for x in (*halves, raw))
            means = [x.mean() for x in (first, second, whole)]
            levels[k] = _agreement(*means)
            cells[k] = _agreement(*(x - m for x, m in zip((first, second, whole), means, strict=True)))

    def kept(bias):
        level = np.nanmean(np.where(np.isfinite(raw).any((-2, -1), keepdims=True), bias, 0.0), (-2, -1), keepdims=True)
        return levels * level + cells * (bias - level)

    return kept(raw), error - kept((starts * raw - error) / (starts - 1))


def _factor(square: np.ndarray, neighbours: int, periodic: tuple[bool, bool]) -> np.ndarray:
    """g from squares of errors over S (N, nz, ny, nx)."""

    def logarithm(part):
        return np.log(np.maximum(_averaged(part.mean(0), neighbours, periodic), _TINY))

    half = len(square) // 2
    whole, first, second = logarithm(square), logarithm(square[:half]), logarithm(square[half:])
    found = np.full_like(whole, np.nan)
    for k, level in enumerate(whole):
        wet = np.isfinite(level)
        if not wet.any():
            continue
        a, b, c = (x[k][wet] - x[k][wet].mean() for x in (first, second, whole))
        local = np.exp(level[wet].mean() + _agreement(a, b, c) * c)
        found[k][wet] = np.sqrt(local * square[:, k][:, wet].mean() / local.mean())  # errors of the level are kept
    return found


def _agreement(first, second, whole) -> float:
    """Share of the squares of an estimate that two halves of the hindcasts have in common."""
    return float(np.clip(np.sum(first * second) / max(np.sum(whole**2), _TINY), 0.0, 1.0))


def _averaged(field: np.ndarray, neighbours: int, periodic: tuple[bool, bool]) -> np.ndarray:
    """Means over the wet ones of (2 n + 1)^2 cells; NaN stays."""
    if neighbours == 0:
        return field
    wet = np.isfinite(field)
    values, counts = np.where(wet, field, 0.0), wet.astype(float)
    for axis, around in ((-2, periodic[0]), (-1, periodic[1])):
        values, counts = (_window(x, neighbours, axis, around) for x in (values, counts))
    return np.where(wet, values / np.maximum(counts, 1.0), np.nan)


def _window(field: np.ndarray, neighbours: int, axis: int, around: bool) -> np.ndarray:
    pads = [(0, 0)] * field.ndim
    pads[axis] = (neighbours, neighbours)
    padded = np.pad(field, pads, mode="wrap" if around else "constant")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * neighbours + 1, axis).sum(-1)


def _exponent(errors: np.ndarray, spreads: np.ndarray, members: Iterable[np.ndarray], spread: np.ndarray) -> np.ndarray:
    """p (nz,): how squares of errors over g S rise with those of s/S, beyond what members do about each other.

    In bins of s/S and in logarithms.  Members about each other: a small sample's s is near that of all by chance, too.
    """
    levels = range(errors.shape[1])
    edges = [_bin_edges(spreads[:, k]) for k in levels]
    of_truth, of_members = (np.zeros((len(levels), 3, _BINS)) for _ in range(2))
    for k in levels:
        of_truth[k] += _binned(errors[:, k], spreads[:, k], edges[k])
    for one in members:
        apart, others, _ = _of_others(one)
        with np.errstate(divide="ignore", invalid="ignore"):
            square, relative = apart**2 / spread**2, others / spread**2
        for k in levels:
            of_members[k] += _binned(square[:, k], relative[:, k], edges[k])
    return np.array([_slope(a) - _slope(b) for a, b in zip(of_truth, of_members, strict=True)]).clip(-1, 1)


def _bin_edges(spreads: np.ndarray) -> np.ndarray:
    good = spreads[np.isfinite(spreads)]
    return np.quantile(good, np.arange(1, _BINS) / _BINS) if len(good) else np.arange(1.0, _BINS)


def _binned(errors: np.ndarray, spreads: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(3, bins) counts, sums of squares of spreads and of errors."""
    wet = np.isfinite(errors) & np.isfinite(spreads)
    place = np.searchsorted(edges, spreads[wet])
    return np.stack([np.bincount(place, w, _BINS) for w in (np.ones(wet.sum()), spreads[wet], errors[wet])])


def _slope(sums: np.ndarray) -> float:
    """Of logarithms of errors against spreads, over bins."""
    full = (sums > 0).all(0)
    if full.sum() < 3 or sums[0].sum() < 20 * _BINS:
        return 0.0
    counts, x, y = sums[0, full], *np.log(sums[1:, full] / sums[0, full])
    x, y = (v - np.average(v, weights=counts) for v in (x, y))
    return float((counts * x * y).sum() / max((counts * x * x).sum(), _TINY))


def _of_others(members: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each member (M, ...) is to the others: its departure from their mean, scaled to the variance of members,
    their variance, and that of all."""
    number = len(members)
    mean, variance = moments_of(members)
    departure = members - mean
    apart = departure * number / (number - 1)
    others = np.maximum(((number - 1) * variance - departure * apart) / (number - 2), 0.0)
    return apart / np.sqrt(1 + 1 / (number - 1)), others, variance


def _of_members(members: Iterable[np.ndarray], nodes: Sequence[np.ndarray], exponent: np.ndarray) -> np.ndarray:
    """Quantiles (nz, nodes) of what members are to the others, standardized as the truth is: by the deviation of few
    members to the power 1 + p."""
    counts = np.zeros((len(nodes), len(_EDGES) - 1))
    power = exponent[:, None, None] / 2
    for one in members:
        apart, others, variance = _of_others(one)
        with np.errstate(divide="ignore", invalid="ignore"):
            standard = np.where(others > 0, apart / (others ** (0.5 + power) * variance**-power), np.nan)
        for k in range(len(nodes)):
            z = standard[:, k][np.isfinite(standard[:, k])]
            counts[k] += np.histogram(np.clip(z, _EDGES[0], _EDGES[-1]), _EDGES)[0]
    return np.stack([_from_counts(row, at) for row, at in zip(counts, nodes, strict=True)])


def _probabilities(number: int) -> np.ndarray:
    """Of the nodes: evenly spaced in a normal distribution, from one in a thousand, or from ten of `number` values."""
    normal = statistics.NormalDist()
    end = -normal.inv_cdf(min(max(1e-3, 10 / max(number, 1)), 0.25))
    return np.array([normal.cdf(x) for x in np.linspace(-end, end, _NODES)])


def _from_counts(counts: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    if not counts.any():
        return np.zeros(len(nodes))
    cumulative = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    return np.interp(nodes, cumulative, _EDGES)


def _quantiles(values: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    good = values[np.isfinite(values)]
    return np.quantile(good, nodes) if len(good) else np.zeros(len(nodes))


def _through(departure: np.ndarray, members: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """q: linear between the nodes, parallel to the identity beyond them."""
    inner = np.interp(departure, members, observed)
    below, above = np.minimum(departure - members[0], 0.0), np.maximum(departure - members[-1], 0.0)
    return inner + below + above
