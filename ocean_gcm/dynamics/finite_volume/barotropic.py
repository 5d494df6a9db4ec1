"""The free surface and depth-mean flow on short substeps (split-explicit; Shchepetkin & McWilliams 2005)."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.metrics import Metrics


@dataclasses.dataclass(frozen=True)
class Substeps:
    """Substep length in s and the weights of the time averages.

    `primary` (M,) weights the substeps' velocities to the value at the end of the step; `secondary` (M,) the
    transports of the M substeps so that the surface which they leave is the primary average of the substeps' surfaces.
    """

    length: float
    primary: tuple[float, ...]
    secondary: tuple[float, ...]


def gravity_wave_limit(grid: Grid, gravity: float) -> float:
    """Largest stable substep in s: 1 / max(c sqrt(dx^-2 + dy^-2)) over wet cells."""
    dx, dy = grid.geometry.dx["T"], grid.geometry.dy["T"]
    ny, nx = grid.geometry.shape
    inverse = (dx**-2.0 if nx > 1 else 0.0) + (dy**-2.0 if ny > 1 else 0.0)
    rate = np.sqrt(gravity * grid.depth * inverse)
    return float(1.0 / rate.max())


def averaging_weights(time_step: float, number: int) -> Substeps:
    """`number` substeps per step and the power-law filter of Shchepetkin & McWilliams (2005, section 3.4).

    The shape (t/t0)^2 (1 - (t/t0)^4) - r t/t0 is cut where it turns negative; t0 is such that the average falls on the
    end of the step, and r = 0.284 such that its variance about it vanishes: the average is of second order in time and
    no frequency is amplified.  The first substeps have small negative weights, as there.
    """
    if number == 1:
        return Substeps(time_step, (1.0,), (1.0,))
    tau = np.arange(1, 2 * number + 1) / number

    def weights(scale):
        s = tau / scale
        shape = s**2 * (1 - s**4) - 0.284 * s
        # the filter ends at its upper root; beyond it the shape is negative for good
        shape[s > 1.0] = 0.0
        shape = np.where((s > 0.5) & (shape < 0), 0.0, shape)
        return shape / shape.sum()

    low, high = 0.7, 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        if (weights(middle) * tau).sum() > 1.0:
            high = middle
        else:
            low = middle
    primary = weights(low)
    primary = primary[: np.flatnonzero(primary)[-1] + 1]
    # the discrete shape jumps where its last entry drops out: finish with a polynomial that sets the first moments
    # (two substeps have too few weights for the variance)
    number_of_moments = 2 if number == 2 else 3
    powers = (tau[: len(primary)] - 1.0) ** np.arange(number_of_moments)[:, None]
    primary = primary * (np.linalg.solve((powers * primary) @ powers.T, np.eye(number_of_moments)[0]) @ powers)
    secondary = np.cumsum(primary[::-1])[::-1] / number
    return Substeps(time_step / number, tuple(primary), tuple(secondary))


def solve(
    metrics: Metrics,
    shape: tuple[int, int],
    u: jax.Array,
    v: jax.Array,
    eta: jax.Array,
    forcing_u: jax.Array,
    forcing_v: jax.Array,
    volume_source: jax.Array,
    depth_u: Field,
    depth_v: Field,
    inv_depth_f: Field,
    *,
    substeps: Substeps,
    gravity: float,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Advance depth-mean velocity and surface by one long step.

    Forward in the surface, backward in the velocity; the Coriolis force likewise (v sees the new u).

    Args:
      shape: (ny, nx) of the interior; all arrays have it.
      u, v: depth-mean velocity, m s-1; eta: surface height, m.
      forcing_u, forcing_v: slow accelerations, m s-2.
      volume_source: surface water flux, m s-1.
      depth_u, depth_v: column thickness at U and V, m (held fixed); inv_depth_f at F, m-1.

    Returns:
      (u, v) at the end of the step (filtered) and the time-mean volume fluxes through the faces, m3 s-1.
    """
    m, dt = metrics, substeps.length
    ny, nx = shape
    east, west = (lambda x, o=o: m.topology.neighbour(x, -1, o) for o in (1, -1))
    north, south = (lambda x, o=o: m.topology.neighbour(x, -2, o) for o in (1, -1))
    length_x = (depth_u * m.dy_u).interior(ny, nx)
    length_y = (depth_v * m.dx_v).interior(ny, nx)
    inv_area = (m.inv_area_t * m.surface_mask_t).interior(ny, nx)
    slope_u = (m.inv_dx_u * m.surface_mask_u).interior(ny, nx) * (-gravity * dt)
    slope_v = (m.inv_dy_v * m.surface_mask_v).interior(ny, nx) * (-gravity * dt)
    wet_u, wet_v = m.surface_mask_u.interior(ny, nx), m.surface_mask_v.interior(ny, nx)
    # the Coriolis term acts at the corners on the transports around them
    q = (m.coriolis_f * inv_depth_f * (0.25 * dt)).interior(ny, nx)
    inv_dx = m.inv_dx_u.interior(ny, nx) * wet_u
    inv_dy = m.inv_dy_v.interior(ny, nx) * wet_v
    forcing_u, forcing_v, source = forcing_u * dt, forcing_v * dt, volume_source * dt

    stored = m.materialize_cotangents

    def substep(carry, weights):
        u, v, eta, mean_u, mean_v, mean_fx, mean_fy = carry
        primary, secondary = weights
        fx, fy = u * length_x, v * length_y
        outflow = stored(fx - west(fx) + fy - south(fy))
        eta = stored(eta - dt * inv_area * outflow + source)
        turned = stored(q * (fy + east(fy)))
        u = u + slope_u * (east(eta) - eta) + (turned + south(turned)) * inv_dx + forcing_u
        u = stored(u)
        fx_new = u * length_x
        turned = stored(q * (fx_new + north(fx_new)))
        v = v + slope_v * (north(eta) - eta) - (turned + west(turned)) * inv_dy + forcing_v
        return (
            u,
            v,
            eta,
            mean_u + primary * u,
            mean_v + primary * v,
            mean_fx + secondary * fx,
            mean_fy + secondary * fy,
        ), None

    zero = jnp.zeros_like(u)
    weights = (jnp.asarray(substeps.primary, u.dtype), jnp.asarray(substeps.secondary, u.dtype))
    carry = (u, v, eta, zero, zero, zero, zero)
    carry, _ = lax.scan(substep, carry, weights, unroll=min(4, len(substeps.primary)))
    return carry[3], carry[4], carry[5], carry[6]
