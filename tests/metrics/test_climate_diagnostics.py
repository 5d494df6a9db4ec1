"""Overturning in density, census, Nino boxes, variability: against loops and known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.metrics import density_overturning, kinetic_energy, nino, sea_level, streamfunction, water_masses


def test_density_overturning_is_what_a_loop_adds_up(basin):
    random = np.random.default_rng(0)
    v, density = random.normal(size=basin.shape) * basin.mask_v, random.uniform(30, 38, basin.shape)
    width, edges = basin.geometry.dx["V"], np.array([31.0, 34.0, 36.5])
    mask = random.random(basin.wet.shape) > 0.3
    found = density_overturning.density_overturning(v, density, basin.thickness_v, width, edges, mask)
    expected = np.zeros((3, v.shape[1]))
    for k, j, i in np.ndindex(*v.shape):
        if j + 1 < v.shape[1]:
            face = 0.5 * (density[k, j, i] + density[k, j + 1, i])
            flow = v[k, j, i] * basin.thickness_v[k, j, i] * width[j, i] * mask[j, i] / 1e6
            expected[:, j] += flow * (face < edges)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_in_a_layered_ocean_density_and_depth_agree(basin):
    """Density of the level alone: classes between the levels give the overturning at their faces."""
    v = np.random.default_rng(1).normal(size=basin.shape) * basin.mask_v
    density = np.broadcast_to(np.array([30.0, 33.0, 36.0])[:, None, None], basin.shape)
    arguments = basin.thickness_v, basin.geometry.dx["V"]
    found = density_overturning.density_overturning(v, density, *arguments, [31.0, 34.0, 37.0])
    depth = streamfunction.overturning_streamfunction(v, *arguments)
    np.testing.assert_allclose(found, depth[1:], atol=1e-9)
    latitude = np.arange(found.shape[1])
    largest = density_overturning.overturning_maximum_in_density(found, latitude, 1, 3)
    assert largest == found[:, 1:4].max()
    assert np.isnan(density_overturning.overturning_maximum_in_density(found, latitude, 80, 90))


@given(st.integers(0, 2**31))
def test_a_census_holds_all_the_water(seed):
    random = np.random.default_rng(seed)
    t, s, volume = random.uniform(-5, 40, 200), random.uniform(30, 40, 200), random.uniform(-1, 1, 200).clip(0)
    edges = np.arange(0.0, 31.0, 3.0), np.arange(33.0, 37.1, 0.5)
    found = water_masses.census(t, s, volume, *edges)
    assert found.sum() == pytest.approx(volume.sum())
    inside = (t >= 3) & (t < 6) & (s >= 34.0) & (s < 34.5)
    assert found[1, 2] == pytest.approx(volume[inside].sum())
    assert water_masses.overlap(found, found) == pytest.approx(1.0)
    assert water_masses.overlap(found[:, ::-1] * 2.0, found[:, ::-1]) == pytest.approx(1.0)
    assert water_masses.volume_between(t, volume, 3, 6) == pytest.approx(volume[(t >= 3) & (t < 6)].sum())


def test_censuses_without_common_classes():
    a, b = np.zeros((2, 2)), np.zeros((2, 2))
    a[0, 0], b[1, 1], b[0, 0] = 1.0, 3.0, 1.0
    assert water_masses.overlap(a, b) == pytest.approx(0.25)


@pytest.mark.parametrize("turn", [0.0, 360.0, -360.0])
def test_nino_boxes_have_their_area(turn):
    """Cells of 4 degrees: parts inside the box add up to the area of the box."""
    x, y = np.meshgrid(np.arange(2.0, 360.0, 4.0) + turn, np.arange(-78.0, 79.0, 4.0))
    area = np.sin(np.radians(y + 2)) - np.sin(np.radians(y - 2))
    for west, east, south, north in nino.REGIONS.values():
        weights = nino.region_weights(x - 2, x + 2, y - 2, y + 2, (west, east, south, north))
        expected = (east - west) / 4.0 * (np.sin(np.radians(north)) - np.sin(np.radians(south)))
        assert (weights * area).sum() == pytest.approx(expected)
    sst = np.stack([x * 0 + 25.0, x * 0 + 27.0])
    np.testing.assert_allclose(nino.box_index(sst, weights * area), [25.0, 27.0])


def test_seasonal_anomalies_have_no_season():
    season = np.tile(np.arange(12), 5)
    trend = np.repeat(np.arange(5.0), 12)
    found = nino.seasonal_anomaly(10 * np.cos(season / 12 * 2 * np.pi) + trend, season)
    np.testing.assert_allclose(found, trend - 2.0, atol=1e-12)


def test_variability_of_a_sine_is_its_root_mean_square():
    time = np.arange(100) / 100 * 2 * np.pi
    pattern = np.array([[1.0, -1.0], [2.0, -2.0]])
    rising = np.linspace(0, 5, 100)[:, None, None]  # everywhere alike: no variability
    height = np.sin(time)[:, None, None] * pattern + rising
    found = sea_level.variability(height, np.ones((2, 2)))
    np.testing.assert_allclose(found, np.abs(pattern) / 2**0.5, rtol=1e-6)


def test_eddy_energy_is_that_of_the_departures():
    u = np.stack([np.full((3, 3), 1.0), np.full((3, 3), 3.0)])
    ones = np.ones((3, 3))
    np.testing.assert_allclose(kinetic_energy.eddy_kinetic_energy(u, 0 * u, ones, ones), 0.5)
