"""The embedded Earth has the straits, continents and sizes of the real one."""

import numpy as np
import pytest

from ocean_gcm.grid import bathymetry, earth
from ocean_gcm.grid.build import GridConfig, build_geometry


def geometry(nx=90, ny=40, y=(-80, 80), x=(0, 360)):
    levels = {"number": 15, "depth": 5500, "surface_thickness": 50}
    return build_geometry(GridConfig(geometry="sphere", nx=nx, ny=ny, x=x, y=y, periodic_x=True, levels=levels))


def depth_at(latitude, longitude):
    return earth.depth_map()[int((latitude + 80) // 4), int((longitude % 360) // 4)]


def wet_rows(longitude, south, north):
    return sum(depth_at(latitude, longitude) > 0 for latitude in np.arange(south + 2, north, 4.0))


def test_size_of_the_ocean():
    """70.8% of the Earth and 1.335e18 m3; the map leaves out marginal seas and what lies north of 80N."""
    area = geometry().area["T"]
    depth = earth.depth_map()
    assert depth.shape == (40, 90)
    assert 0.65 < area[depth > 0].sum() / 5.101e14 < 0.71
    assert np.sum(area * depth) == pytest.approx(1.335e18, rel=0.05)
    assert 5000 < depth.max() <= 5500


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(40, 260), (-10, 300), (10, 20), (60, 90), (-25, 134), (-78, 90), (72, 320), (22, 78), (42, 142), (-18, 47)],
)
def test_continents_and_islands(latitude, longitude):
    assert depth_at(latitude, longitude) == 0


@pytest.mark.parametrize(
    ("latitude", "longitude", "shallowest", "deepest"),
    [
        (30, 180, 4000, 5500),
        (30, 295, 5000, 5500),
        (-30, 100, 5000, 5500),
        (30, 318, 2400, 4200),
        (66, 330, 300, 1000),
        (62, 352, 300, 1000),
        (55, 4, 100, 300),
        (38, 6, 1000, 3000),
        (14, 284, 2000, 4500),
    ],
)
def test_seas_and_ridges(latitude, longitude, shallowest, deepest):
    assert shallowest <= depth_at(latitude, longitude) <= deepest


def test_straits_that_matter_are_open():
    for longitude in (290, 294, 298, 302):
        assert wet_rows(longitude, -68, -52) >= 3, "Drake Passage"
    assert wet_rows(22, -70, -36) >= 8, "Africa to Antarctica"
    assert wet_rows(142, -68, -44) >= 5, "Australia to Antarctica"
    assert all(depth_at(-2, longitude) > 0 for longitude in (118, 126)), "Makassar and Molucca"
    assert all(depth_at(-10, longitude) > 0 for longitude in (122, 126)), "Ombai and Timor"


def test_straits_that_are_closed():
    assert wet_rows(188, 64, 68) == 0, "Bering"
    north, _ = bathymetry.basins(np.where(geometry().y["T"] > 0, earth.depth_map(), 0.0) > 0, False)
    pacific, atlantic = north[27, 45], north[27, 80]
    assert pacific > 0 and atlantic > 0 and pacific != atlantic, "Panama"


@pytest.mark.parametrize(("nx", "ny"), [(90, 40), (45, 20), (128, 64), (180, 90), (72, 33)])
def test_any_resolution_is_one_ocean(nx, ny):
    depth = bathymetry.depth(bathymetry.EarthBathymetry(kind="earth"), geometry(nx, ny))
    _, sizes = bathymetry.basins(depth > 0, True)
    large = sizes[1:][sizes[1:] > 0]
    assert large.max() / large.sum() > 0.97
    area = geometry(nx, ny).area["T"]
    assert area[depth > 0].sum() / 5.101e14 == pytest.approx(0.67, abs=0.03)


def test_native_grid_is_the_map_itself():
    np.testing.assert_allclose(earth.depth(geometry()), earth.depth_map())


def test_shifted_longitudes_see_the_same_earth():
    np.testing.assert_allclose(earth.depth(geometry(x=(-180, 180))), np.roll(earth.depth_map(), 45, 1))
