r"""A linear inverse model of sea level and sea surface temperature, with ensembles from its own noise.

Amplitudes p of the leading joint patterns are taken for a linear system driven by white noise (Penland and Sardeshmukh
1995, doi:10.1175/1520-0442(1995)008<1999:TOGOTS>2.0.CO;2), in steps of a month,

    p(t + 1) = G(m) p(t) + n,        <n n^T> = Q,        G(m) = G_0 + G_c cos(2 pi m/12) + G_s sin(2 pi m/12),

with G from least squares and Q the covariance of what it leaves.  The seasonal parts are optional (the cyclostationary
form of Shin et al. 2021, in two harmonic terms).  What the patterns leave of each cell goes on as damped persistence.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from eval.monthly import regression
from eval.monthly.anomalies import LEADS, Sample


@dataclasses.dataclass(frozen=True)
class LinearInverseModel:
    """p(t + 1) = (G_0 + G_c cos + G_s sin) p(t) + noise.

    Attributes:
      growth: (harmonic, mode, mode) with 1 or 3 harmonics: G_0, G_c, G_s.
      noise: (mode, mode) square root of Q: Q = noise noise^T.
    """

    growth: np.ndarray
    noise: np.ndarray

    def matrix(self, season) -> np.ndarray:
        """(..., mode, mode) G of months that begin in `season` (...), 0 for January."""
        return np.tensordot(_harmonics(season, len(self.growth)), self.growth, 1)

    def mean(self, amplitudes: np.ndarray, season: np.ndarray, steps: int) -> np.ndarray:
        """(start, step, mode) forecasts without noise from `amplitudes` (start, mode) in `season` (start,)."""
        return self._steps(amplitudes[None], season, steps, None)[0]

    def ensemble(self, amplitudes, season, steps: int, members: int, rng: np.random.Generator) -> np.ndarray:
        """(member, start, step, mode) forecasts with noise."""
        return self._steps(np.repeat(amplitudes[None], members, 0), season, steps, rng)

    def _steps(self, amplitudes, season, steps, rng):
        found = []
        for n in range(steps):
            amplitudes = np.einsum("sij,msj->msi", self.matrix((season + n) % 12), amplitudes)
            if rng is not None:
                amplitudes = amplitudes + rng.standard_normal(amplitudes.shape) @ self.noise.T
            found.append(amplitudes)
        return np.stack(found, 2)


def _harmonics(season, number: int) -> np.ndarray:
    angle = 2 * np.pi * np.asarray(season) / 12
    return np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)][:number], -1)


def fit(now: np.ndarray, later: np.ndarray, season: np.ndarray, *, seasonal: bool = False) -> LinearInverseModel:
    """From pairs a month apart, (pair, mode) each, the first in `season` (pair,).

    Raises ValueError if there are no more pairs than unknowns of each mode.
    """
    harmonics = _harmonics(season, 3 if seasonal else 1)
    seen = (harmonics[:, :, None] * now[:, None]).reshape(len(now), -1)
    if len(seen) <= seen.shape[1]:
        raise ValueError(f"{len(seen)} pairs of months for {seen.shape[1]} unknowns; expected more pairs than unknowns")
    weights = np.linalg.lstsq(seen, later, rcond=None)[0]
    growth = weights.reshape(harmonics.shape[1], now.shape[1], -1).swapaxes(-1, -2)
    left = later - seen @ weights
    value, vector = np.linalg.eigh(left.T @ left / (len(left) - seen.shape[1]))
    return LinearInverseModel(growth, vector * np.sqrt(np.maximum(value, 0)))


@dataclasses.dataclass(frozen=True)
class FieldModel:
    """A linear inverse model of patterns and damped persistence of the rest.

    Attributes:
      dynamics: of the amplitudes.
      to_modes: (variable, cell, mode) anomalies to amplitudes.
      to_cells: (mode, variable, cell) back.
      damping: (lead, variable, cell) of the rest.
      errors: (case, lead, variable, cell) errors of the rest.
    """

    dynamics: LinearInverseModel
    to_modes: np.ndarray
    to_cells: np.ndarray
    damping: np.ndarray
    errors: np.ndarray

    def mean(self, sample: Sample, starts: np.ndarray) -> np.ndarray:
        """(start, lead, variable, cell)."""
        amplitudes, rest = self._split(sample.anomalies[starts])
        modes = self.dynamics.mean(amplitudes, sample.series.season[starts], LEADS)
        return np.tensordot(modes, self.to_cells, 1) + self.damping * rest[:, None]

    def ensemble(self, sample: Sample, start: int, members: int, rng: np.random.Generator) -> np.ndarray:
        """(member, lead, variable, cell) from one start."""
        amplitudes, rest = self._split(sample.anomalies[[start]])
        season = sample.series.season[[start]]
        modes = self.dynamics.ensemble(amplitudes, season, LEADS, members, rng)[:, 0]
        rest = self.damping * rest + regression.drawn_errors(self.errors, members, rng)
        return np.tensordot(modes, self.to_cells, 1) + rest

    def _split(self, anomalies):
        amplitudes = np.tensordot(anomalies, self.to_modes, 2)
        return amplitudes, anomalies - np.tensordot(amplitudes, self.to_cells, 1)


def joint_patterns(sample: Sample, number: int) -> tuple[np.ndarray, np.ndarray]:
    """(to_modes (variable, cell, mode), to_cells (mode, variable, cell)) of the known months of a sample.

    Joint empirical orthogonal functions of both variables in units of their `scales`, weighted by area.
    """
    anomalies = sample.anomalies
    factor = np.sqrt(sample.series.weights) / sample.scales[:, None]
    shape = anomalies.shape[1:]
    known = (anomalies[sample.known] * factor).reshape(-1, factor.size)
    patterns = np.linalg.svd(known, full_matrices=False)[2][:number].reshape(number, *shape)
    return np.moveaxis(patterns * factor, 0, -1), patterns / factor


def fit_fields(sample: Sample, modes: int, *, seasonal: bool) -> FieldModel:
    """From the known months of a sample."""
    to_modes, to_cells = joint_patterns(sample, modes)
    amplitudes = np.tensordot(sample.anomalies, to_modes, 2)
    pairs = np.flatnonzero(sample.known[:-1] & sample.known[1:])
    dynamics = fit(amplitudes[pairs], amplitudes[pairs + 1], sample.series.season[pairs], seasonal=seasonal)
    rest = dataclasses.replace(sample, anomalies=sample.anomalies - np.tensordot(amplitudes, to_cells, 1))
    damping = regression.damping(rest)
    errors = rest.targets(rest.starts) - damping * rest.anomalies[rest.starts][:, None]
    return FieldModel(dynamics, to_modes, to_cells, damping, errors)
