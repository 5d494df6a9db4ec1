"""From hindcasts and the truth that followed to calibrations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from rich.console import Console

from eval.forecast.evaluation import require_members, require_numbers
from eval.forecast.geometry import Place
from eval.forecast.plan import Plan, plan_of
from eval.forecast.stores import ForecastStore, Truth, open_forecasts, open_truth, variables_to_score
from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.calibration import FEWEST_MEMBERS, FEWEST_STARTS, Calibration, learn
from ocean_gcm.forecasts.calibration_file import Calibrations
from ocean_gcm.progress import PieceReport

_IN_MEMORY = 1e9  # bytes of the hindcasts of one lead that are kept in memory


def learn_calibrations(
    hindcasts: str,
    truth: str,
    *,
    variables: Sequence[str] = (),
    leads: Sequence[float] = (),
    neighbours: int = 1,
    partial: bool = False,
    console: Console | None = None,
) -> Calibrations:
    """Learn one calibration for each variable and lead.

    Args:
      hindcasts: store of `ocean-gcm forecast` with members.
      truth: on the same grid, with a record at each valid time.
      variables, leads: names and days, default all.
      neighbours: see `ocean_gcm.forecasts.calibration.learn`.
      partial: leave out start dates that the truth does not cover.

    Raises UserError for stores that do not fit together, for too few hindcasts or members, and for values that are
    missing.
    """
    if neighbours < 0:
        raise UserError(f"--neighbours is {neighbours}; expected 0 or more")
    store = open_forecasts(hindcasts, "hindcasts")
    of = open_truth(truth, store.dataset)
    plan = plan_of([store], of, leads, partial=partial)
    if len(plan.starts) < FEWEST_STARTS or store.members < FEWEST_MEMBERS:
        raise UserError(
            f"{store.label} has {len(plan.starts)} start dates of {store.members} members; expected at least "
            f"{FEWEST_STARTS} of {FEWEST_MEMBERS}"
        )
    if "model_fingerprint" not in store.dataset.attrs:
        raise UserError(f"{store.label} does not say which model it is of; expected a store of `ocean-gcm forecast`")
    places = variables_to_score([store], of, plan.valid[0], variables)
    found: dict[str, list[Calibration]] = {name: [] for name in places}
    pieces = len(places) * len(plan.leads)
    with PieceReport(console or Console(stderr=True), pieces, "leads") as report:
        for name, place in places.items():
            for k in range(len(plan.leads)):
                found[name].append(_of_lead(store, of, plan, name, place, k, neighbours))
                report.advance()
    dataset = store.dataset
    dims = {name: place.dims for name, place in places.items()}
    coordinates = {dim: dataset[dim].drop_attrs() for each in dims.values() for dim in each}
    units = {name: str(dataset[name].attrs.get("units", "1")) for name in places}
    attributes = {
        "model": str(dataset.attrs.get("model", "")),
        "model_fingerprint": dataset.attrs["model_fingerprint"],
        "hindcasts": len(plan.starts),
        "period": plan.starts.span(),
        "members": store.members,
    }
    return Calibrations(plan.lead_seconds, found, dims, coordinates, units, attributes)


@dataclasses.dataclass(frozen=True)
class _Members:
    """(M, nz, ny, nx) of one start after another, read each time they are asked for."""

    read: Callable[[int], np.ndarray]
    starts: int

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.read(n) for n in range(self.starts))


def _of_lead(
    store: ForecastStore, truth: Truth, plan: Plan, name: str, place: Place, k: int, neighbours: int
) -> Calibration:
    starts, leads = plan.places[store.name]
    now = truth.read(name, plan.valid[:, k])
    wet = np.isfinite(now[0])
    at = dataclasses.replace(plan, leads=plan.leads[k : k + 1])

    def read(n: int) -> np.ndarray:
        one = store.read(name, int(starts[n]), leads[k : k + 1])
        require_members(one, wet, name, store, at, n)
        return np.where(wet, one[:, 0], np.nan)

    for n in range(len(now)):
        require_numbers(now[n : n + 1], wet, name, f"the truth {truth.label}", at, n)
    now = np.where(wet, now, np.nan)
    members: Iterable[np.ndarray] = _Members(read, len(now))
    if now.size * 4 * store.members <= _IN_MEMORY:
        members = list(members)
    return learn(members, now, neighbours=neighbours, periodic=(place.periodic_y, place.periodic_x))


def summary(found: Calibrations) -> str:
    """What it does, in words: a line for each variable at its first, middle and last lead."""
    at = sorted({0, len(found.leads) // 2, len(found.leads) - 1})
    lines = []
    for name, by_lead in found.variables.items():
        for k in at:
            one = by_lead[k]
            low, high = np.nanquantile(one.factor, [0.05, 0.95])
            share = np.sqrt(np.nanmean(one.bias**2) / max(np.nanmean(one.spread**2), 1e-30))
            lines.append(
                f"{name}, day {found.leads[k] / 86400:g}: spread times {low:.2f} to {high:.2f} (90 % of cells), power "
                f"{1 + one.exponent.mean():.2f} of the spread, bias {share:.2f} of it"
            )
    return "\n".join(lines)
