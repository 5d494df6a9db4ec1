"""Arrays that know where they are: places, windows, neighbours."""

import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.grid.field import Field, apply, where

HALO, NZ, NY, NX = 2, 3, 5, 6


def field(place="T", level="c", seed=0, halo=HALO):
    shape = (NY + 2 * halo, NX + 2 * halo)
    shape = shape if level == "s" else (NZ, *shape)
    return Field(jnp.asarray(np.random.default_rng(seed).normal(size=shape)), place, level, -halo, -halo)


@pytest.mark.parametrize("others", [("U", "c"), ("V", "c"), ("F", "c"), ("T", "w")])
def test_fields_at_different_places_do_not_combine(others):
    with pytest.raises(ValueError, match="different places"):
        field("T", "c") + field(*others)


def test_a_surface_field_goes_with_either_level():
    for level in "cw":
        total = field("T", level) * field("T", "s", 1)
        assert total.level == level and total.data.shape == field("T", level).data.shape


def test_arithmetic_slices_to_the_common_window():
    wide, narrow = field(), field(seed=1, halo=1)
    total = wide + narrow
    assert (total.y0, total.x0, total.y1, total.x1) == (-1, -1, NY + 1, NX + 1)
    np.testing.assert_array_equal(total.data, wide.data[:, 1:-1, 1:-1] + narrow.data)


def test_numbers_on_both_sides():
    a = field()
    np.testing.assert_array_equal((2.0 - a).data, 2.0 - a.data)
    np.testing.assert_array_equal((1.0 / a).data, 1.0 / a.data)
    np.testing.assert_array_equal((-(a * 3.0 + 1.0)).data, -(3.0 * a.data + 1.0))


def test_a_stencil_wider_than_the_halo_raises():
    a = field()
    for _ in range(HALO):
        a = a.diff_x().diff_x()
    a.interior(NY, NX)
    with pytest.raises(ValueError, match="halo is too narrow"):
        a.diff_x().interior(NY, NX)
    with pytest.raises(ValueError, match="halo is too narrow"):
        field().shift(dy=HALO + 1).interior(NY, NX)


def test_shift_brings_the_neighbour_here():
    a = field()
    here, north_east = a.interior(NY, NX), a.shift(dy=1, dx=1).interior(NY, NX)
    np.testing.assert_array_equal(north_east[..., :-1, :-1], here[..., 1:, 1:])


@pytest.mark.parametrize(
    ("method", "start", "end"),
    [("x", "T", "U"), ("x", "U", "T"), ("x", "V", "F"), ("x", "F", "V")]
    + [("y", "T", "V"), ("y", "V", "T"), ("y", "U", "F"), ("y", "F", "U")],
)
def test_differences_and_means_live_half_a_cell_away(method, start, end):
    """A field linear in space: its difference is the slope and its mean the value at the new place."""
    offset = {"T": (0.0, 0.0), "U": (0.0, 0.5), "V": (0.5, 0.0), "F": (0.5, 0.5)}

    def linear(place, y0, x0, ny, nx):
        dy, dx = offset[place]
        return 2.0 * (x0 + np.arange(nx) + dx)[None, :] + 3.0 * (y0 + np.arange(ny) + dy)[:, None]

    ny, nx = NY + 2 * HALO, NX + 2 * HALO
    a = Field(jnp.asarray(linear(start, -HALO, -HALO, ny, nx)), start, "s", -HALO, -HALO)
    difference, mean = getattr(a, f"diff_{method}")(), getattr(a, f"mean_{method}")()
    assert difference.place == mean.place == end
    np.testing.assert_allclose(difference.data, 2.0 if method == "x" else 3.0)
    np.testing.assert_allclose(mean.data, linear(end, mean.y0, mean.x0, *mean.data.shape))


def test_differences_are_minus_the_adjoint_of_differences():
    """sum U dT/dx = -sum T dU/dx where nothing lies beyond the sides: the core of every conservation law."""
    pad = lambda x: jnp.pad(x, ((0, 0), (1, 1), (1, 1)))  # noqa: E731
    rng = np.random.default_rng(2)
    t, u = (rng.normal(size=(NZ, NY, NX)) for _ in range(2))
    u[..., -1] = 0.0
    tf, uf = Field(pad(t), "T", "c", -1, -1), Field(pad(u), "U", "c", -1, -1)
    left = jnp.sum(uf.interior(NY, NX) * tf.diff_x().interior(NY, NX))
    right = jnp.sum(tf.interior(NY, NX) * uf.diff_x().interior(NY, NX))
    np.testing.assert_allclose(left, -right, rtol=1e-13)


def test_vertical_neighbours():
    a = field()
    faces = a.diff_z()
    assert faces.level == "w" and a.mean_z().level == "w" and a.mean_z().mean_z().level == "c"
    np.testing.assert_array_equal(faces.data[0], 0.0)
    np.testing.assert_array_equal(faces.data[1:], a.data[:-1] - a.data[1:])
    np.testing.assert_array_equal(a.mean_z().data[0], a.data[0])
    np.testing.assert_allclose(a.at(level="w").mean_z().data[-1], 0.5 * a.data[-1])
    with pytest.raises(ValueError, match="from cell centres"):
        faces.diff_z()


def test_where_and_apply():
    a, b = field(), field(seed=1, halo=1)
    chosen = where(a.map(lambda x: x > 0), a, b)
    assert chosen.data.shape == b.data.shape
    inner = a.window(-1, NY + 1, -1, NX + 1)
    np.testing.assert_array_equal(chosen.data, jnp.where(inner > 0, inner, b.data))
    np.testing.assert_array_equal(where(a.map(lambda x: x > 0), a, 0.0).data, jnp.maximum(a.data, 0.0))
    np.testing.assert_array_equal(apply(jnp.maximum, a, b).data, jnp.maximum(inner, b.data))
