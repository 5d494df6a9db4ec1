"""Scores of the forecasts of all starts, and how certainly they are better than those of damped persistence."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pandas as pd

from eval.monthly.anomalies import LEADS, REGIONS, VARIABLES, Sample, region_weights
from ocean_gcm.metrics import bootstrap
from ocean_gcm.metrics.averages import masked_mean
from ocean_gcm.metrics.crps import fair_crps
from ocean_gcm.metrics.ensemble import spread_skill_ratio

BLOCK = 12
"""Neighbouring start months that are drawn together: forecasts of a year from starts a month apart overlap."""
DRAWS = 4000
LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Forecasts:
    """Forecasts of all starts by one model.

    Attributes:
      mean: (start, lead, variable, cell), of the distribution.
      members: (member, start, lead, variable, cell) float32.
    """

    mean: np.ndarray
    members: np.ndarray


@dataclasses.dataclass(frozen=True)
class Scores:
    """Averages over space of one model, start by start.

    Attributes:
      square: (start, lead, quantity) squared error of the mean.
      crps: (start, lead, quantity) fair CRPS of the members.
      spread_skill: (lead, quantity) unbiased ratio over all starts.
      correlation: (lead, quantity) of the mean with the truth over all starts, NaN for fields.
      cells: (lead, variable, cell) mean square over starts.
      quantities: (variable, region) of each quantity; an index has the region "index".
    """

    square: np.ndarray
    crps: np.ndarray
    spread_skill: np.ndarray
    correlation: np.ndarray
    cells: np.ndarray
    quantities: tuple[tuple[str, str], ...]


def score(forecasts: Forecasts, sample: Sample, indices: dict[str, tuple[np.ndarray, np.ndarray]]) -> Scores:
    """Scores against the anomalies of a sample at its held-out starts.

    indices: by name, the weights (cell,) that make an index of tos and its truth (start, lead).
    """
    truth, regions = sample.targets(sample.held_out), region_weights(sample.series).astype(np.float32)
    crps_of = jax.jit(fair_crps)
    columns, cells = {}, np.zeros(truth.shape[1:])
    for v, variable in enumerate(VARIABLES):
        for lead in range(LEADS):
            mean, known = (field[:, lead, v].astype(np.float32) for field in (forecasts.mean, truth))
            members = forecasts.members[:, :, lead, v]
            square, crps = (mean - known) ** 2, np.asarray(crps_of(members, known))
            cells[lead, v] = square.mean(0)
            for region, weights in zip(REGIONS, regions, strict=True):
                found = (
                    masked_mean(square, weights, -1),
                    masked_mean(crps, weights, -1),
                    spread_skill_ratio(members, known, weights),
                    np.nan,
                )
                columns.setdefault((variable, region), []).append(found)
    for name, (weights, observed) in indices.items():
        for lead in range(LEADS):
            mean, members = forecasts.mean[:, lead, 1] @ weights, forecasts.members[:, :, lead, 1] @ weights
            known = observed[:, lead]
            found = (
                (mean - known) ** 2,
                fair_crps(members, known.astype(np.float32)),
                spread_skill_ratio(members, known, np.ones(len(known))),
                np.corrcoef(mean, known)[0, 1] if mean.std() > 0 else np.nan,
            )
            columns.setdefault((name, "index"), []).append(found)
    parts = [[np.asarray(part, float) for part in zip(*column, strict=True)] for column in columns.values()]
    square, crps, ratio, correlation = (np.stack(part, -1) for part in zip(*parts, strict=True))
    return Scores(square.swapaxes(0, 1), crps.swapaxes(0, 1), ratio, correlation, cells, tuple(columns))


def rows(name: str, scores: Scores, reference: Scores, seed: int = 0) -> pd.DataFrame:
    """Of the CSV: averages of all starts, and shares by which errors are below those of `reference`, with intervals.

    `rmse_skill` is 1 - RMSE / RMSE of the reference, `fcrps_skill` the same of the CRPS; `_low` and `_high` are the
    ends of the interval of LEVEL by a block bootstrap over start months.
    """
    draws = bootstrap.resamples(len(scores.square), DRAWS, block=BLOCK, seed=0)
    table = {"spread_skill": scores.spread_skill, "correlation": scores.correlation}
    for metric, own, other, root in (
        ("rmse", scores.square, reference.square, 0.5),
        ("fcrps", scores.crps, reference.crps, 1.0),
    ):

        def skill(a, b, root=root):
            return 1 - (a / b) ** root

        table[metric] = own.mean(0) ** root
        table[f"{metric}_skill"] = skill(own.mean(0), other.mean(0))
        ends = bootstrap.interval(skill, (own, other), draws, LEVEL)
        table[f"{metric}_skill_low"], table[f"{metric}_skill_high"] = ends
    found = [
        {"model": name, "seed": seed, "variable": variable, "lead": lead + 1, "metric": metric,
         "value": values[lead, q], "region": region}
        for metric, values in table.items()
        for q, (variable, region) in enumerate(scores.quantities)
        for lead in range(len(values))
    ]  # fmt: skip
    return pd.DataFrame(found).dropna(subset="value")
