import numpy as np
import pytest

from ocean_gcm.metrics.mixed_layer import mixed_layer_depth

DEPTH = np.arange(2.5, 500, 5.0)


def column(density, mask=None):
    density = density[:, None, None]
    mask = np.ones(density.shape, bool) if mask is None else mask[:, None, None]
    return mixed_layer_depth(density, DEPTH, mask)[0, 0]


def test_linear_stratification():
    # 0.03 kg m-3 are reached 30 m below the reference depth of 10 m
    assert column(1025 + 1e-3 * DEPTH) == pytest.approx(40.0, abs=1e-6)


def test_a_mixed_layer_above_a_jump_ends_within_one_cell_of_it():
    assert column(np.where(DEPTH < 120, 1025.0, 1026.0)) == pytest.approx(117.5, abs=5.0)


def test_a_mixed_column_is_mixed_to_its_floor():
    mask = DEPTH < 300
    assert column(np.full(DEPTH.shape, 1025.0), mask) == pytest.approx(DEPTH[mask][-1])


def test_land_is_missing():
    assert np.isnan(column(np.full(DEPTH.shape, 1025.0), np.zeros(DEPTH.shape, bool)))


def test_a_thick_uppermost_level_is_its_own_reference():
    density, mask = np.array([1025.0, 1025.06, 1026.0])[:, None, None], np.ones((3, 1, 1), bool)
    assert mixed_layer_depth(density, np.array([25.0, 85.0, 170.0]), mask)[0, 0] == pytest.approx(55.0)
