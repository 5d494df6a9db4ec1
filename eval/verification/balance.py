"""A stratified ocean at rest over topography: all motion is an error of the pressure gradient."""

from __future__ import annotations

import jax
import numpy as np

import ocean_gcm as og
from eval.verification.finding import Finding
from ocean_gcm.config import config_from_dict

CENTIMETRES = 100.0
SEAMOUNT = {
    "name": "rest_over_seamount",
    "precision": "float64",
    "grid": {
        "geometry": "plane",
        "nx": 40,
        "ny": 40,
        "x": [0, 320e3],
        "y": [0, 320e3],
        "periodic_x": True,
        "f0": 1e-4,
        "levels": {"number": 20, "depth": 4500, "surface_thickness": 50},
    },
    "bathymetry": {"kind": "seamount", "depth": 4500, "height": 4050, "width": 40e3},
    "initial": {"kind": "exponential", "surface_temperature": 20.0, "abyssal_temperature": 2.0, "scale": 600.0},
    "closures": {"lateral_viscosity": {"kind": "harmonic_viscosity", "viscosity": 50.0}},
    "time": {"step": "PT10M", "duration": "P10D"},
    "output": {"interval": "P1D"},
}
EARTH = {
    "name": "rest_over_earth",
    "precision": "float64",
    "grid": {
        "geometry": "sphere",
        "nx": 90,
        "ny": 40,
        "x": [0, 360],
        "y": [-80, 80],
        "periodic_x": True,
        "levels": {"thickness": [50, 70, 100, 140, 190, 240, 290, 340, 390, 440, 490, 540, 590, 640, 690]},
    },
    "bathymetry": {"kind": "earth"},
    "initial": {"kind": "exponential", "surface_temperature": 20.0, "abyssal_temperature": 2.0, "scale": 600.0},
    "closures": {
        "lateral_viscosity": {"kind": "harmonic_viscosity", "viscosity": 5e5, "scaling": "cos_latitude"},
    },
    "time": {"step": "PT6H", "duration": "P10D"},
    "output": {"interval": "P1D"},
}
CASES = {"seamount": SEAMOUNT, "earth": EARTH}


def speeds(case: str, partial_cells: bool, days: int = 10, **grid) -> np.ndarray:
    """(days,) largest speed on the grid at the end of each day, cm s-1; `grid` replaces keys of that section."""
    tree = CASES[case]
    tree = {**tree, "grid": {**tree["grid"], "partial_cells": partial_cells, **grid}}
    model = og.build_model(config_from_dict(tree))
    state = model.initial_state()
    per_day = round(86400 / model.time_step)
    _, trajectory = model.unroll(state, steps=days * per_day, save_every=per_day)
    ocean = jax.device_get(trajectory.states.ocean)
    return CENTIMETRES * np.maximum(np.abs(ocean.u).max((1, 2, 3)), np.abs(ocean.v).max((1, 2, 3)))


def rest(case: str) -> list[Finding]:
    """Ten days with whole and with partial cells."""
    whole, partial = speeds(case, False), speeds(case, True)
    variant = lambda kind: f"{case}, {kind} cells"  # noqa: E731
    return [
        Finding(variant("whole"), "largest speed in 10 days", "cm s-1", float(whole.max()), at_most=1e-10),
        Finding(variant("partial"), "largest speed after 1 day", "cm s-1", float(partial[0])),
        Finding(variant("partial"), "largest speed in 10 days", "cm s-1", float(partial.max())),
        Finding(variant("partial"), "largest speed after 10 days", "cm s-1", float(partial[-1]), at_most=1.0),
    ]
