"""What is chosen within the training years, by cross-validation over blocks of years."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from eval.monthly import linear_inverse, regression
from eval.monthly.anomalies import Sample

PENALTIES = [
    *(
        {"local": local, "modes": modes, "seasonal": 2.5 * modes}
        for local in (20.0, 60.0, 200.0, 600.0)
        for modes in (100.0, 300.0, 1000.0)
    ),
    dict.fromkeys(regression.GROUPS, np.inf),
]
"""The last one is damped persistence."""
TROPICAL_MODES = 6
LINEAR_INVERSE = [(modes, seasonal) for modes in (5, 10, 15, 20) for seasonal in (False, True)]


@dataclasses.dataclass(frozen=True)
class RidgeChoice:
    """The penalty of the ridge regression for each lead and variable.

    Attributes:
      penalty: (lead, variable) index in PENALTIES.
      errors: (case, lead, variable, cell) of the chosen ones in years held out.
      relative: (penalty, lead, variable) RMSE over that of damped persistence in years held out.
    """

    penalty: np.ndarray
    errors: np.ndarray
    relative: np.ndarray

    def forecasts(self, sample: Sample, starts: np.ndarray) -> np.ndarray:
        """(start, lead, variable, cell) from the training starts of a sample."""
        found = regression.ridge(sample, regression.features(sample, TROPICAL_MODES), PENALTIES, starts)
        return self.taken(found)

    def taken(self, found: np.ndarray) -> np.ndarray:
        """The chosen ones of (penalty, start, lead, variable, cell)."""
        return _taken(found, self.penalty)


def _taken(found: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    lead, variable = np.indices(penalty.shape)
    return np.moveaxis(found[penalty, :, lead, variable], 2, 0)


def choose_ridge(samples: Sequence[Sample]) -> RidgeChoice:
    """For each lead and variable the penalty with the least error in the years held out."""
    every = []
    for sample in samples:
        seen = regression.features(sample, TROPICAL_MODES)
        found = regression.ridge(sample, seen, PENALTIES, sample.held_out)
        every.append(found - sample.targets(sample.held_out))
    errors = np.concatenate(every, 1)
    size = (errors**2 @ samples[0].series.weights).mean(1) ** 0.5
    penalty = size.argmin(0)
    return RidgeChoice(penalty, _taken(errors, penalty), size / size[-1])


def choose_linear_inverse(samples: Sequence[Sample]) -> tuple[int, bool, dict[str, float]]:
    """(modes, seasonal) with the least mean of RMSE over that of damped persistence, and that mean for all of them."""
    reference = _size(samples, lambda sample: regression.baseline("damped", sample, sample.held_out))
    relative = {}
    for modes, seasonal in LINEAR_INVERSE:

        def forecast(sample, modes=modes, seasonal=seasonal):
            return linear_inverse.fit_fields(sample, modes, seasonal=seasonal).mean(sample, sample.held_out)

        relative[modes, seasonal] = float((_size(samples, forecast) / reference).mean())
    best = min(relative, key=relative.get)
    return *best, {f"{n} modes{', seasonal' * s}": value for (n, s), value in relative.items()}


def held_out_errors(samples: Sequence[Sample], forecast) -> np.ndarray:
    """(case, lead, variable, cell) errors of `forecast(sample)` at the held-out starts of all samples."""
    return np.concatenate([forecast(sample) - sample.targets(sample.held_out) for sample in samples])


def _size(samples, forecast) -> np.ndarray:
    """(lead, variable) RMSE over starts and area."""
    return (held_out_errors(samples, forecast) ** 2 @ samples[0].series.weights).mean(0) ** 0.5
