r"""Forecasts by regression: climatology, persistence, damped persistence, and a ridge regression that builds on it.

Damped persistence multiplies each cell's anomaly with the regression coefficient of each lead L,

    x(t + L) = a_L x(t) + e,        a_L = sum x(t) x(t + L) / sum x(t)^2,

the optimal forecast of a first-order autoregression (Lorenz 1973; Van den Dool 2007).  The ridge regression predicts
what is left of each cell, e, from the cell's surroundings (group `local`) and from the largest patterns of the tropics
(groups `modes` and `seasonal`), with a penalty for each group; with infinite penalties it is damped persistence.

The distribution of all of them is normal around the forecast, with the covariance of the errors that the same
regression made in years it had not seen (cross-validation), across cells, variables and leads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from eval.monthly.anomalies import LEADS, MEMORY, Sample

BASELINES = ("climatology", "persistence", "damped")
GROUPS = ("local", "modes", "seasonal")
TROPICS = 30.0
_INFINITE = 1e9


def damping(sample: Sample) -> np.ndarray:
    """(lead, variable, cell) regression coefficients a_L from the training starts of the sample."""
    now, later = sample.anomalies[sample.starts], sample.targets(sample.starts)
    return np.einsum("svc,slvc->lvc", now, later) / (now**2).sum(0)


def baseline(name: str, sample: Sample, starts: np.ndarray) -> np.ndarray:
    """(start, lead, variable, cell) forecast of one of BASELINES."""
    now = sample.anomalies[starts][:, None]
    factors = {"climatology": 0.0, "persistence": 1.0}
    factor = damping(sample) if name == "damped" else factors[name]
    return np.broadcast_to(factor * now, (len(starts), LEADS, *now.shape[2:]))


def drawn_errors(errors: np.ndarray, members: int, rng: np.random.Generator) -> np.ndarray:
    """(member, ...) normal fields with the second moments of `errors` (case, ...).

    Sums of all cases with random factors: each cell has the variance of its errors, and cells, variables and leads are
    correlated as the errors are.
    """
    factors = rng.standard_normal((members, len(errors))) / np.sqrt(len(errors))
    return (factors @ errors.reshape(len(errors), -1)).reshape(members, *errors.shape[1:])


def tropical_modes(sample: Sample, number: int) -> np.ndarray:
    """(month, number) amplitudes, of unit variance in the known months, of joint patterns of the tropics."""
    inside = np.abs(sample.series.cell_lat) <= TROPICS
    weights = np.sqrt(sample.series.weights[inside])
    scaled = (sample.anomalies[:, :, inside] / sample.scales[:, None] * weights).reshape(len(sample.anomalies), -1)
    _, _, patterns = np.linalg.svd(scaled[sample.known], full_matrices=False)
    amplitudes = scaled @ patterns[:number].T
    return amplitudes / amplitudes[sample.known].std(0)


def surroundings(sample: Sample) -> np.ndarray:
    """(month, variable, cell, feature) what the group `local` sees, in standard deviations.

    Neighbours of the same variable (one and two cells east and west, one north and south; land counts as zero), the
    other variable, the month before, and the mean of MEMORY months.
    """
    series, known = sample.series, sample.known
    normal = sample.anomalies / sample.anomalies[known].std(0)
    grid = np.nan_to_num(series.on_map(normal))
    found = [np.roll(grid, -shift, -1) for shift in (1, 2, -1, -2)]
    found += [np.concatenate([grid[..., 1:, :], 0 * grid[..., :1, :]], -2)]
    found += [np.concatenate([0 * grid[..., :1, :], grid[..., :-1, :]], -2)]
    found = [field[..., series.wet] for field in found]
    before = np.concatenate([normal[:1], normal[:-1]])
    sums = np.cumsum(np.concatenate([np.zeros_like(normal[:1]), normal]), 0)
    memory = np.concatenate([np.zeros_like(normal[: MEMORY - 1]), (sums[MEMORY:] - sums[:-MEMORY]) / MEMORY])
    return np.stack([*found, normal[:, ::-1], before, memory, normal], -1)


@dataclasses.dataclass(frozen=True)
class Features:
    """What the ridge regression sees.

    Attributes:
      own: (month, variable, cell, feature) of the group `local`.
      shared: (month, feature) of the groups `modes` and `seasonal`, the same for all cells.
      group: (feature,) index in GROUPS of the own and then of the shared ones.
    """

    own: np.ndarray
    shared: np.ndarray
    group: np.ndarray

    def at(self, starts: np.ndarray) -> np.ndarray:
        """(variable, cell, start, feature)."""
        own = np.moveaxis(self.own[starts], 0, 2)
        shared = np.broadcast_to(self.shared[starts], (*own.shape[:3], self.shared.shape[1]))
        return np.concatenate([own, shared], -1)


def features(sample: Sample, modes: int) -> Features:
    """The features of a sample with this number of tropical modes."""
    own, amplitudes = surroundings(sample), tropical_modes(sample, modes)
    angle = 2 * np.pi * sample.series.season[:, None] / 12
    shared = np.concatenate([amplitudes, amplitudes * np.cos(angle), amplitudes * np.sin(angle)], 1)
    group = np.repeat([0, 1, 2], [own.shape[-1], modes, 2 * modes])
    return Features(own, shared, group)


def ridge(sample: Sample, seen: Features, penalties: Sequence[Mapping[str, float]], starts: np.ndarray) -> np.ndarray:
    """(penalty, start, lead, variable, cell) forecasts with each of `penalties`, by the names of GROUPS.

    A penalty is the number of pseudo-observations that speak for damped persistence; features have unit variance.
    """
    factor, now = damping(sample), sample.anomalies
    left = sample.targets(sample.starts) - factor * now[sample.starts][:, None]
    x, at = seen.at(sample.starts), seen.at(starts)
    gram = x.swapaxes(-1, -2) @ x
    right = x.swapaxes(-1, -2) @ np.moveaxis(left, (2, 3), (0, 1))
    base = factor * now[starts][:, None]
    found = []
    for penalty in penalties:
        extra = np.array([min(penalty[name], _INFINITE) for name in GROUPS])[seen.group]
        weights = np.linalg.solve(gram + np.diag(extra), right)
        found.append(base + np.moveaxis(at @ weights, (0, 1), (2, 3)))
    return np.stack(found)
