"""Growth of the fastest wave of Eady's (1949) problem in a periodic channel between two walls."""

from __future__ import annotations

import numpy as np

from eval.validation.experiment import Measurement, Outcome, linear_density, run

GRAVITY = 9.81
EXPANSION = 2.0e-4
CORIOLIS = 1.0e-4
DEPTH = 1000.0
FREQUENCY = np.sqrt(1.0e-5)  # buoyancy frequency, s-1
RADIUS = FREQUENCY * DEPTH / CORIOLIS
WAVE = 1.6061 / RADIUS  # of the fastest growth without walls


def growth_rate(wave_x: float, wave_y: float, shear: float) -> float:
    """Quasi-geostrophic growth rate in s-1 of the wave (m-1, m-1) in the vertical shear (s-1)."""
    total = RADIUS * np.hypot(wave_x, wave_y)
    half = 0.5 * total
    squared = (1.0 / np.tanh(half) - half) * (half - np.tanh(half))
    return wave_x * shear * DEPTH / total * np.sqrt(max(squared, 0.0))


def eady_config(nx: int, ny: int, levels: int, width: float, richardson: float) -> dict:
    """One wavelength of the fastest wave in a channel of `width` (m), in the thermal wind of Ri = (N / dU/dz)^2."""
    shear = FREQUENCY / np.sqrt(richardson)
    step = 1800
    return {
        "name": "eady",
        "precision": "float64",
        "grid": {
            "geometry": "plane",
            "nx": nx,
            "ny": ny,
            "x": [0.0, 2.0 * np.pi / WAVE],
            "y": [0.0, width],
            "periodic_x": True,
            "f0": CORIOLIS,
            "levels": {"number": levels, "depth": DEPTH},
        },
        "bathymetry": {"kind": "flat", "depth": DEPTH},
        "initial": {
            "kind": "channel",
            "surface_temperature": 20.0,
            "temperature_gradient": FREQUENCY**2 / (GRAVITY * EXPANSION),
            "front_difference": shear * CORIOLIS * width / (GRAVITY * EXPANSION),
            "perturbation": 1.0e-3,
            "wave_numbers": [1],
        },
        "dynamics": {
            "momentum_advection": "weno5",
            "tracer_advection": "upwind5_limited",
            "slip": "free",
            "gravity": GRAVITY,
            "equation_of_state": linear_density(EXPANSION, 15.0),
        },
        "closures": {"friction": {"kind": "biharmonic_viscosity", "viscosity": 1.0e9}},
        "time": {"step": f"PT{step // 60}M", "duration": f"PT{step // 60}M"},
        "output": {"interval": f"PT{step // 60}M", "restart_interval": f"PT{step // 60}M"},
    }


def eady_growth(
    nx: int = 20,
    ny: int = 60,
    levels: int = 16,
    radii: float = 12.0,
    richardson: float = 100.0,
    days: float = 26.0,
    fit: tuple[float, float] = (14.0, 24.0),
) -> Outcome:
    """Growth of the cross-channel velocity (rms) between the days `fit`, when the wave is clean and still small.

    Against 0.3098 f/N dU/dz, the largest growth in a channel of infinite width; the channel of `radii` deformation
    radii has a slightly smaller one, which is given too.
    """
    width = radii * RADIUS
    shear = FREQUENCY / np.sqrt(richardson)
    tree = eady_config(nx, ny, levels, width, richardson)
    history = run(tree, int(days * 48), 12)
    rms = np.sqrt(np.mean(np.asarray(history.ocean.v) ** 2, axis=(1, 2, 3)))
    day = history.time / 86400.0
    linear = (day >= fit[0]) & (day <= fit[1])
    rate, offset = np.polyfit(history.time[linear], np.log(rms[linear]), 1)
    since = history.time[linear]
    theory = 0.3098 * CORIOLIS / FREQUENCY * shear
    in_channel = growth_rate(WAVE, np.pi / width, shear)
    variant = f"{nx} x {ny} x {levels} cells"
    per_day = 86400.0
    return Outcome(
        (
            Measurement(variant, "growth rate", "d-1", rate * per_day, theory * per_day, 0.10),
            Measurement(variant, "growth rate, theory of this channel", "d-1", rate * per_day, in_channel * per_day),
            Measurement(variant, "velocity across the channel at the end of the fit", "m s-1", rms[linear][-1]),
        ),
        {"day": day, "rms": rms, "fit": np.exp(offset + rate * history.time), "linear": linear,
         "theory": np.exp(offset + rate * since[0] + theory * (since - since[0])),
         "v": np.asarray(history.ocean.v)[linear][-1], "spacing": np.array(2.0 * np.pi / WAVE / nx),
         "thickness": np.array(DEPTH / levels)},
        history.seconds,
    )  # fmt: skip
