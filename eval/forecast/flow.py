"""The surface flow of forecasts: its spectrum, and how far drifters part from those of the truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from eval.forecast.geometry import Place, interior
from eval.forecast.plan import Plan
from eval.forecast.stores import ForecastStore, Truth
from eval.forecast.tables import PLAIN, Confidence
from eval.report import Gallery, Section, Slider, charts
from eval.report.charts import Curve, Look
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.metrics import drift
from ocean_gcm.metrics.bootstrap import interval
from ocean_gcm.metrics.isotropic import ring_sums
from ocean_gcm.metrics.spectra import kinetic_energy_spectrum

TRUTH, PERSISTENCE = "truth", "persistence"
_DRIFTERS = 400
_DRIFT_MEMBERS = 10  # of an ensemble whose drifters are followed
_SUBSTEPS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Flow:
    """What was found.

    Attributes:
      spectra: by model, the truth among them, (start, lead, wavenumber) m2 s-2 of the uppermost level.
      separation: by model (start, lead) m, empty if the truth lacks start dates.
      waves: what the wavenumbers count.
    """

    spectra: dict[str, np.ndarray]
    separation: dict[str, np.ndarray]
    waves: str


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """Where the two components are: centres of cells, or faces of a C-grid."""

    u: Place
    v: Place
    wet_u: np.ndarray
    wet_v: np.ndarray

    @property
    def staggered(self) -> bool:
        return self.u.dims != self.v.dims

    @property
    def isotropic(self) -> bool:
        """Whether waves along x and y are the same to the grid."""
        return self.u.periodic_x and self.u.periodic_y

    def surface(self) -> drift.Surface:
        return drift.Surface(self.v.x, self.u.y, self.u.spherical, self.u.periodic_x, self.u.periodic_y)

    def at_centres(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Velocities (..., ny, nx) with land at rest; on a C-grid the means of two faces."""
        u, v = np.nan_to_num(u), np.nan_to_num(v)
        if not self.staggered:
            return u, v
        west, south = np.roll(u, 1, -1), np.roll(v, 1, -2)
        if not self.u.periodic_x:
            west[..., 0] = 0.0
        if not self.u.periodic_y:
            south[..., 0, :] = 0.0
        return 0.5 * (u + west), 0.5 * (v + south)

    def drifters(self) -> np.ndarray:
        """(particle, 2) places, evenly spread over cells away from land."""
        around = {"periodic_x": self.u.periodic_x, "periodic_y": self.u.periodic_y}
        wet = interior(self.wet_u & self.wet_v, **around, cells=1)
        j, i = np.nonzero(wet)
        chosen = np.unique(np.round(np.linspace(0, len(j) - 1, min(_DRIFTERS, len(j)))).astype(int)) if len(j) else []
        return np.stack([self.v.x[i[chosen]], self.u.y[j[chosen]]], -1) if len(j) else np.empty((0, 2))

    def spectrum(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """(..., wavenumber) of fields (..., ny, nx): along x, or in a doubly periodic box by rings of wavenumbers."""
        if self.isotropic:
            return _of_rings(self.u, u, v)
        weights = (place.area * wet for place, wet in ((self.u, self.wet_u), (self.v, self.wet_v)))
        weights = [np.asarray(w / w.max(), np.float32)[None] for w in weights]
        return np.asarray(
            kinetic_energy_spectrum(u[..., None, :, :], v[..., None, :, :], *weights, periodic_x=self.u.periodic_x)
        )[..., 0, :]


def _of_rings(place: Place, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(..., ring) kinetic energy of a doubly periodic box, without that of the mean flow."""
    lengths = (np.ptp(place.y_edges), np.ptp(place.x_edges))
    grid = PeriodicGrid((1, len(place.y), len(place.x)), lengths)
    energy = 0.5 * sum(abs(np.fft.rfft2(w)) ** 2 for w in (u, v))
    return np.asarray(ring_sums(grid, energy))[..., 1:]


def evaluate_flow(
    places: Mapping[str, Place],
    stores: Sequence[ForecastStore],
    truth: Truth,
    plan: Plan,
    advance: Callable[[], None] = lambda: None,
) -> Flow:
    """Spectra and drifters of uo and vo at the uppermost level, for all start dates."""
    wet = [np.isfinite(truth.read(name, plan.valid[0, :1], level=0)[0]) for name in ("uo", "vo")]
    frame = Frame(places["uo"], places["vo"], *wet)
    places_of_drifters, surface = frame.drifters(), frame.surface()
    with_start = bool((plan.begin >= 0).all()) and len(places_of_drifters) > 0
    times = np.concatenate([[0.0], plan.lead_seconds])
    spectra: dict[str, list] = {}
    separation: dict[str, list] = {}

    def follow(first, members):
        """(member, time, particle, 2) of velocities (member, lead, ny, nx) that begin with the truth's `first`."""
        paths = []
        for m in range(min(len(members[0]), _DRIFT_MEMBERS)):
            fields = (np.concatenate([f, w[m]]) for f, w in zip(first, members, strict=True))
            u, v = frame.at_centres(*fields)
            paths.append(drift.trajectories(surface, u, v, times, places_of_drifters, _SUBSTEPS))
        return np.stack(paths)

    for n in range(len(plan.starts)):
        now = [truth.read(name, plan.valid[n], level=0) for name in ("uo", "vo")]
        spectra.setdefault(TRUTH, []).append(frame.spectrum(*(np.nan_to_num(w) for w in now)))
        if with_start:
            first = [truth.read(name, plan.begin[n : n + 1], level=0) for name in ("uo", "vo")]
            path = follow(first, [w[None] for w in now])[0]
            held = [np.broadcast_to(f, w.shape)[None] for f, w in zip(first, now, strict=True)]
            still = follow(first, held)[0]
            separation.setdefault(PERSISTENCE, []).append(drift.separation(surface, still, path)[1:])
        for store in stores:
            starts, leads = plan.places[store.name]
            members = [store.read(name, int(starts[n]), leads)[:, :, 0] for name in ("uo", "vo")]
            energy = frame.spectrum(*(np.nan_to_num(w) for w in members)).mean(0)
            spectra.setdefault(store.name, []).append(energy)
            if with_start:
                apart = [drift.separation(surface, p, path)[1:] for p in follow(first, members)]
                separation.setdefault(store.name, []).append(np.mean(apart, 0))
        advance()
    parts = [{name: np.stack(x) for name, x in part.items()} for part in (spectra, separation)]
    return Flow(*parts, "waves in the box" if frame.isotropic else "waves along x")


def rows(flow: Flow, plan: Plan, confidence: Confidence) -> pd.DataFrame:
    """Separation of drifters (km) and energy of the surface flow over that of the truth, as rows of a table."""
    draws, found = confidence.draw(len(plan.starts)), []

    def add(model, variable, metric, statistic, parts):
        value = statistic(*(part.mean(0) for part in parts))
        low, high = interval(statistic, parts, draws, confidence.level)
        columns = {"lead": plan.leads, "value": value, "low": low, "high": high}
        head = {"model": model, "seed": 0, "variable": variable, "metric": metric, "region": "all", "depth": "surface"}
        found.append(pd.DataFrame(columns).assign(**head))

    for model, apart in flow.separation.items():
        add(model, "drifters", "separation_km", PLAIN, (apart / 1e3,))
    for model, spectrum in flow.spectra.items():
        if model != TRUTH:
            parts = spectrum.sum(-1), flow.spectra[TRUTH].sum(-1)
            add(model, "kinetic_energy", "ratio_to_truth", lambda a, b: a / b, parts)
    return pd.concat(found, ignore_index=True)


def section(flow: Flow, table: pd.DataFrame, plan: Plan, by: Mapping[str, Look], leads: np.ndarray) -> Section:
    """Pictures of both; `leads` are places of those shown."""
    by = {TRUTH: Look("#7d8792", "dotted"), PERSISTENCE: Look(charts.COLOURS[6], "dashed"), **by}
    parts = []
    pictures = []
    for variable, metric, label, reference in (
        ("drifters", "separation_km", "separation (km)", None),
        ("kinetic_energy", "ratio_to_truth", "energy over that of the truth", 1.0),
    ):
        mine = table[(table.variable == variable) & (table.metric == metric)]
        of = {}
        for model, lines in mine.groupby("model", sort=False):
            band = (lines.low.values, lines.high.values) if lines.low.notna().all() else ()
            of[model] = Curve(lines.lead.values, lines.value.values, *band)
        if of:
            title = "drifters" if variable == "drifters" else "kinetic energy of the surface"
            pictures.append(
                charts.curves(
                    f"flow_{variable}", title, of, by, "lead (days)", label, reference=reference, from_zero=True
                )
            )
    shown = {name: by[name] for name in (*flow.separation, *flow.spectra) if name in by}
    caption = (
        f"Mean distance to drifters that follow the truth from the same places, {_DRIFTERS} at most, of "
        f"{_DRIFT_MEMBERS} members at most; and their kinetic energy."
    )
    parts.append(Gallery(pictures, caption, charts.legend(shown)))
    frames = {}
    for k in leads:
        of = {name: Curve(np.arange(1, x.shape[-1] + 1), x[:, k].mean(0)) for name, x in flow.spectra.items()}
        of = {name: Curve(c.x[c.y > 0], c.y[c.y > 0]) for name, c in of.items()}
        picture = charts.curves(
            f"spectrum_{k}", "spectrum of the surface", of, by, flow.waves, "energy (m2 s-2)", logarithmic=True
        )
        frames[plan.lead_labels()[k]] = [picture]
    parts.append(Slider(frames, "lead", f"Kinetic energy by {flow.waves}, mean over members and start dates."))
    return Section("Surface flow", parts)
