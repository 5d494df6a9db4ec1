"""How far scores of closures would differ by chance: other runs of the same length, and another truth of the same size.

Runs and trajectories are drawn with replacement (bootstrap).  Distributions are counted in bins, so that those of drawn
runs are means of those of each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from eval.subgrid.statistics import Flow, spectrum_error, transfer_error
from ocean_gcm.metrics.decorrelation import decorrelation_time
from ocean_gcm.metrics.similarity import spectrum_distance

DRAWS = 200
WIDTH = 1.645
"""Standard errors from a value to an end of its interval of 90 %."""
_BINS = 400
_REACH = 1.5
"""Bins reach so much farther than the target's values."""

Key = tuple[str, str]
"""Variable and metric."""


@dataclasses.dataclass(frozen=True)
class Binned:
    """Attributes, each with a leading axis of runs:
    spectra: (runs, rings) by name, with the transfers of enstrophy.
    shares: (runs, bins) of the values in each bin, by name.
    correlation: (runs, nz, lags + 1).
    """

    spectra: Mapping[str, np.ndarray]
    shares: Mapping[str, np.ndarray]
    correlation: np.ndarray

    def mean(self, chosen: np.ndarray) -> Binned:
        """Of the chosen runs, without their axis."""
        spectra = {name: values[chosen].mean(0) for name, values in self.spectra.items()}
        shares = {name: values[chosen].mean(0) for name, values in self.shares.items()}
        return Binned(spectra, shares, self.correlation[chosen].mean(0))


def edges_of(target: Flow, bins: int = _BINS) -> dict[str, np.ndarray]:
    """(bins + 1,) ends of bins by name."""
    found = {}
    for name, values in target.statistics.samples.items():
        middle, half = 0.5 * (values.max() + values.min()), 0.5 * _REACH * np.ptp(values)
        found[name] = np.linspace(middle - half, middle + half, bins + 1)
    return found


def binned(flow: Flow, edges: Mapping[str, np.ndarray]) -> Binned:
    """A flow's runs."""
    runs = flow.runs
    spectra = {name: np.stack([one.statistics.spectra[name] for one in runs]) for name in runs[0].statistics.spectra}
    for layer in range(runs[0].enstrophy_transfer.shape[0]):
        spectra[f"enstrophy_transfer{layer + 1}"] = np.stack([one.enstrophy_transfer[layer] for one in runs])
    shares = {
        name: np.stack([_shares(one.statistics.samples[name], ends) for one in runs]) for name, ends in edges.items()
    }
    return Binned(spectra, shares, np.stack([one.correlation for one in runs]))


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return counts / values.size


def standard_errors(flow: Flow, target: Flow, without: Flow | None = None) -> dict[Key, float]:
    """Of the rows of a flow, of its comparison with the target and its similarities, where both have several runs."""
    if len(flow.runs) < 2 or len(target.runs) < 2:
        return {}
    edges, random = edges_of(target), np.random.default_rng(0)
    parts = [binned(each, edges) for each in (flow, target, *([] if without is None else [without]))]
    drawn = []
    for _ in range(DRAWS):
        means = [part.mean(random.integers(len(part.correlation), size=len(part.correlation))) for part in parts]
        drawn.append(_scores(*means, edges=edges, interval=flow.interval, rings=target.rings))
    values = {key: np.array([scores[key] for scores in drawn]) for key in drawn[0]}
    # times and similarities that some draws do not have are left out
    return {key: float(own[np.isfinite(own)].std()) for key, own in values.items() if np.isfinite(own).sum() > 1}


def _scores(own: Binned, target: Binned, without: Binned | None = None, *, edges, interval, rings) -> dict[Key, float]:
    """By variable and metric, as `Flow.rows`, `statistics.compare` and `similarities` give them."""
    found: dict[Key, float] = {}
    for layer, correlation in enumerate(own.correlation):
        for name in ("kinetic_energy", "enstrophy"):
            found[f"{name}{layer + 1}", "mean"] = own.spectra[f"{name}_spectrum{layer + 1}"].sum()
        found[f"q{layer + 1}", "decorrelation_time"] = decorrelation_time(correlation, interval)
    for name, expected in target.spectra.items():
        spectrum = own.spectra[name][: len(expected)]
        if "_spectrum" in name:
            found[name, "spectrum_error"] = spectrum_error(spectrum, expected)
        elif expected.any():
            found[name, "transfer_error"] = transfer_error(spectrum, expected)
        if without is not None and "enstrophy_transfer" not in name:
            near, far = (spectrum_distance(one.spectra[name], expected, rings) for one in (own, without))
            found[name, "similarity"] = 1.0 - near / far if far > 0 else np.nan
    for name, ends in edges.items():
        near = distribution_distance(own.shares[name], target.shares[name], ends[1:])
        found[name, "distance"] = near
        if without is not None:
            far = distribution_distance(without.shares[name], target.shares[name], ends[1:])
            found[name, "similarity"] = 1.0 - near / far if far > 0 else np.nan
    return found


def mean_and_spread(shares: np.ndarray, places: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of a distribution of shares in bins at `places`."""
    mean = (shares * places).sum()
    return float(mean), float(np.sqrt((shares * (places - mean) ** 2).sum()))


def distribution_distance(shares: np.ndarray, expected: np.ndarray, ends: np.ndarray) -> float:
    """Wasserstein distance of shares in bins that end at `ends`, in standard deviations of the expected ones."""
    distance = np.abs(np.cumsum(shares - expected)).sum() * (ends[1] - ends[0])
    return float(distance / mean_and_spread(expected, ends)[1])
