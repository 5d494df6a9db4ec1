"""Remapping between rectilinear grids: against sums over all pairs of cells, and what it keeps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.encoding.boxes import FULL_TURN, Boxes, Intervals, area_coordinate, overlaps
from ocean_gcm.encoding.remapping import LEAST_SHARE, build_remapping

apply = jax.jit(lambda remapping, values: remapping(values))
SOURCE, TARGET = (5, 8, 10), (4, 5, 7)


def boxes(shape, *, south=-60.0, north=60.0, west=0.0, depth=1000.0, power=1.5):
    nz, ny, nx = shape
    return Boxes(
        Intervals.between(west + np.linspace(0.0, FULL_TURN, nx + 1), FULL_TURN),
        Intervals.between(area_coordinate(np.linspace(south, north, ny + 1), True)),
        Intervals.between(np.linspace(0.0, 1.0, nz + 1) ** power * depth),
    )


def volumes(boxes, thickness=None):
    z = boxes.z.lengths[:, None, None] if thickness is None else thickness
    return z * boxes.y.lengths[:, None] * boxes.x.lengths


def sea_floor(seed=0):
    """Thickness of the target's cells over a random floor, with land and partial cells."""
    faces = boxes(TARGET).z.edges
    depth = np.random.default_rng(seed).uniform(-200.0, 1100.0, TARGET[1:])
    fraction = np.clip((depth - faces[:-1, None, None]) / np.diff(faces)[:, None, None], 0.0, 1.0)
    return np.where(fraction > 0.1, fraction, 0.0) * np.diff(faces)[:, None, None]


