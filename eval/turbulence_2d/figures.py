"""The figure of the benchmark: growth of errors, spectra at the end, vorticity at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.turbulence_2d.rollouts import HORIZONS, Found
from ocean_gcm.figures import style

LOOKS = {
    "none": dict(color="black"),
    "smagorinsky": dict(color="#b8860b", linestyle=":"),
    "dynamic_smagorinsky": dict(color="#b8860b"),
    "leith": dict(color="#b8860b", linestyle="--"),
    "offline": dict(color="#4f8f4f"),
    "emulator": dict(color="#1f5a8c"),
    "online": dict(color="#c0504d"),
    "offline_fourier": dict(color="#4f8f4f", linestyle="-."),
    "online_fourier": dict(color="#c0504d", linestyle="-."),
    "none.three_halves": dict(color="0.55", linestyle="--"),
    "online.three_halves": dict(color="#c0504d", linestyle="--"),
}
"""Models that the figure shows, in its order."""


def draw(path: Path, truth: Found, found: Mapping[str, Found], published: Mapping[str, Sequence[float]]) -> Path:
    """Three panels above, maps of the last state of the first trajectory below."""
    shown = [name for name in LOOKS if name in found]
    mapped = [n for n in ("none", "dynamic_smagorinsky", "offline", "online", "none.three_halves") if n in found]
    with style.look():
        figure = style.new_figure(11.0, 6.0)[0]
        figure.clear()
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.25, 1.0))
        growth, spectra, share = upper.subplots(1, 3)
        for name in shown:
            _draw_lines(growth, spectra, share, name, truth, found[name])
        for name, values in published.items():
            growth.plot(HORIZONS, values, "o", color=LOOKS[name]["color"], markersize=4, markerfacecolor="none")
        wavenumbers = np.arange(1, len(truth.enstrophy))
        spectra.loglog(wavenumbers, truth.energy[1:], color="0.75", linewidth=3.5, zorder=0)
        growth.set(yscale="log", ylim=(1e-5, 10), xlabel="steps", title="squared error until then (o: published)")
        spectra.set(
            xlabel="wavenumber", title="kinetic energy, last step (grey: truth)", xlim=(1, 32), ylim=(1e-6, 1e-2)
        )
        share.set(xlabel="wavenumber", title="enstrophy over the truth's", ylim=(0, 3), xlim=(1, 32))
        share.axhline(1.0, color="0.75", linewidth=3.5, zorder=0)
        growth.legend(fontsize=7, loc="lower right")
        for axis in (growth, spectra, share):
            axis.spines[["top", "right"]].set_visible(False)
        _draw_maps(lower, {"truth": truth, **{name: found[name] for name in mapped}})
        return style.save(figure, path)


def _draw_lines(growth, spectra, share, name: str, truth: Found, found: Found) -> None:
    look, steps = {"linewidth": 1.2, **LOOKS[name]}, np.arange(1, found.errors.shape[1] + 1)
    growth.plot(steps, np.cumsum(found.errors.mean(0)) / steps, label=name.replace("_", " "), **look)
    wavenumbers = np.arange(1, len(found.energy))
    spectra.loglog(wavenumbers, found.energy[1:], **look)
    share.plot(wavenumbers, found.enstrophy[1:] / np.maximum(truth.enstrophy[1:], 1e-30), **look)


def _draw_maps(figure, states: Mapping[str, Found]) -> None:
    axes = figure.subplots(1, len(states), squeeze=False)[0]
    # a quarter of the box: the waves are as short as two cells
    part = tuple(slice(0, n // 2) for n in states["truth"].vorticity.shape)
    limit = np.ceil(np.quantile(np.abs(states["truth"].vorticity), 0.998))
    for axis, (name, found) in zip(axes, states.items(), strict=True):
        image = axis.imshow(
            found.vorticity[part], origin="lower", interpolation="bicubic", cmap=style.COLOURS["difference"],
            vmin=-limit, vmax=limit,
        )  # fmt: skip
        axis.set(title=name.replace("_", " "), xticks=[], yticks=[])
    figure.colorbar(image, ax=axes[-1], label="vorticity, last step", shrink=0.8)
