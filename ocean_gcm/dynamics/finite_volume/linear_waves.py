"""Linear waves on a given state: what surface, inertial, internal and Rossby waves make of a small change in a step.

Of a step of the core only what is linear in that change stays: the pressure of tracers and surface, the Coriolis force,
the free surface, and the background's tracers that the changed flow carries up and down.  The background is held, and
the flow of the background carries nothing.  The staggering in time is the core's (`core.advance`).
"""

from __future__ import annotations

import jax.numpy as jnp

from ocean_gcm.closures.interface import Effects
from ocean_gcm.dynamics.finite_volume import continuity
from ocean_gcm.dynamics.finite_volume.core import barotropic_step
from ocean_gcm.dynamics.finite_volume.coriolis import coriolis
from ocean_gcm.dynamics.finite_volume.hydrostatic_pressure import pressure_gradient_force
from ocean_gcm.dynamics.finite_volume.momentum_step import depth_means_and_shear
from ocean_gcm.dynamics.finite_volume.prepare import Numerics, Prepared, padded, tracers_of
from ocean_gcm.dynamics.finite_volume.thickness import depth_mean_u, depth_mean_v
from ocean_gcm.dynamics.finite_volume.tracer_step import inverse_volume, tracer_transports
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.state import Ocean


def wave_step(metrics: Metrics, numerics: Numerics, background: Prepared, fields: Ocean, rates: Ocean) -> Ocean:
    """`fields` after a time step of linear waves on the `background`, in which they also change at `rates` (per s).

    Differentiate it in `fields` and `rates` with the background held; its values lack what is not a wave.
    """
    n, m, p, dt = numerics, metrics, background, numerics.time_step
    _, ny, nx = n.shape
    u, v, mean, slow = _velocity(m, n, p, fields, rates)
    mean_u, mean_v, flux_x, flux_y = barotropic_step(m, n, p, mean, fields.sea_surface_height, slow)
    wet_u, wet_v = m.mask_u.interior(ny, nx), m.mask_v.interior(ny, nx)
    transport_x, transport_y = tracer_transports(m, p, u, v, flux_x, flux_y, Effects())
    outflow = continuity.divergence(transport_x, transport_y).interior(ny, nx)
    upward = continuity.vertical_transport(m, Field(outflow, "T", "c", 0, 0))
    per_area = (m.inv_area_t * m.surface_mask_t).interior(ny, nx)
    before, changes = tracers_of(fields), tracers_of(rates)
    lifted = _lifted(m, n, p, upward.interior(ny, nx))
    tracers = {name: x + dt * (changes[name] + lifted[name]) for name, x in before.items()}
    temperature, salinity = tracers.pop("temperature"), tracers.pop("salinity")
    surface = fields.sea_surface_height + dt * (rates.sea_surface_height - outflow.sum(0) * per_area)
    return Ocean(u + mean_u * wet_u, v + mean_v * wet_v, temperature, salinity, surface, tracers)


def _velocity(m, n, p, fields, rates):
    """Velocity less its new depth mean, depth means of the old one, and of accelerations, on the interior."""
    dt, (_, ny, nx) = n.time_step, n.shape

    def rotate(u, v):
        return coriolis(m, u, v, p.thickness.u, p.thickness.v, p.inv_thickness_f)

    old_u, old_v = padded(m, fields.u, "U", "c"), padded(m, fields.v, "V", "c")
    mean_u, mean_v = depth_mean_u(m, old_u), depth_mean_v(m, old_v)
    shear_u, shear_v = (old_u - mean_u) * m.mask_u, (old_v - mean_v) * m.mask_v
    turned, pressure = rotate(shear_u, shear_v), _pressure_force(m, n, p, fields)
    wet = m.mask_u.interior(ny, nx), m.mask_v.interior(ny, nx)
    du, dv = (
        dt * (rate + turn.interior(ny, nx) + force.interior(ny, nx)) * mask
        for rate, turn, force, mask in zip((rates.u, rates.v), turned, pressure, wet, strict=True)
    )
    (mean_du, mean_dv), (change_u, change_v) = depth_means_and_shear(m, (du, dv), rotate, dt)
    shear_u, shear_v = shear_u + change_u * m.mask_u, shear_v + change_v * m.mask_v
    # the semi-implicit change has a depth mean of its own where f varies
    shear_u, shear_v = (shear_u - depth_mean_u(m, shear_u)) * m.mask_u, (shear_v - depth_mean_v(m, shear_v)) * m.mask_v
    means = mean_u.interior(ny, nx), mean_v.interior(ny, nx)
    slow = mean_du.interior(ny, nx) / dt, mean_dv.interior(ny, nx) / dt
    return shear_u.interior(ny, nx), shear_v.interior(ny, nx), means, slow


def _pressure_force(m, n, p, fields):
    """Of the tracers in layers of the background's thickness, m s-2."""
    t, s = padded(m, fields.temperature, "T", "c"), padded(m, fields.salinity, "T", "c")
    density = p.depth.like(n.equation_of_state.density_anomaly(t.data, s.data, p.depth.data)) * m.mask_t
    return pressure_gradient_force(
        m, density, p.eta, p.depth, p.thickness, gravity=n.gravity, reference_density=n.reference_density
    )


def _lifted(m, n, p, upward):
    """Rates of the background's tracers by the volume flux `upward` through the upper faces (m3 s-1): -w dC/dz."""
    _, ny, nx = n.shape
    per_volume, rates = inverse_volume(m, n, p), {}
    for name, field in p.tracers.items():
        tracer = field.interior(ny, nx)
        carried = upward[1:] * (tracer[:-1] - tracer[1:])
        zero = jnp.zeros_like(tracer[:1])
        rates[name] = -0.5 * (jnp.concatenate([zero, carried]) + jnp.concatenate([carried, zero])) * per_volume
    return rates
