"""Lateral friction from the divergence and the vorticity, harmonic and biharmonic (Madec et al. 1991)."""

from __future__ import annotations

import jax.numpy as jnp

from ocean_gcm.dynamics.finite_volume.momentum_advection import horizontal_divergence, relative_vorticity
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics


def laplacian(
    metrics: Metrics, divergence: Field, vorticity: Field, viscosity: tuple[Field, Field] | None = None
) -> tuple[Field, Field]:
    """grad(nu D) - k x grad(nu zeta) at (U, V); nu = 1 if no viscosity (at T, F; m2 s-1) is given."""
    m = metrics
    if viscosity is not None:
        divergence, vorticity = divergence * viscosity[0], vorticity * viscosity[1]
    u = divergence.diff_x() * m.inv_dx_u - vorticity.diff_y() * m.inv_dy_u
    v = divergence.diff_y() * m.inv_dy_v + vorticity.diff_x() * m.inv_dx_v
    return u * m.mask_u, v * m.mask_v


def biharmonic(
    metrics: Metrics, divergence: Field, vorticity: Field, slip: Field, viscosity: tuple[Field, Field]
) -> tuple[Field, Field]:
    """Minus the Laplacian of the Laplacian of velocity, each with the root of the viscosity (at T, F; m4 s-1).

    The root in both makes the operator dissipative where the viscosity varies (Griffies & Hallberg 2000).
    """
    root = tuple(nu.map(smooth_root) for nu in viscosity)
    u, v = laplacian(metrics, divergence, vorticity, root)
    u, v = metrics.materialize((u, v))
    d, zeta = horizontal_divergence(metrics, u, v), relative_vorticity(metrics, u, v) * slip
    u, v = laplacian(metrics, d, zeta, root)
    return -u, -v


def smooth_root(x):
    """Square root with a finite derivative at zero."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)
