"""Which start dates and leads are scored, and where each side has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from eval.forecast.dates import Dates
from eval.forecast.stores import ForecastStore, Truth
from ocean_gcm.errors import UserError

DAY = 86400


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What is scored.

    Attributes:
      starts: the start dates.
      leads: (lead,) days.
      lead_seconds: (lead,) whole seconds.
      begin: (start,) records of the truth at the start dates, -1 where it has none.
      valid: (start, lead) records of the truth.
      valid_seconds: (start, lead) as in `dates.Dates`.
      places: by name of the store: places of the starts (start,) and of the leads (lead,) in it.
    """

    starts: Dates
    leads: np.ndarray
    lead_seconds: np.ndarray
    begin: np.ndarray
    valid: np.ndarray
    valid_seconds: np.ndarray
    places: dict[str, tuple[np.ndarray, np.ndarray]]

    def lead_labels(self) -> list[str]:
        """Such as "day 5" or "day 0.25"."""
        return [f"day {lead:g}" for lead in self.leads]


def plan_of(
    stores: Sequence[ForecastStore], truth: Truth, leads: Sequence[float] = (), *, partial: bool = False
) -> Plan:
    """Match start dates, leads and valid times.

    Args:
      stores: forecasts; the starts and leads that all have are scored.
      truth: needs a record at each valid time.
      leads: days to score; empty: all.
      partial: leave out start dates whose valid times the truth lacks, rather than to refuse.

    Raises UserError for other calendars, for no common dates or leads, and for a truth that lacks a valid time.
    """
    for store in stores:
        if store.starts.calendar != truth.times.calendar:
            raise UserError(
                f"{store.label} has the calendar {store.starts.calendar}; the truth {truth.label} has "
                f"{truth.times.calendar}"
            )
    starts = _in_all([store.starts.seconds for store in stores])
    if not len(starts):
        spans = "; ".join(f"{s.label} has {_span(s)}" for s in stores)
        raise UserError(f"the forecasts have no start date in common: {spans}")
    chosen = _chosen_leads(stores, leads)
    valid_seconds = starts[:, None] + chosen
    valid = truth.records(valid_seconds)
    complete = (valid >= 0).all(1)
    if not complete.all():
        if not partial or not complete.any():
            raise UserError(_missing(stores[0], truth, starts, chosen, valid))
        starts, valid, valid_seconds = starts[complete], valid[complete], valid_seconds[complete]
    places = {
        store.name: (np.searchsorted(store.starts.seconds, starts), np.searchsorted(store.leads, chosen))
        for store in stores
    }
    return Plan(
        stores[0].starts[places[stores[0].name][0]],
        chosen / DAY,
        chosen,
        truth.records(starts),
        valid,
        valid_seconds,
        places,
    )


def _in_all(axes: Sequence[np.ndarray]) -> np.ndarray:
    found = np.sort(axes[0])
    for axis in axes[1:]:
        found = np.intersect1d(found, axis)
    return found


def _chosen_leads(stores: Sequence[ForecastStore], wanted: Sequence[float]) -> np.ndarray:
    common = _in_all([store.leads for store in stores])
    if not wanted:
        common = common[common > 0]
        if not len(common):
            held = "; ".join(f"{s.label} has {_days(s.leads)}" for s in stores)
            raise UserError(f"the forecasts have no lead above zero in common: {held}")
        return common
    seconds = np.round(np.asarray(wanted, float) * DAY).astype(np.int64)
    for lead in seconds:
        if lead not in common:
            raise UserError(
                f"--leads has {lead / DAY:g}; expected days among {_days(common) or 'none'} of the forecasts"
            )
    return np.unique(seconds)


def _days(leads: np.ndarray) -> str:
    days = [f"{lead / DAY:g}" for lead in leads]
    return ", ".join(days if len(days) <= 8 else [*days[:4], "...", days[-1]])


def _span(store: ForecastStore) -> str:
    return f"{len(store.starts)} from {store.starts.span()}"


def _missing(store: ForecastStore, truth: Truth, starts: np.ndarray, leads: np.ndarray, valid: np.ndarray) -> str:
    """Why the truth does not do."""
    text_of = {seconds: store.starts.text(n) for n, seconds in enumerate(store.starts.seconds)}
    times, lacking = truth.times.seconds, (valid < 0).any(1)
    if starts[0] + leads[0] > times[-1] or starts[-1] + leads[-1] < times[0]:
        return (
            f"{store.label} and the truth {truth.label} have no time in common: the forecasts start from "
            f"{text_of[starts[0]]} to {text_of[starts[-1]]}, the truth holds {truth.times.span()}"
        )
    n = int(np.argmax(lacking))
    k = int(np.argmax(valid[n] < 0))
    begin = f"the forecast of {text_of[starts[n]]} at lead {leads[k] / DAY:g} days"
    share = f"{int(lacking.sum())} of {len(starts)} start dates lack a record; "
    mend = "choose fewer --leads" + ("" if lacking.all() else ", or --partial to score the others")
    if starts[n] + leads[k] > times[-1]:
        return f"the truth {truth.label} ends on {truth.times.text(-1)}, before {begin}: {share}{mend}"
    return f"the truth {truth.label} has no record for {begin}: {share}{mend}"
