"""What closures alone change in a state: the terms that a step makes of their effects, each by itself.

A step applies these terms one after another, between those of the core; their sum in one state is what closures add to
a step to first order in the time step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ocean_gcm.closures.interface import Effects
from ocean_gcm.dynamics.finite_volume import continuity
from ocean_gcm.dynamics.finite_volume.isoneutral import bolus_transport
from ocean_gcm.dynamics.finite_volume.momentum_step import explicit_momentum, mix_momentum
from ocean_gcm.dynamics.finite_volume.prepare import Numerics, Prepared
from ocean_gcm.dynamics.finite_volume.tracer_advection import advect
from ocean_gcm.dynamics.finite_volume.tracer_step import add_isoneutral, outflow_by, tracer_conductance
from ocean_gcm.dynamics.finite_volume.vertical_mixing import diffuse
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.grid.wet import over_wet
from ocean_gcm.state import Ocean


def closure_tendencies(metrics: Metrics, numerics: Numerics, p: Prepared, effects: Effects) -> Ocean:
    """Tendencies of all effects, in the place of the fields, per second; zero on land and for the sea surface.

    What a step treats implicitly (vertical mixing, bottom drag) is the mean tendency of an implicit step, and eddies
    advect by the core's scheme.  Differentiable in the state and in the effects.
    """
    _, ny, nx = numerics.shape
    u, v = _momentum(metrics, numerics, p, effects)
    tracers = _tracers(metrics, numerics, p, effects)
    temperature, salinity = tracers.pop("temperature"), tracers.pop("salinity")
    return Ocean(u, v, temperature, salinity, jnp.zeros((ny, nx), u.dtype), tracers)


def explicit_tracer_tendencies(
    metrics: Metrics, numerics: Numerics, p: Prepared, effects: Effects
) -> dict[str, jax.Array]:
    """Of all tracers by `tracer_tendencies` and the divergence of `tracer_fluxes`, per second; zero on land."""
    _, ny, nx = numerics.shape
    wet, per_volume = metrics.mask_t.interior(ny, nx), _inverse_volume(metrics, numerics, p)
    tendencies: Mapping[str, Field] = effects.tracer_tendencies or {}
    found = {}
    for name in p.tracers:
        given, fluxes = tendencies.get(name), (effects.tracer_fluxes or {}).get(name)
        total = jnp.zeros_like(wet) if given is None else given.interior(ny, nx) * wet
        found[name] = total if fluxes is None else total - outflow_by(fluxes, (ny, nx)) * per_volume
    return found


def _inverse_volume(metrics: Metrics, numerics: Numerics, p: Prepared) -> jax.Array:
    """Of the cells on the interior, m-3; zero on land."""
    _, ny, nx = numerics.shape
    volume = (p.thickness.t * metrics.area_t).interior(ny, nx)
    return over_wet(volume)


def _momentum(metrics, numerics, p, effects) -> tuple[jax.Array, jax.Array]:
    n, m = numerics, metrics
    _, ny, nx = n.shape
    unforced = dataclasses.replace(p, force=tuple(f * 0.0 for f in p.force))
    explicit = explicit_momentum(m, n, unforced, effects, None)

    def implicit(velocity, thickness, mask, along):
        before = velocity.interior(ny, nx)
        return (mix_momentum(m, n, before, thickness, mask, effects, None, along) - before) / n.time_step

    return (
        explicit[0] + implicit(p.u, p.thickness.u, m.mask_u, "x"),
        explicit[1] + implicit(p.v, p.thickness.v, m.mask_v, "y"),
    )


def _tracers(metrics, numerics, p, effects) -> dict[str, jax.Array]:
    n, m, dt = numerics, metrics, numerics.time_step
    _, ny, nx = n.shape
    found = explicit_tracer_tendencies(m, n, p, effects)
    if effects.isoneutral_diffusion is not None:
        nothing = {name: jnp.zeros_like(x) for name, x in found.items()}
        mixed = add_isoneutral(m, n, p, effects, nothing, _inverse_volume(m, n, p))
        found = {name: x + mixed[name] / dt for name, x in found.items()}
    if effects.eddy_streamfunction is not None:
        along_x, along_y = bolus_transport(m, effects.eddy_streamfunction)
        outflow = continuity.divergence(along_x, along_y).interior(ny, nx)
        upward = continuity.vertical_transport(m, Field(outflow, "T", "c", 0, 0))
        moved, _ = advect(m, n.tracer_scheme, p.tracers, p.thickness.t * m.area_t, along_x, along_y, upward, dt)
        found = {name: x + moved[name].interior(ny, nx) / dt for name, x in found.items()}
    conductance = tracer_conductance(m, n, p, effects)
    if conductance is not None:
        names = list(found)
        before = tuple(p.tracers[name].interior(ny, nx) for name in names)
        mixed = diffuse(before, p.thickness.t.interior(ny, nx), conductance, dt)
        found = {name: found[name] + change / dt for name, change in zip(names, mixed, strict=True)}
    return found
