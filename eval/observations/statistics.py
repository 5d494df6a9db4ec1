"""Statistics of matchups by region, layer and lead, from sums that can be resampled (Ryan et al. 2015).

Averages come first and roots last.  Every statistic is a function of sums over observations, kept by unit: the start of
a forecast, or a box of 5 degrees.  Units are drawn with replacement for intervals of confidence, since errors of one
forecast, or of one place, are alike.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from eval.observations.samples import Observations
from ocean_gcm.metrics.bootstrap import resamples
from ocean_gcm.metrics.crps import crps_or_absolute_error
from ocean_gcm.metrics.ensemble import ensemble_variance

BOX = 5.0
"""Degrees; side of the boxes."""
LEAST, LEAST_CORRELATED = 10, 100
"""Observations below which no statistics are given, and no correlations."""
CONFIDENCE = 0.9
QUANTITIES = (
    "number",
    "d",
    "dd",
    "abs",
    "crps",
    "variance",
    "f",
    "o",
    "ff",
    "oo",
    "fo",
    "fa",
    "oa",
    "faa",
    "oaa",
    "foa",
)
ALL = "all"


@dataclasses.dataclass
class Sums:
    """Sums over observations.

    Attributes:
      values: (unit, region, layer, lead, quantity).
      members: size of the ensemble.
    """

    values: np.ndarray
    members: int

    @classmethod
    def empty(cls, shape: tuple[int, int, int, int], members: int) -> Sums:
        return cls(np.zeros((*shape, len(QUANTITIES))), members)

    def add(self, terms: np.ndarray, unit, regions: list[np.ndarray], layer, lead) -> None:
        """terms: (quantity, n); unit, layer, lead: (n,) indices; regions: masks (n,)."""
        shape = self.values.shape
        flat = (unit * shape[2] + layer) * shape[3] + lead
        for number, mask in enumerate(regions):
            chosen = np.flatnonzero(mask & (layer >= 0))
            if len(chosen) == 0:
                continue
            for q, term in enumerate(terms):
                found = np.bincount(flat[chosen], term[chosen], minlength=shape[0] * shape[2] * shape[3])
                self.values[:, number, :, :, q] += found.reshape(shape[0], shape[2], shape[3])


def terms(members: np.ndarray, observed: np.ndarray, climatology: np.ndarray | None = None) -> np.ndarray:
    """(quantity, n) what is summed: members (M, n), observed (n,), a climatology's values (n,) if there is one."""
    mean = members.mean(0)
    difference = mean - observed
    one = np.ones_like(observed)
    variance = np.asarray(ensemble_variance(members)) if len(members) > 1 else np.zeros_like(observed)
    score = np.abs(difference) if len(members) == 1 else _crps(members - observed)
    f, o = (mean, observed) if climatology is None else (mean - climatology, observed - climatology)
    if climatology is None:
        f, o = np.zeros_like(o), np.zeros_like(o)
    # the plain correlation is taken about a fixed number near the mean: large offsets would cost digits
    a, b = mean, observed
    return np.stack([
        one, difference, difference**2, np.abs(difference), score, variance, a, b, a * a, b * b, a * b,
        f, o, f * f, o * o, f * o,
    ])  # fmt: skip


def _crps(difference: np.ndarray) -> np.ndarray:
    """(n,) fair CRPS of members minus observed (M, n); padded, so that few shapes are compiled."""
    number = difference.shape[1]
    size = max(256, 1 << (number - 1).bit_length())
    padded = np.zeros((len(difference), size), difference.dtype)
    padded[:, :number] = difference
    return np.asarray(crps_or_absolute_error(padded, np.zeros(size, difference.dtype)), float)[:number]


