"""Lock exchange: speed of the front and mixing by the advection of tracers (Ilicak et al. 2012)."""

from __future__ import annotations

import numpy as np

from eval.validation.experiment import History, Measurement, Outcome, run

SCHEMES = ("centred2", "upwind3", "upwind3_limited", "upwind5_limited")
DEPTH = 20.0
LENGTH = 64.0e3
DIFFERENCE = 5.0  # kg m-3
DENSITY = 1000.0
GRAVITY = 9.81
FRONT_SPEED = 0.5 * np.sqrt(GRAVITY * DIFFERENCE / DENSITY * DEPTH)


def lock_config(scheme: str, viscosity: float, cells: int) -> dict:
    """The set-up of configs/lock_exchange.yaml in float64."""
    return {
        "name": "lock_exchange",
        "precision": "float64",
        "grid": {
            "geometry": "plane",
            "nx": cells,
            "ny": 1,
            "x": [0.0, LENGTH],
            "y": [0.0, 500.0],
            "levels": {"number": 20, "depth": DEPTH},
        },
        "bathymetry": {"kind": "flat", "depth": DEPTH},
        "initial": {"kind": "lock_exchange", "west_temperature": 5.0, "east_temperature": 30.0, "salinity": 35.0},
        "dynamics": {
            "momentum_advection": "energy",
            "tracer_advection": scheme,
            "slip": "free",
            "gravity": GRAVITY,
            "equation_of_state": {"kind": "linear", "thermal_expansion": 2.0e-4, "reference_temperature": 5.0},
            "reference_density": DENSITY,
        },
        "closures": {
            "friction": {"kind": "harmonic_viscosity", "viscosity": viscosity},
            "background": {"kind": "background_mixing", "viscosity": 1.0e-4, "diffusivity": None},
        },
        "time": {"step": "PT30S", "duration": "PT17H"},
        "output": {"interval": "PT30M", "restart_interval": "PT17H"},
    }


def density(temperature: np.ndarray) -> np.ndarray:
    """kg m-3, full."""
    return DENSITY * (1.0 - 2.0e-4 * (temperature - 5.0))


def cell_volumes(history: History) -> np.ndarray:
    """(records, nz, ny, nx) m3, moving with the sea surface."""
    grid = history.model.grid
    stretching = 1.0 + np.asarray(history.ocean.sea_surface_height) / DEPTH
    return grid.thickness * grid.geometry.area["T"] * stretching[:, None]


def reference_potential_energy(density: np.ndarray, volume: np.ndarray, area: float, gravity: float) -> float:
    """Potential energy (J, above a flat floor) after the water has sorted itself adiabatically (Winters et al. 1995).

    density (kg m-3) and volume (m3) of the cells, in any shape; the basin has vertical walls and `area` in m2.
    """
    order = np.argsort(-density.ravel(), kind="stable")
    rho, layers = density.ravel()[order], volume.ravel()[order] / area
    middle = np.cumsum(layers) - 0.5 * layers
    return float(gravity * area * np.sum(rho * middle * layers))


def front_position(temperature: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(records,) easternmost place (m) where the lowest level has the mean temperature; (records, nz, ny, nx)."""
    bottom, middle = temperature[:, -1, 0], 17.5
    cold = bottom < middle
    last = cold.shape[1] - 1 - np.argmax(cold[:, ::-1], axis=1)
    row, following = np.arange(len(bottom)), np.minimum(last + 1, cold.shape[1] - 1)
    here, there = bottom[row, last], bottom[row, following]
    return x[last] + (x[following] - x[last]) * (middle - here) / np.where(there > here, there - here, 1.0)


def lock_exchange(
    schemes: tuple[str, ...] = SCHEMES, viscosities: tuple[float, ...] = (100.0, 1.0), hours: int = 17, cells: int = 128
) -> Outcome:
    """Each advection scheme with each horizontal viscosity (m2 s-1): front speed and reference potential energy.

    The front theory is sqrt(g' H) / 2 (Benjamin 1968), measured between hour 3 and hour 15.  The change of the
    reference potential energy is given relative to its start as in Ilicak et al., and as a share of what mixing the
    basin completely would change.
    """
    measurements, series, seconds = [], {"runs": {}}, 0.0
    for viscosity in viscosities:
        for scheme in schemes:
            history = run(lock_config(scheme, viscosity, cells), hours * 120, 60)
            variant = f"{scheme}, viscosity {viscosity:g}"
            found, series["runs"][scheme, viscosity] = _measure(variant, history)
            measurements += found
            seconds += history.seconds
    series |= {"x": history.model.grid.geometry.x["T"][0], "hour": history.time / 3600.0, "speed": FRONT_SPEED}
    return Outcome(tuple(measurements), series, seconds)


def _measure(variant: str, history: History) -> tuple[list[Measurement], dict[str, np.ndarray]]:
    grid, hour = history.model.grid, history.time / 3600.0
    temperature, volume = np.asarray(history.ocean.temperature), cell_volumes(history)
    front = front_position(temperature, grid.geometry.x["T"][0])
    steady = (hour >= 3) & (hour <= 15)
    speed = np.polyfit(history.time[steady], front[steady], 1)[0]
    area = float(grid.geometry.area["T"].sum())
    energy = np.array(
        [reference_potential_energy(density(t), v, area, GRAVITY) for t, v in zip(temperature, volume, strict=True)]
    )
    change = energy - energy[0]
    mixed = np.full_like(volume[0], np.sum(density(temperature[0]) * volume[0]) / volume[0].sum())
    complete = reference_potential_energy(mixed, volume[0], area, GRAVITY) - energy[0]
    beyond = max(temperature[-1].max() - 30.0, 5.0 - temperature[-1].min(), 0.0)
    measurements = [
        Measurement(variant, "front speed", "m s-1", speed, FRONT_SPEED, 0.05),
        Measurement(variant, f"relative RPE change after {hour[-1]:g} h", "1e-5", change[-1] / energy[0] * 1e5),
        Measurement(variant, "RPE change as a share of complete mixing", "%", 100 * change[-1] / complete),
        Measurement(variant, "temperature outside of the initial range", "K", beyond),
    ]
    return measurements, {"front": front, "change": change / energy[0], "temperature": temperature[-1, :, 0]}
