"""Eddy-induced transport and rotated diffusion."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.closures.classical.gent_mcwilliams_redi import steepness_taper, surface_taper
from ocean_gcm.dynamics.finite_volume import isoneutral
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.wet import over_wet

KIND = "gent_mcwilliams_redi"


def interior_slope(grid, slope, mask):
    """`slope` on the faces between wet cells, zero at the surface, as the core gives it."""
    array = slope * mask.astype(float)
    array[0] = 0.0
    return array


def test_available_potential_energy_falls(plane, interior):
    """Buoyancy b = N^2 z - M^2 y: neutral surfaces rise northward; the eddies let the dense north sink."""
    n_squared, m_squared, kappa = 1e-5, 1e-8, 800.0
    slope = interior_slope(plane.grid, m_squared / n_squared, plane.grid.mask_v)
    effects = plane.effects(KIND, {"diffusivity": kappa}, slope_y=slope)
    psi = interior(effects.eddy_streamfunction[1])
    # below the faces dense water moves south, above them light water north
    assert (psi[1:][plane.grid.mask_v[1:]] < 0).all() and not psi[0].any()
    # volume below a face: what converges leaves upward, w = -d psi / dy
    south = np.concatenate([np.zeros_like(psi[:, :1]), psi[:, :-1]], axis=1)
    width = 2e5
    w = -(psi - south) / width
    y = (np.arange(6) + 0.5) * width
    thickness = np.array([50.0, 150.0, 300.0, 500.0])
    z = -np.append(0.0, np.cumsum(thickness))[:-1]
    buoyancy = n_squared * z[:, None, None] - m_squared * y[None, :, None]
    conversion = -(w * buoyancy).sum() * width
    expected = -kappa * m_squared**2 / n_squared * plane.grid.mask_v[1:].sum() * width
    assert conversion < 0
    # the taper takes 1e-4
    assert conversion == pytest.approx(expected, rel=1e-3)


def test_streamfunction_closes_in_every_column(plane, interior):
    """Zero at the surface and below the floor: the layers' bolus transports add up to nothing."""
    slope = interior_slope(plane.grid, 2e-3, plane.grid.mask_u)
    psi = interior(plane.effects(KIND, slope_x=slope).eddy_streamfunction[0])
    below = np.concatenate([psi[1:], np.zeros_like(psi[:1])])
    layers = psi - below
    np.testing.assert_allclose(layers.sum(0), 0.0, atol=1e-12)
    assert not layers[~plane.grid.mask_u].any()
    # neutral surfaces that rise eastward: near the surface light water moves east
    assert (layers[0][plane.grid.mask_u[1]] > 0).all()


def test_values(plane, interior):
    settings = {"diffusivity": 500.0, "isoneutral_diffusivity": 1200.0, "horizontal_diffusivity": 30.0}
    effects = plane.effects(KIND, settings, slope_x=1e-3, slope_y=-2e-3)
    k_u, k_v, ks_u, ks_v, ks_squared = map(interior, effects.isoneutral_diffusion)
    along_x, along_y = (0.5 * (1 + np.tanh((0.01 - s) / 0.002)) for s in (1e-3, 2e-3))
    at = (2, 4, 5)
    assert interior(effects.eddy_streamfunction[0])[at] == pytest.approx(-500.0 * along_x * 1e-3)
    assert interior(effects.eddy_streamfunction[1])[at] == pytest.approx(500.0 * along_y * 2e-3)
    assert k_u[at] == k_v[at] == 1230.0
    assert ks_u[at] == pytest.approx(1200.0 * along_x * 1e-3)
    assert ks_v[at] == pytest.approx(-1200.0 * along_y * 2e-3)
    assert ks_squared[at] == pytest.approx(1200.0 * (along_x * 1e-6 + along_y * 4e-6))
    np.testing.assert_array_equal(k_u, 1230.0 * plane.grid.mask_u)


@pytest.mark.parametrize(("steep", "expected"), [("horizontal_diffusion", 1000.0), ("none", 0.0)])
def test_steep_slopes(plane, interior, steep, expected):
    effects = plane.effects(KIND, {"steep_slopes": steep}, slope_x=1e12, slope_y=-0.3)
    k_u, k_v, *rest = map(interior, effects.isoneutral_diffusion)
    assert k_u[2, 4, 5] == k_v[2, 4, 5] == pytest.approx(expected, abs=1e-9)
    assert all(np.abs(a).max() < 1e-9 for a in rest)
    assert all(np.abs(interior(a)).max() < 1e-9 for a in effects.eddy_streamfunction)


def test_parts_can_be_left_out(plane):
    assert plane.effects(KIND, {"diffusivity": None}).eddy_streamfunction is None
    assert plane.effects(KIND, {"isoneutral_diffusivity": None}).isoneutral_diffusion is None


