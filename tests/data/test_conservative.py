"""Horizontal means: what is kept on the sphere, on rectilinear and on curvilinear grids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.data import polygons
from ocean_gcm.data.conservative import CurvilinearMap, RectilinearMap
from ocean_gcm.encoding.boxes import Intervals, area_coordinate


def intervals(nx, ny, west=0.0, sides=(-90.0, 90.0)):
    return (
        Intervals.between(west + np.linspace(0, 360, nx + 1), 360.0),
        Intervals.between(area_coordinate(np.linspace(*sides, ny + 1), True)),
    )


def areas(axes):
    return axes[1].lengths[:, None] * axes[0].lengths


def corners(nx, ny, tilt=0.0, sides=(-90.0, 90.0)):
    """(ny, nx, 4, 3) of a grid of longitudes and latitudes around a pole that is tilted."""
    v = polygons.unit_vectors(*np.meshgrid(np.linspace(0, 360, nx + 1), np.linspace(*sides, ny + 1)))
    a = np.deg2rad(tilt)
    v = v @ np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]).T
    return np.stack([v[:-1, :-1], v[:-1, 1:], v[1:, 1:], v[1:, :-1]], 2)


@settings(max_examples=20)
@given(
    seed=st.integers(0, 1000),
    west=st.floats(-180, 180),
    linear=st.booleans(),
    land=st.floats(0, 0.9),
)
def test_contents_and_bounds_are_kept(seed, west, linear, land):
    source, target = intervals(24, 18, west), intervals(10, 7)
    random = np.random.default_rng(seed)
    values = random.normal(size=(18, 24))
    values[random.random(values.shape) < land] = np.nan
    total, share = RectilinearMap.build(source, target, linear=linear)(values)
    content = np.nansum(values * areas(source))
    assert (total * areas(target)).sum() == pytest.approx(content, abs=1e-3)
    water = (np.isfinite(values) * areas(source)).sum()
    assert (share * areas(target)).sum() == pytest.approx(water, rel=1e-5, abs=1e-4)
    mean = total[share > 1e-3] / share[share > 1e-3]
    if mean.size:
        assert np.nanmin(values) - 1e-4 <= mean.min() and mean.max() <= np.nanmax(values) + 1e-4


def test_slopes_make_a_smooth_field_better_on_a_finer_grid():
    source, target = intervals(36, 18), intervals(90, 45)
    field = [np.cos(np.deg2rad(axes[0].pivots)) * (1 - axes[1].pivots[:, None] ** 2) for axes in (source, target)]
    errors = {
        linear: np.abs(RectilinearMap.build(source, target, linear=linear)(field[0])[0] - field[1]).mean()
        for linear in (True, False)
    }
    assert errors[True] < 0.3 * errors[False]


@pytest.mark.parametrize("tilt", [0.0, 12.0, 30.0, 90.0])
def test_polygons_leave_no_gaps(tilt):
    """Also around the poles, inside a cell and at its corners."""
    target = intervals(20, 12)
    shares = polygons.shares(corners(48, 24, tilt).reshape(-1, 4, 3), *target)
    covered = np.asarray(shares.sum(1))
    np.testing.assert_allclose(covered, 1.0, atol=1e-6)
    of_cells = np.asarray(shares.T @ areas(target).ravel()).ravel()
    assert of_cells.min() > 0 and of_cells.sum() == pytest.approx(areas(target).sum())


def test_polygons_of_longitudes_and_latitudes_are_boxes():
    """But for sides on great circles instead of parallels."""
    source, target = intervals(72, 36), intervals(20, 12)
    values = np.cos(np.deg2rad(source[0].pivots)) * source[1].pivots[:, None] + 2.0
    values[:, 10:20] = np.nan
    boxes, share = RectilinearMap.build(source, target, linear=False)(values)
    total, water = CurvilinearMap.build(corners(72, 36), target)(values)
    np.testing.assert_allclose(water, share, atol=5e-3)
    np.testing.assert_allclose(total, boxes, atol=1e-2)


def test_a_function_on_a_tilted_grid():
    target, tilted = intervals(20, 12), corners(180, 90, 35.0)
    centre = tilted.mean(2)
    values = 1.0 + (centre / np.linalg.norm(centre, axis=-1, keepdims=True))[..., 2]  # 1 + sin(latitude)
    total, share = CurvilinearMap.build(tilted, target)(values)
    np.testing.assert_allclose(total / share, np.broadcast_to(1.0 + target[1].pivots[:, None], total.shape), atol=0.01)


def test_columns_that_a_file_repeats_count_once():
    target = intervals(20, 12)
    cells = corners(48, 24)
    twice = CurvilinearMap.build(np.concatenate([cells, cells[:, :2]], 1), target)
    values = np.ones((24, 50))
    total, share = twice(values)
    np.testing.assert_allclose(share, 1.0, atol=1e-5)
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


def test_corners_between_centres():
    lon, lat = np.meshgrid((np.arange(36) + 0.5) * 10, -85 + np.arange(18) * 10.0)
    found = polygons.corners_of(lon, lat)[4:-4, 4:-4]
    expected = corners(36, 18)[4:-4, 4:-4]
    assert np.abs(found - expected).max() < 0.01
