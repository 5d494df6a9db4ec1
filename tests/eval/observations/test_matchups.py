"""Fields at observations: exact for what is linear, periodic in longitude and season, blind to land."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.observations.interpolation import Axes, Stencil
from eval.observations.matchups import at_season, bracket, match
from eval.observations.samples import Observations
from eval.observations.sources import Trajectory, seconds
from ocean_gcm.errors import UserError
from ocean_gcm.grid import geometry
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

NX, NY, TIMES = 12, 8, np.array([0.1, 0.35, 0.6, 0.85])
DEPTHS = np.array([0.0, 60.0, 200.0, 300.0, 2000.0])


def make_grid(depth=None):
    place = geometry.sphere(np.linspace(0, 360, NX + 1), np.linspace(-40, 40, NY + 1), Topology(periodic_x=True))
    return build_grid(
        place, Levels(np.array([100.0, 200.0, 400.0])), np.full((NY, NX), 700.0) if depth is None else depth
    )


def observed(lon, lat, year_fraction, depth):
    lon, lat, when, depth = np.broadcast_arrays(*(np.asarray(a, float) for a in (lon, lat, year_fraction, depth)))
    time = np.datetime64("2001-01-01", "s") + (when * 365.25 * 86400).astype("timedelta64[s]")
    return Observations("made up", lon.ravel(), lat.ravel(), time.ravel(), depth.ravel(), {})


@settings(max_examples=30)
@given(st.floats(15.0, 345.0), st.floats(-35.0, 35.0), st.floats(0.1, 0.85))
def test_linear_fields_are_exact(lon, lat, when):
    grid = make_grid()
    x, y, z = grid.geometry.x["T"], grid.geometry.y["T"], grid.levels.centres[:, None, None]
    fields = np.stack([0.01 * x + 0.1 * y - 0.02 * z + 3.0 * t for t in TIMES])
    found = at_season(fields, TIMES, grid, observed(lon, lat, when, DEPTHS))
    inside = np.clip(DEPTHS, *grid.levels.centres[[0, -1]])
    np.testing.assert_allclose(found[:4], (0.01 * lon + 0.1 * lat - 0.02 * inside + 3.0 * when)[:4], atol=1e-6)
    assert np.isnan(found[4])  # below the grid


def test_the_year_and_the_earth_are_round():
    grid = make_grid()
    fields = np.zeros((4, *grid.shape))
    fields[0] += 1.0  # at 0.1 of the year
    fields[:, :, :, 0] += 10.0
    found = at_season(fields, TIMES, grid, observed([0.0, 180.0], 0.0, 0.975, 60.0))
    # half way between the last record and the first, and half way between the last column and the first
    np.testing.assert_allclose(found, [5.5, 0.5], atol=1e-6)


def test_land_does_not_count_and_is_no_place():
    depth = np.full((NY, NX), 700.0)
    depth[:, 6:] = 0.0
    grid = make_grid(depth)
    fields = np.where(grid.mask, 1.0, 99.0) * np.ones((4, 1, 1, 1))
    near, on_land = 15.0 + 5.2 * 30.0, 300.0
    found = at_season(fields, TIMES, grid, observed([near, on_land], 0.0, 0.5, 60.0))
    assert found[0] == pytest.approx(1.0) and np.isnan(found[1])


def test_a_plane_has_no_longitudes():
    place = geometry.plane(np.arange(5) * 1e5, np.arange(4) * 1e5, Topology())
    grid = build_grid(place, Levels(np.array([100.0, 200.0])), np.full((3, 4), 300.0))
    with pytest.raises(UserError, match="closed in longitude"):
        at_season(np.zeros((1, *grid.shape)), np.array([0.5]), grid, observed(1.0, 1.0, 0.5, 10.0))


def test_a_region_ends_half_a_cell_beyond_its_centres():
    axes = Axes(np.array([350.0, 351.0, 352.0]) - 360.0, np.array([40.0, 41.0]), np.array([10.0, 30.0]), 40.0)
    stencil = Stencil.of(np.array([350.5, 349.6, 349.4, 352.4, 353.0]), np.full(5, 40.5), np.full(5, 20.0), axes)
    np.testing.assert_array_equal(stencil.inside, [True, True, False, True, False])
    field = np.broadcast_to(np.array([0.0, 1.0, 2.0]), (1, 2, 2, 3))
    np.testing.assert_allclose(stencil.apply(field)[0, :2], [0.5, 0.0])
    assert np.isnan(stencil.apply(field)[0, [2, 4]]).all()
    below = Stencil.of(np.full(2, 351.0), np.full(2, 40.0), np.array([39.0, 41.0]), axes)
    np.testing.assert_array_equal(below.inside, [True, False])


def test_records_are_held_only_half_an_interval_beyond_their_ends():
    start = np.datetime64("2010-01-01", "s")
    times = seconds(start + np.array([0, 1, 2]) * np.timedelta64(86400, "s"))
    one = Trajectory("", times, False, np.arange(3.0), 43200.0, lambda _, r: np.full((1, 1, 2, 2), float(r)))
    hours = np.array([-13, -11, 6, 30, 59, 61])
    obs = Observations("o", *np.full((2, 6), 0.5), start + hours * np.timedelta64(3600, "s"), np.zeros(6), {})
    index, *_ = bracket(one, obs)
    np.testing.assert_array_equal(index, [1, 2, 3, 4])
    stencil = Stencil.of(obs.lon, obs.lat, obs.depth, Axes(np.array([0.0, 1.0]), np.array([0.0, 1.0])))
    found = match(one, obs, stencil, "thetao")
    np.testing.assert_allclose(found.members[0], [0.0, 0.25, 1.25, 2.0])
    np.testing.assert_array_equal(found.record, [0, 0, 1, 2])
    np.testing.assert_allclose(found.first[0], 0.0)


def test_the_same_season_of_any_year():
    start = np.datetime64("0001-12-30", "s")
    times = seconds(start + np.arange(5) * np.timedelta64(86400, "s"))
    one = Trajectory("", times, False, np.arange(5.0), 43200.0, lambda _, r: np.full((1, 1, 2, 2), float(r)), True)
    days = np.array(["1998-12-31", "2007-01-02", "2007-06-01", "2011-12-29"], "datetime64[s]")
    obs = Observations("o", *np.full((2, 4), 0.5), days, np.zeros(4), {})
    index, before, after, weight = bracket(one, obs)
    np.testing.assert_array_equal(index, [0, 1])
    np.testing.assert_allclose(before + weight, [1.0, 3.0], atol=0.3)  # leap years shift a season by a part of a day


def test_a_column_must_be_wet_at_both_levels():
    axes = Axes(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([10.0, 30.0]), 40.0)
    field = np.ones((1, 2, 2, 2))
    field[0, 1, :, 1] = np.nan
    stencil = Stencil.of(np.full(3, 0.6), np.full(3, 0.5), np.array([10.0, 12.0, 30.0]), axes)
    np.testing.assert_array_equal(np.isnan(stencil.apply(field)[0]), [False, True, True])
