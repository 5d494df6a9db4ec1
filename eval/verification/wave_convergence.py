"""Inertia-gravity waves of small amplitude on a doubly periodic f-plane: error against the linear solution."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from eval.validation.experiment import linear_density, run
from eval.verification.finding import Finding, orders

GRAVITY = 9.81
CORIOLIS = 1.0e-4
EXPANSION = 2.0e-4
DEPTH = 1000.0


def _tree(name, nx, length, levels, step, initial, advection="centred2"):
    width = 4 * length / nx
    return {
        "name": name,
        "precision": "float64",
        "grid": {
            "geometry": "plane",
            "nx": nx,
            "ny": 4,
            "x": [0.0, length],
            "y": [0.0, width],
            "periodic_x": True,
            "periodic_y": True,
            "f0": CORIOLIS,
            "levels": {"number": levels, "depth": DEPTH},
        },
        "bathymetry": {"kind": "flat", "depth": DEPTH},
        "initial": initial,
        "dynamics": {
            "tracer_advection": advection,
            "equation_of_state": linear_density(EXPANSION),
            "gravity": GRAVITY,
        },
        "time": {"step": f"PT{step}S", "duration": f"PT{step}S"},
        "output": {"interval": f"PT{step}S", "restart_interval": f"PT{step}S"},
    }


def _l2(pairs):
    """Relative L2 error over several fields, each with its weight: (weight, found, expected)."""
    return float(
        np.sqrt(sum(w * np.sum((a - b) ** 2) for w, a, b in pairs) / sum(w * np.sum(b**2) for w, _, b in pairs))
    )


def barotropic_error(nx: int, steps_per_period: int, periods: int = 2) -> float:
    """A travelling wave of the sea surface, 1000 km long, after whole periods; velocities and surface by energy."""
    length = 1.0e6
    wave = 2 * np.pi / length
    frequency = np.sqrt(CORIOLIS**2 + GRAVITY * DEPTH * wave**2)
    step = 2 * np.pi / frequency / steps_per_period
    amplitude = 1e-3

    def solution(time, x_t, x_u):
        """eta, u, v with du/dt = f v - g deta/dx, dv/dt = -f u, deta/dt = -H du/dx."""
        u_size = amplitude * frequency / (DEPTH * wave)
        phase_t, phase_u = wave * x_t - frequency * time, wave * x_u - frequency * time
        return (
            amplitude * np.cos(phase_t),
            u_size * np.cos(phase_u),
            u_size * CORIOLIS / frequency * np.sin(phase_t),
        )

    def fields(model):
        g = model.grid.geometry
        eta, u, v = solution(0.0, g.x["T"], g.x["U"])
        return {"sea_surface_height": eta, "u": u[None], "v": v[None]}

    rounded = round(step)
    history = run(_tree("barotropic_wave", nx, length, 1, rounded, {"kind": "uniform"}),
                  steps_per_period * periods, steps_per_period * periods, fields)  # fmt: skip
    g = history.model.grid.geometry
    eta, u, v = solution(history.time[-1], g.x["T"], g.x["U"])
    ocean = history.ocean
    return _l2([
        (GRAVITY, ocean.sea_surface_height[-1], eta), (DEPTH, ocean.u[-1, 0], u), (DEPTH, ocean.v[-1, 0], v)
    ])  # fmt: skip


def internal_error(nx: int, levels: int, steps_per_period: int, advection: str, periods: int = 2) -> float:
    """The first baroclinic mode, 100 km long, N^2 = 1e-5 s-2, with its free surface; temperature and velocities."""
    length, n2 = 1.0e5, 1.0e-5
    wave = 2 * np.pi / length
    # w = sin(m (z + H)): rigid floor, free surface (Gill 1982, section 6.11)
    m = optimize.brentq(lambda m: np.sin(m * DEPTH) - n2 / (GRAVITY * m) * np.cos(m * DEPTH),
                        0.9 * np.pi / DEPTH, 1.2 * np.pi / DEPTH)  # fmt: skip
    speed = np.sqrt(n2) / m
    frequency = np.sqrt(CORIOLIS**2 + (speed * wave) ** 2)
    step = round(2 * np.pi / frequency / steps_per_period)
    gradient = n2 / (GRAVITY * EXPANSION)
    amplitude = 1e-5  # m s-1: of linear theory

    def solution(time, x_t, x_u, z):
        """u = A cos(m (z + H)) cos(kx - wt) and what belongs to it; temperature at fixed z* (moving with eta)."""
        phase_t, phase_u = wave * x_t - frequency * time, wave * x_u - frequency * time
        shape, height = np.cos(m * (z + DEPTH)), np.sin(m * (z + DEPTH)) / m
        displacement = amplitude * wave / frequency  # of a surface where w = k A height sin(..)
        eta = displacement * np.sin(m * DEPTH) / m * np.cos(phase_t)
        lifted = displacement * height * np.cos(phase_t) - (1 + z / DEPTH) * eta
        u = amplitude * shape * np.cos(phase_u)
        v = amplitude * CORIOLIS / frequency * shape * np.sin(phase_t)
        return u, v, -gradient * lifted, eta

    def fields(model):
        g = model.grid.geometry
        u, v, anomaly, eta = solution(0.0, g.x["T"], g.x["U"], -model.grid.centre_depth)
        return {"u": u, "v": v, "temperature": model.blueprint.initial["temperature"] + anomaly,
                "sea_surface_height": eta}  # fmt: skip

    initial = {"kind": "linear", "surface_temperature": 20.0, "temperature_gradient": gradient}
    steps = steps_per_period * periods
    tree = _tree("internal_wave", nx, length, levels, step, initial, advection)
    history = run(tree, steps, steps, fields)
    g, grid = history.model.grid.geometry, history.model.grid
    u, v, anomaly, _ = solution(history.time[-1], g.x["T"], g.x["U"], -grid.centre_depth)
    found = history.ocean.temperature[-1] - history.model.blueprint.initial["temperature"]
    buoyancy = (GRAVITY * EXPANSION) ** 2 / n2  # available potential energy of a temperature anomaly
    return _l2([(1.0, history.ocean.u[-1], u), (1.0, history.ocean.v[-1], v), (buoyancy, found, anomaly)])


def _findings(name, variants, errors, least):
    found = [Finding(name, f"L2 error, {v}", "1", e, at_most=0.1 if k == 0 else None)
             for k, (v, e) in enumerate(zip(variants, errors, strict=True))]  # fmt: skip
    return found + [
        Finding(name, f"order, {v}", "1", order, at_least=least)
        for v, order in zip(variants[1:], orders(errors), strict=True)
    ]


def barotropic_wave(sizes=(16, 32, 64)) -> list[Finding]:
    """Time step and grid spacing are halved together; 40 steps to a period at the coarsest."""
    errors = [barotropic_error(nx, 5 * nx // 2) for nx in sizes]
    return _findings("barotropic", [f"{nx} cells" for nx in sizes], errors, 1.8)


def internal_wave(sizes=(32, 64, 128), advection: str = "centred2") -> list[Finding]:
    """Time step, grid spacing and layers are halved together; 64 steps to a period at the coarsest."""
    errors = [internal_error(nx, nx // 2, 2 * nx, advection) for nx in sizes]
    return _findings(f"internal, {advection}", [f"{nx} cells" for nx in sizes], errors, 1.8)
