"""Forecasts that cost nothing: persistence, climatology, damped persistence of anomalies.

All are made of the truth alone: the state at the start date, and the records of a climatological period that should
end before the first forecast.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import cftime
import numpy as np

from eval.forecast.plan import Plan
from eval.forecast.stores import Truth
from ocean_gcm.errors import UserError

NAMES = ("persistence", "climatology", "damped")
MEMBERS = 50  # of the climatological distribution
_FIT_RECORDS = 1024
_LAG_RECORDS = 256
_PIECE = 1.5e8  # bytes read at once
_YEAR_DAYS = {"360_day": 360.0, "noleap": 365.0, "365_day": 365.0, "all_leap": 366.0}


@dataclasses.dataclass(frozen=True, eq=False)
class Climatology:
    """Mean of a variable with its annual cycle, and departures from it.

    Attributes:
      coefficients: (k, nz, ny, nx) of 1, cos(w t), sin(w t), cos(2 w t), ...
      anomalies: (member, nz, ny, nx) departures of records that are spread over the period.
      phase: seconds -> angle of the year.
    """

    coefficients: np.ndarray
    anomalies: np.ndarray
    phase: Callable[[np.ndarray], np.ndarray]

    def mean(self, seconds: np.ndarray) -> np.ndarray:
        """(time, nz, ny, nx) float32."""
        basis = _basis(self.phase(seconds), len(self.coefficients))
        return np.tensordot(basis, self.coefficients, 1).astype(np.float32)

    def members(self, seconds: np.ndarray) -> np.ndarray:
        """(member, time, nz, ny, nx): states that the climate might have."""
        return self.mean(seconds)[None] + self.anomalies[:, None]


def _basis(phase: np.ndarray, size: int) -> np.ndarray:
    columns = [np.ones_like(phase)]
    for n in range(1, size // 2 + 1):
        columns += [np.cos(n * phase), np.sin(n * phase)]
    return np.stack(columns, -1)


def phase_of(truth: Truth) -> Callable[[np.ndarray], np.ndarray]:
    """seconds (of `dates.Dates`) -> angle, 2 pi each mean year of the calendar."""
    year = _YEAR_DAYS.get(truth.times.calendar, 365.2425) * 86400.0
    return lambda seconds: 2 * np.pi * (np.asarray(seconds, float) / year % 1.0)


def harmonics_for(truth: Truth, records: np.ndarray, chosen: int | None) -> int:
    """Of the annual cycle: two if the period holds three years or more of one history, none else."""
    if chosen is not None:
        return chosen
    if truth.times.trajectories is not None:
        return 0
    seconds = truth.times.seconds[records]
    return 2 if seconds[-1] - seconds[0] > 2.9 * 365 * 86400 else 0


def spread(records: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the records, evenly spread."""
    if len(records) <= most:
        return records
    return records[np.round(np.linspace(0, len(records) - 1, most)).astype(int)]


def climatology_of(truth: Truth, variable: str, records: np.ndarray, harmonics: int) -> Climatology:
    """Least-squares fit to at most `_FIT_RECORDS` of the records, read in pieces; land stays NaN.

    Raises UserError for fewer records than twice the coefficients.
    """
    size = 1 + 2 * harmonics
    chosen, phase = spread(records, _FIT_RECORDS), phase_of(truth)
    if len(chosen) < 2 * size:
        raise UserError(
            f"the climatological period holds {len(chosen)} records of the truth {truth.label}; expected at least "
            f"{2 * size} for {harmonics} harmonics of the year"
        )
    basis = _basis(phase(truth.times.seconds[chosen]), size)
    weights = np.linalg.pinv(basis)  # (size, record)
    coefficients = 0.0
    for begin, fields in _pieces(truth, variable, chosen):
        part = weights[:, begin : begin + len(fields)]
        coefficients = coefficients + np.tensordot(part, fields.astype(float), 1)
    kept = spread(chosen, MEMBERS)
    found = Climatology(coefficients, np.empty(0), phase)
    anomalies = np.concatenate(
        [f - found.mean(truth.times.seconds[kept[b : b + len(f)]]) for b, f in _pieces(truth, variable, kept)]
    )
    return dataclasses.replace(found, anomalies=anomalies)


def _pieces(truth: Truth, variable: str, records: np.ndarray):
    """(place in the list, fields) of records, `_PIECE` bytes at a time."""
    size = int(np.prod(truth.place(variable).shape)) * 4
    step = max(1, int(_PIECE // size))
    for begin in range(0, len(records), step):
        yield begin, truth.read(variable, records[begin : begin + step])


def damping(
    truth: Truth, variable: str, climatology: Climatology, records: np.ndarray, leads: np.ndarray
) -> np.ndarray:
    """(lead, nz, ny, nx) regression of the anomaly at a lead on that at the start, point by point, within 0 to 1.

    From pairs of records of the climatological period.  Raises UserError if it holds no pair at a lead.
    """
    seconds = truth.times.seconds
    last = seconds[records[-1]]
    own = square = 0.0
    product = [0.0] * len(leads)
    squares = [0.0] * len(leads)
    for first in spread(records, _LAG_RECORDS):
        at = seconds[first] + leads
        later = np.where(at <= last, truth.records(at), -1)
        if (later < 0).all():
            continue
        there = np.flatnonzero(later >= 0)
        wanted = np.concatenate([[first], later[there]])
        anomalies = truth.read(variable, wanted) - climatology.mean(seconds[wanted])
        own, square = anomalies[0], anomalies[0].astype(float) ** 2
        for k, anomaly in zip(there, anomalies[1:], strict=True):
            product[k] = product[k] + own * anomaly
            squares[k] = squares[k] + square
    for lead, total in zip(leads, squares, strict=True):
        if np.ndim(total) == 0:
            raise UserError(
                f"the climatological period holds no two records of the truth {truth.label} that are "
                f"{lead / 86400:g} days apart; damped persistence needs them"
            )
    return np.stack(
        [np.clip(p / np.where(s > 0, s, 1.0), 0.0, 1.0) for p, s in zip(product, squares, strict=True)]
    ).astype(np.float32)


def require_starts(truth: Truth, plan: Plan) -> None:
    """UserError unless the truth has a record at each start date, as persistence needs."""
    if (plan.begin < 0).any():
        start = plan.starts.text(int(np.argmax(plan.begin < 0)))
        raise UserError(
            f"the truth {truth.label} has no record at the start date {start}; the baselines persistence "
            "and damped need it"
        )


def default_period(truth: Truth, plan: Plan) -> np.ndarray:
    """Records before the first start date.  Raises UserError if there are none."""
    first = plan.valid_seconds[0, 0] - plan.lead_seconds[0]
    found = np.flatnonzero(truth.times.seconds < first)
    if not len(found):
        raise UserError(
            f"the truth {truth.label} has no record before the first start date {plan.starts.text(0)}; choose the "
            "period of the climatology with --climatology BEGIN END"
        )
    return found


def year_fraction(date: cftime.datetime) -> float:
    """Share of the year that has passed."""
    days = _YEAR_DAYS.get(date.calendar, 365.2425)
    return (date.dayofyr - 1 + date.hour / 24) / days
