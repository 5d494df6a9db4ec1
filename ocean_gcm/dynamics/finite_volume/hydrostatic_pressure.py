"""Hydrostatic pressure and its horizontal gradient over tilted and partial cells."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from ocean_gcm.dynamics.finite_volume.thickness import Thickness
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics


def centre_depth(thickness: Field) -> Field:
    """Depth of the cells' centres below the moving sea surface, m."""

    def sum_down(h):
        def body(above, level):
            below = above + level
            return below, above + 0.5 * level

        return lax.scan(body, jnp.zeros_like(h[0]), h)[1]

    return thickness.map(sum_down)


def hydrostatic_pressure(density: Field, thickness: Field, gravity: float) -> Field:
    """Pressure anomaly at the cells' centres, Pa, from the density anomaly (kg m-3).

    Trapezoidal rule between centres, so that a density that is linear in depth is integrated exactly.
    """

    def integrate(rho, h):
        def body(carry, level):
            pressure, rho_above, h_above = carry
            rho_k, h_k = level
            pressure = pressure + (0.25 * gravity) * (rho_above + rho_k) * (h_above + h_k)
            return (pressure, rho_k, h_k), pressure

        # above the uppermost centre lies half a cell of its own density
        start = (jnp.zeros_like(rho[0]), rho[0], jnp.zeros_like(h[0]))
        return lax.scan(body, start, (rho, h))[1]

    return density.like(integrate(density.data, thickness.window(density.y0, density.y1, density.x0, density.x1)))


def curvature(density: Field, thickness: Field) -> tuple[Field, Field]:
    """Distance of each centre to the one above (m), and d2 rho/dz2 through the three centres down to each (kg m-5)."""

    def differences(rho, h):
        distance = 0.5 * (h[:-1] + h[1:])
        slope = (rho[1:] - rho[:-1]) / jnp.where(distance > 0, distance, 1.0)
        width = 0.5 * (distance[:-1] + distance[1:])
        bend = (slope[1:] - slope[:-1]) / jnp.where(width > 0, width, 1.0)
        none = jnp.zeros_like(rho[:1])
        return jnp.concatenate([none, distance]), jnp.concatenate([none, none, bend])[: rho.shape[0]]

    distance, bend = differences(density.data, thickness.window(density.y0, density.y1, density.x0, density.x1))
    return density.like(distance), density.like(bend)


def bent(distance: Field, bend: Field, along: str) -> Field:
    """What trapezoidal sums around a triangle leave of a density that is quadratic in depth, kg m-2.

    From the centre above down to one neighbour, along the layer to the other, and up: with the distances a and b,
    rho'' a b (a - b) / 4 is left.
    """
    if along == "x":
        mean, difference, bend = distance.mean_x(), distance.diff_x(), bend.mean_x()
    else:
        mean, difference, bend = distance.mean_y(), distance.diff_y(), bend.mean_y()
    return bend * difference * (mean * mean - difference * difference * 0.25) * 0.25


def pressure_gradient_force(
    metrics: Metrics,
    density: Field,
    eta: Field,
    depth: Field,
    thickness: Thickness,
    *,
    gravity: float,
    reference_density: float,
) -> tuple[Field, Field]:
    """Baroclinic force per mass -(1/rho0) (grad p + g rho grad z) at (U/c, V/c) in m s-2.

    The gradient along a tilted layer is corrected with the mean density of the two cells (density Jacobian) and with
    the curvature of the profile: together with the trapezoidal pressure it vanishes exactly for any density that is
    quadratic in depth where a partial cell has two cells above it (linear elsewhere), and for any stratification at
    rest where the cells are level.  The gradient of the sea surface itself belongs to the barotropic mode.
    """
    m = metrics
    pressure = hydrostatic_pressure(density, thickness.t, gravity)
    height = eta - depth
    factor = -1.0 / reference_density
    distance, bend = curvature(density, thickness.t)
    along_x = pressure.diff_x() + (density.mean_x() * height.diff_x() - bent(distance, bend, "x")) * gravity
    along_y = pressure.diff_y() + (density.mean_y() * height.diff_y() - bent(distance, bend, "y")) * gravity
    return along_x * m.inv_dx_u * m.mask_u * factor, along_y * m.inv_dy_v * m.mask_v * factor
