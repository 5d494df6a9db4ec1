"""Scores with intervals of confidence, from statistics of all start dates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from eval.forecast.evaluation import Collected, Scored
from eval.forecast.plan import Plan
from ocean_gcm.metrics.bootstrap import interval, resamples

ROOT, PLAIN = np.sqrt, lambda x: x
METRICS: dict[str, tuple[tuple[str, ...], Callable]] = {
    "rmse": (("squared_error",), ROOT),
    "bias": (("error",), PLAIN),
    "mae": (("absolute_error",), PLAIN),
    "crps": (("crps",), PLAIN),
    "spread": (("variance",), ROOT),
    "acc": (("product", "square_f", "square_a"), lambda p, f, a: _ratio(p, np.sqrt(f * a))),
}
"""By name: the statistics that are averaged over start dates, and what is then made of the averages."""
ENSEMBLE_ONLY = ("spread", "spread_skill")


def _ratio(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, a / np.where(b > 0, b, 1.0), np.nan)


@dataclasses.dataclass(frozen=True)
class Confidence:
    """How intervals are made.

    Attributes:
      level: share of the resampled values inside, such as 0.9.
      draws: number of resamples.
      block: neighbouring start dates that are drawn together.
    """

    level: float = 0.9
    draws: int = 1000
    block: int = 1

    def draw(self, starts: int) -> np.ndarray:
        return resamples(starts, self.draws, block=self.block)


def spread_skill(members: int) -> Callable:
    """Of averages (variance, squared error): the unbiased ratio of Fortin et al. (2014)."""
    return lambda variance, square: np.sqrt((members + 1) / members * _ratio(variance, square))


def metrics_of(one: Collected) -> dict[str, tuple[tuple[str, ...], Callable]]:
    """Those that the model has: a single forecast has no spread."""
    if one.members == 1:
        return {name: metric for name, metric in METRICS.items() if name not in ENSEMBLE_ONLY}
    return {**METRICS, "spread_skill": (("variance", "squared_error"), spread_skill(one.members))}


def all_depths(part: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """(..., region) mean over levels of (..., region, nz) by the volumes (region, nz)."""
    return (part * volume).sum(-1) / np.maximum(volume.sum(-1), 1e-30)


def scores_of(variable: str, scored: Scored, plan: Plan, confidence: Confidence) -> pd.DataFrame:
    """Rows of one variable: all regions for all depths together, each level for the first region.

    Columns as in `eval.report.scores`.
    """
    draws, frames = confidence.draw(len(plan.starts)), []
    regions, depths = list(scored.regions), scored.place.depth_labels()

    def add(model, metric, statistic, parts, axes):
        value = statistic(*(part.mean(0) for part in parts))
        low, high = interval(statistic, parts, draws, confidence.level)
        frames.append(_frame(model, variable, metric, value, low, high, axes))

    for model, one in scored.models.items():
        for metric, (names, statistic) in metrics_of(one).items():
            parts = [one.parts[name] for name in names]
            whole = tuple(all_depths(part, scored.volume) for part in parts)
            add(model, metric, statistic, whole, {"lead": plan.leads, "region": regions, "depth": ["all"]})
            if scored.place.has_levels:
                wet = scored.volume[0] > 0
                levels = tuple(part[:, :, 0, wet] for part in parts)
                named = [label for label, some in zip(depths, wet, strict=True) if some]
                add(model, metric, statistic, levels, {"lead": plan.leads, "region": regions[:1], "depth": named})
        energy = all_depths(one.parts["energy"], scored.volume[0])
        add(model, "energy_score", PLAIN, (energy,), {"lead": plan.leads, "region": regions[:1], "depth": ["all"]})
        for event in events_of(one):
            parts = one.parts[f"brier_{event}"], one.parts[f"rate_{event}"]
            axes = {"lead": plan.leads, "region": regions, "depth": depths[:1]}
            add(model, f"brier_{event}", lambda brier, rate: brier, parts, axes)
            add(model, f"brier_skill_{event}", lambda b, r: 1 - _ratio(b, r * (1 - r)), parts, axes)
    return pd.concat([*frames, *_reductions(variable, scored, plan, draws, confidence)], ignore_index=True)


def events_of(one: Collected) -> list[str]:
    """Events that were scored at all start dates."""
    names = [name.removeprefix("brier_") for name in one.parts if name.startswith("brier_")]
    return [name for name in names if np.isfinite(one.parts[f"brier_{name}"]).all()]


def _reductions(variable: str, scored: Scored, plan: Plan, draws: np.ndarray, confidence: Confidence):
    """Rows: by how much the CRPS of the first model is below that of each other, start by start."""
    (name, first), *others = scored.models.items()
    regions = list(scored.regions)
    for other, one in others:
        parts = tuple(all_depths(x.parts["crps"], scored.volume) for x in (first, one))
        value = _below(*(part.mean(0) for part in parts))
        low, high = interval(_below, parts, draws, confidence.level)
        axes = {"lead": plan.leads, "region": regions, "depth": ["all"]}
        yield _frame(name, variable, f"crps_below_{other}", value, low, high, axes)


def _below(a, b):
    """By which share a is below b."""
    return 1 - _ratio(a, b)


def _frame(model: str, variable: str, metric: str, value, low, high, axes: Mapping[str, list]) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(list(axes.values()), names=list(axes))
    columns = {"value": np.ravel(value), "low": np.ravel(low), "high": np.ravel(high)}
    table = pd.DataFrame(columns, index=index).reset_index()
    return table.assign(model=model, seed=0, variable=variable, metric=metric)


@dataclasses.dataclass(frozen=True)
class Ranks:
    """A rank histogram with the interval of each share; (M + 1,)."""

    shares: np.ndarray
    low: np.ndarray
    high: np.ndarray
    band_low: np.ndarray
    band_high: np.ndarray

    @property
    def inside(self) -> float:
        """Share of the ranks that lie within the band of a flat histogram."""
        return float(((self.shares >= self.band_low) & (self.shares <= self.band_high)).mean())


def ranks_of(one: Collected, lead: int, region: int, confidence: Confidence) -> Ranks:
    """Shares of the ranks with bootstrap intervals, and the band in which a flat histogram would be found.

    Neighbouring points have similar ranks, so that the scatter among start dates, not the number of points, says how
    far from flat chance alone takes the shares: the band is the interval of resampled shares, moved to 1/(M + 1).
    """
    part = one.parts["ranks"][:, lead, region]
    shares = part.mean(0)
    low, high = interval(PLAIN, (part,), confidence.draw(len(part)), confidence.level)
    flat = 1 / part.shape[1]
    return Ranks(shares, low, high, flat - (high - shares), flat + (shares - low))


def rank_rows(variable: str, scored: Scored, plan: Plan, confidence: Confidence) -> pd.DataFrame:
    """Rank histograms of all ensembles: model, variable, region, lead, rank, share, and the band of a flat one."""
    found = []
    for model, one in scored.models.items():
        if "ranks" not in one.parts:
            continue
        for r, region in enumerate(scored.regions):
            for k, lead in enumerate(plan.leads):
                ranks = ranks_of(one, k, r, confidence)
                columns = {"share": ranks.shares, "band_low": ranks.band_low, "band_high": ranks.band_high}
                head = {"model": model, "variable": variable, "region": region, "lead": lead}
                found.append(pd.DataFrame({**head, "rank": np.arange(len(ranks.shares)), **columns}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def coarse_ranks(one: Collected, bins: int) -> Collected:
    """The same with neighbouring ranks added up to at most `bins` of nearly equal width."""
    ranks = one.parts["ranks"]
    number = ranks.shape[-1]
    edges = np.round(np.linspace(0, number, min(bins, number) + 1)).astype(int)
    sums = np.add.reduceat(ranks, edges[:-1], axis=-1)
    return dataclasses.replace(one, parts={**one.parts, "ranks": sums / np.diff(edges) * (number / (len(edges) - 1))})
