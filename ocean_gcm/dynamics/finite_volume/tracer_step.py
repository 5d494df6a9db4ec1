"""Tracers and the sea surface: transports, advection, isoneutral and vertical mixing, surface fluxes."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from jax import lax

from ocean_gcm.dynamics.finite_volume import continuity, isoneutral
from ocean_gcm.dynamics.finite_volume.prepare import padded
from ocean_gcm.dynamics.finite_volume.tracer_advection import advect
from ocean_gcm.dynamics.finite_volume.vertical_mixing import diffuse
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.wet import over_wet
from ocean_gcm.state import Diagnostics


def tracer_transports(metrics, p, shear_u, shear_v, flux_x, flux_y, effects):
    """Volume fluxes through the faces, with halo, whose vertical sums are the barotropic ones.

    `shear_u`, `shear_v`: velocity less its depth mean; `flux_x`, `flux_y`: fluxes of the columns; on the interior.
    """
    m = metrics
    shear_u, shear_v = padded(m, shear_u, "U", "c"), padded(m, shear_v, "V", "c")
    flux_x, flux_y = padded(m, flux_x, "U", "s"), padded(m, flux_y, "V", "s")
    transport_x = shear_u * p.thickness.u * m.dy_u + m.thickness_u * (flux_x * m.inv_depth_u)
    transport_y = shear_v * p.thickness.v * m.dx_v + m.thickness_v * (flux_y * m.inv_depth_v)
    if effects.eddy_streamfunction is not None:
        bolus_x, bolus_y = isoneutral.bolus_transport(m, effects.eddy_streamfunction)
        transport_x, transport_y = transport_x + bolus_x, transport_y + bolus_y
    return transport_x, transport_y


def tracer_step(metrics, numerics, p, effects, surface, rounding, transport_x, transport_y):
    """New tracers and surface on the interior, rounding remainders, and the surface inputs."""
    n, m, dt = numerics, metrics, numerics.time_step
    _, ny, nx = n.shape
    transport_x, transport_y = m.materialize((transport_x, transport_y))
    # each reader sums up its own derivatives
    outflow = m.materialize(continuity.divergence(*m.materialize_cotangents((transport_x, transport_y))))
    transport_x, transport_y = m.materialize_cotangents((transport_x, transport_y))
    wet = m.mask_t.interior(ny, nx)
    area = m.area_t.interior(ny, nx)
    source = n.surface.volume_source(surface, area)
    joining = None if source is None else Field(source * area * wet[0], "T", "s", 0, 0)
    transport_w = continuity.vertical_transport(m, Field(outflow.interior(ny, nx), "T", "c", 0, 0), joining)
    volume = p.thickness.t * m.area_t
    advected, new_volume = advect(m, n.tracer_scheme, p.tracers, volume, transport_x, transport_y, transport_w, dt)
    old = {name: f.interior(ny, nx) for name, f in p.tracers.items()}
    moved_volume = volume = new_volume.interior(ny, nx)
    if source is not None:
        volume = volume.at[0].add(dt * source * area * wet[0])
    inv_volume = over_wet(volume)
    change = {name: f.interior(ny, nx) for name, f in advected.items()}
    if source is not None:  # the water of the surface joins at the old values: what advection changed is shared with it
        share = moved_volume[0] * inv_volume[0]
        change = {name: x.at[0].multiply(share) for name, x in change.items()}
    if effects.isoneutral_diffusion is not None:
        change = add_isoneutral(m, n, p, effects, change, inv_volume)
    for name, tendency in (effects.tracer_tendencies or {}).items():
        change[name] = change[name] + dt * tendency.interior(ny, nx)
    for name, flux in (effects.tracer_fluxes or {}).items():
        change[name] = change[name] - dt * outflow_by(flux, (ny, nx)) * inv_volume
    inputs = n.surface.tracer_fluxes(surface, {k: x[0] for k, x in old.items()}, source)
    for name, flux in inputs.items():
        change[name] = change[name].at[0].add(dt * flux.into_cell * area * inv_volume[0])
    conductance = tracer_conductance(m, n, p, effects)
    if conductance is not None:
        names = list(change)
        mixed = diffuse(tuple(old[k] + change[k] for k in names), volume / area, conductance, dt)
        change = {name: change[name] + d for name, d in zip(names, mixed, strict=True)}
    new, frozen = n.surface.limit_freezing({name: old[name] + change[name] for name in change})
    if frozen is not None:
        change["temperature"] = change["temperature"].at[0].add(frozen)
    new, rounding = _add_exactly(old, change, rounding, wet)
    eta = p.eta.interior(ny, nx) - dt * outflow.map(lambda a: a.sum(0)).interior(ny, nx) / area * wet[0]
    if source is not None:
        eta = eta + dt * source * wet[0]
    total = lambda x: jnp.sum(x * area * wet[0])  # noqa: E731
    zero = jnp.zeros((), area.dtype)
    heat = dt * total(inputs["temperature"].total) if "temperature" in inputs else zero
    if frozen is not None:
        heat = heat + jnp.sum(frozen * volume[0] * wet[0])
    salt = dt * total(inputs["salinity"].total) if "salinity" in inputs else zero
    water = dt * total(source) if source is not None else zero
    courant = _courant(m, p, transport_x, transport_y, transport_w, dt, (ny, nx))
    return new, eta, rounding, Diagnostics(water, heat, salt, courant)


def _add_exactly(old, change, rounding, wet):
    """old + change on wet cells; what rounding cuts off is kept for the next step (Kahan 1965).

    Without that, float32 loses the slow changes of the deep ocean and with them heat and salt.
    """
    if not rounding:
        return {name: (old[name] + change[name]) * wet for name in change}, rounding
    new, rest = {}, {}
    for name, increment in change.items():
        increment = (increment + rounding[name]) * wet
        new[name] = old[name] + increment
        rest[name] = increment - (new[name] - old[name])
    return new, rest


def _courant(metrics, p, transport_x, transport_y, transport_w, dt, shape):
    """Largest share of a cell's water that leaves it through one pair of faces within a step."""
    ny, nx = shape
    volume = (p.thickness.t * metrics.area_t).interior(ny, nx)
    inv = over_wet(volume, dt)
    largest = jnp.maximum(jnp.abs(transport_x.interior(ny, nx)), jnp.abs(transport_y.interior(ny, nx)))
    # a maximum tells nothing that a gradient could use
    return lax.stop_gradient(jnp.max(jnp.maximum(largest, jnp.abs(transport_w.data)) * inv))


