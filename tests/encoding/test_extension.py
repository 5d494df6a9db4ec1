"""Water that an analysis does not know: smooth, bounded, through the water only."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.encoding.extension import build_extension
from ocean_gcm.grid import geometry
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

LEVELS = Levels(np.array([100.0, 200.0, 300.0]))


def plane(depth, periodic_x=False):
    ny, nx = depth.shape
    edges = np.arange(nx + 1) * 1e5, np.arange(ny + 1) * 1e5
    return build_grid(geometry.plane(*edges, Topology(periodic_x=periodic_x)), LEVELS, depth, minimum_levels=1)


def filled(extension, values):
    """The extension in numpy: the same sums without a compiler."""
    flat = values.ravel().copy()
    flat[np.asarray(extension.cells)] = (flat[np.asarray(extension.neighbours)] * np.asarray(extension.weights)).sum(1)
    return flat.reshape(values.shape)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.95))
def test_all_water_is_filled_within_the_known_values(seed, share):
    rng = np.random.default_rng(seed)
    grid = plane(np.where(rng.random((9, 11)) < 0.7, rng.uniform(0, 600, (9, 11)), 0.0), periodic_x=bool(seed % 2))
    known = grid.mask & (rng.random(grid.shape) < share)
    if not known[0].any():
        return
    extension = build_extension(grid, known, np.float64)
    values = np.where(known, rng.normal(size=grid.shape), np.nan)
    result = filled(extension, values)
    assert np.isfinite(result[grid.mask]).all() and np.isnan(result[~grid.mask]).all()
    np.testing.assert_array_equal(result[known], values[known])
    slack = 1e-12 * np.nanmax(np.abs(values))
    assert np.nanmin(values) - slack <= result[grid.mask].min() <= result[grid.mask].max() <= np.nanmax(values) + slack
    assert (np.asarray(extension.weights) >= 0).all()
    np.testing.assert_allclose(np.asarray(extension.weights).sum(1), 1.0)


def test_gaps_are_bridged_linearly():
    grid = plane(np.full((4, 9), 600.0))
    known = np.ones(grid.shape, bool)
    known[:, :, 3:7] = False
    values = np.broadcast_to(np.arange(9.0), grid.shape)
    result = filled(build_extension(grid, known, np.float64), np.where(known, values, 0.0))
    np.testing.assert_allclose(result, values, atol=0.15)  # weights below a hundredth are left out
    np.testing.assert_allclose(result[:, :, 3:7].mean(), 4.5, atol=1e-12)


def test_nothing_comes_through_land():
    """Two basins, the value of each known in a corner only."""
    depth = np.full((5, 9), 600.0)
    depth[:, 4] = 0.0
    grid = plane(depth)
    known = np.zeros(grid.shape, bool)
    known[:, 0, 0] = known[:, 0, 8] = True
    values = np.zeros(grid.shape)
    values[:, 0, 0], values[:, 0, 8] = 1.0, 2.0
    result = filled(build_extension(grid, known, np.float64), values)
    np.testing.assert_allclose(result[:, :, :4], 1.0)
    np.testing.assert_allclose(result[:, :, 5:], 2.0)


def test_from_above_and_from_the_nearest_where_a_level_knows_nothing():
    depth = np.full((5, 9), 600.0)
    depth[:, 4] = 0.0
    grid = plane(depth)
    known = np.zeros(grid.shape, bool)
    known[0, 2, 1], known[0, 0, 3], known[1, 2, 1] = True, True, True
    values = np.zeros(grid.shape)
    values[0, 2, 1], values[0, 0, 3], values[1, 2, 1] = 5.0, 7.0, 3.0
    result = filled(build_extension(grid, known, np.float64), values)
    np.testing.assert_allclose(result[1, :, :4], 3.0)  # along the level
    np.testing.assert_allclose(result[2, :, :4], 3.0)  # a level without any value: from above
    np.testing.assert_allclose(result[:, 0, 5:], 7.0)  # a basin of its own: from the nearest, and down
