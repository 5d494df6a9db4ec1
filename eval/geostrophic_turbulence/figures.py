"""The figure of the page: spectra, transfers, distributions and memory, beside the truth and its sampling error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from eval.subgrid.spread import mean_and_spread
from ocean_gcm.figures import style

LOOKS = {
    "none": dict(color="black"),
    "leith": dict(color="#b8860b", linestyle="--"),
    "smagorinsky": dict(color="#b8860b", linestyle=":"),
    "dynamic_smagorinsky": dict(color="#b8860b"),
    "direct": dict(color="#8a7bd8", linestyle="-."),
    "offline": dict(color="#4f8f4f"),
    "emulator": dict(color="#1f5a8c"),
    "online": dict(color="#c0504d"),
}
"""Models that the figure shows, in its order."""
TRUTH = dict(color="0.8")
_DAY = 86400.0


def draw(path: Path, runs: xr.Dataset) -> Path:
    """Six panels of the statistics of `runs.nc`: grey the truth within two standard errors, bands the seeds."""
    shown = [name for name in LOOKS if name in runs.model.values]
    with style.look():
        figure = style.new_figure(11.0, 6.4)[0]
        figure.clear()
        axes = figure.subplots(2, 3)
        waves = np.arange(runs.sizes["ring"])
        inside = waves[1 : _highest(runs) + 1]
        panels = (
            (axes[0, 0], "kinetic_energy_spectrum1", "kinetic energy (m2 s-2)", False),
            (axes[0, 1], "enstrophy_spectrum1", "enstrophy over the truth's", True),
            (axes[0, 2], "enstrophy_transfer1", "gain of enstrophy by advection (s-3)", False),
            (axes[1, 0], "kinetic_transfer", "gain of energy by advection and closure (m2 s-3)", False),
        )
        for axis, name, title, relative in panels:
            unit = _of(runs, "truth", name).mean(("case", "run")).values if relative else 1.0
            _band(axis, waves[inside], *(each[inside] for each in _truth(runs, name, unit)))
            for model in shown:
                _lines(axis, waves[inside], (_of(runs, model, name).mean("run") / unit).values[:, inside], model)
            axis.set(xlabel="wavenumber", title=title, xscale="log" if name.endswith("spectrum1") else "linear")
        axes[0, 0].set_yscale("log")
        axes[0, 1].set_ylim(0, 3)
        _distributions(axes[1, 1], runs, shown)
        _memory(axes[1, 2], runs, shown)
        axes[0, 0].legend(fontsize=7, loc="lower left")
        for axis in axes.ravel():
            axis.spines[["top", "right"]].set_visible(False)
        return style.save(figure, path)


def _of(runs: xr.Dataset, model: str, name: str) -> xr.DataArray:
    """(case, run, ...) of a model's seeds."""
    return runs[name].isel(case=np.flatnonzero(runs.model.values == model))


def _highest(runs: xr.Dataset) -> int:
    """The last wavenumber at which the truth has energy."""
    spectrum = _of(runs, "truth", "kinetic_energy_spectrum1").mean(("case", "run")).values
    return int(np.flatnonzero(spectrum > 1e-6 * spectrum.max())[-1])


def _truth(runs: xr.Dataset, name: str, unit=1.0) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the mean within two standard errors."""
    values = _of(runs, "truth", name).isel(case=0).dropna("run", how="all")
    error = values.std("run", ddof=1) / np.sqrt(values.sizes["run"])
    return tuple(((values.mean("run") + sign * 2.0 * error) / unit).values for sign in (-1, 1))


def _band(axis, x, low, high) -> None:
    axis.fill_between(x, low, high, linewidth=2.5, zorder=0, label="truth", edgecolor=TRUTH["color"], **TRUTH)


def _lines(axis, x, seeds: np.ndarray, model: str) -> None:
    """The mean of (seeds, x) and their range."""
    look = {"linewidth": 1.2, **LOOKS[model]}
    axis.plot(x, seeds.mean(0), label=model.replace("_", " "), **look)
    if len(seeds) > 1:
        axis.fill_between(x, seeds.min(0), seeds.max(0), color=look["color"], alpha=0.2, linewidth=0)


def _distributions(axis, runs: xr.Dataset, shown: list[str]) -> None:
    """Densities of vorticity in standard deviations of the truth."""
    ends = runs["end_q1"].values
    width = ends[1] - ends[0]
    middles = ends - 0.5 * width
    truth = _of(runs, "truth", "share_q1").mean(("case", "run")).values
    mean, spread = mean_and_spread(truth, middles)
    x, unit = (middles - mean) / spread, width / spread
    axis.plot(x, np.where(truth > 0, truth / unit, np.nan), color=TRUTH["color"], linewidth=3.5, zorder=0)
    for model in shown:
        shares = _of(runs, model, "share_q1").mean("run").values / unit
        _lines(axis, x, np.where(shares > 0, shares, np.nan), model)
    axis.set(yscale="log", ylim=(1e-6, 1), xlabel="standard deviations of the truth", title="density of vorticity")


def _memory(axis, runs: xr.Dataset, shown: list[str]) -> None:
    """Autocorrelation of vorticity in time."""

    def lags(model: str) -> np.ndarray:
        interval = runs.interval.values[np.flatnonzero(runs.model.values == model)[0]]
        return np.arange(runs.sizes["lag"]) * interval / _DAY

    _band(axis, lags("truth"), *_truth(runs, "correlation1"))
    for model in shown:
        _lines(axis, lags(model), _of(runs, model, "correlation1").mean("run").values, model)
    axis.axhline(np.exp(-1.0), color="0.6", linewidth=0.7)
    axis.set(xlim=(0, 40), xlabel="days", title="autocorrelation of vorticity")
