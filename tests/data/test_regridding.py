"""Interpolation: exact where it should be, conservative where it can be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.data import regridding
from ocean_gcm.errors import UserError
from ocean_gcm.grid.geometry import plane, sphere
from ocean_gcm.grid.topology import Topology


def globe(nx, ny, south=-80.0, north=80.0):
    return sphere(np.linspace(0, 360, nx + 1), np.linspace(south, north, ny + 1), Topology(periodic_x=True))


def centres(geometry):
    return geometry.x["T"][0], geometry.y["T"][:, 0]


def all_of(geometry):
    return np.ones(geometry.shape, bool)


def test_the_same_points_take_the_same_values():
    geometry = globe(16, 9)
    values = np.random.default_rng(0).normal(size=geometry.shape)
    values[3, 4] = np.nan
    np.testing.assert_array_equal(
        regridding.to_points(values, *centres(geometry), geometry, "T", all_of(geometry), "x"), values
    )


def test_western_faces_of_a_file_are_found_as_eastern_faces():
    geometry = globe(16, 9)
    x, y = centres(geometry)
    west = x - 0.5 * (x[1] - x[0])
    values = np.random.default_rng(0).normal(size=geometry.shape)
    at_u = regridding.to_points(values, west, y, geometry, "U", all_of(geometry), "x")
    np.testing.assert_array_equal(at_u, np.roll(values, -1, -1))


@settings(max_examples=25, deadline=None)
@given(nx=st.integers(3, 40), ny=st.integers(3, 30), place=st.sampled_from("TUV"), shift=st.floats(-180, 180))
def test_bilinear_keeps_constants_and_bounds_over_the_date_line(nx, ny, place, shift):
    source, target = globe(36, 18, -90, 90), globe(nx, ny, -84, 84)
    x, y = centres(source)
    x = np.sort(np.mod(x + shift, 360))
    values = np.random.default_rng(1).normal(size=source.shape)
    out = regridding.bilinear(
        values,
        regridding.along_axis(x, target.x[place], cyclic=True),
        regridding.along_axis(y, target.y[place], cyclic=False),
    )
    assert out.min() >= values.min() and out.max() <= values.max()
    one = regridding.to_points(np.ones(source.shape), x, y, target, place, all_of(target), "x")
    np.testing.assert_allclose(one, 1.0, atol=1e-12)


def test_bilinear_is_second_order_for_a_smooth_field():
    def f(lon, lat):
        return np.cos(np.deg2rad(lon)) * np.cos(np.deg2rad(lat)) ** 2

    target, errors = globe(50, 31), []
    for n in (36, 72):
        x, y = centres(globe(n, n // 2, -90, 90))
        out = regridding.bilinear(
            f(*np.meshgrid(x, y)),
            regridding.along_axis(x, target.x["T"], cyclic=True),
            regridding.along_axis(y, target.y["T"], cyclic=False),
        )
        errors.append(abs(out - f(target.x["T"], target.y["T"])).max())
    assert errors[0] / errors[1] > 3.5


@settings(max_examples=20, deadline=None)
@given(nx=st.integers(2, 24), ny=st.integers(2, 12), offset=st.floats(-40, 40))
def test_coarsening_conserves_the_integral_on_the_sphere(nx, ny, offset):
    source = globe(72, 36, -80, 80)
    target = sphere(
        offset + np.linspace(0, 360, nx + 1), np.linspace(-80, 80, ny + 1), Topology(periodic_x=True), radius=6371000.0
    )
    values = np.random.default_rng(2).normal(size=source.shape)
    out = regridding.to_points(values, *centres(source), target, "T", all_of(target), "x")
    total = (values * source.area["T"]).sum()
    # areas of the grid are exact, so are those of the overlaps
    np.testing.assert_allclose((out * target.area["T"]).sum(), total, atol=1e-9 * source.area["T"].sum())


def test_land_does_not_bleed_into_coarse_cells():
    source, target = globe(72, 36), globe(12, 6)
    values = np.full(source.shape, 7.0)
    values[:, ::2] = np.nan
    out = regridding.to_points(values, *centres(source), target, "T", all_of(target), "x")
    np.testing.assert_allclose(out, 7.0)


def test_points_outside_are_refused():
    source = globe(36, 10, -50, 50)
    with pytest.raises(UserError, match="covers latitude -45 to 45, but the grid needs -76"):
        target = globe(36, 40, -78, 78)
        regridding.to_points(np.ones(source.shape), *centres(source), target, "T", all_of(target), "variable 'x'")


def test_regional_source_is_not_joined_over_the_date_line():
    x, y = np.arange(10.0, 60.0, 2.0), np.arange(-20.0, 21.0, 2.0)
    target = sphere(np.linspace(15, 50, 6), np.linspace(-15, 15, 6), Topology())
    values = np.broadcast_to(x, (y.size, x.size))
    out = regridding.bilinear(
        values,
        regridding.along_axis(x, target.x["U"], cyclic=True),
        regridding.along_axis(y, target.y["U"], cyclic=False),
    )
    np.testing.assert_allclose(out, target.x["U"])
    whole = globe(36, 8, -15, 15)
    with pytest.raises(UserError, match="covers longitude 10 to 58"):
        regridding.to_points(values, x, y, whole, "T", all_of(whole), "x")


def test_plane():
    target = plane(np.linspace(0, 1e5, 11), np.linspace(0, 5e4, 6), Topology())
    x, y = np.linspace(0, 1e5, 8), np.linspace(0, 5e4, 9)
    values = x[None, :] + 2 * y[:, None]
    out = regridding.to_points(values, x, y, target, "T", all_of(target), "x")
    np.testing.assert_allclose(out, target.x["T"] + 2 * target.y["T"])


def test_vertical_interpolation_is_linear_and_stops_at_the_floor():
    depth = np.array([10.0, 50.0, 100.0, 500.0])
    column = (20.0 - 0.02 * depth)[:, None, None] * np.ones((1, 1, 2))
    column[2:, :, 1] = np.nan
    out = regridding.to_depths(column, depth, np.array([5.0, 30.0, 80.0, 100.0, 300.0, 700.0]))[:, 0]
    np.testing.assert_allclose(out[:, 0], [19.8, 19.4, 18.4, 18.0, 14.0, 10.0])
    np.testing.assert_allclose(out[:3, 1], [19.8, 19.4, 19.0])
    assert np.isnan(out[3:, 1]).all()


def test_nearest_neighbour_on_the_sphere_goes_over_the_date_line():
    geometry = globe(36, 9)
    values = np.full(geometry.shape, np.nan)
    values[4, 3], values[4, 34] = 1.0, 2.0
    filled = regridding.fill_from_nearest(values, all_of(geometry), geometry)
    assert filled[4, 0] == 2.0 and filled[4, 1] == 1.0
    assert np.isfinite(filled).all()
