"""Fields at profiles: exact for what is linear, periodic in longitude and season, blind to land; means over boxes."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.profiles import Places, Profiles, at_profiles, box_means, read_profiles
from ocean_gcm.errors import UserError
from ocean_gcm.grid.geometry import sphere
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

NX, NY, TIMES = 12, 8, np.array([0.1, 0.35, 0.6, 0.85])
DEPTHS = np.array([0.0, 60.0, 200.0, 300.0, 2000.0])


def make_grid(depth=None):
    geometry = sphere(np.linspace(0, 360, NX + 1), np.linspace(-40, 40, NY + 1), Topology(periodic_x=True))
    return build_grid(
        geometry, Levels(np.array([100.0, 200.0, 400.0])), np.full((NY, NX), 700.0) if depth is None else depth
    )


def profiles(lon, lat, year_fraction, depth=DEPTHS):
    lon, lat, when = (np.atleast_1d(np.asarray(a, float)) for a in (lon, lat, year_fraction))
    nothing = np.full((len(lon), len(depth)), np.nan)
    return Profiles("made up", lon, lat, when, depth, {"temperature": nothing, "salinity": nothing})


def interpolated(grid, fields, found):
    return at_profiles(fields, TIMES, Places.of(found, grid), found, grid)


@settings(max_examples=30, deadline=None)
@given(st.floats(15.0, 345.0), st.floats(-35.0, 35.0), st.floats(0.1, 0.85))
def test_linear_fields_are_exact(lon, lat, when):
    grid = make_grid()
    x, y, z = grid.geometry.x["T"], grid.geometry.y["T"], grid.levels.centres[:, None, None]
    fields = np.stack([0.01 * x + 0.1 * y - 0.02 * z + 3.0 * t for t in TIMES])
    found = interpolated(grid, fields, profiles(lon, lat, when))[0]
    inside = np.clip(DEPTHS, *grid.levels.centres[[0, -1]])
    np.testing.assert_allclose(found[:4], (0.01 * lon + 0.1 * lat - 0.02 * inside + 3.0 * when)[:4], atol=1e-9)
    assert np.isnan(found[4])  # below the grid


def test_the_year_and_the_earth_are_round():
    grid = make_grid()
    fields = np.zeros((4, *grid.shape))
    fields[0] += 1.0  # at 0.1 of the year
    fields[:, :, :, 0] += 10.0
    found = interpolated(grid, fields, profiles([0.0, 180.0], [0.0, 0.0], [0.975, 0.975]))
    # half way between the last record and the first, and half way between the last column and the first
    np.testing.assert_allclose(found[:, 1], [5.5, 0.5])


def test_land_does_not_count_and_is_no_place():
    depth = np.full((NY, NX), 700.0)
    depth[:, 6:] = 0.0
    grid = make_grid(depth)
    fields = np.where(grid.mask, 1.0, 99.0) * np.ones((4, 1, 1, 1))
    near, on_land = 15.0 + 5.2 * 30.0, 300.0
    found = interpolated(grid, fields, profiles([near, on_land], [0.0, 0.0], [0.5, 0.5]))
    assert found[0, 1] == pytest.approx(1.0) and np.isnan(found[1, 1])


def test_crowded_boxes_count_once():
    """A thousand profiles off by one in one box, one off by three in another of the same size."""
    lon = np.concatenate([np.full(1000, 2.0), [12.0]])
    made = profiles(lon, np.full(1001, 2.0), np.full(1001, 0.5))
    difference = np.where(lon[:, None] < 5, 1.0, 3.0) * np.ones((1001, len(DEPTHS)))
    difference[0, 1] = np.nan
    rmse, bias, number = box_means(made, difference, 50.0, 800.0)
    assert rmse == pytest.approx(5.0**0.5) and bias == pytest.approx(2.0) and number == 3 * 1001 - 1


def test_files_are_read_and_refused(tmp_path):
    values = np.array([[10.0, np.nan], [5.0, 4.0]], np.float32)
    at = ("profile", "depth")
    data = xr.Dataset(
        {"thetao": (at, values), "so": (at, values + 25)},
        {"lat": ("profile", [1.0, 2.0]), "lon": ("profile", [-10.0, 20.0]), "depth": ("depth", [5.0, 50.0])}
        | {"time": ("profile", np.array(["1990-07-02T12", "2001-01-01"], "datetime64[ns]"))},
    )
    data.to_netcdf(tmp_path / "profiles.nc")
    found = read_profiles(tmp_path / "profiles.nc", "p")
    np.testing.assert_allclose(found.lon, [350.0, 20.0])
    np.testing.assert_allclose(found.year_fraction, [0.5, 0.0], atol=2e-3)
    data.drop_vars("so").to_netcdf(tmp_path / "broken.nc")
    with pytest.raises(UserError, match="has no variable so; expected lon, lat"):
        read_profiles(tmp_path / "broken.nc", "p")
