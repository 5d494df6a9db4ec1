"""What a step starts from: choices, padded fields, density and the quantities that several terms and closures read."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import jax

from ocean_gcm.closures.interface import Columns
from ocean_gcm.dynamics.equation_of_state import EquationOfState
from ocean_gcm.dynamics.finite_volume import barotropic, isoneutral, momentum_advection
from ocean_gcm.dynamics.finite_volume.hydrostatic_pressure import centre_depth, pressure_gradient_force
from ocean_gcm.dynamics.finite_volume.surface_fluxes import SurfaceLaw
from ocean_gcm.dynamics.finite_volume.thickness import Thickness, layer_thickness
from ocean_gcm.dynamics.finite_volume.tracer_advection import Scheme
from ocean_gcm.forcing.surface import Surface
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.grid.wet import over_wet
from ocean_gcm.state import Ocean


@dataclasses.dataclass(frozen=True)
class Numerics:
    """Choices resolved when the model is built."""

    shape: tuple[int, int, int]
    halo: int
    time_step: float
    extrapolation: tuple[float, ...]
    vorticity_flux: momentum_advection.VorticityFlux | None
    tracer_scheme: Scheme
    equation_of_state: EquationOfState
    substeps: barotropic.Substeps
    surface: SurfaceLaw
    no_slip: bool
    gravity: float
    reference_density: float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Prepared:
    """Padded fields and what several terms need of them."""

    u: Field
    v: Field
    eta: Field
    tracers: Mapping[str, Field]
    thickness: Thickness
    expansion: tuple[Field, Field]
    density: Field
    force: tuple[Field, Field]
    depth: Field
    zeta: Field
    divergence: Field
    inv_thickness_f: Field
    inv_distance: Field


def tracers_of(ocean: Ocean) -> dict[str, jax.Array]:
    return {"temperature": ocean.temperature, "salinity": ocean.salinity, **ocean.tracers}


def slip_factor(metrics: Metrics, no_slip: bool) -> Field:
    """Factor of the vorticity at F: 1 inside, at walls 0 (free slip) or 2 (no slip: the wall is half a cell away)."""
    inside = metrics.mask_f
    if not no_slip:
        return inside
    touched = metrics.mask_t.mean_x().mean_y().map(lambda a: (a > 0).astype(a.dtype))
    return inside + (touched - inside) * 2.0


def prepare(metrics: Metrics, numerics: Numerics, ocean: Ocean) -> Prepared:
    """Fill halos and compute thickness, density, pressure force, vorticity and divergence."""
    n, m = numerics, metrics
    field = functools.partial(padded, m)
    u, v = field(ocean.u, "U", "c"), field(ocean.v, "V", "c")
    eta = field(ocean.sea_surface_height, "T", "s")
    tracers = {name: field(array, "T", "c") for name, array in tracers_of(ocean).items()}
    thickness = layer_thickness(m, eta)
    own = m.materialize_cotangents  # each reader sums up its own derivatives
    depth = centre_depth(thickness.t)
    t, s, z = m.materialize_cotangents((tracers["temperature"].data, tracers["salinity"].data, depth.data))
    density = depth.like(n.equation_of_state.density_anomaly(t, s, z)) * m.mask_t
    expansion = tuple(depth.like(x) for x in n.equation_of_state.expansion(t, s, z))
    density, expansion = m.materialize((density, expansion))
    force = pressure_gradient_force(
        m, density, eta, own(depth), own(thickness), gravity=n.gravity, reference_density=n.reference_density
    )
    zeta = momentum_advection.relative_vorticity(m, u, v) * slip_factor(m, n.no_slip)
    zeta, divergence, inv_thickness_f, inv_distance = m.materialize(
        (
            zeta,
            momentum_advection.horizontal_divergence(m, u, v),
            momentum_advection.corner_thickness_reciprocal(m, own(thickness.t)),
            isoneutral.face_distance(own(thickness.t)).map(over_wet),
        )
    )
    return Prepared(
        u=u,
        v=v,
        eta=eta,
        tracers=tracers,
        thickness=thickness,
        expansion=expansion,
        density=density,
        force=force,
        depth=depth,
        zeta=zeta,
        divergence=divergence,
        inv_thickness_f=inv_thickness_f,
        inv_distance=inv_distance,
    )


def padded(metrics: Metrics, array: jax.Array, place: str, level: str) -> Field:
    """`array` (..., ny, nx) with its halo filled."""
    halo = metrics.halo
    return Field(metrics.materialize_cotangents(metrics.topology.pad(array, halo)), place, level, -halo, -halo)


def columns(metrics: Metrics, numerics: Numerics, p: Prepared, surface: Surface, interval: float) -> Columns:
    """What closures see, `interval` seconds before they see it again.

    Whatever no closure uses is never computed: the compiler drops it.
    """
    n, m, p = numerics, metrics, metrics.materialize_cotangents(p)
    constants = dict(gravity=n.gravity, reference_density=n.reference_density)
    temperature, salinity = p.tracers["temperature"], p.tracers["salinity"]
    n2 = isoneutral.buoyancy_frequency_squared(m, temperature, salinity, p.expansion, p.inv_distance, **constants)
    n2 = m.materialize(n2)
    slopes = isoneutral.neutral_slopes(m, temperature, salinity, p.expansion, m.materialize_cotangents(n2), **constants)
    slope_x, slope_y = m.materialize_cotangents(slopes)
    shear_u, shear_v = p.u.diff_z(), p.v.diff_z()
    shear2 = ((shear_u * shear_u).mean_x() + (shear_v * shear_v).mean_y()) * p.inv_distance * p.inv_distance
    tension = ((p.u * m.dy_u).diff_x() - (p.v * m.dx_v).diff_y()) * m.inv_area_t
    shear = ((p.v * m.dy_v).diff_x() + (p.u * m.dx_u).diff_y()) * m.inv_area_f * m.mask_f
    names = {"stress_x": "U", "stress_y": "V", "heat_flux": "T", "freshwater_flux": "T", "sst": "T", "sss": "T"}
    return Columns(
        u=p.u,
        v=p.v,
        tracers=p.tracers,
        thickness=p.thickness.t,
        thickness_u=p.thickness.u,
        thickness_v=p.thickness.v,
        depth=p.depth,
        buoyancy_frequency_squared=m.materialize_cotangents(n2),
        shear_squared=m.materialize_cotangents(shear2 * m.mask_w),
        slope_x=slope_x,
        slope_y=slope_y,
        vorticity=p.zeta,
        divergence=p.divergence,
        strain=(tension, shear),
        sea_surface_height=p.eta,
        static=m,
        surface={
            name: padded(m, getattr(surface, name), place, "s")
            for name, place in names.items()
            if getattr(surface, name) is not None
        },
        year_fraction=surface.year_fraction,
        interval=interval,
    )
