"""Munk's (1950) wind-driven gyre: linear, beta-plane, harmonic friction, free slip.

With free slip and a stress -tau0 cos(pi y / L) the steady streamfunction is exactly F(x) sin(pi y / L), where

    nu (d2/dx2 - l2)^2 F - beta F' = pi tau0 / (rho0 L),   F = F'' = 0 at both coasts,  l = pi / L,

so that not only Munk's boundary-layer profile but the whole closed basin is known.  With no slip at all coasts the
equation is not separable; there the reference is its solution by sparse elimination on a grid of 10 km.
"""

from __future__ import annotations

import time

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

import ocean_gcm as og
from eval.validation.experiment import Measurement, Outcome
from ocean_gcm.config import config_from_dict

WIDTH = 2.0e6  # m
HEIGHT = 1.2e6
BETA = 2.0e-11  # m-1 s-1
STRESS = 0.1  # N m-2
DENSITY = 1026.0
DEPTH = 500.0


def munk_streamfunction(x: np.ndarray, viscosity: float) -> np.ndarray:
    """F(x): the transport streamfunction in the middle latitude, m3 s-1."""
    wave = np.pi / HEIGHT
    forcing = np.pi * STRESS / (DENSITY * HEIGHT)
    roots = np.roots([viscosity, 0.0, -2.0 * viscosity * wave**2, -BETA, viscosity * wave**4])
    particular = forcing / (viscosity * wave**4)
    # each exponential is written from the coast where it is largest, so that none overflows
    origin = np.where(roots.real > 0, WIDTH, 0.0)
    basis = lambda at, order: roots**order * np.exp(roots * (at - origin))  # noqa: E731
    rows = np.array([basis(0.0, 0), basis(WIDTH, 0), basis(0.0, 2), basis(WIDTH, 2)])
    scale = np.abs(rows).max(1, keepdims=True)
    right = np.array([-particular, -particular, 0.0, 0.0])
    weights = np.linalg.solve(rows / scale, right / scale[:, 0])
    terms = weights * np.exp(roots * (np.asarray(x)[..., None] - origin))
    return particular + terms.sum(-1).real


