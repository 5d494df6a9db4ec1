"""From stores to statistics: the loop over variables, start dates and models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.forecast import baselines
from eval.forecast.baselines import Climatology
from eval.forecast.extremes import days_before, extremes_of
from eval.forecast.geometry import Place, region_weights, regions_of
from eval.forecast.plan import Plan
from eval.forecast.statistics import statistics
from eval.forecast.stores import ForecastStore, Truth
from ocean_gcm.errors import UserError


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is scored how.

    Attributes:
      baselines: of `baselines.NAMES`.
      regions: see `geometry.regions_of`.
      climatology: first and last date of the climatological period, or None for all records before the first start.
      harmonics: of the annual cycle, None: as many as the period bears.
      extremes: whether events of extremes are scored.
    """

    baselines: Sequence[str] = baselines.NAMES
    regions: Sequence[str] = ()
    climatology: tuple[str, str] | None = None
    harmonics: int | None = None
    extremes: bool = True


@dataclasses.dataclass(eq=False)
class Collected:
    """Statistics of one model and variable.

    Attributes:
      members: of an ensemble; 1 for a single forecast.
      parts: by name (start, ...), see `statistics.statistics`; "brier_EVENT", "rate_EVENT", "reliability_EVENT".
      maps: (lead, field, ny, nx) sums over start dates of `statistics.MAPPED` at the uppermost level.
    """

    members: int
    parts: dict[str, np.ndarray]
    maps: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """All that was found of one variable.

    Attributes:
      place, wet: where; wet is (nz, ny, nx).
      regions: masks (ny, nx) by name, the first holds all others.
      volume: (region, nz) wet volumes as shares.
      models: by name.
      units: of the variable.
    """

    place: Place
    wet: np.ndarray
    regions: dict[str, np.ndarray]
    volume: np.ndarray
    models: dict[str, Collected]
    units: str


def evaluate_variable(
    variable: str,
    place: Place,
    stores: Sequence[ForecastStore],
    truth: Truth,
    plan: Plan,
    settings: Settings,
    advance: Callable[[], None] = lambda: None,
) -> Scored:
    """Score one variable at all start dates; `advance` is called after each of them.

    Raises UserError for values that are missing in wet cells, for members that are missing, and for a truth that does
    not allow the baselines.
    """
    period = _period(truth, plan, settings)
    harmonics = baselines.harmonics_for(truth, period, settings.harmonics)
    climatology = baselines.climatology_of(truth, variable, period, harmonics)
    wet = np.isfinite(truth.read(variable, plan.valid[0, :1])[0])
    if not wet.any():
        raise UserError(f"variable {variable} of the truth {truth.label} has no value at {plan.starts.text(0)}")
    regions = regions_of(place, wet[0], settings.regions)
    if "all" not in regions:
        regions = {"all": np.ones(wet.shape[1:], bool), **regions}
    weights = region_weights(place, wet, regions)
    factors = None
    if "damped" in settings.baselines:
        factors = baselines.damping(truth, variable, climatology, period, plan.lead_seconds)
    extremes = extremes_of(truth, variable, climatology, period, plan) if settings.extremes else None
    if {"persistence", "damped"} & set(settings.baselines):
        baselines.require_starts(truth, plan)
    models: dict[str, Collected] = {}
    for n in range(len(plan.starts)):
        now = truth.read(variable, plan.valid[n])
        require_numbers(now, wet, variable, f"the truth {truth.label}", plan, n)
        seconds = plan.valid_seconds[n]
        mean = climatology.mean(seconds)
        made = _baseline_forecasts(variable, truth, plan, n, settings.baselines, climatology, mean, factors)
        before = days_before(truth, variable, seconds[0] - plan.lead_seconds[0]) if extremes else None

        def score(name, members, centre, n=n, now=now, seconds=seconds, mean=mean, before=before):
            found = statistics(members, centre, now, mean, weights, mapped=True)
            if extremes:
                found |= _flat(extremes.scores(members[:, :, 0], now[:, 0], seconds, weights[:, 0], before))
            _collect(models, name, members.shape[0], n, len(plan.starts), found)

        for store in stores:
            starts, leads = plan.places[store.name]
            members = store.read(variable, int(starts[n]), leads)
            require_members(members, wet, variable, store, plan, n)
            score(store.name, members, members.mean(0))
        for name, (members, centre) in made.items():
            score(name, members, centre)
        advance()
    units = str(truth.dataset[variable].attrs.get("units", "1"))
    return Scored(place, wet, regions, weights.sum((2, 3)), models, units)


