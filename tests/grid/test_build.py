"""The grid section of a configuration."""

import numpy as np
import pydantic
import pytest

from ocean_gcm.grid.build import GridConfig, LevelsConfig, build_geometry, y_edges

SPHERE = {"geometry": "sphere", "nx": 36, "ny": 34, "x": (0, 360), "y": (-80, 80), "periodic_x": True}
LEVELS = {"number": 5, "depth": 1000.0}


def test_area_of_the_sphere():
    config = GridConfig(**{**SPHERE, "y": (-90, 90)}, levels=LEVELS)
    geometry = build_geometry(config)
    assert geometry.area["T"].sum() == pytest.approx(4 * np.pi * config.radius**2, rel=1e-12)


def test_mercator_rows_keep_the_shape_of_the_cells():
    config = GridConfig(**SPHERE, levels=LEVELS, y_stretching={"kind": "mercator"})
    edges = y_edges(config)
    spacing, centre = np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    aspect = spacing / np.cos(np.radians(centre))
    assert edges[0] == -80 and edges[-1] == 80
    assert np.ptp(aspect) / aspect.mean() < 0.02
    np.testing.assert_allclose(edges, -edges[::-1], atol=1e-12)


def test_tanh_rows_are_finest_at_the_centre():
    stretching = {"kind": "tanh", "centre": 0.0, "width": 10.0, "factor": 3.0}
    edges = y_edges(GridConfig(**{**SPHERE, "ny": 160}, levels=LEVELS, y_stretching=stretching))
    spacing = np.diff(edges)
    assert spacing.max() / spacing.min() == pytest.approx(3.0, rel=0.01)
    assert abs(edges[np.argmin(spacing)]) < 1.5
    assert edges[0] == -80 and edges[-1] == 80 and (spacing > 0).all()


def test_levels_in_both_forms():
    np.testing.assert_allclose(LevelsConfig(thickness=[10, 20]).build().faces, [0, 10, 30])
    np.testing.assert_allclose(LevelsConfig(number=4, depth=100).build().thickness, 25)
    stretched = LevelsConfig(number=15, depth=5500, surface_thickness=50).build().thickness
    assert stretched[0] == pytest.approx(50) and stretched.sum() == pytest.approx(5500)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": (10, 5)}, "must increase"),
        ({"y": (-100, 80)}, "between -90 and 90"),
        ({"x": (0, 400)}, "more than 360"),
        ({"periodic_y": True}, "periodic_y"),
        ({"f0": 1e-4}, "f0 belongs to geometry = plane"),
        ({"y": (-90, 80), "y_stretching": {"kind": "mercator"}}, "without poles"),
        ({"geometry": "plane", "y_stretching": {"kind": "mercator"}}, "needs geometry = sphere"),
        ({"levels": {"number": 5}}, "depth missing"),
        ({"levels": {"thickness": [1], "number": 5}}, "either thickness or"),
        ({"levels": {"number": 10, "depth": 100, "surface_thickness": 20}}, "exceeds the mean thickness"),
        ({"nz": 5}, "nz"),
    ],
)
def test_mistakes_are_named(change, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        GridConfig(**{**SPHERE, "levels": LEVELS, **change})