def test_means_of_first_order_are_sums_over_all_pairs_of_cells():
    rng = np.random.default_rng(1)
    source, target, thickness = boxes(SOURCE, west=-33.0), boxes(TARGET), sea_floor()
    share = rng.uniform(0.0, 1.0, SOURCE) * (rng.random(SOURCE) < 0.7)
    values = rng.normal(size=SOURCE)

    def common(low, high, other, turn=0.0):
        return max(0.0, min(high, other[1] + turn) - max(low, other[0] + turn))

    pairs = lambda axis: list(zip(axis.edges[:-1], axis.edges[1:], strict=True))  # noqa: E731
    expected = np.zeros(TARGET)
    for k, j, i in np.argwhere(thickness > 0):
        top = target.z.edges[k]
        total = weight = 0.0
        for n, m, o in np.ndindex(SOURCE):
            x = sum(common(*pairs(target.x)[i], pairs(source.x)[o], turn) for turn in (-FULL_TURN, 0.0, FULL_TURN))
            y = common(*pairs(target.y)[j], pairs(source.y)[m])
            z = common(top, top + thickness[k, j, i], pairs(source.z)[n])
            total += x * y * z * share[n, m, o] * values[n, m, o]
            weight += x * y * z * share[n, m, o]
        cell = thickness[k, j, i] * target.y.lengths[j] * target.x.lengths[i]
        expected[k, j, i] = total / weight if weight > LEAST_SHARE * cell else 0.0
    remapping = build_remapping(source, target, share, jnp.float64, thickness=thickness, linear=False)
    np.testing.assert_allclose(apply(remapping, values), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("linear", [False, True])
def test_content_is_kept_where_both_cover_the_same_water(linear):
    source, target = boxes(SOURCE, west=-33.0), boxes(TARGET)
    values = np.random.default_rng(2).normal(size=SOURCE)
    remapping = build_remapping(source, target, np.ones(SOURCE), jnp.float64, linear=linear)
    content = (volumes(source) * values).sum()
    found = volumes(target) * np.asarray(apply(remapping, values))
    np.testing.assert_allclose(found.sum(), content, rtol=1e-12)


def test_content_is_kept_over_land_that_both_share():
    """Finer cells inside coarser ones, with the same coasts and the same partial bottom cells."""
    coarse, fine = boxes(TARGET), boxes((TARGET[0], TARGET[1] * 2, TARGET[2] * 3))
    # equal areas: latitudes of the fine rows halve those of the coarse ones in sin(latitude)
    halves = np.linspace(coarse.y.edges[:-1], coarse.y.edges[1:], 3)[:-1].T.ravel()
    fine = Boxes(fine.x, Intervals.between(np.append(halves, coarse.y.edges[-1])), fine.z)
    thickness = sea_floor()
    share = np.kron(thickness / coarse.z.lengths[:, None, None], np.ones((1, 2, 3)))
    whole = (share == 0) | (share == 1)
    values = np.random.default_rng(3).normal(size=share.shape)
    to_coarse = build_remapping(fine, coarse, share, jnp.float64, thickness=thickness)
    found = np.asarray(apply(to_coarse, values)) * volumes(coarse, thickness)
    content = volumes(fine) * share * values
    blocks = content.reshape(TARGET[0], TARGET[1], 2, TARGET[2], 3).sum((2, 4))
    whole = whole.reshape(TARGET[0], TARGET[1], 2, TARGET[2], 3).all((2, 4))
    np.testing.assert_allclose(found[whole], blocks[whole], rtol=1e-11, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_constants_stay_and_no_new_extremum_forms(seed, wet):
    rng = np.random.default_rng(seed)
    share = (rng.random(SOURCE) < wet).astype(float)
    thickness = sea_floor(seed)
    remapping = build_remapping(boxes(SOURCE, west=17.0), boxes(TARGET), share, jnp.float64, thickness=thickness)
    known = np.asarray(remapping.known)
    assert not (known & (thickness == 0)).any()
    values = np.where(share > 0, rng.normal(size=SOURCE) ** 3, np.nan)
    found = np.asarray(apply(remapping, values))
    assert np.isfinite(found).all() and (found[~known] == 0).all()
    if known.any():
        slack = 1e-12 * np.nanmax(np.abs(values))
        assert np.nanmin(values) - slack <= found[known].min() and found[known].max() <= np.nanmax(values) + slack
        constant = np.asarray(apply(remapping, np.where(share > 0, 3.5, np.nan)))
        np.testing.assert_allclose(constant[known], 3.5, rtol=1e-13)


def test_linear_fields_are_reproduced_away_from_the_sides():
    """Linear in longitude, in sin(latitude) and in depth, which is what is linear in the coordinates of volume."""
    source = boxes((9, 12, 16))
    source = Boxes(Intervals.between(np.linspace(0.0, 300.0, 17), FULL_TURN), source.y, source.z)
    sides = ((80.0, 200.0, 11), (-0.5, 0.5, 9), (130.0, 600.0, 6))
    target = Boxes(*(Intervals.between(np.linspace(*side)) for side in sides))

    def field(b):
        return 0.01 * b.x.pivots + 2.0 * b.y.pivots[:, None] - 0.004 * b.z.pivots[:, None, None]

    linear = build_remapping(source, target, np.ones(source.shape), jnp.float64)
    np.testing.assert_allclose(apply(linear, field(source)), field(target), atol=1e-12)
    constant = build_remapping(source, target, np.ones(source.shape), jnp.float64, linear=False)
    assert np.abs(apply(constant, field(source)) - field(target)).max() > 0.05


def test_smooth_fields_converge_at_second_order():
    def mean(b):
        wave = lambda edges: -np.diff(np.cos(3.0 * edges)) / np.diff(edges) / 3.0  # noqa: E731
        return wave(np.deg2rad(b.x.edges)) * wave(b.y.edges)[:, None] * np.ones((b.shape[0], 1, 1))

    target = boxes((1, 13, 21), south=-40, north=40)
    errors = []
    for n in (16, 32, 64):
        source = boxes((1, n, 2 * n), south=-85, north=85)
        remapping = build_remapping(source, target, np.ones(source.shape), jnp.float64)
        errors.append(np.sqrt(np.mean((np.asarray(apply(remapping, mean(source))) - mean(target)) ** 2)))
    assert errors[0] / errors[1] > 3.2 and errors[1] / errors[2] > 3.2, errors


def test_values_at_depths_are_places_not_means():
    """Uneven depths without bounds, as of an analysis: a profile that is linear in depth stays one."""
    depth = np.array([5.0, 15.0, 40.0, 100.0, 300.0, 900.0, 1500.0])
    faces = np.concatenate([[0.0], 0.5 * (depth[1:] + depth[:-1]), [1800.0]])
    level = Intervals.between(np.array([0.0, 1.0]))
    source = Boxes(level, level, Intervals(faces, depth))
    target = Boxes(level, level, Intervals.between(np.array([10.0, 30.0, 80.0, 200.0, 500.0, 1000.0])))
    remapping = build_remapping(source, target, np.ones(source.shape), jnp.float64)
    found = apply(remapping, (20.0 - 0.01 * depth)[:, None, None])
    np.testing.assert_allclose(np.ravel(found), 20.0 - 0.01 * target.z.pivots, rtol=1e-13)


def test_overlaps_fill_each_target_cell_once_around_the_seam():
    target, source = boxes(TARGET).x, boxes(SOURCE, west=-400.0).x
    lengths, moments = overlaps(target, source)
    np.testing.assert_allclose(lengths.sum(1), target.lengths)
    np.testing.assert_allclose(lengths.sum(0), source.lengths)
    np.testing.assert_allclose(moments.sum(0), 0.0, atol=1e-9)


@pytest.mark.parametrize("linear", [False, True])
def test_derivatives(linear):
    """Without slopes the map is linear and its gradient the transpose; with them both modes agree with differences."""
    rng = np.random.default_rng(5)
    share = (rng.random(SOURCE) < 0.8).astype(float)
    remapping = build_remapping(
        boxes(SOURCE, west=11.0), boxes(TARGET), share, jnp.float64, thickness=sea_floor(), linear=linear
    )
    x, direction, step = rng.normal(size=SOURCE), rng.normal(size=SOURCE), 1e-6
    y = rng.normal(size=TARGET)

    @jax.jit
    def both_modes(remapping, x):
        out, forward = jax.jvp(remapping, (x,), (direction,))
        _, pull = jax.vjp(remapping, x)
        return out, forward, pull(y)[0]

    out, forward, pulled = both_modes(remapping, x)
    np.testing.assert_allclose(np.vdot(y, forward), np.vdot(pulled, direction), rtol=1e-11)
    if not linear:
        np.testing.assert_allclose(np.vdot(y, out), np.vdot(pulled, x), rtol=1e-11)
    ahead, back = (np.asarray(apply(remapping, x + sign * step * direction)) for sign in (1, -1))
    np.testing.assert_allclose((ahead - back) / (2 * step), forward, atol=1e-7)