def test_surface_taper_against_the_sine():
    """Large et al. (1997): (1 + sin(pi (r - 1/2))) / 2."""
    ratio = np.linspace(0.0, 1.5, 31)
    sine = 0.5 * (1 + np.sin(np.pi * (np.minimum(ratio, 1.0) - 0.5)))
    cubic = surface_taper(jnp.full(31, -2e-3), jnp.asarray(ratio * 2e-3 * 5e4), 5e4)
    np.testing.assert_allclose(cubic, sine, atol=0.011)
    assert surface_taper(0.0, 0.0, 5e4) == 1.0


def test_surface_taper_reaches_as_deep_as_the_radius_times_the_slope(plane, interior):
    """f = 1e-4, 2 m/s: 20 km; slope 5e-3: 100 m.  Faces at 50 and 200 m."""
    with_taper = plane.effects(KIND, {"surface_taper": {}}, slope_x=5e-3).eddy_streamfunction[0]
    without = plane.effects(KIND, slope_x=5e-3).eddy_streamfunction[0]
    ratio = interior(with_taper)[:, 4, 5] / interior(without)[:, 4, 5]
    np.testing.assert_allclose(ratio, [0.0, 0.5, 1.0, 1.0], atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(slope=st.floats(-1.0, 1.0), other=st.floats(-1.0, 1.0))
def test_taper_is_bounded_even_and_monotone(slope, other):
    low, high = sorted((abs(slope), abs(other)))
    assert 0.0 <= steepness_taper(high, 0.01, 0.002) <= steepness_taper(low, 0.01, 0.002) <= 1.0
    assert steepness_taper(slope, 0.01, 0.002) == steepness_taper(-slope, 0.01, 0.002)


@settings(max_examples=25, deadline=None)
@given(
    s_x=st.floats(-0.05, 0.05),
    s_y=st.floats(-0.05, 0.05),
    gx=st.floats(-1, 1),
    gy=st.floats(-1, 1),
    gz=st.floats(-99, 99),
)
def test_rotated_diffusion_destroys_variance(plane, s_x, s_y, gx, gy, gz):
    """The tensor is positive semi-definite for any gradient, tapered or not."""
    fields = plane.effects(KIND, slope_x=s_x, slope_y=s_y).isoneutral_diffusion
    k_u, k_v, ks_u, ks_v, ks_squared = (float(f.interior(6, 8)[2, 4, 5]) for f in fields)
    variance = k_u * gx**2 + k_v * gy**2 + 2 * (ks_u * gx + ks_v * gy) * gz + ks_squared * gz**2
    size = k_u * gx**2 + k_v * gy**2 + ks_squared * gz**2
    assert variance >= -1e-12 * size


def test_rotated_fluxes_of_the_buoyancy_itself_vanish(plane, interior):
    """Temperature alone makes density: its isolines are neutral surfaces, along which nothing can diffuse."""
    m = plane.static
    y = (np.arange(-3, 9) + 0.5) * 2e5
    depth = np.array([25.0, 125.0, 350.0, 750.0])
    values = 20.0 - 0.01 * depth[:, None, None] - 1e-6 * y[None, :, None] + np.zeros((4, 12, 14))
    temperature = Field(jnp.asarray(values), "T", "c", -3, -3)
    salinity, expansion = temperature * 0.0, (temperature * 0.0 - 0.2, temperature * 0.0)
    inv_distance = isoneutral.face_distance(m.thickness_t).map(over_wet)
    constants = {"gravity": 9.81, "reference_density": 1026.0}
    n2 = isoneutral.buoyancy_frequency_squared(m, temperature, salinity, expansion, inv_distance, **constants)
    slopes = isoneutral.neutral_slopes(m, temperature, salinity, expansion, n2, **constants)
    columns = dataclasses.replace(plane.columns(), slope_x=slopes[0], slope_y=slopes[1])
    coefficients = plane.closure(KIND, slope_width=0.001)(columns, (), None)[0].isoneutral_diffusion
    _, flux_y, cross_z = isoneutral.isoneutral_fluxes(
        m, temperature, coefficients, m.thickness_u, m.thickness_v, inv_distance
    )
    flux_z = cross_z * m.inv_area_t - coefficients[4] * temperature.diff_z() * inv_distance * m.mask_w
    at = (2, 4, 5)
    assert interior(slopes[1])[at] == pytest.approx(1e-4, rel=1e-2)
    horizontal = 1000.0 * 1e-6 * 300.0 * 1e5
    assert abs(interior(flux_y)[1, 3, 5]) < 1e-6 * horizontal
    vertical = 1000.0 * 1e-4**2 * 0.01
    assert abs(interior(flux_z)[at]) < 2e-2 * vertical
