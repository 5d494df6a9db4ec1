"""Neutral slopes, diffusion along neutral surfaces (Redi 1982) and eddy-induced transport (Gent et al. 1995)."""

from __future__ import annotations

import jax.numpy as jnp

from ocean_gcm.dynamics.finite_volume.bounds import maximum
from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.metrics import Metrics

# floor of the stratification in slopes, s-2: a slope of 0.01 then belongs to density differences far below noise
SMALLEST_STRATIFICATION = 1e-10


def face_distance(thickness: Field) -> Field:
    """Distance of the centres above and below each upper face (T/w or U/w or V/w), m; half a cell at the surface."""

    def distance(h):
        return 0.5 * (jnp.concatenate([jnp.zeros_like(h[:1]), h[:-1]]) + h)

    return thickness.map(distance).at(level="w")


def buoyancy_frequency_squared(
    metrics: Metrics,
    temperature: Field,
    salinity: Field,
    expansion: tuple[Field, Field],
    inv_distance: Field,
    *,
    gravity: float,
    reference_density: float,
) -> Field:
    """N^2 = -(g/rho0) (rho_T dT/dz + rho_S dS/dz) at T/w in s-2, zero at the surface and the sea floor."""
    density_t, density_s = expansion
    difference = density_t.mean_z() * temperature.diff_z() + density_s.mean_z() * salinity.diff_z()
    return difference * inv_distance * metrics.mask_w * (-gravity / reference_density)


def neutral_slopes(
    metrics: Metrics,
    temperature: Field,
    salinity: Field,
    expansion: tuple[Field, Field],
    n2: Field,
    *,
    gravity: float,
    reference_density: float,
) -> tuple[Field, Field]:
    """Slopes dz/dx at U/w and dz/dy at V/w of the neutral surfaces, -rho_x / rho_z; zero where a face is dry."""
    m = metrics
    density_t, density_s = expansion
    factor = gravity / reference_density

    def slope(gradient: Field, stratification: Field) -> Field:
        above = gradient.mean_z()
        return apply(lambda g, n: factor * g / maximum(n, SMALLEST_STRATIFICATION), above, stratification)

    def wet(mask: Field) -> Field:
        return mask.map(lambda a: jnp.concatenate([jnp.zeros_like(a[:1]), a[:-1] * a[1:]])).at(level="w")

    # stored derivatives: those of products would be computed again for each of the neighbours
    t_x, s_x, t_y, s_y, by_t_x, by_s_x, by_t_y, by_s_y, n2_x, n2_y = m.materialize_cotangents(
        (
            *(temperature.diff_x(), salinity.diff_x(), temperature.diff_y(), salinity.diff_y()),
            *(density_t.mean_x(), density_s.mean_x(), density_t.mean_y(), density_s.mean_y()),
            *(n2.mean_x(), n2.mean_y()),
        )
    )
    gradient_x = (by_t_x * t_x + by_s_x * s_x) * m.inv_dx_u
    gradient_y = (by_t_y * t_y + by_s_y * s_y) * m.inv_dy_v
    return (
        slope(gradient_x * m.mask_u, n2_x) * wet(m.mask_u),
        slope(gradient_y * m.mask_v, n2_y) * wet(m.mask_v),
    )


def bolus_transport(metrics: Metrics, streamfunction: tuple[Field, Field]) -> tuple[Field, Field]:
    """Volume fluxes (U/c, V/c; m3 s-1) of the eddy streamfunction (U/w, V/w; m2 s-1, transport of all water below)."""

    def layer(psi):
        return psi - jnp.concatenate([psi[1:], jnp.zeros_like(psi[:1])])

    psi_x, psi_y = streamfunction
    m = metrics
    return psi_x.map(layer).at(level="c") * m.dy_u * m.mask_u, psi_y.map(layer).at(level="c") * m.dx_v * m.mask_v


def isoneutral_fluxes(
    metrics: Metrics,
    tracer: Field,
    coefficients: tuple[Field, Field, Field, Field, Field],
    thickness_u: Field,
    thickness_v: Field,
    inv_distance: Field,
) -> tuple[Field, Field, Field]:
    """Diffusive fluxes times face area (U/c, V/c; T/w upward, without the K|S|^2 part that is implicit).

    Slopes live where the four cells of a vertical plane meet, and both off-diagonal fluxes use the same products, so
    the discrete operator is symmetric and never increases variance (the reasoning of Griffies et al. 1998).
    """
    m = metrics
    k_u, k_v, ks_x, ks_y, _ = coefficients
    d_z = tracer.diff_z() * m.mask_w * inv_distance
    d_x, d_y = tracer.diff_x() * m.mask_u * m.inv_dx_u, tracer.diff_y() * m.mask_v * m.inv_dy_v
    face_x, face_y = thickness_u * m.dy_u, thickness_v * m.dx_v
    d_z, face_d_x, face_d_y = m.materialize((d_z, face_x * d_x, face_y * d_y))
    flux_x = -(k_u * face_d_x + face_x * (ks_x * d_z.mean_x()).mean_z())
    flux_y = -(k_v * face_d_y + face_y * (ks_y * d_z.mean_y()).mean_z())
    cross_x = ks_x * (face_d_x * m.dx_u).mean_z()
    cross_y = ks_y * (face_d_y * m.dy_v).mean_z()
    flux_x, flux_y, cross_x, cross_y = m.materialize((flux_x, flux_y, cross_x, cross_y))
    flux_z = -((cross_x.mean_x() + cross_y.mean_y()) * inv_distance * m.mask_w)
    return flux_x, flux_y, m.materialize(flux_z)
