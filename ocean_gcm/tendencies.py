"""What closures add to a state, without a step: tendencies, and the transports of the eddies that they stand for."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax_datetime as jdt

from ocean_gcm.closures.interface import Effects
from ocean_gcm.dynamics.finite_volume import core
from ocean_gcm.dynamics.finite_volume.closure_terms import explicit_tracer_tendencies
from ocean_gcm.dynamics.finite_volume.isoneutral import bolus_transport
from ocean_gcm.forcing.surface import SurfaceForcing
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean


def _effects(model: OceanModel, ocean: Ocean, time: jdt.Timedelta, key: jax.Array, forcing: SurfaceForcing | None):
    """The prepared state and the summed effects of all closures."""
    static, numerics = model.metrics(), model.core.numerics
    start = model.state_from(ocean, time, key)
    surface = (model.forcing if forcing is None else forcing).at(time)
    prepared = core.prepare(static, numerics, start.ocean)
    columns = core.columns(static, numerics, prepared, surface, model.physics_interval)
    effects = Effects()
    for closure, own in zip(model.closures.items(), jax.random.split(key, max(1, len(model.closures))), strict=False):
        name, call = closure
        effects = effects + call(columns, start.closures[name], own)[0]
    return prepared, effects


@jax.jit
def eddy_transports(
    model: OceanModel, ocean: Ocean, time: jdt.Timedelta, key: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Volume transports (nz, ny, nx) in m3 s-1 through eastern and northern faces by the closures' eddies.

    The bolus transport of the eddy streamfunction, added up over closures; zero without one.  Arguments as of
    `explicit_tendencies`.
    """
    static, numerics = model.metrics(), model.core.numerics
    _, ny, nx = numerics.shape
    effects = _effects(model, ocean, time, key, None)[1]
    if effects.eddy_streamfunction is None:
        return jnp.zeros(numerics.shape, model.dtype), jnp.zeros(numerics.shape, model.dtype)
    transports = bolus_transport(static, effects.eddy_streamfunction)
    return tuple(transport.interior(ny, nx) for transport in transports)


@jax.jit
def explicit_tendencies(
    model: OceanModel, ocean: Ocean, time: jdt.Timedelta, key: jax.Array, forcing: SurfaceForcing | None = None
) -> Ocean:
    """Sum over the closures of `u_tendency`, `v_tendency`, `tracer_tendencies` and the divergence of `tracer_fluxes`.

    Mixing coefficients, drag and eddy transports have no part in it: what they do depends on the step.

    Args:
      ocean: a state, in the model's shapes and units; `time` since the model's start, 0-d; `key` typed.
      forcing: default: the model's own.

    Returns the tendencies in the place of the fields, zero on land, per second; the sea surface has none (None).
    """
    static, numerics = model.metrics(), model.core.numerics
    _, ny, nx = numerics.shape
    prepared, effects = _effects(model, ocean, time, key, forcing)

    def field(found, mask):
        return jnp.zeros(numerics.shape, model.dtype) if found is None else found.interior(ny, nx) * mask

    tracers = explicit_tracer_tendencies(static, numerics, prepared, effects)
    return Ocean(
        u=field(effects.u_tendency, static.mask_u.interior(ny, nx)),
        v=field(effects.v_tendency, static.mask_v.interior(ny, nx)),
        temperature=tracers.pop("temperature"),
        salinity=tracers.pop("salinity"),
        sea_surface_height=None,
        tracers=tracers,
    )
