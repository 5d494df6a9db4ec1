"""What the statistics of single runs say beside the scores: errors by chance, and means that nothing holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from eval.subgrid.spread import distribution_distance
from eval.subgrid.statistics import spectrum_error, transfer_error

Key = tuple[str, str]
"""Variable and metric."""
MEAN: Key = ("pv", "mean_share")
"""Root mean square of a run's mean vorticity over that of its vorticity."""


def rows_of(runs: xr.Dataset, keys: Iterable[Key]) -> pd.DataFrame:
    """Rows of `subgrid.csv` that follow from `runs.nc`: `by_chance` as the truth's, and `MEAN` of every case."""
    rows = [("truth", 0, *key, value) for key, value in by_chance(runs, keys).items()]
    for case in range(runs.sizes["case"]):
        spectrum = runs.enstrophy_spectrum1.isel(case=case).mean("run").values
        share = float(np.sqrt(spectrum[0] / spectrum.sum()))
        rows.append((str(runs.model.values[case]), int(runs.seed.values[case]), *MEAN, share))
    return pd.DataFrame(rows, columns=["model", "seed", "variable", "metric", "value"])


def by_chance(runs: xr.Dataset, keys: Iterable[Key]) -> dict[Key, float]:
    """Errors that another truth with as many trajectories would have beside this one.

    The mean over all ways to halve its trajectories, less by what halves differ more than wholes do.
    """
    truth = runs.isel(case=int(np.flatnonzero(runs.model.values == "truth")[0]))
    found = {}
    for name, metric in keys:
        field = truth.get(f"share_{name}" if metric == "distance" else name)
        if field is None:
            continue
        values = field.dropna("run", how="all").transpose("run", ...).values
        count = len(values)
        own = count // 2
        ends = truth[f"end_{name}"].values if metric == "distance" else None
        errors = []
        for chosen in itertools.combinations(range(count), own):
            rest = np.setdiff1d(np.arange(count), chosen)
            errors.append(_error(values[list(chosen)].mean(0), values[rest].mean(0), metric, ends))
        found[name, metric] = float(np.mean(errors)) * np.sqrt(2.0 / count / (1.0 / own + 1.0 / (count - own)))
    return found


def _error(found: np.ndarray, expected: np.ndarray, metric: str, ends: np.ndarray | None) -> float:
    """As `eval.subgrid.statistics.compare` has it, distributions in bins that end at `ends`."""
    if metric == "spectrum_error":
        return spectrum_error(found, expected)
    if metric == "transfer_error":
        return transfer_error(found, expected)
    return distribution_distance(found, expected, ends)
