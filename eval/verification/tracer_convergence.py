"""Tracers carried around the sphere: a smooth hill returns to where it was after one turn (Williamson et al. 1992, 1).

Between walls at 80 degrees.  The axis of the rotation is that of the sphere, or tilted so that the hill crosses the
parallels; the transports come from a streamfunction and do not diverge but at the walls, which the hill never meets.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eval.verification.finding import Finding, orders
from ocean_gcm.dynamics.finite_volume.tracer_advection import SCHEMES, advect
from ocean_gcm.grid import geometry
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.metrics import device_arrays, padded
from ocean_gcm.grid.topology import Topology

RADIUS = 6371e3
DEPTH = 1000.0
HALO = 3
WALL = 80.0
HILL_RADIUS = np.radians(50.0)
COURANT = 0.2  # at the equator, of the zonal flow


def hill(longitude: np.ndarray, latitude: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """(1 + cos(pi r / R))^2 / 4 within the distance R of the centre: three continuous derivatives.  Angles in rad."""
    cosine = np.sin(centre[1]) * np.sin(latitude)
    cosine = cosine + np.cos(centre[1]) * np.cos(latitude) * np.cos(longitude - centre[0])
    distance = np.arccos(np.clip(cosine, -1.0, 1.0))
    return np.where(distance < HILL_RADIUS, 0.25 * (1.0 + np.cos(np.pi * distance / HILL_RADIUS)) ** 2, 0.0)


def turn(nx: int, schemes: tuple[str, ...], tilt: float = 0.0, courant: float = COURANT, turns: float = 1.0):
    """Relative L2 errors by scheme, and (smallest, largest) value, after one turn.

    Args:
      nx: cells around the sphere; ny follows from square cells at the equator.
      tilt: angle between the axes in degrees.
    """
    ny = round(2 * WALL / (360.0 / nx))
    edges = np.linspace(-WALL, WALL, ny + 1)
    shape = geometry.sphere(np.linspace(0, 360, nx + 1), edges, Topology(periodic_x=True), radius=RADIUS)
    grid = build_grid(shape, Levels(np.array([DEPTH])), np.full((ny, nx), DEPTH), minimum_levels=1)
    m = padded(device_arrays(grid, jnp.float64), grid.topology, HALO)
    angle = np.radians(tilt)
    longitude, latitude = (np.radians(c["T"]) for c in (shape.x, shape.y))
    centre = (1.5 * np.pi, 0.0)
    start = hill(longitude, latitude, centre)
    # streamfunction of unit angular speed at the corners; the southern wall is one more row
    corner_x, corner_y = np.radians(shape.x["F"]), np.radians(np.vstack([np.full((1, nx), edges[0]), shape.y["F"]]))
    corner_x = np.vstack([corner_x[:1], corner_x])
    psi = -(RADIUS**2) * (np.sin(corner_y) * np.cos(angle) - np.cos(corner_x) * np.cos(corner_y) * np.sin(angle))
    flux_x = -(psi[1:] - psi[:-1]) * DEPTH
    flux_y = (psi[1:] - np.roll(psi[1:], 1, 1)) * DEPTH
    flux_y[-1] = 0.0
    steps = int(np.ceil(turns * nx / courant))
    dt = turns * 2 * np.pi / steps
    field = lambda a, place, level="c": Field(  # noqa: E731
        grid.topology.pad(jnp.asarray(a)[None], HALO), place, level, -HALO, -HALO
    )
    volume = m.thickness_t * m.area_t
    still = Field(jnp.zeros((1, ny, nx)), "T", "w", 0, 0)
    along_x, along_y = field(flux_x, "U"), field(flux_y, "V")

    @functools.partial(jax.jit, static_argnums=0)
    def run(name, tracer):
        def step(_, tracer):
            padded_tracer = {"tracer": field(tracer, "T")}
            change, _ = advect(m, SCHEMES[name], padded_tracer, volume, along_x, along_y, still, dt)
            return tracer + change["tracer"].interior(ny, nx)[0]

        return lax.fori_loop(0, steps, step, tracer)

    area, errors, ranges = shape.area["T"], {}, {}
    for name in schemes:
        end = np.asarray(run(name, jnp.asarray(start)))
        errors[name] = float(np.sqrt(np.sum(area * (end - start) ** 2) / np.sum(area * start**2)))
        ranges[name] = float(end.min()), float(end.max())
    return errors, ranges


def solid_body_rotation(tilt: float, sizes=(72, 144, 288), schemes=tuple(SCHEMES)) -> list[Finding]:
    """Errors and orders of all schemes."""
    results = [turn(nx, schemes, tilt) for nx in sizes]
    findings = []
    for name in schemes:
        errors = [e[name] for e, _ in results]
        for nx, error in zip(sizes, errors, strict=True):
            findings.append(Finding(f"{name}, tilt {tilt:g}", f"L2 error at {360 / nx:g} degrees", "1", error))
        findings += [
            Finding(f"{name}, tilt {tilt:g}", f"order to {360 / nx:g} degrees", "1", order)
            for nx, order in zip(sizes[1:], orders(errors), strict=True)
        ]
        low, high = results[-1][1][name]
        exceeding = max(0.0, -low, high - 1.0)
        findings.append(Finding(f"{name}, tilt {tilt:g}", "values outside of 0 to 1", "1", exceeding))
    return findings
