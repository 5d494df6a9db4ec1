import numpy as np
import pytest

from ocean_gcm.metrics import courant, heat_content, transport


def test_transport_through_a_section():
    velocity, thickness, width = np.full((2, 3), 0.5), np.full((2, 3), 100.0), np.array([1e4, 1e4, 2e4])
    assert transport.section_transport(velocity, thickness, width) == pytest.approx(4.0)
    assert transport.section_transport(velocity, thickness, width, np.array([1, 0, 0])) == pytest.approx(1.0)


def test_all_meridians_of_a_channel_carry_the_same(channel):
    u = np.full(channel.shape, 0.1)
    np.testing.assert_allclose(transport.zonal_transport(u, channel.thickness_u, channel.geometry.dy["U"]), 60.0)


def test_drake_passage_lies_between_two_continents(earth):
    geometry = earth.geometry
    found = transport.drake_passage(geometry.x["U"], geometry.y["U"], earth.thickness_u.sum(0))
    assert found is not None
    column, rows = found
    open_rows = rows & earth.mask_u[0, :, column]
    latitudes = geometry.y["U"][open_rows, column]
    assert 288 <= geometry.x["U"][0, column] <= 300
    assert latitudes.max() < -50
    assert -80 < latitudes.min() < -58
    # one strait without land within
    assert np.all(np.diff(np.flatnonzero(open_rows)) == 1)


def test_a_closed_passage_is_no_passage(basin):
    assert transport.drake_passage(basin.geometry.x["U"], basin.geometry.y["U"], basin.thickness_u.sum(0)) is None


def test_heat_transport_of_a_constant_is_that_of_the_volume(basin):
    v = np.random.default_rng(0).normal(size=basin.shape) * basin.mask_v
    width = basin.geometry.dx["V"]
    volume = transport.meridional_transport(np.ones(basin.shape), v, basin.thickness_v, width)
    heat = transport.meridional_heat_transport(np.full(basin.shape, 10.0), v, basin.thickness_v, width, 1026.0, 4000.0)
    np.testing.assert_allclose(heat, volume * 10.0 * 1026.0 * 4000.0)
    fresh = transport.meridional_freshwater_transport(np.full(basin.shape, 35.0), v, basin.thickness_v, width)
    np.testing.assert_allclose(fresh, 0.0)
    fresh = transport.meridional_freshwater_transport(np.zeros(basin.shape), v, basin.thickness_v, width)
    np.testing.assert_allclose(fresh, volume / 1e6)


def test_heat_content_of_layers_adds_up(earth):
    temperature = np.random.default_rng(0).normal(size=earth.shape)
    whole = heat_content.heat_content(temperature, earth.thickness, 1026.0, 4000.0)
    upper = heat_content.heat_content(temperature, earth.thickness, 1026.0, 4000.0, 0.0, 700.0)
    lower = heat_content.heat_content(temperature, earth.thickness, 1026.0, 4000.0, 700.0)
    np.testing.assert_allclose(upper + lower, whole, rtol=1e-12)
    uniform = heat_content.heat_content(np.ones(earth.shape), earth.thickness, 1.0, 1.0, 50.0, 250.0)
    np.testing.assert_allclose(uniform, np.clip(earth.depth, 50, 250) - 50, atol=1e-9)


def test_courant_numbers(basin):
    u, v = np.full(basin.shape, 0.5), np.full(basin.shape, -1.0)
    dx, dy = basin.geometry.dx["U"], basin.geometry.dy["V"]
    assert courant.horizontal_courant_number(u, v, dx, dy, 1e4) == pytest.approx(0.1)
    assert courant.vertical_courant_number(np.full(basin.shape, 1e-3), basin.thickness, 1e4) == pytest.approx(0.1)
    number = courant.gravity_wave_courant_number(basin.depth, basin.geometry.dx["T"], basin.geometry.dy["T"], 100.0)
    assert number == pytest.approx(100 * np.sqrt(9810.0) * np.sqrt(2) / 1e5)
