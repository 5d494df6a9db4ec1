"""Steady zonal flow in geostrophic balance on the sphere: test case 2 of Williamson et al. (1992), between walls.

One layer of water, u = u0 cos(latitude), with the sea surface that the nonlinear shallow-water equations ask for.  The
walls stand at 72 degrees, where the flow is along them.  Whatever changes within five days is an error.
"""

from __future__ import annotations

import numpy as np

from eval.validation.experiment import run
from eval.verification.finding import Finding, orders

RADIUS, ROTATION, GRAVITY = 6.37122e6, 7.292e-5, 9.80616
SPEED = 2 * np.pi * RADIUS / (12 * 86400.0)
DEPTH = 2.94e4 / GRAVITY  # at the equator
WALL = 72.0


def balanced_height(latitude: np.ndarray) -> np.ndarray:
    """Height of the surface above that at the equator, m; latitude in rad."""
    return -(RADIUS * ROTATION * SPEED + 0.5 * SPEED**2) * np.sin(latitude) ** 2 / GRAVITY


def errors(ny: int, days: float = 5.0, vorticity_flux: str = "energy") -> tuple[float, float, float]:
    """Relative L2 errors of (thickness, u) and the largest |v| in m s-1 after `days`, on ny rows."""
    spacing = 2 * WALL / ny
    nx = 8  # nothing varies along x
    step = round(1800 * spacing / 6.0)
    mean = DEPTH + np.mean(balanced_height(np.radians(np.linspace(-WALL, WALL, 1001))))
    tree = {
        "name": "williamson_2",
        "precision": "float64",
        "grid": {
            "geometry": "sphere",
            "nx": nx,
            "ny": ny,
            "x": [0.0, nx * spacing],
            "y": [-WALL, WALL],
            "periodic_x": True,
            "radius": RADIUS,
            "rotation_rate": ROTATION,
            "levels": {"number": 1, "depth": float(mean)},
        },
        "bathymetry": {"kind": "flat", "depth": float(mean)},
        "initial": {"kind": "uniform"},
        "dynamics": {
            "momentum_advection": vorticity_flux,
            "equation_of_state": {"kind": "linear"},
            "gravity": GRAVITY,
        },
        "time": {"step": f"PT{step}S", "duration": f"PT{step}S"},
        "output": {"interval": f"PT{step}S", "restart_interval": f"PT{step}S"},
    }

    def fields(model):
        g = model.grid.geometry
        u = SPEED * np.cos(np.radians(g.y["U"]))
        return {"u": u[None], "sea_surface_height": DEPTH - mean + balanced_height(np.radians(g.y["T"]))}

    steps = round(days * 86400 / step)
    history = run(tree, steps, steps, fields)
    area, ocean = history.model.grid.geometry.area["T"], history.ocean
    l2 = lambda a, b: float(np.sqrt(np.sum(area * (a - b) ** 2) / np.sum(area * b**2)))  # noqa: E731
    thickness = mean + ocean.sea_surface_height
    return l2(thickness[-1], thickness[0]), l2(ocean.u[-1, 0], ocean.u[0, 0]), float(np.abs(ocean.v[-1]).max())


def zonal_flow(rows=(24, 48, 96), vorticity_flux: str = "energy") -> list[Finding]:
    """Errors and orders after five days."""
    results = [errors(ny, vorticity_flux=vorticity_flux) for ny in rows]
    findings = []
    for index, name in ((0, "thickness"), (1, "velocity")):
        values = [r[index] for r in results]
        findings += [
            Finding(vorticity_flux, f"L2 error of {name} at {2 * WALL / ny:g} degrees", "1", value)
            for ny, value in zip(rows, values, strict=True)
        ]
        findings += [
            Finding(vorticity_flux, f"order of {name} to {2 * WALL / ny:g} degrees", "1", order, at_least=1.8)
            for ny, order in zip(rows[1:], orders(values), strict=True)
        ]
    return findings
