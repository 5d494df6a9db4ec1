"""Figures of the page on flows with known solutions: the model over the theory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eval.validation.experiment import Outcome
from ocean_gcm.figures import style

MODEL = dict(color="tab:blue", lw=1.4)
THEORY = dict(color="black", lw=1.0, ls="--")
COLOURS = ("tab:red", "tab:orange", "tab:blue", "tab:green")


def munk_gyre(outcome: Outcome, path: Path) -> Path:
    """Streamfunction with free slip, and its section through the middle latitude with both kinds of walls."""
    with style.look():
        figure, [(plan, section)] = style.new_figure(9.0, 3.2, 1, 2)
        free = outcome.series["free"]
        lines = plan.contour(free["x"] / 1e3, free["y"] / 1e3, free["psi"] / 1e6, levels=np.arange(2, 30, 3.0))
        plan.clabel(lines, fmt="%g")
        plan.set(title="Transport streamfunction (Sv), free slip", xlabel="x (km)", ylabel="y (km)")
        for name, colour in (("free", "tab:blue"), ("no", "tab:red")):
            run = outcome.series[name]
            section.plot(run["fine"] / 1e3, run["exact"] / 1e6, color=colour, lw=1.0)
            section.plot(run["x"] / 1e3, run["middle"] / 1e6, "o", ms=2.5, color=colour, label=f"{name} slip")
        section.set(title="Middle latitude: model (dots), theory (lines)", xlabel="x (km)", ylabel="transport (Sv)")
        section.legend()
        return style.save(figure, path)


def eady(outcome: Outcome, path: Path) -> Path:
    """Growth of the cross-channel velocity, and the wave at the surface."""
    s = outcome.series
    with style.look():
        figure, [(growth, wave)] = style.new_figure(9.0, 3.4, 1, 2)
        growth.semilogy(s["day"], s["rms"], **MODEL, label="model")
        growth.semilogy(s["day"][s["linear"]], s["theory"], **THEORY, label="0.3098 f/N dU/dz")
        growth.axvspan(*s["day"][s["linear"]][[0, -1]], color="0.92", zorder=0)
        growth.set(title="Velocity across the channel", xlabel="day", ylabel="rms of v (m s$^{-1}$)")
        growth.legend()
        x = np.arange(s["v"].shape[2]) * s["spacing"] / 1e3
        depth = (np.arange(s["v"].shape[0]) + 0.5) * s["thickness"]
        section = s["v"][:, s["v"].shape[1] // 2]
        boundaries = style.levels(section, symmetric=True, percentile=0.0)
        filled = wave.contourf(x, depth, section, boundaries, cmap=style.COLOURS["difference"])
        style.colour_bar(filled, wave, "v (m s$^{-1}$)", ticks=boundaries[::4])
        wave.invert_yaxis()
        wave.set(title="v in the middle of the channel, end of the fit", xlabel="x (km)", ylabel="depth (m)")
        return style.save(figure, path)


def lock_exchange(outcome: Outcome, path: Path) -> Path:
    """Temperature at the end by scheme, front position and reference potential energy in time."""
    s, runs = outcome.series, outcome.series["runs"]
    schemes = list(dict.fromkeys(scheme for scheme, _ in runs))
    viscosities = list(dict.fromkeys(viscosity for _, viscosity in runs))
    with style.look():
        figure, axes = style.new_figure(9.5, 1.35 * len(schemes) + 3.0, len(schemes) + 1, 2,
                                        gridspec_kw={"height_ratios": [1.0] * len(schemes) + [2.4]})  # fmt: skip
        boundaries = np.arange(5.0, 30.1, 1.0)
        for row, scheme in zip(axes, schemes, strict=False):
            for axis, viscosity in zip(row, viscosities, strict=False):
                temperature = runs[scheme, viscosity]["temperature"]
                depth = np.arange(temperature.shape[0]) + 0.5
                filled = axis.contourf(s["x"] / 1e3, depth, temperature, boundaries,
                                       cmap=style.COLOURS["temperature"], extend="both")  # fmt: skip
                axis.set_title(f"{scheme}, viscosity {viscosity:g} m$^2$ s$^{{-1}}$")
                axis.set(ylim=(20, 0), ylabel="m", xlabel="km" if scheme == schemes[-1] else "")
        style.colour_bar(filled, axes[: len(schemes)].ravel(), "temperature (°C)", ticks=np.arange(5, 31, 5))
        front, energy = axes[-1]
        line = 32.0 + s["speed"] * s["hour"] * 3.6
        front.plot(s["hour"], line, **THEORY, label="theory")
        for (scheme, viscosity), run in runs.items():
            look = dict(color=COLOURS[schemes.index(scheme)], ls="-" if viscosity == viscosities[0] else ":", lw=1.2)
            label = scheme if viscosity == viscosities[0] else None
            front.plot(s["hour"], run["front"] / 1e3 - line, **look)
            energy.plot(s["hour"], run["change"] * 1e5, **look, label=label)
        front.lines[0].set_ydata(np.zeros_like(line))
        front.set(title="Front ahead of theory", xlabel="hour", ylabel="km", ylim=(-4, 4))
        energy.set(title="Relative change of the RPE", xlabel="hour", ylabel="10$^{-5}$")
        energy.legend(title="dotted: small viscosity", fontsize=7, title_fontsize=7)
        return style.save(figure, path)


def waves(internal: Outcome, kelvin: tuple[Outcome, Outcome], path: Path) -> Path:
    """Amplitude of the standing internal wave; phase and decay of the two Kelvin waves."""
    with style.look():
        figure, [(standing, phase, decay)] = style.new_figure(10.5, 3.0, 1, 3)
        s = internal.series
        standing.plot(s["time"] / 3600, s["exact"], **THEORY, label="theory")
        standing.plot(s["time"] / 3600, s["amplitude"], ".", ms=3, color="tab:blue", label="model")
        standing.set(title="Standing internal wave", xlabel="hour", ylabel="amplitude / initial", ylim=(-1.1, 1.4))
        standing.legend(loc="upper center", ncols=2)
        for outcome, colour, name in zip(kelvin, ("tab:blue", "tab:red"), ("barotropic", "internal"), strict=True):
            speed, wave, radius = outcome.series["theory"]
            s = outcome.series
            cycles = s["time"] * wave * speed / (2 * np.pi)
            stride = max(1, len(cycles) // 40)
            phase.plot(cycles, cycles, **THEORY)
            phase.plot(cycles[::stride], (-(s["phase"] - s["phase"][0]) / (2 * np.pi))[::stride], ".", ms=3,
                       color=colour, label=name)  # fmt: skip
            decay.semilogy(s["y"] / radius, np.exp(-s["y"] / radius), **THEORY)
            decay.semilogy(s["y"] / radius, s["size"] / s["size"][0] * np.exp(-s["y"][0] / radius), ".", ms=4,
                           color=colour)  # fmt: skip
        phase.set(title="Kelvin waves: phase", xlabel="periods of theory", ylabel="periods travelled")
        phase.legend()
        decay.set(title="Kelvin waves: decay", xlabel="distance from the wall / radius", ylabel="amplitude")
        return style.save(figure, path)


def adjustment(outcome: Outcome, path: Path) -> Path:
    """Sea surface and jet after adjustment."""
    s = outcome.series
    y = s["y"] / s["radius"]
    near = np.abs(y) < 6
    with style.look():
        figure, axes = style.new_figure(9.0, 3.0, 1, 2)
        panels = (("height", 100.0, "Sea surface", "cm"), ("jet", 100.0, "Velocity along the step", "cm s$^{-1}$"))
        for axis, (name, factor, title, unit) in zip(axes[0], panels, strict=True):
            axis.plot(y[near], factor * s[f"exact_{name}"][near], **THEORY, label="theory")
            axis.plot(y[near], factor * s[name][near], ".", ms=3, color="tab:blue", label="model")
            axis.set(title=title, xlabel="distance from the step / Rossby radius", ylabel=unit)
        axes[0, 0].plot(y[near], factor * np.sign(y[near]) * s["step"], color="0.6", lw=0.8, label="start")
        axes[0, 0].legend()
        return style.save(figure, path)
