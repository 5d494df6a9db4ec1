"""Velocity after all terms but the fast barotropic ones: explicit forces, Coriolis, friction, stress and drag."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ocean_gcm.dynamics.finite_volume import continuity, isoneutral, momentum_advection, viscosity
from ocean_gcm.dynamics.finite_volume.coriolis import coriolis, semi_implicit
from ocean_gcm.dynamics.finite_volume.prepare import Numerics, Prepared, padded, slip_factor
from ocean_gcm.dynamics.finite_volume.thickness import depth_mean_u, depth_mean_v
from ocean_gcm.dynamics.finite_volume.vertical_mixing import diffuse, lowest_cell
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.grid.wet import over_wet
from ocean_gcm.state import History


def advection_tendency(metrics: Metrics, numerics: Numerics, p: Prepared) -> tuple[jax.Array, jax.Array]:
    """Advection of momentum on the interior, m s-2."""
    n, m = numerics, metrics
    _, ny, nx = n.shape
    outflow = continuity.divergence(p.u * p.thickness.u * m.dy_u, p.v * p.thickness.v * m.dx_v)
    transport_w = m.materialize(continuity.vertical_transport(m, m.materialize(outflow)))
    tendencies = momentum_advection.momentum_advection(
        m, n.vorticity_flux, p.zeta, p.u, p.v, p.thickness, transport_w, p.inv_thickness_f
    )
    return tuple(f.interior(ny, nx) for f in tendencies)


def extrapolate(numerics: Numerics, now: tuple[jax.Array, jax.Array], history: History):
    """Adams-Bashforth combination of the present and past tendencies, and the new history."""
    first, *rest = numerics.extrapolation
    total = tuple(first * x for x in now)
    for weight, past in zip(rest, history, strict=True):
        total = tuple(a + weight * b for a, b in zip(total, past, strict=True))
    return total, ((now, *history[:-1]) if history else ())


def _vertical_conductance(viscosity_w: Field, thickness: Field, mask: Field, along: str) -> Field:
    """nu / dz at U/w or V/w, zero at the surface and where either cell is dry."""
    nu = viscosity_w.mean_x() if along == "x" else viscosity_w.mean_y()
    both = mask.map(lambda a: jnp.concatenate([jnp.zeros_like(a[:1]), a[:-1] * a[1:]])).at(level="w")
    return nu * isoneutral.face_distance(thickness).map(over_wet) * both


def explicit_momentum(metrics, numerics, p, effects, advection):
    """Slow accelerations on the interior without Coriolis force and vertical mixing, m s-2."""
    n, m = numerics, metrics
    _, ny, nx = n.shape
    along_x, along_y = p.force
    slip = slip_factor(m, n.no_slip)
    if effects.harmonic_viscosity is not None:
        fx, fy = viscosity.laplacian(m, p.divergence, p.zeta, effects.harmonic_viscosity)
        along_x, along_y = along_x + fx, along_y + fy
    if effects.biharmonic_viscosity is not None:
        fx, fy = viscosity.biharmonic(m, p.divergence, p.zeta, slip, effects.biharmonic_viscosity)
        along_x, along_y = along_x + fx, along_y + fy
    if effects.u_tendency is not None:
        along_x = along_x + effects.u_tendency * m.mask_u
    if effects.v_tendency is not None:
        along_y = along_y + effects.v_tendency * m.mask_v
    total = along_x.interior(ny, nx), along_y.interior(ny, nx)
    if advection is not None:
        total = tuple(a + b for a, b in zip(total, advection, strict=True))
    return total


def momentum_step(metrics, numerics, p, effects, surface, advection):
    """Velocity after all but the fast barotropic terms, and the depth-mean accelerations, on the interior."""
    n, m, dt = numerics, metrics, numerics.time_step
    _, ny, nx = n.shape
    mean_u, mean_v = depth_mean_u(m, p.u), depth_mean_v(m, p.v)
    own = m.materialize_cotangents  # each reader sums up its own derivatives
    rotate = lambda u, v: coriolis(m, u, v, *own((p.thickness.u, p.thickness.v, p.inv_thickness_f)))  # noqa: E731
    turn_u, turn_v = rotate((p.u - mean_u) * m.mask_u, (p.v - mean_v) * m.mask_v)
    slow_u, slow_v = explicit_momentum(m, n, p, effects, advection)
    new_u = p.u.interior(ny, nx) + dt * (slow_u + turn_u.interior(ny, nx))
    new_v = p.v.interior(ny, nx) + dt * (slow_v + turn_v.interior(ny, nx))
    new_u = mix_momentum(m, n, new_u, own(p.thickness.u), m.mask_u, effects, surface.stress_x, "x")
    new_v = mix_momentum(m, n, new_v, own(p.thickness.v), m.mask_v, effects, surface.stress_y, "y")
    du = (new_u - p.u.interior(ny, nx)) * m.mask_u.interior(ny, nx)
    dv = (new_v - p.v.interior(ny, nx)) * m.mask_v.interior(ny, nx)
    (mean_du, mean_dv), (shear_du, shear_dv) = depth_means_and_shear(m, (du, dv), rotate, dt)
    new_u = (p.u + (mean_du + shear_du) * m.mask_u).interior(ny, nx)
    new_v = (p.v + (mean_dv + shear_dv) * m.mask_v).interior(ny, nx)
    return (
        (new_u, new_v),
        tuple(f.interior(ny, nx) for f in (mean_u, mean_v)),
        tuple(f.interior(ny, nx) / dt for f in (mean_du, mean_dv)),
    )


def depth_means_and_shear(metrics, change, rotate, time_step):
    """Depth means of a change (du, dv) of velocity on the interior, and the rest after `semi_implicit`."""
    m, (du, dv) = metrics, change
    du, dv = padded(m, du, "U", "c"), padded(m, dv, "V", "c")
    means = mean_u, mean_v = depth_mean_u(m, du), depth_mean_v(m, dv)
    return means, semi_implicit(m, (du - mean_u) * m.mask_u, (dv - mean_v) * m.mask_v, rotate, time_step)


def mix_momentum(metrics, numerics, velocity, thickness, mask, effects, stress, along):
    """Surface stress, implicit vertical viscosity and bottom drag."""
    n, dt = numerics, numerics.time_step
    _, ny, nx = n.shape
    h = metrics.materialize_cotangents(thickness.interior(ny, nx))
    wet = mask.interior(ny, nx)
    if stress is not None:
        top = over_wet(h[0])
        velocity = velocity.at[0].add((dt / n.reference_density) * stress * top)
    drag = None
    if effects.bottom_drag is not None:
        r = effects.bottom_drag.mean_x() if along == "x" else effects.bottom_drag.mean_y()
        drag = lowest_cell(wet) * r.interior(ny, nx)
    if effects.vertical_viscosity is None and drag is None:
        return velocity
    if effects.vertical_viscosity is None:
        conductance = jnp.zeros_like(h)
    else:
        conductance = _vertical_conductance(effects.vertical_viscosity, thickness, mask, along).interior(ny, nx)
    return (velocity + diffuse((velocity,), h, conductance, dt, drag)[0]) * wet
