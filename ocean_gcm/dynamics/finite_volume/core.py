"""One time step of the hydrostatic Boussinesq primitive equations, from the terms in the files beside this one.

The order of a step is staggered: the momentum equation sees the pressure of the present tracers, tracers move with the
new velocity.  Internal gravity waves are thereby stepped forward-backward: neutral, and stable up to c k dt = 2.
"""

from __future__ import annotations

import jax.numpy as jnp

from ocean_gcm.closures.interface import Effects
from ocean_gcm.dynamics.finite_volume import barotropic
from ocean_gcm.dynamics.finite_volume.momentum_advection import corner_thickness_reciprocal
from ocean_gcm.dynamics.finite_volume.momentum_step import advection_tendency, extrapolate, momentum_step
from ocean_gcm.dynamics.finite_volume.prepare import Numerics, Prepared, columns, prepare, tracers_of
from ocean_gcm.dynamics.finite_volume.thickness import depth_mean_u, depth_mean_v
from ocean_gcm.dynamics.finite_volume.tracer_step import tracer_step, tracer_transports
from ocean_gcm.forcing.surface import Surface
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.state import Diagnostics, Ocean, Stepper

__all__ = ["Numerics", "Prepared", "advance", "advection_tendency", "columns", "prepare", "tracers_of"]


def barotropic_step(metrics, numerics, p, mean, surface, slow, source=None):
    """New depth-mean velocity and mean volume fluxes on the interior; `surface` is the height, m."""
    n, m = numerics, metrics
    _, ny, nx = n.shape
    sum_z = lambda f: f.map(lambda a: a.sum(0)).at(level="s")  # noqa: E731
    source = jnp.zeros_like(surface) if source is None else source
    depth_t, depth_u, depth_v = m.materialize_cotangents(
        (sum_z(p.thickness.t), sum_z(p.thickness.u), sum_z(p.thickness.v))
    )
    return barotropic.solve(
        m,
        (ny, nx),
        *mean,
        surface,
        *slow,
        # also of no source: a constant, folded, changed values on a mesh by 1e-9 (XLA's CPU without fusion emitters)
        source * m.surface_mask_t.interior(ny, nx),
        depth_u,
        depth_v,
        corner_thickness_reciprocal(m, depth_t),
        substeps=n.substeps,
        gravity=n.gravity,
    )


def advance(
    metrics: Metrics, numerics: Numerics, p: Prepared, stepper: Stepper, effects: Effects, surface: Surface
) -> tuple[Ocean, Stepper, Diagnostics]:
    """The fields one time step later."""
    n, m = numerics, metrics
    _, ny, nx = n.shape
    own = m.materialize_cotangents  # each part sums up what the loss depends on its inputs before all are added
    advection, history = None, stepper.history
    if n.vorticity_flux is not None:
        advection, history = extrapolate(n, m.materialize(advection_tendency(m, n, own(p))), history)
    effects = m.materialize(effects)
    (u, v), mean, slow = momentum_step(m, n, own(p), effects, surface, advection)
    source = n.surface.volume_source(surface, m.area_t.interior(ny, nx))
    mean_u, mean_v, flux_x, flux_y = barotropic_step(m, n, p, mean, p.eta.interior(ny, nx), slow, source)
    u, v = m.materialize((u, v))
    uf, vf = Field(u, "U", "c", 0, 0), Field(v, "V", "c", 0, 0)
    wet_u, wet_v = m.mask_u.interior(ny, nx), m.mask_v.interior(ny, nx)
    shear_u, shear_v = (u - depth_mean_u(m, uf).data) * wet_u, (v - depth_mean_v(m, vf).data) * wet_v
    u, v = shear_u + mean_u * wet_u, shear_v + mean_v * wet_v
    transport_x, transport_y = tracer_transports(m, own(p), shear_u, shear_v, flux_x, flux_y, effects)
    tracers, eta, rounding, diagnostics = tracer_step(
        m, n, own(p), effects, surface, stepper.rounding, transport_x, transport_y
    )
    temperature, salinity = tracers.pop("temperature"), tracers.pop("salinity")
    return Ocean(u, v, temperature, salinity, eta, tracers), Stepper(history, rounding), diagnostics