def _period(truth: Truth, plan: Plan, settings: Settings) -> np.ndarray:
    if settings.climatology is not None:
        return truth.between(*settings.climatology)
    return baselines.default_period(truth, plan)


def _baseline_forecasts(
    variable: str, truth: Truth, plan: Plan, n: int, names: Sequence[str], climatology: Climatology, mean, factors
) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """(members, centre) by name, each (..., lead, nz, ny, nx)."""
    found = {}
    if {"persistence", "damped"} & set(names):
        first = truth.read(variable, plan.begin[n : n + 1])
    for name in names:
        if name == "climatology":
            found[name] = climatology.members(plan.valid_seconds[n]), mean
            continue
        if name == "persistence":
            field = np.broadcast_to(first, mean.shape)
        else:
            start = plan.valid_seconds[n, :1] - plan.lead_seconds[:1]
            field = mean + factors * (first - climatology.mean(start))
        found[name] = field[None], field
    return found


def _flat(by_event: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {f"{part}_{event}": x for event, parts in by_event.items() for part, x in parts.items()}


def _collect(models: dict[str, Collected], name: str, members: int, n: int, starts: int, found: dict) -> None:
    maps = found.pop("maps")
    if name not in models:
        models[name] = Collected(members, {k: np.full((starts, *x.shape), np.nan) for k, x in found.items()}, 0.0)
    one = models[name]
    for key, x in found.items():
        if key not in one.parts:  # heatwaves need days before the start, which the first start may lack
            one.parts[key] = np.full((starts, *x.shape), np.nan)
        one.parts[key][n] = x
    one.maps = one.maps + maps


def require_members(
    members: np.ndarray, wet: np.ndarray, variable: str, store: ForecastStore, plan: Plan, n: int
) -> None:
    """UserError for a member without any value, or a value that is missing in a wet cell."""
    bad = wet & ~np.isfinite(members)
    if not bad.any():
        return
    empty = bad.reshape(*bad.shape[:2], -1).sum(-1) == wet.sum()
    if empty.all(1).any():
        gone = np.flatnonzero(empty.all(1))
        raise UserError(
            f"{store.label} lacks {len(gone)} of {store.members} members of {variable} at the start date "
            f"{plan.starts.text(n)} (the first is member {gone[0]}): was the forecast interrupted?  --resume it"
        )
    m, k = np.argwhere(bad.any((-3, -2, -1)))[0]
    require_numbers(members[m], wet, variable, f"member {m} of {store.label}", plan, n)


def require_numbers(fields: np.ndarray, wet: np.ndarray, variable: str, label: str, plan: Plan, n: int) -> None:
    """UserError for a value of fields (lead, nz, ny, nx) that is missing in a wet cell."""
    bad = wet & ~np.isfinite(fields)
    if bad.any():
        k, z, j, i = np.argwhere(bad)[0]
        raise UserError(
            f"variable {variable} of {label} is {fields[k, z, j, i]} in {int(bad[k].sum())} of {int(wet.sum())} wet "
            f"cells at lead {plan.leads[k]:g} days of the start date {plan.starts.text(n)}, first at level {z}, row "
            f"{j}, column {i}; expected numbers wherever the truth has them"
        )
