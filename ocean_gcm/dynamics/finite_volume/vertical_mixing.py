"""Implicit vertical diffusion of momentum and tracers, with bottom drag."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ocean_gcm.grid.vertical import solve_diffusion


def diffuse(
    values: tuple[jax.Array, ...],
    thickness: jax.Array,
    conductance: jax.Array,
    time_step: float,
    drag: jax.Array | None = None,
) -> tuple[jax.Array, ...]:
    """Increments of a backward-Euler step of  h dx/dt = d(kappa dx/dz), which conserve the sum of h x (without drag).

    Args:
      values: arrays (nz, y, x) that share the coefficients.
      thickness: (nz, y, x) m, 0 where dry.
      conductance: (nz, y, x) kappa / dz at the upper faces in m s-1, 0 at the surface and at dry faces.
      drag: (nz, y, x) velocity scale in m s-1 of a linear sink, or None.
    """
    weight = jnp.where(thickness > 0, thickness, 1.0)
    conductance = conductance * time_step
    if drag is not None:
        drag = drag * time_step
        weight = weight + drag

    def gain(x):
        """Explicit change; solving for the increment keeps rounding errors relative to it (float32 conserves)."""
        down = conductance * jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1] - x[1:]])
        change = down - jnp.concatenate([down[1:], jnp.zeros_like(down[:1])])
        return change if drag is None else change - drag * x

    return solve_diffusion(weight, conductance, tuple(gain(x) for x in values))


def lowest_cell(mask: jax.Array) -> jax.Array:
    """1 in the lowest wet cell of each column, 0 elsewhere (nz, y, x)."""
    below = jnp.concatenate([mask[1:], jnp.zeros_like(mask[:1])])
    return mask * (1.0 - below)
