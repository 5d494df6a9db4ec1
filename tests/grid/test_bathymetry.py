"""Depths, basins and lakes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.errors import UserError
from ocean_gcm.grid import bathymetry
from ocean_gcm.grid.build import GridConfig, build_geometry, build_grid_from_config

LEVELS = {"number": 5, "depth": 1000.0}


def plane(nx=8, ny=6, **keys):
    return GridConfig(geometry="plane", nx=nx, ny=ny, x=(0, nx * 1e3), y=(0, ny * 1e3), levels=LEVELS, **keys)


def test_walls_are_land_and_close_their_faces():
    config = bathymetry.FlatBathymetry(kind="flat", depth=1000, walls=[{"x": [2e3, 4e3], "y": [3e3, 6e3]}])
    grid = build_grid_from_config(plane(), config)
    expected = np.ones((6, 8), bool)
    expected[3:, 2:4] = False
    np.testing.assert_array_equal(grid.wet, expected)
    assert not grid.mask_u[0, 4, 1] and not grid.mask_u[0, 4, 3] and not grid.mask_v[0, 2, 2]


def test_seamount_has_its_height_width_and_place():
    config = bathymetry.SeamountBathymetry(kind="seamount", depth=1000, height=600, width=2e3, centre=(2500, 3500))
    depth = bathymetry.depth(config, build_geometry(plane()))
    assert depth[3, 2] == pytest.approx(400.0)
    assert depth[3, 4] == pytest.approx(1000 - 600 * np.exp(-1.0))
    assert depth.min() == depth[3, 2]


def test_periodic_seamount_goes_around():
    config = bathymetry.SeamountBathymetry(kind="seamount", depth=1000, height=600, width=2e3, centre=(0, 3e3))
    depth = bathymetry.depth(config, build_geometry(plane(periodic_x=True)))
    np.testing.assert_allclose(depth, depth[:, ::-1])


def test_seamount_on_the_sphere_is_as_wide_in_metres():
    config = GridConfig(geometry="sphere", nx=40, ny=40, x=(0, 20), y=(50, 70), levels=LEVELS)
    hill = bathymetry.SeamountBathymetry(kind="seamount", depth=1000, height=900, width=1e5)
    depth = bathymetry.depth(hill, build_geometry(config))
    area = build_geometry(config).area["T"]
    assert np.sum((1000 - depth) * area) == pytest.approx(np.pi * 1e10 * 900, rel=0.02)


def test_ridge_with_a_gap():
    config = bathymetry.RidgeBathymetry(kind="ridge", depth=1000, height=1000, width=500, centre=3500, gap=(0, 2e3))
    depth = bathymetry.depth(config, build_geometry(plane()))
    assert (depth[2:, 3] < 1e-9).all() and (depth[:2, 3] == 1000).all()


def _with_lake():
    wet = np.ones((5, 6), bool)
    wet[:, 3] = False
    wet[1:4, 4:] = False
    wet[2, 5] = True
    return wet


def test_lone_cell_is_refused_with_its_place():
    geometry = build_geometry(plane(6, 5))
    with pytest.raises(UserError, match=r"isolated basin of 1 cell.*x = 5500, y = 2500 m.*fill_lakes"):
        bathymetry.without_lakes(np.where(_with_lake(), 100.0, 0.0), geometry)


def test_lone_cell_is_filled_on_request_and_larger_basins_stay():
    geometry = build_geometry(plane(6, 5))
    depth = bathymetry.without_lakes(np.where(_with_lake(), 100.0, 0.0), geometry, fill=True)
    assert depth[2, 5] == 0 and depth[0, 5] == 100
    assert (bathymetry.without_lakes(depth, geometry, 3, fill=True)[:, 4:] == 0).all()


def test_periodic_side_joins_basins():
    geometry = build_geometry(plane(6, 5, periodic_x=True))
    depth = np.where(_with_lake(), 100.0, 0.0)
    np.testing.assert_array_equal(bathymetry.without_lakes(depth, geometry), depth)


def test_no_water_is_refused():
    geometry = build_geometry(plane(6, 5))
    with pytest.raises(UserError, match="no water"):
        bathymetry.without_lakes(np.zeros((5, 6)), geometry)
    lone = np.zeros((5, 6))
    lone[2, 2] = 100.0
    with pytest.raises(UserError, match="only basins of fewer"):
        bathymetry.without_lakes(lone, geometry, fill=True)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=30, max_size=30), st.booleans(), st.booleans())
def test_basins_are_closed_sets_of_neighbours(cells, periodic_x, periodic_y):
    """Across every face between two wet cells the label is the same; sizes add up to the wet cells."""
    wet = np.array(cells).reshape(5, 6)
    labels, sizes = bathymetry.basins(wet, periodic_x, periodic_y)
    assert ((labels > 0) == wet).all()
    assert sizes[1:].sum() == wet.sum()
    for axis, periodic in ((1, periodic_x), (0, periodic_y)):
        other, both = np.roll(labels, -1, axis), wet & np.roll(wet, -1, axis)
        if not periodic:
            both[(slice(None), -1) if axis == 1 else -1] = False
        assert (labels == other)[both].all()


def test_earth_needs_a_sphere():
    with pytest.raises(UserError, match="sphere"):
        bathymetry.depth(bathymetry.EarthBathymetry(kind="earth"), build_geometry(plane()))
