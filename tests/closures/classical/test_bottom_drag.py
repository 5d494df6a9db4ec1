"""Drag at the sea floor."""

import numpy as np
import pytest


def test_linear(plane, interior):
    drag = plane.effects("bottom_drag", {"linear": 1e-3}, u=0.3).bottom_drag
    assert (drag.place, drag.level) == ("T", "s")
    np.testing.assert_array_equal(interior(drag), 1e-3 * plane.grid.wet)


def test_quadratic_uses_the_lowest_cell(plane, interior):
    """Speeds differ by level; the shallow corner feels those of its own floor."""
    u = np.array([1.0, 0.4, 0.3, 0.2])[:, None, None] * plane.grid.mask_u
    drag = interior(plane.effects("bottom_drag", {"quadratic": 2e-3, "tidal_speed": 0.1}, u=u).bottom_drag)
    assert drag[4, 5] == pytest.approx(2e-3 * np.hypot(0.2, 0.1))
    # the corner is 330 m deep: three cells
    assert plane.grid.bottom_level[0, 1] == 2
    expected = 2e-3 * np.sqrt(0.3**2 + 0.1**2)
    assert drag[0, 1] == pytest.approx(expected)


def test_speed_joins_both_components(plane, interior):
    drag = interior(plane.effects("bottom_drag", {"quadratic": 1.0, "linear": 0.5}, u=0.3, v=0.4).bottom_drag)
    assert drag[4, 5] == pytest.approx(1.0)


def test_no_speed_at_rest(plane, interior):
    drag = interior(plane.effects("bottom_drag", {"quadratic": 1.0}).bottom_drag)
    assert drag.max() <= 1.1e-8
