"""Vorticity flux, gradient of kinetic energy and vertical advection: what they conserve."""

import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.finite_volume import continuity, momentum_advection
from ocean_gcm.dynamics.finite_volume.momentum_advection import VORTICITY_FLUXES
from ocean_gcm.grid.field import Field


def vorticity(basin, u, v):
    m = basin.static
    return momentum_advection.relative_vorticity(m, u, v) * m.mask_f


def test_energy_conserving_vorticity_flux_does_no_work(basin, rng):
    """Any flow, any coasts, partial cells, a moving surface."""
    u, v = basin.flow(rng)
    thickness = basin.thickness(basin.surface(rng))
    zeta = basin.field(rng.normal(size=basin.shape) * basin.grid.mask_f, "F")
    flux = VORTICITY_FLUXES["energy"](basin.static, zeta, u, v, thickness, basin.inverse_corner(thickness))
    work, scale = basin.work(u, v, thickness, flux)
    assert abs(work) < 1e-14 * scale


@pytest.mark.parametrize("kind", ["enstrophy", "upwind3", "weno5"])
def test_the_others_do_work(plane, rng, kind):
    """The test above can tell: these fluxes conserve something else, or nothing."""
    u, v = plane.flow(rng)
    thickness = plane.thickness(plane.surface(rng))
    zeta = vorticity(plane, u, v)
    flux = VORTICITY_FLUXES[kind](plane.static, zeta, u, v, thickness, plane.inverse_corner(thickness))
    work, scale = plane.work(u, v, thickness, flux)
    assert abs(work) > 1e-4 * scale


def nondivergent(basin, rng):
    """Velocity of a random streamfunction at the corners of a doubly periodic flat basin."""
    m = basin.static
    psi = basin.field(1e6 * rng.normal(size=basin.shape), "F")
    return psi.diff_y() * m.inv_dy_u * -1.0, psi.diff_x() * m.inv_dx_v


@pytest.mark.parametrize(("kind", "conserves"), [("enstrophy", True), ("energy", False)])
def test_potential_enstrophy(make_flat, rng, kind, conserves):
    """sum q d(zeta)/dt = 0 for non-divergent flow on a uniform grid: Sadourny's second scheme, not his first."""
    basin = make_flat()
    _, ny, nx = basin.shape
    m = basin.static
    u, v = nondivergent(basin, rng)
    np.testing.assert_allclose(basin.inner(momentum_advection.horizontal_divergence(m, u, v)), 0.0, atol=1e-17)
    thickness = basin.thickness(basin.field(np.zeros((ny, nx)), "T", "s"))
    zeta = momentum_advection.relative_vorticity(m, u, v)
    flux = VORTICITY_FLUXES[kind](m, zeta, u, v, thickness, basin.inverse_corner(thickness))
    # the tendencies once more periodic, for the circulation
    along_x, along_y = (basin.field(basin.inner(f), place) for f, place in zip(flux, "UV", strict=True))
    terms = basin.inner(zeta * momentum_advection.relative_vorticity(m, along_x, along_y))
    relative = abs(terms.sum()) / np.abs(terms).sum()
    assert (relative < 1e-14) if conserves else (relative > 1e-4)


def test_full_advection_conserves_energy(make_rugged, rng):
    """All three terms together, for a flow whose columns do not diverge, on a plane with random depths."""
    basin = make_rugged("plane")
    nz, ny, nx = basin.shape
    m = basin.static
    eta = basin.field(np.zeros((ny, nx)), "T", "s")
    thickness = basin.thickness(eta)
    # depth-integrated transport from a streamfunction that is constant along coasts, baroclinic parts at random
    corner = basin.grid.mask_f[0].copy()
    psi = Field(basin.grid.topology.pad(jnp.asarray(rng.normal(size=(ny, nx)) * corner), 3), "F", "s", -3, -3)
    u, v = basin.flow(rng)
    mean_u = (u * m.thickness_u).map(lambda a: a.sum(0)).at(level="s")
    mean_v = (v * m.thickness_v).map(lambda a: a.sum(0)).at(level="s")
    u = (u + (psi.diff_y() * -1.0 - mean_u) * m.inv_depth_u) * m.mask_u
    v = (v + (psi.diff_x() - mean_v) * m.inv_depth_v) * m.mask_v
    outflow = continuity.divergence(u * thickness.u * m.dy_u, v * thickness.v * m.dx_v)
    assert np.abs(basin.inner(outflow).sum(0)).max() < 1e-9 * np.abs(basin.inner(outflow)).max()
    transport_w = continuity.vertical_transport(m, outflow)
    tendency = momentum_advection.momentum_advection(
        m,
        VORTICITY_FLUXES["energy"],
        vorticity(basin, u, v),
        u,
        v,
        thickness,
        transport_w,
        basin.inverse_corner(thickness),
    )
    work, scale = basin.work(u, v, thickness, tendency)
    assert abs(work) < 1e-13 * scale


def test_uniform_flow_is_not_accelerated(make_flat):
    basin = make_flat()
    nz, ny, nx = basin.shape
    m = basin.static
    u, v = basin.field(np.full(basin.shape, 0.3), "U"), basin.field(np.full(basin.shape, -0.2), "V")
    thickness = basin.thickness(basin.field(np.zeros((ny, nx)), "T", "s"))
    outflow = continuity.divergence(u * thickness.u * m.dy_u, v * thickness.v * m.dx_v)
    for flux in VORTICITY_FLUXES.values():
        tendency = momentum_advection.momentum_advection(
            m,
            flux,
            momentum_advection.relative_vorticity(m, u, v),
            u,
            v,
            thickness,
            continuity.vertical_transport(m, outflow),
            basin.inverse_corner(thickness),
        )
        for f in tendency:
            np.testing.assert_allclose(basin.inner(f), 0.0, atol=1e-18)


def test_corner_thickness_of_partial_cells(plane):
    thickness = plane.thickness(plane.field(np.zeros(plane.shape[1:]), "T", "s"))
    inverse = plane.inner(plane.inverse_corner(thickness))
    h = plane.grid.thickness
    around = np.stack([np.roll(h, (-a, -b), (1, 2)) for a in (0, 1) for b in (0, 1)])[:, :, :-1]
    wet = (around > 0).sum(0)
    mean = np.where(wet > 0, around.sum(0) / np.maximum(wet, 1), np.inf)
    np.testing.assert_allclose(inverse[:, :-1], 1.0 / mean)
