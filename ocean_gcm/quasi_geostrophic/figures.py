"""Quick-look figures of a run of layers: potential vorticity, spectra, time series."""

from __future__ import annotations

from pathlib import Path

import cftime
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.errors import UserError
from ocean_gcm.figures import series, style
from ocean_gcm.metrics import isotropic
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment

_FIELDS = {"pv": "potential vorticity", "vorticity": "relative vorticity"}
_PANELS = {
    "kinetic_energy": "kinetic energy (m² s⁻²)",
    "available_potential_energy": "available potential energy (m² s⁻²)",
    "enstrophy": "potential enstrophy (s⁻²)",
    "largest_speed": "largest speed (m s⁻¹)",
}
_LINES = ("#1f5a8c", "#c8553d", "#5b8c5a", "#8c6d1f", "#6b4c8c")


def plot_layers(run, config: LayersExperiment, destination: Path) -> list[Path]:
    """Draw the last record of a run and its time series; return the paths of the PNGs.

    Args:
      run: the `RunDirectory`.
      config: of the run.
      destination: folder of the figures.

    Figures whose variables the output lacks are left out.  Raises UserError if the run has no output yet.
    """
    if not run.output.exists():
        raise UserError(f"{run.path} is not a run directory: {run.output.name} is missing")
    coder = xr.coders.CFDatetimeCoder(use_cftime=True)
    paths = []
    with xr.open_zarr(run.output, decode_times=coder, chunks=None) as dataset, style.look():
        if dataset.sizes.get("time", 0) == 0:
            raise UserError(f"{run.output} has no records yet")
        last, seconds = dataset.isel(time=-1), _seconds(dataset, config)
        title = f"{config.name}, {_when(seconds[-1], config)}"
        for name, label in _FIELDS.items():
            if name in last:
                paths.append(draw_fields(destination / f"{name}.png", last[name], label, title))
        if {"uo", "vo"} <= set(last):
            paths.append(draw_spectra(destination / "spectra.png", dataset, config, title))
        panels = {label: dataset[name].values for name, label in _PANELS.items() if np.ptp(dataset[name].values) > 0}
        if len(seconds) > 1 and panels:
            years = seconds / config.time.seconds_per_year
            if seconds[-1] < SECONDS_PER_DAY:
                paths.append(_draw_hours(destination / "time_series.png", seconds / 3600.0, panels, config.name))
            else:
                paths.append(series.draw_series(destination / "time_series.png", years, panels, config.name))
    return paths


def _seconds(dataset: xr.Dataset, config: LayersExperiment) -> np.ndarray:
    start = cftime.datetime.strptime(config.time.start, "%Y-%m-%d", calendar=config.time.calendar)
    return np.array([(date - start).total_seconds() for date in dataset.time.values])


def _when(seconds: float, config: LayersExperiment) -> str:
    for unit, length in (("year", config.time.seconds_per_year), ("day", SECONDS_PER_DAY), ("hour", 3600.0)):
        if seconds >= 2 * length:
            return f"{unit} {seconds / length:.4g}"
    return f"{seconds:.4g} s"


def draw_fields(path: Path, field: xr.DataArray, label: str, title: str) -> Path:
    """Maps of (lev, y, x), one beside the other, each with its own symmetric scale."""
    number = min(field.sizes["lev"], 4)
    figure, axes = style.new_figure(4.3 * number, 4.0, 1, number)
    edges = {}
    for coordinate in ("y", "x"):
        centres = field[coordinate].values / 1e3
        width = centres[1] - centres[0]
        edges[coordinate] = np.append(centres - 0.5 * width, centres[-1] + 0.5 * width)
    for layer, axis in enumerate(axes[0]):
        values = field.values[layer]
        largest = np.percentile(np.abs(values), 99.7) or 1.0
        mesh = axis.pcolormesh(
            edges["x"], edges["y"], values, cmap=style.COLOURS["difference"], vmin=-largest, vmax=largest
        )
        axis.set_aspect("equal")
        axis.set_xlabel("x (km)")
        axis.set_ylabel("y (km)" if layer == 0 else "")
        axis.set_title(f"layer {layer + 1}" if number > 1 else title, fontsize=9)
        style.colour_bar(mesh, axis, f"{label} (s⁻¹)")
    if number > 1:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return style.save(figure, path)


def draw_spectra(path: Path, dataset: xr.Dataset, config: LayersExperiment, title: str) -> Path:
    """Kinetic energy by wavenumber and layer: mean over the last half of the records, and slopes to compare with."""
    grid = config.grid.build(len(config.dynamics.layers.thickness))
    half = dataset.isel(time=slice(dataset.sizes["time"] // 2, None))
    flow = dataset["background_uo"].values[:, None, None]
    power = 0.0
    for name, background in (("uo", flow), ("vo", 0.0)):
        for record in range(half.sizes["time"]):
            values = jnp.asarray(half[name].isel(time=record).values.astype(np.float64) - background)
            power = power + np.asarray(isotropic.enstrophy_spectrum(grid, values))
    width, kappa = isotropic.ring_width(grid), isotropic.ring_wavenumbers(grid)
    density = power / half.sizes["time"] / width
    shown = slice(1, min(grid.shape[1:]) // 2)
    figure, axes = style.new_figure(4.8, 3.6)
    axis = axes[0, 0]
    for layer, values in enumerate(density[: len(_LINES)]):
        axis.loglog(kappa[shown] * 1e3, values[shown], color=_LINES[layer], linewidth=1.3, label=f"layer {layer + 1}")
    largest = density.max()
    peak = kappa[shown][np.argmax(density.max(0)[shown])]
    for slope, dashes in ((-3.0, "--"), (-5.0 / 3.0, ":")):
        line = largest * (kappa[shown] / peak) ** slope
        axis.loglog(kappa[shown] * 1e3, line, dashes, color="0.6", linewidth=0.9, label=f"slope {slope:.3g}")
    axis.set_ylim(max(density[:, shown].min(), largest * 1e-9), 3.0 * largest)
    axis.set_xlabel("wavenumber (rad km⁻¹)")
    axis.set_ylabel("kinetic energy (m³ s⁻²)")
    axis.set_title(f"{title}: last half of the records", fontsize=8.5)
    axis.legend(fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    return style.save(figure, path)


def _draw_hours(path: Path, hours: np.ndarray, panels: dict[str, np.ndarray], title: str) -> Path:
    """As `series.draw_series`, of a run shorter than a day."""
    figure, axes = style.new_figure(7.2, 1.7 * ((len(panels) + 1) // 2) + 0.5, (len(panels) + 1) // 2, 2)
    for axis, (label, values) in zip(axes.ravel(), panels.items(), strict=False):
        axis.plot(hours, values, color=series.LINE, linewidth=1.1)
        axis.set_title(label, fontsize=8.5)
        axis.set_xlabel("time (hours)")
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", linewidth=0.6)
    for axis in axes.ravel()[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return style.save(figure, path)