def elliptic_streamfunction(viscosity: float, slip: str, spacing: float = 1.0e4) -> tuple[np.ndarray, np.ndarray]:
    """x and the transport streamfunction (m3 s-1) at the middle latitude: nu del^4 psi - beta psi_x = -curl(tau)/rho0.

    Centred differences on a grid of corners; a coast without slip mirrors psi, one with free slip mirrors -psi.
    """
    nx, ny = round(WIDTH / spacing) - 1, round(HEIGHT / spacing) - 1
    mirror = 1.0 if slip == "no" else -1.0

    def second(n):
        return sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n)) / spacing**2

    def fourth(n):
        main = np.full(n, 6.0)
        main[[0, -1]] += mirror
        return sparse.diags([1.0, -4.0, main, -4.0, 1.0], [-2, -1, 0, 1, 2], shape=(n, n)) / spacing**4

    one_x, one_y = sparse.identity(nx), sparse.identity(ny)
    friction = (
        sparse.kron(one_y, fourth(nx)) + sparse.kron(fourth(ny), one_x) + 2.0 * sparse.kron(second(ny), second(nx))
    )
    gradient = sparse.diags([-1.0, 1.0], [-1, 1], shape=(nx, nx)) / (2.0 * spacing)
    y = spacing * np.arange(1, ny + 1)
    curl = np.pi * STRESS / (DENSITY * HEIGHT) * np.sin(np.pi * y / HEIGHT)
    psi = linalg.spsolve((viscosity * friction - BETA * sparse.kron(one_y, gradient)).tocsc(), np.repeat(curl, nx))
    middle = psi.reshape(ny, nx)[(ny - 1) // 2]
    return spacing * np.arange(nx + 2), np.concatenate([[0.0], middle, [0.0]])


def gyre_config(cells_per_layer: float, layer: float, slip: str) -> tuple[dict, int]:
    """The configuration with `cells_per_layer` cells in the Munk layer (nu / beta)^(1/3) = `layer` (m); step in s."""
    spacing = layer / cells_per_layer
    viscosity = BETA * layer**3
    # explicit friction: half of its limit spacing^2 / (4 nu), at most two hours
    step = int(min(7200.0, 0.5 * spacing**2 / (4.0 * viscosity)) // 60 * 60)
    return {
        "name": "munk_gyre",
        "precision": "float64",
        "grid": {
            "geometry": "plane",
            "nx": round(WIDTH / spacing),
            "ny": round(HEIGHT / spacing),
            "x": [0.0, WIDTH],
            "y": [0.0, HEIGHT],
            "f0": 0.7e-4,
            "beta": BETA,
            "levels": {"number": 1, "depth": DEPTH},
        },
        "bathymetry": {"kind": "flat", "depth": DEPTH},
        "initial": {"kind": "uniform"},
        "surface": {"wind_stress": {"kind": "gyre", "amplitude": STRESS, "gyres": 1}},
        "dynamics": {
            "momentum_advection": "none",
            "slip": slip,
            "equation_of_state": {"kind": "linear"},
            "reference_density": DENSITY,
        },
        "closures": {"friction": {"kind": "harmonic_viscosity", "viscosity": viscosity}},
        "time": {"step": f"PT{step // 60}M", "duration": f"PT{step // 60}M"},
        "output": {"interval": f"PT{step // 60}M", "restart_interval": f"PT{step // 60}M"},
    }, step


def transport_streamfunction(model, ocean) -> np.ndarray:
    """(ny + 1, nx + 1) m3 s-1 at the corners, zero along the coast, positive for clockwise circulation."""
    grid = model.grid
    eta = np.asarray(ocean.sea_surface_height)
    # thickness at V as in the model: mean of both sides
    height = np.asarray(ocean.v)[0] * (DEPTH + 0.5 * (eta + np.roll(eta, -1, 0)))
    along = np.cumsum(height * grid.geometry.dx["V"], axis=1)
    result = np.zeros((grid.shape[1] + 1, grid.shape[2] + 1))
    result[1:, 1:] = along
    return result


def peak(x: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Place and value of the maximum, by a parabola through the largest value and its neighbours."""
    i = int(np.argmax(values))
    a, b, c = np.polyfit(x[i - 1 : i + 2] - x[i], values[i - 1 : i + 2], 2)
    return x[i] - b / (2 * a), c - b**2 / (4 * a)


def munk_gyre(
    cells_per_layer: float = 4.0, layer: float = 1.2e5, days: float = 100.0, slips: tuple[str, ...] = ("free", "no")
) -> Outcome:
    """Spin the basin up from rest and compare its streamfunction with the known one.

    The last quarter of the run is averaged, which removes what is left of the basin's modes.
    """
    began, measurements, series = time.process_time(), [], {}
    viscosity = BETA * layer**3
    for slip in slips:
        tree, step = gyre_config(cells_per_layer, layer, slip)
        quarter = round(days * 86400.0 / step / 4)
        model = og.build_model(config_from_dict(tree))
        state, _ = model.advance(model.initial_state(), steps=3 * quarter)
        _, report = model.advance(state, steps=quarter)
        psi = transport_streamfunction(model, report.mean)
        x = np.linspace(0.0, WIDTH, psi.shape[1])
        middle = psi[psi.shape[0] // 2]
        if slip == "free":
            fine = np.linspace(0.0, WIDTH, 4001)
            exact = munk_streamfunction(fine, viscosity)
        else:
            fine, exact = elliptic_streamfunction(viscosity, slip)
        (place, value), (place_exact, value_exact) = peak(x, middle), peak(fine, exact)
        there = np.interp(x, fine, exact)
        difference = np.sqrt(np.sum((middle - there) ** 2) / np.sum(there**2))
        variant = f"{slip} slip, {cells_per_layer:g} cells in the layer"
        measurements += [
            Measurement(variant, "transport", "Sv", value / 1e6, value_exact / 1e6, 0.03),
            Measurement(variant, "width: largest transport from the coast", "km", place / 1e3, place_exact / 1e3, 0.03),
            Measurement(variant, "relative L2 difference of the streamfunction", "1", difference),
        ]
        series[slip] = {
            "x": x,
            "y": np.linspace(0.0, HEIGHT, psi.shape[0]),
            "psi": psi,
            "middle": middle,
            "fine": fine,
            "exact": exact,
        }
    return Outcome(tuple(measurements), series, time.process_time() - began)
