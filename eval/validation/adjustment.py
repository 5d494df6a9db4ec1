"""Rossby's (1938) geostrophic adjustment of a step in the sea surface on an f-plane (Gill 1982, section 7.2)."""

from __future__ import annotations

import numpy as np

from eval.validation.experiment import Measurement, Outcome, run

GRAVITY = 9.81
CORIOLIS = 1.0e-4
DEPTH = 500.0
HEIGHT = 0.1  # half of the step, m


def geostrophic_adjustment(cells_per_radius: int = 10) -> Outcome:
    """The step lies across the middle of a closed channel, so wide that the waves which it sends out return late.

    Known state after they have gone, with the distance r from the step and the radius a = sqrt(g H) / f:
    height -+ h0 (1 - exp(-|r| / a)), a jet g h0 / (f a) exp(-|r| / a) along the step, and a third of the potential
    energy set free in it.  The inertial oscillations that linger at the step are removed by a smooth mean over time.
    """
    speed = np.sqrt(GRAVITY * DEPTH)
    radius = speed / CORIOLIS
    reach = 20  # radii from the step to either wall
    spacing, step = radius / cells_per_radius, 1200
    ny = 2 * reach * cells_per_radius
    tree = {
        "name": "geostrophic_adjustment",
        "precision": "float64",
        "grid": {
            "geometry": "plane",
            "nx": 4,
            "ny": ny,
            "x": [0.0, 40.0 * spacing],
            "y": [-reach * radius, reach * radius],
            "periodic_x": True,
            "f0": CORIOLIS,
            "levels": {"number": 1, "depth": DEPTH},
        },
        "bathymetry": {"kind": "flat", "depth": DEPTH},
        "initial": {"kind": "uniform"},
        "dynamics": {"equation_of_state": {"kind": "linear"}, "gravity": GRAVITY},
        "time": {"step": f"PT{step}S", "duration": f"PT{step}S"},
        "output": {"interval": f"PT{step}S", "restart_interval": f"PT{step}S"},
    }

    def fields(model):
        y = model.grid.geometry.y["T"]
        return {"sea_surface_height": np.where(y > 0, HEIGHT, -HEIGHT)}

    # the first waves are back at the step after 2 * reach / f
    history = run(tree, int(2 * reach / CORIOLIS / step), 1, fields)
    window = np.hanning(len(history.time) + 1)[:-1] * (history.time > 0)
    mean = lambda a: np.tensordot(window / window.sum(), np.asarray(a), 1)  # noqa: E731
    y = history.model.grid.geometry.y["T"][:, 0]
    height, jet = mean(history.ocean.sea_surface_height)[:, 0], mean(history.ocean.u)[0, :, 0]
    exact_height = HEIGHT * np.sign(y) * (1.0 - np.exp(-np.abs(y) / radius))
    exact_jet = -GRAVITY * HEIGHT / (CORIOLIS * radius) * np.exp(-np.abs(y) / radius)
    near = np.abs(y) < 4.0 * radius
    decay = -1.0 / np.polyfit(np.abs(y[near]), np.log(np.abs(jet[near])), 1)[0]
    released = 0.5 * GRAVITY * np.sum((HEIGHT**2 - height**2)[near])
    kept = 0.5 * DEPTH * np.sum(jet[near] ** 2) / released
    # both sums end at four radii
    e4, e8 = np.exp(-4.0), np.exp(-8.0)
    kept_exact = 0.5 * (1 - e8) / (2 * (1 - e4) - 0.5 * (1 - e8))
    rms = lambda a, b: np.sqrt(np.sum((a - b)[near] ** 2) / np.sum(b[near] ** 2))  # noqa: E731
    variant = f"{cells_per_radius} cells in the radius"
    middle = np.interp(0.5 * spacing, y, jet)
    return Outcome(
        (
            Measurement(variant, "radius of the jet", "km", decay / 1e3, radius / 1e3, 0.02),
            Measurement(variant, "speed of the jet half a cell from its axis", "m s-1", middle,
                        float(exact_jet[np.argmin(np.abs(y - 0.5 * spacing))]), 0.03),
            Measurement(variant, "kinetic energy as a share of the potential energy set free", "1", kept, kept_exact,
                        0.03),
            Measurement(variant, "relative L2 difference of the jet", "1", rms(jet, exact_jet)),
            Measurement(variant, "relative L2 difference of the sea surface", "1", rms(height, exact_height)),
        ),
        {"y": y, "height": height, "jet": jet, "exact_height": exact_height, "exact_jet": exact_jet,
         "radius": np.array(radius), "step": np.array(HEIGHT)},
        history.seconds,
    )  # fmt: skip
