import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.metrics import streamfunction


def corner_values(grid, seed):
    """Random corners, zero on the walls of a closed basin."""
    ny, nx = grid.wet.shape
    psi = np.zeros((ny + 1, nx + 1))
    psi[1:-1, 1:-1] = np.random.default_rng(seed).normal(size=(ny - 1, nx - 1)) * 20e6
    return psi


def velocities(grid, psi):
    """U = -d psi / dy and V = d psi / dx of (ny + 1, nx + 1) corners, spread over the depth."""
    u = -(psi[1:, 1:] - psi[:-1, 1:]) / grid.geometry.dy["U"]
    v = (psi[1:, 1:] - psi[1:, :-1]) / grid.geometry.dx["V"]
    depth = 1000.0
    shape = grid.shape
    return np.broadcast_to(u / depth, shape) * grid.mask_u, np.broadcast_to(v / depth, shape) * grid.mask_v


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_barotropic_streamfunction_inverts_the_transports(basin, seed):
    psi = corner_values(basin, seed)
    u, _ = velocities(basin, psi)
    found = streamfunction.barotropic_streamfunction(u, basin.thickness_u, basin.geometry.dy["U"])
    np.testing.assert_allclose(found * 1e6, psi[1:, 1:], atol=1e-3)


def test_a_clockwise_gyre_is_positive(basin):
    # westward in the south, eastward in the north
    u = np.sign(basin.geometry.y["U"] - 3e5) * 0.1 * basin.mask_u
    found = streamfunction.barotropic_streamfunction(u, basin.thickness_u, basin.geometry.dy["U"])
    assert found[2].max() > 0
    assert found.min() >= -1e-12


def test_the_barotropic_streamfunction_of_a_channel_rises_southwards(channel):
    u = np.full(channel.shape, 0.1) * channel.mask_u
    found = streamfunction.barotropic_streamfunction(u, channel.thickness_u, channel.geometry.dy["U"])
    np.testing.assert_allclose(found[:, 0], 0.1 * 1000 * 1e5 * np.arange(5, -1, -1) / 1e6)


def test_the_overturning_of_a_cell_is_its_transport(basin):
    # northward in the upper level, the same southward in the lowest
    v = np.zeros(basin.shape)
    v[0], v[2] = 0.06, -0.01
    v = v * basin.mask_v
    found = streamfunction.overturning_streamfunction(v, basin.thickness_v, basin.geometry.dx["V"])
    assert found.shape == (4, 6)
    np.testing.assert_allclose(found[:, 2], [0.0, 4.8, 4.8, 0.0], atol=1e-12)
    np.testing.assert_allclose(found[:, -1], 0.0)


def test_bolus_transport_adds_what_flows_north_above_each_face(basin):
    eddy = np.zeros(basin.shape)
    eddy[1], eddy[2] = -2.0, -1.0  # southward below the faces
    v = np.zeros(basin.shape)
    found = streamfunction.overturning_streamfunction(
        v, basin.thickness_v, basin.geometry.dx["V"], eddy_streamfunction=eddy
    )
    np.testing.assert_allclose(found[:, 0], np.array([0.0, 2.0, 1.0, 0.0]) * 8e5 / 1e6)


def test_a_basin_mask_restricts_the_overturning(basin):
    v = np.ones(basin.shape) * basin.mask_v
    west = np.zeros(basin.wet.shape, bool)
    west[:, :4] = True
    whole = streamfunction.overturning_streamfunction(v, basin.thickness_v, basin.geometry.dx["V"])
    half = streamfunction.overturning_streamfunction(v, basin.thickness_v, basin.geometry.dx["V"], west)
    np.testing.assert_allclose(half, 0.5 * whole)


def test_maximum_and_value_at_a_latitude():
    faces, latitude = np.array([0.0, 300.0, 600.0, 1000.0]), np.array([20.0, 24.0, 28.0, 40.0])
    psi = np.array([[0, 0, 0, 0], [90, 90, 90, 90], [1, 2, 6, 20], [0, 1, 8, 3.0]])
    assert streamfunction.overturning_maximum(psi, latitude, faces, south=20, north=30) == 8
    # linear between 24N and 28N
    assert streamfunction.overturning_at(psi, latitude, faces) == pytest.approx(1 + 0.625 * 7)
    assert np.isnan(streamfunction.overturning_at(psi, latitude, faces, latitude=60.0))
    assert np.isnan(streamfunction.overturning_maximum(psi, latitude, faces, south=50, north=60))


def test_jax_arrays_give_the_same(basin):
    import jax.numpy as jnp

    v = np.random.default_rng(0).normal(size=basin.shape)
    arguments = (v, basin.thickness_v, basin.geometry.dx["V"])
    expected = streamfunction.overturning_streamfunction(*arguments)
    found = streamfunction.overturning_streamfunction(*map(jnp.asarray, arguments))
    np.testing.assert_allclose(found, expected, atol=1e-12)
