"""Advection of momentum in vector-invariant form:  -zeta k x u - grad K - w du/dz."""

from __future__ import annotations

from collections.abc import Callable

from ocean_gcm.dynamics.finite_volume.reconstruction import upwind3, weno5
from ocean_gcm.dynamics.finite_volume.thickness import Thickness
from ocean_gcm.grid.field import Field, apply, where
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.grid.wet import over_wet

VorticityFlux = Callable[[Metrics, Field, Field, Field, Thickness, Field], tuple[Field, Field]]


def relative_vorticity(metrics: Metrics, u: Field, v: Field) -> Field:
    """zeta = dv/dx - du/dy at F/c in s-1 (circulation around the corner by its area), not yet masked."""
    m = metrics
    return ((v * m.dy_v).diff_x() - (u * m.dx_u).diff_y()) * m.inv_area_f


def horizontal_divergence(metrics: Metrics, u: Field, v: Field) -> Field:
    """du/dx + dv/dy at T/c in s-1."""
    m = metrics
    return ((u * m.dy_u).diff_x() + (v * m.dx_v).diff_y()) * m.inv_area_t


def corner_thickness_reciprocal(metrics: Metrics, thickness: Field) -> Field:
    """1 / (mean thickness of the wet cells around a corner) at F, m-1; 0 where all are dry."""
    total = thickness.mean_x().mean_y()
    wet = metrics.mask_t.mean_x().mean_y() if thickness.level == "c" else metrics.surface_mask_t.mean_x().mean_y()
    return apply(over_wet, total, wet)


def energy_conserving(metrics, zeta, u, v, thickness, inv_thickness_f):
    """Sadourny (1975): each corner's vorticity acts on the transports around it; conserves kinetic energy."""
    m = metrics
    q = zeta * inv_thickness_f
    flux_x, flux_y = u * thickness.u * m.dy_u, v * thickness.v * m.dx_v
    at_corners = m.materialize((q * flux_y.mean_x(), q * flux_x.mean_y()))
    return at_corners[0].mean_y() * m.inv_dx_u, -(at_corners[1].mean_x() * m.inv_dy_v)


def enstrophy_conserving(metrics, zeta, u, v, thickness, inv_thickness_f):
    """Sadourny (1975): averaged vorticity times averaged transport; conserves potential enstrophy."""
    m = metrics
    q = zeta * inv_thickness_f
    flux_x, flux_y = u * thickness.u * m.dy_u, v * thickness.v * m.dx_v
    return (
        q.mean_y() * flux_y.mean_x().mean_y() * m.inv_dx_u,
        -(q.mean_x() * flux_x.mean_y().mean_x() * m.inv_dy_v),
    )


def upwind_biased(reconstruct) -> VorticityFlux:
    """Vorticity reconstructed at the faces from the upwind side (as in Silvestri et al. 2024), for eddying flow."""

    def flux(metrics, zeta, u, v, thickness, inv_thickness_f):
        del inv_thickness_f
        m = metrics
        v_u = (v * m.dx_v).mean_x().mean_y() * m.inv_dx_u
        u_v = (u * m.dy_u).mean_y().mean_x() * m.inv_dy_v
        from_south, from_north = reconstruct([zeta.shift(dy=k) for k in range(-reconstruct.reach, reconstruct.reach)])
        from_west, from_east = reconstruct([zeta.shift(dx=k) for k in range(-reconstruct.reach, reconstruct.reach)])
        zeta_u = where(v_u.map(lambda a: a >= 0), from_south.at("U"), from_north.at("U"))
        zeta_v = where(u_v.map(lambda a: a >= 0), from_west.at("V"), from_east.at("V"))
        return v_u * zeta_u, -(u_v * zeta_v)

    return flux


VORTICITY_FLUXES: dict[str, VorticityFlux] = {
    "energy": energy_conserving,
    "enstrophy": enstrophy_conserving,
    "upwind3": upwind_biased(upwind3),
    "weno5": upwind_biased(weno5),
}


def kinetic_energy(metrics: Metrics, u: Field, v: Field) -> Field:
    """Horizontal kinetic energy per mass at T/c, m2 s-2."""
    m = metrics
    return ((u * u * m.area_u).mean_x() + (v * v * m.area_v).mean_y()) * m.inv_area_t * 0.5


def _vertical(velocity: Field, transport_w: Field, inv_volume: Field) -> Field:
    """-w du/dz as the mean of the fluxes at the upper and lower face; conserves kinetic energy with `continuity`."""
    at_faces = transport_w * velocity.diff_z()
    return at_faces.mean_z() * inv_volume * -1.0


def momentum_advection(
    metrics: Metrics,
    vorticity_flux: VorticityFlux,
    zeta: Field,
    u: Field,
    v: Field,
    thickness: Thickness,
    transport_w: Field,
    inv_thickness_f: Field,
) -> tuple[Field, Field]:
    """Tendencies (U/c, V/c) in m s-2."""
    m = metrics
    flux_u, flux_v = vorticity_flux(m, zeta, u, v, thickness, inv_thickness_f)
    energy = m.materialize(kinetic_energy(m, u, v))
    vertical_u = _vertical(u, transport_w.mean_x(), (thickness.u * m.area_u).map(over_wet))
    vertical_v = _vertical(v, transport_w.mean_y(), (thickness.v * m.area_v).map(over_wet))
    return (
        (flux_u - energy.diff_x() * m.inv_dx_u + vertical_u) * m.mask_u,
        (flux_v - energy.diff_y() * m.inv_dy_v + vertical_v) * m.mask_v,
    )
