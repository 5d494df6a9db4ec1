"""Geometry, cells cut by the sea floor, and the grid on the device."""

import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.grid import geometry
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels, stretched
from ocean_gcm.grid.metrics import device_arrays, padded
from ocean_gcm.grid.topology import Topology

PERIODIC = Topology(periodic_x=True)
LAYERS = Levels(np.array([10.0, 20.0, 30.0]))


def world(ny=9, nx=12, **kwargs):
    return geometry.sphere(np.linspace(0, 360, nx + 1), np.linspace(-90, 90, ny + 1), PERIODIC, **kwargs)


def test_areas_cover_the_sphere():
    area = world(radius=2.0).area["T"]
    np.testing.assert_allclose(area.sum(), 4 * np.pi * 4.0, rtol=1e-13)


def test_faces_close_each_cell():
    """The staggered distances are those between the places that they name."""
    g = world()
    ny, nx = g.shape
    degree = np.pi / 180
    for place, offset in (("U", 0.0), ("V", 10.0), ("T", 0.0), ("F", 10.0)):
        latitude = np.linspace(-90, 90, ny + 1)[:-1] + 10.0 + offset
        np.testing.assert_allclose(g.y[place][:, 0], latitude)
        expected = 6371e3 * np.maximum(np.cos(latitude * degree), 1e-9) * 2 * np.pi / nx
        np.testing.assert_allclose(g.dx[place][:, 0], expected, rtol=1e-9)
        np.testing.assert_allclose(g.coriolis[place][:, 0], 2 * 7.292115e-5 * np.sin(latitude * degree))


def test_plane_and_beta():
    g = geometry.plane(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 4.0]), Topology(), f0=1.0, beta=0.1)
    np.testing.assert_allclose(g.dx["T"][0], [1.0, 2.0])
    np.testing.assert_allclose(g.dx["U"][0, 0], 1.5)
    np.testing.assert_allclose(g.coriolis["V"][:, 0], [1.2, 1.4])
    np.testing.assert_allclose(g.area["T"].sum(), 12.0)


def test_stretched_levels():
    levels = stretched(20, 4500.0, 50.0)
    np.testing.assert_allclose(levels.faces[-1], 4500.0)
    np.testing.assert_allclose(levels.thickness[0], 50.0, rtol=1e-6)
    ratio = levels.thickness[1:] / levels.thickness[:-1]
    np.testing.assert_allclose(ratio, ratio[0])
    np.testing.assert_allclose(levels.centres, 0.5 * (levels.faces[1:] + levels.faces[:-1]))
    with pytest.raises(ValueError, match="exceeds depth / number"):
        stretched(10, 100.0, 11.0)


def test_partial_cells_keep_the_depth():
    depth = np.full((9, 12), 47.0)
    depth[2, 3] = 0.0
    depth[4, 5] = 31.0  # 1 m of the lowest layer is less than a tenth of it: rounded to nothing
    grid = build_grid(world(), LAYERS, depth, minimum_fraction=0.2)
    assert grid.depth[0, 0] == pytest.approx(47.0) and grid.depth[2, 3] == 0.0
    assert grid.depth[4, 5] == pytest.approx(30.0) and grid.bottom_level[4, 5] == 1
    np.testing.assert_allclose(grid.centre_depth[2, 0, 0], 30.0 + 8.5)
    assert grid.thickness_u[2, 4, 4] == 0.0 and grid.thickness_u[2, 2, 3] == 0.0
    np.testing.assert_allclose(grid.volume.sum(), (grid.depth * grid.geometry.area["T"]).sum())


def test_whole_cells_move_the_floor_to_a_face():
    depth = np.where(np.arange(12) < 6, 44.0, 46.0) * np.ones((9, 1))
    grid = build_grid(world(), LAYERS, depth, partial_cells=False)
    np.testing.assert_array_equal(np.unique(grid.thickness[2]), [0.0, 30.0])


def test_faces_are_as_thick_as_the_thinner_cell():
    rng = np.random.default_rng(0)
    grid = build_grid(world(), LAYERS, rng.uniform(0.0, 60.0, size=(9, 12)) * (rng.random((9, 12)) > 0.2))
    np.testing.assert_array_equal(grid.thickness_u, np.minimum(grid.thickness, np.roll(grid.thickness, -1, 2)))
    np.testing.assert_array_equal(grid.thickness_v[:, -1], 0.0)
    assert (grid.mask_f <= (grid.mask & grid.mask_u & grid.mask_v)).all()


def test_bathymetry_that_cannot_be_used():
    with pytest.raises(ValueError, match="shape"):
        build_grid(world(), LAYERS, np.ones((3, 3)))
    with pytest.raises(ValueError, match="not finite"):
        build_grid(world(), LAYERS, np.full((9, 12), np.nan))


def test_metrics_on_the_device():
    depth = np.full((9, 12), 55.0)
    depth[3, 4] = 0.0
    grid = build_grid(world(), LAYERS, depth)
    m = padded(device_arrays(grid, jnp.float64), grid.topology, 3)
    ny, nx = grid.geometry.shape
    for name in ("mask_t", "mask_u", "thickness_v"):
        field = getattr(m, name)
        assert np.all(field.window(-3, 0, 0, nx) == 0), "beyond a wall nothing is wet"
        np.testing.assert_array_equal(field.window(0, ny, nx, nx + 3), field.window(0, ny, 0, 3))
    assert np.all(m.dx_t.window(-3, 0, 0, nx) > 0), "the geometry goes on beyond walls: no division by zero"
    np.testing.assert_allclose(m.depth_t.interior(ny, nx), grid.depth)
    np.testing.assert_allclose(m.inv_depth_t.interior(ny, nx)[3, 4], 0.0)
    np.testing.assert_array_equal(m.mask_w.interior(ny, nx)[0], 0.0)
    np.testing.assert_array_equal(m.mask_w.interior(ny, nx)[1:], grid.mask[1:] & grid.mask[:-1])
    with pytest.raises(AttributeError):
        _ = m.no_such_field
