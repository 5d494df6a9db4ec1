"""Internal, Kelvin and internal Kelvin waves of small amplitude in a channel that is periodic along x."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from eval.validation.experiment import History, Measurement, Outcome, linear_density, run

GRAVITY = 9.81
EXPANSION = 2.0e-4
CORIOLIS = 1.0e-4


def _channel(name: str, nx: int, ny: int, x: float, y: float, levels: int, depth: float, step: int, **keys) -> dict:
    return {
        "name": name,
        "precision": "float64",
        "grid": {
            "geometry": "plane",
            "nx": nx,
            "ny": ny,
            "x": [0.0, x],
            "y": [0.0, y],
            "periodic_x": True,
            "f0": keys.get("f0", 0.0),
            "levels": {"number": levels, "depth": depth},
        },
        "bathymetry": {"kind": "flat", "depth": depth},
        "initial": keys.get("initial", {"kind": "uniform"}),
        "dynamics": {"slip": "free", "equation_of_state": linear_density(EXPANSION), "gravity": GRAVITY},
        "time": {"step": f"PT{step}S", "duration": f"PT{step}S"},
        "output": {"interval": f"PT{step}S", "restart_interval": f"PT{step}S"},
    }


def _stratified(buoyancy_frequency: float) -> dict:
    gradient = buoyancy_frequency**2 / (GRAVITY * EXPANSION)
    return {"kind": "linear", "surface_temperature": 20.0, "temperature_gradient": gradient}


def standing_frequency(time: np.ndarray, amplitude: np.ndarray, guess: float) -> float:
    """Angular frequency (s-1) of a standing wave by least squares of a cos(w t) + b sin(w t)."""

    def misfit(scale):
        basis = np.stack([np.cos(scale * guess * time), np.sin(scale * guess * time)], 1)
        return amplitude - basis @ np.linalg.lstsq(basis, amplitude, rcond=None)[0]

    coarse = np.linspace(0.7, 1.3, 121)
    start = coarse[np.argmin([np.sum(misfit(s) ** 2) for s in coarse])]
    return guess * float(optimize.least_squares(lambda s: misfit(s[0]), [start]).x[0])


def travelling_frequency(time: np.ndarray, amplitude: np.ndarray) -> float:
    """Angular frequency (s-1) of a wave by the slope of its phase; `amplitude` are complex, projected on exp(-ikx)."""
    return -float(np.polyfit(time, np.unwrap(np.angle(amplitude)), 1)[0])


def _project_x(values: np.ndarray, x: np.ndarray, wave: float) -> np.ndarray:
    """Complex amplitude of exp(ikx) along the last axis."""
    return 2.0 * (values * np.exp(-1j * wave * x)).mean(-1)


def internal_wave(nx: int = 32, levels: int = 20, periods: float = 2.0) -> Outcome:
    """Standing mode-1 wave without rotation: speed N H / pi in hydrostatic water."""
    length, depth, frequency = 100.0e3, 1000.0, np.sqrt(1.0e-5)
    theory = frequency * depth / np.pi
    wave = 2.0 * np.pi / length
    step = int(min(1200.0, 0.5 * length / nx / theory) // 60 * 60)
    tree = _channel("internal_wave", nx, 1, length, 10e3, levels, depth, step, initial=_stratified(frequency))

    def fields(model):
        shape, x = _mode(model)[1] * np.ones(model.grid.shape), model.grid.geometry.x["T"]
        start = model.blueprint.initial["temperature"]
        return {"temperature": start + 1e-2 * shape * np.cos(wave * x)}

    per_period = int(np.ceil(length / theory / step))
    history = run(tree, int(periods * per_period) // 4 * 4, 4, fields)
    amplitude = _internal_amplitude(history, wave)[:, 0].real
    speed = standing_frequency(history.time, amplitude, wave * theory) / wave
    rest = amplitude / amplitude[0]
    variant = f"{nx} x {levels} cells"
    return Outcome(
        (Measurement(variant, "internal wave speed", "m s-1", speed, theory, 0.02),),
        {"time": history.time, "amplitude": rest, "exact": np.cos(wave * theory * history.time)},
        history.seconds,
    )


def _mode(model) -> tuple[np.ndarray, np.ndarray]:
    """(cos, sin)(pi depth / H) at the centres of the levels: shapes of velocity and temperature of mode 1."""
    angle = np.pi * model.grid.centre_depth / model.grid.depth
    return np.cos(angle), np.sin(angle)


def _internal_amplitude(history: History, wave: float) -> np.ndarray:
    """(records, ny) complex amplitude of the temperature of mode 1."""
    grid, shape = history.model.grid, _mode(history.model)[1]
    anomaly = np.asarray(history.ocean.temperature) - history.model.blueprint.initial["temperature"]
    mode = 2.0 * (anomaly * shape).mean(1)
    return _project_x(mode, grid.geometry.x["T"], wave)


def kelvin_wave(nx: int = 40, ny: int = 24, periods: float = 2.0) -> Outcome:
    """Barotropic Kelvin wave along the southern wall of an f-plane channel: speed sqrt(g H), decay c / f.

    It is an exact solution of the linear equations in a channel of any width, for its cross-shore velocity vanishes.
    """
    depth, length = 200.0, 3.0e6
    theory = np.sqrt(GRAVITY * depth)
    radius, wave = theory / CORIOLIS, 2.0 * np.pi / length
    step = 1800
    tree = _channel("kelvin_wave", nx, ny, length, 4.0 * radius, 1, depth, step, f0=CORIOLIS)

    def fields(model):
        x, y = model.grid.geometry.x, model.grid.geometry.y
        height = lambda place: 0.01 * np.exp(-y[place] / radius) * np.cos(wave * x[place])  # noqa: E731
        return {"sea_surface_height": height("T"), "u": (GRAVITY / theory * height("U"))[None]}

    steps = int(periods * length / theory / step)
    history = run(tree, steps, 1, fields)
    grid = history.model.grid
    amplitude = _project_x(np.asarray(history.ocean.sea_surface_height), grid.geometry.x["T"], wave)
    return _kelvin_outcome("barotropic", history, amplitude, wave, theory)


def internal_kelvin_wave(nx: int = 32, ny: int = 24, levels: int = 16, periods: float = 1.5) -> Outcome:
    """Kelvin wave of the first internal mode: speed N H / pi, decay N H / (pi f)."""
    depth, length, frequency = 1000.0, 200.0e3, np.sqrt(1.0e-5)
    theory = frequency * depth / np.pi
    radius, wave = theory / CORIOLIS, 2.0 * np.pi / length
    step = 1200
    tree = _channel(
        "internal_kelvin_wave", nx, ny, length, 5.0 * radius, levels, depth, step, f0=CORIOLIS,
        initial=_stratified(frequency),
    )  # fmt: skip

    def fields(model):
        x, y, (velocity, temperature) = model.grid.geometry.x, model.grid.geometry.y, _mode(model)
        shape = lambda place: 0.01 * np.exp(-y[place] / radius) * np.cos(wave * x[place])  # noqa: E731
        # hydrostatic: g alpha T' = -d(c u)/dz, u = p / c
        factor = np.pi * theory / (depth * GRAVITY * EXPANSION)
        return {
            "u": velocity * shape("U"),
            "temperature": model.blueprint.initial["temperature"] + factor * temperature * shape("T"),
        }

    steps = int(periods * length / theory / step) // 4 * 4
    history = run(tree, steps, 4, fields)
    return _kelvin_outcome("first internal mode", history, _internal_amplitude(history, wave), wave, theory)


def _kelvin_outcome(variant: str, history: History, amplitude: np.ndarray, wave: float, theory: float) -> Outcome:
    """Speed at the wall and decay away from it (over two radii, mean over the run) of (records, ny) amplitudes."""
    y = history.model.grid.geometry.y["T"][:, 0]
    radius = theory / CORIOLIS
    near = y < 2.0 * radius
    size = np.abs(amplitude)
    decay = -1.0 / np.polyfit(y[near], np.log(size.mean(0)[near]), 1)[0]
    speed = travelling_frequency(history.time, amplitude[:, 0]) / wave
    return Outcome(
        (
            Measurement(variant, "Kelvin wave speed", "m s-1", speed, theory, 0.02),
            Measurement(variant, "Kelvin wave decay scale", "km", decay / 1e3, radius / 1e3, 0.02),
            Measurement(variant, "amplitude left at the wall", "1", size[-1, 0] / size[0, 0]),
        ),
        {"time": history.time, "phase": np.unwrap(np.angle(amplitude[:, 0])), "y": y, "size": size.mean(0),
         "theory": np.array([theory, wave, radius])},
        history.seconds,
    )  # fmt: skip