def boxes(lon: np.ndarray, lat: np.ndarray, size: float = BOX) -> tuple[np.ndarray, int]:
    """(n,) number of the box of `size` degrees, and how many boxes there are; rows from south to north."""
    columns, rows = round(360.0 / size), round(180.0 / size)
    row = np.clip(((lat + 90.0) // size).astype(int), 0, rows - 1)
    column = np.clip((lon % 360.0 // size).astype(int), 0, columns - 1)
    return row * columns + column, rows * columns


def box_weights(size: float = BOX) -> np.ndarray:
    """(box,) area of each box over that of one at the equator."""
    columns, rows = round(360.0 / size), round(180.0 / size)
    latitude = -90.0 + size * (np.arange(rows) + 0.5)
    return np.repeat(np.cos(np.radians(latitude)), columns)


def measures(total: np.ndarray, members: int, climatology: bool) -> dict[str, np.ndarray]:
    """Statistics by name of sums (..., quantity)."""
    q = {name: total[..., k] for k, name in enumerate(QUANTITIES)}
    n = np.where(q["number"] > 0, q["number"], np.nan)
    mean = {name: values / n for name, values in q.items()}
    rmse = np.sqrt(mean["dd"])
    # of a single value the CRPS is the absolute error
    out = {"bias": mean["d"], "rmse": rmse, "mae": mean["abs"], "crps": mean["crps"]}
    covariance = mean["fo"] - mean["f"] * mean["o"]
    scales = (mean["ff"] - mean["f"] ** 2) * (mean["oo"] - mean["o"] ** 2)
    out["correlation"] = covariance / np.sqrt(np.where(scales > 1e-24, scales, np.nan))
    if climatology:
        scales = mean["faa"] * mean["oaa"]
        out["anomaly_correlation"] = mean["foa"] / np.sqrt(np.where(scales > 1e-24, scales, np.nan))
        out["skill_against_climatology"] = 1.0 - mean["dd"] / np.where(mean["oaa"] > 0, mean["oaa"], np.nan)
    if members > 1:
        out["spread"] = np.sqrt((members + 1) / members * mean["variance"])
        out["spread_skill"] = out["spread"] / np.where(rmse > 0, rmse, np.nan)
    return out


def of_boxes(values: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Bias and root mean square of the boxes' mean differences, by area: values (unit, ..., quantity).

    Observations crowd where ships and floats were, boxes of equal angles weighted by area do not; and the mean of a box
    has lost most of the eddies that no climatology and no coarse model has.
    """
    number, difference = values[..., 0], values[..., 1]
    known = number > 0
    mean = np.where(known, difference / np.where(known, number, 1.0), 0.0)
    weight = weights.reshape(-1, *(1,) * (mean.ndim - 1)) * known
    total = np.where(weight.sum(0) > 0, weight.sum(0), np.nan)
    return {"box_bias": (weight * mean).sum(0) / total, "box_rmse": np.sqrt((weight * mean**2).sum(0) / total)}


def table(
    sums: Sums, regions: list[str], layers: list[str], leads: list, *, climatology: bool, weights: np.ndarray | None,
    draws: int = 500, confidence: float = CONFIDENCE,
) -> pd.DataFrame:  # fmt: skip
    """Rows region, depth, lead, metric, value, low, high.

    weights: areas of the boxes if the units are boxes.  The last layer is the sum of all others.  Intervals are between
    quantiles of statistics of units drawn with replacement.
    """
    values = np.concatenate([sums.values, sums.values.sum(2, keepdims=True)], 2)
    found = measures(values.sum(0), sums.members, climatology)
    drawn = _resampled(values, sums.members, climatology, draws)
    if weights is not None:
        found |= of_boxes(values, weights)
        for name in ("box_bias", "box_rmse"):
            found[name][:, -1] = np.nan  # a mean over all depths would let errors of opposite sign cancel
    number = values.sum(0)[..., 0]
    low, high = 0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence
    rows = []
    for r, layer, lead in np.argwhere(number >= LEAST):
        head = (regions[r], [*layers, ALL][layer], leads[lead])
        rows.append((*head, "number", number[r, layer, lead], np.nan, np.nan))
        for metric, array in found.items():
            if "correlation" in metric and number[r, layer, lead] < LEAST_CORRELATED:
                continue
            value, ends = array[r, layer, lead], (np.nan, np.nan)
            if metric in drawn and np.isfinite(value):
                ends = np.nanquantile(drawn[metric][:, r, layer, lead], (low, high))
            if np.isfinite(value):
                rows.append((*head, metric, value, *ends))
    return pd.DataFrame(rows, columns=["region", "depth", "lead", "metric", "value", "low", "high"])


def _resampled(values: np.ndarray, members: int, climatology: bool, draws: int) -> dict[str, np.ndarray]:
    """(draw, ...) statistics of units drawn with replacement; {} with fewer than two."""
    used = values[values[..., 0].sum(tuple(range(1, values.ndim - 1))) > 0]
    if len(used) < 2 or draws < 1:
        return {}
    counts = np.stack([np.bincount(draw, minlength=len(used)) for draw in resamples(len(used), draws)])
    shape = used.shape[1:]
    total = (counts @ used.reshape(len(used), -1)).reshape(draws, *shape)
    return measures(total, members, climatology)


def box_means(observations: Observations, difference: np.ndarray, shallow: float, deep: float, size: float = BOX):
    """(rmse, bias, number) of the boxes of `size` degrees and each depth, whose mean difference is taken first.

    For observations on common depths: boxes count by area, and depths by the thickness of the layers between them.
    """
    depths, level = np.unique(observations.depth, return_inverse=True)
    chosen = (observations.depth >= shallow) & (observations.depth <= deep) & np.isfinite(difference)
    box, number = boxes(observations.lon, observations.lat, size)
    flat, shape = (box * len(depths) + level)[chosen], (number, len(depths))
    counts, totals = (
        np.bincount(flat, w, number * len(depths)).reshape(shape) for w in (np.ones(len(flat)), difference[chosen])
    )
    thickness = np.gradient(depths) if len(depths) > 1 else np.ones(1)
    weights = box_weights(size)[:, None] * (counts > 0) * thickness
    mean = totals / np.maximum(counts, 1)
    total = weights.sum() or np.nan
    return float(((weights * mean**2).sum() / total) ** 0.5), float((weights * mean).sum() / total), int(chosen.sum())
