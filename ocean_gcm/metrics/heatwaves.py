"""Marine heatwaves after Hobday et al. (2016, doi:10.1016/j.pocean.2015.12.014).

A marine heatwave is a time of at least five days in which the temperature exceeds the 90th percentile of its season in
a climatological period; two of them with at most two days between are one.  Categories (Hobday et al. 2018,
doi:10.5670/oceanog.2018.205) count how often the excess of the climatology is that of the threshold.
"""

from __future__ import annotations

import numpy as np


def seasonal_threshold(
    series: np.ndarray,
    day: np.ndarray,
    days: int = 365,
    *,
    percentile: float = 90.0,
    window: int = 11,
    smooth: int = 31,
) -> np.ndarray:
    """(days, ...) percentile of a series by day of the year.

    Args:
      series: (time, ...) of the climatological period; NaN counts as missing.
      day: (time,) day of the year in 0 to days - 1.
      days: length of the year.
      percentile: of the values of all years within `window` days around each day.
      window: odd number of days that are pooled.
      smooth: odd number of days of the running mean that is taken of the percentiles around the year; 1 for none.

    Raises ValueError for a day of the year without any value in its window.
    """
    distance = np.abs((np.asarray(day)[None, :] - np.arange(days)[:, None] + days // 2) % days - days // 2)
    pooled = distance <= window // 2
    if not pooled.any(1).all():
        raise ValueError(f"day {int(np.argmin(pooled.any(1)))} of the year has no value within {window // 2} days")
    with np.errstate(invalid="ignore"):
        found = np.stack([_percentile(series[chosen], percentile) for chosen in pooled])
    return running_mean(found, smooth)


def _percentile(values: np.ndarray, percentile: float) -> np.ndarray:
    """Along the first axis; NaN where there is no value, without a warning."""
    missing = np.isnan(values)
    if not missing.any():
        return np.percentile(values, percentile, axis=0)
    empty = missing.all(0)
    return np.where(empty, np.nan, np.nanpercentile(np.where(empty, 0.0, values), percentile, axis=0))


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over `width` (odd) neighbours along the first axis, which closes upon itself."""
    half = width // 2
    return sum(np.roll(values, k, 0) for k in range(-half, half + 1)) / (2 * half + 1)


def heatwaves(exceeds: np.ndarray, *, shortest: int = 5, longest_gap: int = 2) -> np.ndarray:
    """True on the days of a marine heatwave, gaps within one included.

    Args:
      exceeds: (time, ...) True on days above the threshold.
      shortest: days that an event must last before gaps are closed.
      longest_gap: days between two events that are one.
    """
    exceeds = np.asarray(exceeds, bool)
    lasting = exceeds & (_run_lengths(exceeds) >= shortest)
    gap = ~lasting
    inside = np.maximum.accumulate(lasting, 0) & np.maximum.accumulate(lasting[::-1], 0)[::-1]
    return lasting | gap & inside & (_run_lengths(gap) <= longest_gap)


def _run_lengths(flags: np.ndarray) -> np.ndarray:
    """(time, ...) length of the run of True that each True belongs to, 0 where False."""
    lengths = np.zeros(flags.shape, np.int32)
    for n in range(len(flags)):
        lengths[n] = np.where(flags[n], (lengths[n - 1] if n else 0) + 1, 0)
    for n in range(len(flags) - 2, -1, -1):
        lengths[n] = np.where(flags[n] & flags[n + 1], lengths[n + 1], lengths[n])
    return lengths


def category(temperature, climatology, threshold) -> np.ndarray:
    """1 moderate, 2 strong, 3 severe, 4 extreme; 0 below the threshold.  Broadcasts."""
    ratio = (temperature - climatology) / np.where(threshold > climatology, threshold - climatology, np.inf)
    return np.clip(np.floor(ratio), 0, 4).astype(int) * (temperature > threshold)
