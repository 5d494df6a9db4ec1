"""Events of extremes: above the 90th percentile of the season, and marine heatwaves."""

from __future__ import annotations

import dataclasses

import numpy as np

from eval.forecast.baselines import Climatology, spread
from eval.forecast.plan import DAY, Plan
from eval.forecast.statistics import events
from eval.forecast.stores import Truth
from ocean_gcm.metrics.heatwaves import heatwaves, seasonal_threshold

PERCENTILE = 90.0
TEMPERATURES = ("tos", "thetao")
_BYTES = 3e8  # of the series that a threshold is made of
_WINDOW = 11  # days
_BEFORE = 7  # days before the start in which a heatwave may have begun: the shortest event and the longest gap


@dataclasses.dataclass(frozen=True, eq=False)
class Extremes:
    """Thresholds of one variable at the uppermost level.

    Attributes:
      threshold: (days of the year, ny, nx), one day if there is no annual cycle.
      climatology: of the variable.
      heatwaves: whether marine heatwaves are scored as well.
    """

    threshold: np.ndarray
    climatology: Climatology
    heatwaves: bool

    def at(self, seconds: np.ndarray) -> np.ndarray:
        """(time, ny, nx) threshold."""
        days = len(self.threshold)
        phase = self.climatology.phase(np.asarray(seconds)) / (2 * np.pi)
        return self.threshold[(phase * days).astype(int) % days]

    def scores(self, members: np.ndarray, truth: np.ndarray, seconds: np.ndarray, weights: np.ndarray, before):
        """By event, as `statistics.events`.

        members: (member, lead, ny, nx); truth (lead, ny, nx); seconds (lead,); weights (region, ny, nx); before:
        (truth (day, ny, nx), seconds (day,)) of the days that end with the start date, or None.
        """
        threshold = self.at(seconds)
        found = {"extreme": events(members, truth, threshold, weights)}
        if self.heatwaves and before is not None:
            past = before[0] > self.at(before[1])
            above = np.stack([_after(past, member > threshold) for member in members])
            found["heatwave"] = events(above, _after(past, truth > threshold), 0.5, weights)
        return found


def _after(past: np.ndarray, future: np.ndarray) -> np.ndarray:
    """1 on the days of `future` that belong to a heatwave, 0 on others; in bytes, of many members."""
    return heatwaves(np.concatenate([past, future]))[len(past) :].astype(np.int8)


def extremes_of(truth: Truth, variable: str, climatology: Climatology, records: np.ndarray, plan: Plan) -> Extremes:
    """Thresholds from records of the climatological period."""
    series = spread(records, int(max(16, _BYTES // (4 * np.prod(truth.place(variable).shape[1:])))))
    seconds = truth.times.seconds[series]
    values = truth.read(variable, series, level=0)
    if len(climatology.coefficients) > 1:
        days = 366
        day = (climatology.phase(seconds) / (2 * np.pi) * days).astype(int) % days
        interval = float(np.median(np.diff(seconds))) / DAY
        threshold = seasonal_threshold(values, day, days, window=max(_WINDOW, 2 * int(np.ceil(interval)) + 1))
    else:
        wet = np.isfinite(values).all(0)
        threshold = np.where(wet, np.percentile(np.where(wet, values, 0.0), PERCENTILE, axis=0), np.nan)[None]
    daily = np.array_equal(plan.lead_seconds, DAY * np.arange(1, len(plan.leads) + 1))
    return Extremes(threshold.astype(np.float32), climatology, variable in TEMPERATURES and daily)


def days_before(truth: Truth, variable: str, start: float):
    """(values, seconds) of the days up to the start, or None if the truth lacks one."""
    seconds = start - DAY * np.arange(_BEFORE - 1, -1, -1)
    records = truth.records(seconds)
    return None if (records < 0).any() else (truth.read(variable, records, level=0), seconds)
