import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.metrics import kinetic_energy, means, sea_level


@settings(max_examples=30, deadline=None)
@given(value=st.floats(-50, 50), seed=st.integers(0, 1000))
def test_the_mean_of_a_constant_is_the_constant(value, seed):
    weights = np.random.default_rng(seed).uniform(0, 2, (3, 4, 5)) * (
        np.random.default_rng(seed + 1).random((3, 4, 5)) > 0.3
    )
    assert means.volume_mean(np.full((2, 3, 4, 5), value), weights) == pytest.approx(value, abs=1e-12)


def test_land_has_no_say(earth):
    field = np.where(earth.mask, 7.0, 1e9)
    assert means.volume_mean(field, earth.volume) == pytest.approx(7.0)
    zonal = means.zonal_mean(field, earth.volume)
    assert zonal.shape == earth.shape[:2]
    assert np.isnan(zonal[~earth.mask.any(-1)]).all()
    np.testing.assert_allclose(zonal[earth.mask.any(-1)], 7.0)


def test_numpy_and_jax_agree_and_gradients_are_finite(earth):
    field = np.random.default_rng(0).normal(size=earth.shape)
    expected = means.level_mean(field, earth.volume)
    np.testing.assert_allclose(means.level_mean(jnp.asarray(field), jnp.asarray(earth.volume)), expected)
    gradient = jax.grad(lambda f: jnp.nansum(means.zonal_mean(f, jnp.asarray(earth.volume))))(jnp.asarray(field))
    assert np.isfinite(gradient).all()


def test_root_mean_square_of_two_values():
    assert means.root_mean_square(np.array([3.0, 4.0]), np.array([1.0, 1.0])) == pytest.approx(12.5**0.5)


def test_kinetic_energy_of_a_uniform_flow(channel):
    geometry = channel.geometry
    volumes = channel.thickness_u * geometry.area["U"], channel.thickness_v * geometry.area["V"]
    u, v = np.full(channel.shape, 0.3), np.zeros(channel.shape)
    assert kinetic_energy.mean_kinetic_energy(u, v, *volumes, channel.volume) == pytest.approx(0.045)
    surface = kinetic_energy.surface_kinetic_energy(u[0], v[0], channel.mask_u[0], channel.mask_v[0])
    np.testing.assert_allclose(surface, 0.045)


def test_dynamic_sea_level_has_no_mean(earth):
    area = earth.geometry.area["T"] * earth.wet
    height = np.random.default_rng(0).normal(size=earth.wet.shape)
    assert means.area_mean(sea_level.dynamic_sea_level(height, area), area) == pytest.approx(0.0, abs=1e-12)


def test_a_lighter_column_stands_higher(basin):
    density = np.full(basin.shape, 1025.0)
    lighter = sea_level.steric_height(density - 1.025, density, basin.thickness, 1025.0)
    np.testing.assert_allclose(lighter, 1.0)
