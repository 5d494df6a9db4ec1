"""Statistics of a flow of layers: means, spectra, transfers, distributions, decorrelation."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
from scipy.stats import wasserstein_distance

from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.metrics import isotropic
from ocean_gcm.metrics.decorrelation import autocorrelation, decorrelation_time
from ocean_gcm.metrics.isotropic import ring_wavenumbers
from ocean_gcm.metrics.similarity import Statistics, layers_statistics
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.tendencies import sources_in
from ocean_gcm.state import Layers

_MOST = 200
"""Records that spectra and distributions are computed from, evenly spaced, of all runs together."""
_LAGS = 60


@dataclasses.dataclass(frozen=True)
class Flow:
    """Attributes:
    statistics: samples and spectra of `ocean_gcm.metrics.similarity`.
    enstrophy_transfer: (nz, rings) s-3, by advection alone.
    correlation: (nz, lags + 1) of potential vorticity in time.
    interval: s between the lags.
    rings: how many rings count, those below two thirds of the highest wavenumber.
    runs: the same of each run by itself; none of a flow that is one.
    """

    statistics: Statistics
    enstrophy_transfer: np.ndarray
    correlation: np.ndarray
    interval: float
    rings: int
    runs: tuple[Flow, ...] = ()

    def rows(self) -> list[tuple]:
        """(variable, lead, metric, value): means of each layer and decorrelation times in s."""
        rows = []
        for layer in range(len(self.correlation)):
            for name in ("kinetic_energy", "enstrophy"):
                spectrum = self.statistics.spectra[f"{name}_spectrum{layer + 1}"]
                rows.append((f"{name}{layer + 1}", "", "mean", float(spectrum.sum())))
            time = decorrelation_time(self.correlation[layer], self.interval)
            rows.append((f"q{layer + 1}", "", "decorrelation_time", time))
        return rows

    def seen_by(self, grid: PeriodicGrid) -> Flow:
        """The same flow, spectra and transfers with the rings that count on a coarser grid of the same box."""
        if len(ring_wavenumbers(grid)) == self.enstrophy_transfer.shape[-1]:
            return self
        number = _counted_rings(grid)
        spectra = {name: values[:number] for name, values in self.statistics.spectra.items()}
        return dataclasses.replace(
            self,
            statistics=dataclasses.replace(self.statistics, spectra=spectra),
            enstrophy_transfer=self.enstrophy_transfer[:, :number],
            rings=number,
            runs=tuple(one.seen_by(grid) for one in self.runs),
        )


def together(flows: Sequence[Flow]) -> Flow:
    """Runs as one flow: means of spectra, transfers and correlations, all samples."""
    first = flows[0]
    statistics = [flow.statistics for flow in flows]
    samples = {name: np.concatenate([one.samples[name] for one in statistics]) for name in first.statistics.samples}
    spectra = {name: np.mean([one.spectra[name] for one in statistics], 0) for name in first.statistics.spectra}
    return Flow(
        Statistics(samples, spectra),
        np.mean([flow.enstrophy_transfer for flow in flows], 0),
        np.mean([flow.correlation for flow in flows], 0),
        first.interval,
        first.rings,
        tuple(run for flow in flows for run in (flow.runs or (flow,))),
    )


def _counted_rings(grid: PeriodicGrid) -> int:
    return int(np.floor(min(grid.shape[1:]) / 3)) + 1


def flow_statistics(
    model: OceanModel, q: np.ndarray, interval: float, source: np.ndarray | None = None, stride: int = 1
) -> Flow:
    """Of runs (runs, records, nz, ny, nx), `interval` seconds apart, with what is not resolved in their budget.

    That is `source`, of the same shape, or what the model's closures give (those at its start: what they remember of
    the past has no part in them).  Distributions and correlations are those of every `stride`-th point of each side.
    """
    chosen = np.unique(np.linspace(0, q.shape[1] - 1, max(1, _MOST // len(q))).round().astype(int))
    sources = [None] * len(q) if source is None else source[:, chosen]
    return together([_of_one(model, *each, chosen, interval, stride) for each in zip(q, sources, strict=True)])


def _of_one(model: OceanModel, q: np.ndarray, source: np.ndarray | None, chosen, interval: float, stride: int) -> Flow:
    """Of a run (records, nz, ny, nx), whose `chosen` records have the source, if one is given."""
    some = q[chosen]
    if source is None and model.config.closures:
        source = _sources(model, some)
    statistics = layers_statistics(model.core, some, source, last=len(some), stride=stride)
    transfer = np.asarray(_enstrophy_transfers(model.core, model.metrics(), jnp.asarray(some))).mean(0)
    lags = min(_LAGS, len(q) - 1)
    levels = range(model.grid.shape[0])
    correlation = [autocorrelation(q[:, layer, ::stride, ::stride], lags) for layer in levels]
    return Flow(statistics, transfer, np.array(correlation), interval, _counted_rings(model.grid))


def _sources(model: OceanModel, q: np.ndarray) -> jax.Array:
    zeros = jnp.zeros(len(q), jnp.int32)
    keys = jax.random.split(jax.random.key(0), len(q))
    return sources_in(model, Layers(jnp.asarray(q)), jdt.Timedelta(zeros, zeros), keys)


@functools.partial(jax.jit, static_argnums=0)
def _enstrophy_transfers(core: QuasiGeostrophy, static, q: jax.Array) -> jax.Array:
    """(records, nz, rings) of (records, nz, ny, nx)."""

    def one(q: jax.Array) -> jax.Array:
        psi = core.grid.to_physical(core.prepare(static, Layers(q)).psi_hat)
        return isotropic.enstrophy_transfer(core.grid, psi, q)

    return jax.lax.map(one, q)


def compare(flow: Flow, target: Flow) -> list[tuple]:
    """Rows (variable, lead, metric, value) of a flow against another one, which may have fewer rings.

    spectrum_error: root mean square of the logarithm (base 10) of the ratio of spectra, over rings from 1 to the
    highest of the target.  transfer_error: root mean square difference over the target's size.  distance: Wasserstein
    distance of distributions over the standard deviation of the target.
    """
    rows = []
    for name, spectrum in target.statistics.spectra.items():
        own = flow.statistics.spectra[name][: len(spectrum)]
        if "_spectrum" in name:
            rows.append((name, "", "spectrum_error", spectrum_error(own, spectrum)))
        elif spectrum.any():
            rows.append((name, "", "transfer_error", transfer_error(own, spectrum)))
    for layer, transfer in enumerate(target.enstrophy_transfer):
        name = f"enstrophy_transfer{layer + 1}"
        rows.append(
            (name, "", "transfer_error", transfer_error(flow.enstrophy_transfer[layer][: len(transfer)], transfer))
        )
    for name, values in target.statistics.samples.items():
        distance = wasserstein_distance(flow.statistics.samples[name], values)
        rows.append((name, "", "distance", float(distance / values.std())))
    return rows


def spectrum_error(found: np.ndarray, expected: np.ndarray) -> float:
    """See `compare`, of (rings,) each."""
    high = np.flatnonzero(expected > 1e-6 * expected.max())[-1]
    ratio = found[1 : high + 1] / expected[1 : high + 1]
    return float(np.sqrt(np.mean(np.log10(np.maximum(ratio, 1e-30)) ** 2)))


def transfer_error(found: np.ndarray, expected: np.ndarray) -> float:
    """See `compare`, of (rings,) each."""
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))
