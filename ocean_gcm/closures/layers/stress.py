r"""Deformation of the flow, and what a stress does to potential vorticity.

Tension D_T = du/dx - dv/dy, shear D_S = dv/dx + du/dy.  A trace-free symmetric tensor ((a, b), (b, -a)) whose
divergence is a force per mass has the curl

    (d^2/dx^2 - d^2/dy^2) b - 2 d^2 a/dx dy:

momentum is conserved, and the mean of vorticity stays as it is.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ocean_gcm.closures.interface import LayerColumns


def deformation_of(k: jax.Array, l: jax.Array, psi_hat: jax.Array) -> jax.Array:  # noqa: E741
    """(2, ...) Fourier coefficients of D_T = -2 psi_xy and D_S = psi_xx - psi_yy, s-1."""
    return jnp.stack([2.0 * k * l * psi_hat, (l**2 - k**2) * psi_hat])


def deformation(columns: LayerColumns) -> tuple[jax.Array, jax.Array]:
    """(D_T, D_S) on points, (nz, ny, nx) each, s-1."""
    tension, shear = columns.grid.to_physical(deformation_of(columns.k, columns.l, columns.psi_hat))
    return tension, shear


def curl_of_divergence(columns: LayerColumns, a: jax.Array, b: jax.Array) -> jax.Array:
    """(nz, ny, nx) source of potential vorticity in s-2 of the tensor ((a, b), (b, -a)) in m2 s-2."""
    a_hat, b_hat = columns.grid.to_spectral(jnp.stack([a, b])) * columns.resolved
    k, l = columns.k, columns.l  # noqa: E741
    return columns.grid.to_physical((l**2 - k**2) * b_hat + 2.0 * k * l * a_hat)