def add_isoneutral(metrics, numerics, p, effects, tracers, inv_volume):
    """`tracers`, changes on the interior by name, and what the isoneutral diffusion changes besides in a time step."""
    n, m, dt = numerics, metrics, numerics.time_step
    _, ny, nx = n.shape
    result = dict(tracers)
    for name, tracer in p.tracers.items():
        fluxes = isoneutral.isoneutral_fluxes(
            m, tracer, effects.isoneutral_diffusion, p.thickness.u, p.thickness.v, p.inv_distance
        )
        result[name] = result[name] - dt * outflow_by(fluxes, (ny, nx)) * inv_volume
    return result


def outflow_by(fluxes, shape):
    """What leaves each cell on the interior by fluxes (U/c, V/c, T/w upward), of which each may be None."""
    flux_x, flux_y, flux_z = fluxes
    parts = []
    if flux_x is not None:
        parts.append(flux_x.diff_x().interior(*shape))
    if flux_y is not None:
        parts.append(flux_y.diff_y().interior(*shape))
    if flux_z is not None:
        upward = flux_z.interior(*shape)
        parts.append(upward - jnp.concatenate([upward[1:], jnp.zeros_like(upward[:1])]))
    return functools.reduce(jnp.add, parts)


def tracer_conductance(metrics, numerics, p, effects):
    """kappa / dz at the upper faces on the interior, m s-1, with the vertical part of isoneutral diffusion; or None."""
    _, ny, nx = numerics.shape
    kappa = effects.vertical_diffusivity
    if effects.isoneutral_diffusion is not None:
        steep = effects.isoneutral_diffusion[4]
        kappa = steep if kappa is None else kappa + steep
    if kappa is None:
        return None
    return (kappa * p.inv_distance * metrics.mask_w).interior(ny, nx)
