"""Means over blocks against loops over cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.metrics import block_means, crps

block_mean = jax.jit(block_means.block_mean, static_argnames=("factor", "periodic_x", "offset"))
means_by_scale = jax.jit(block_means.block_means, static_argnames=("factors", "periodic_x", "shifted"))
fair_crps = jax.jit(crps.fair_crps)


def by_loop(field, weights, factor, periodic_x, offset):
    """Sums over blocks that begin `offset` cells before the grid."""
    ny, nx = weights.shape
    oy, ox = (o % factor for o in offset)
    rows, columns = -(-(ny + oy) // factor), -(-(nx + (0 if periodic_x else ox)) // factor)
    mean, weight = np.zeros((rows, columns)), np.zeros((rows, columns))
    for j in range(ny):
        for i in range(nx):
            column = ((i + ox) % nx if periodic_x else i + ox) // factor
            if weights[j, i] > 0:
                mean[(j + oy) // factor, column] += weights[j, i] * field[j, i]
                weight[(j + oy) // factor, column] += weights[j, i]
    return mean / np.where(weight > 0, weight, 1), weight


def coastal(ny, nx, seed=0):
    random = np.random.default_rng(seed)
    weights = random.uniform(0.5, 2.0, (ny, nx)) * (random.random((ny, nx)) > 0.4)
    weights[: ny // 2, : nx // 2] = 0.0
    return np.where(weights > 0, random.normal(size=(ny, nx)), np.nan), weights


@pytest.mark.parametrize("shape", [(8, 12), (7, 10)])
@pytest.mark.parametrize("periodic_x", [True, False])
@pytest.mark.parametrize("factor, offset", [(1, (0, 0)), (2, (0, 0)), (4, (0, 0)), (4, (2, 2)), (3, (1, 2))])
def test_definition(shape, periodic_x, factor, offset):
    field, weights = coastal(*shape)
    found = block_mean(field, weights, factor, periodic_x=periodic_x, offset=offset)
    for one, other in zip(found, by_loop(field, weights, factor, periodic_x, offset), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-14)


@pytest.mark.parametrize("factors", [(1, 2, 4, 8), (2, 3, 6), (1, 5)])
@pytest.mark.parametrize("shifted", [False, True])
def test_scales_in_one_pass_are_those_of_each_factor(factors, shifted):
    field, weights = coastal(9, 14)
    scales = means_by_scale(field, weights, factors, periodic_x=True, shifted=shifted)
    assert list(scales) == list(factors)
    for factor, pairs in scales.items():
        offsets = [(0, 0)] + [(factor // 2, factor // 2)] * (shifted and factor > 1)
        assert len(pairs) == len(offsets)
        for (mean, weight), offset in zip(pairs, offsets, strict=True):
            expected = block_mean(field, weights, factor, periodic_x=True, offset=offset)
            np.testing.assert_allclose(mean, expected[0], atol=1e-13)
            np.testing.assert_allclose(weight, expected[1], atol=1e-13)


@settings(max_examples=10)
@given(seed=st.integers(0, 100), factor=st.integers(1, 9), value=st.floats(-10, 10))
def test_constants_and_totals_are_kept(seed, factor, value):
    field, weights = coastal(6, 9, seed)
    mean, weight = map(np.asarray, block_mean(np.where(weights > 0, value, np.nan), weights, factor))
    np.testing.assert_allclose(mean[weight > 0], value, atol=1e-12)
    mean, weight = map(np.asarray, block_mean(field, weights, factor))
    assert float((mean * weight).sum()) == pytest.approx(np.nansum(field * weights), abs=1e-12)


def test_multiscale_mean_by_definition():
    """The sum over scales of weighted means of CRPS of block means, with axes of members and time in front."""
    random = np.random.default_rng(0)
    weights = np.stack([coastal(6, 10)[1], coastal(6, 10, 5)[1]])
    difference = random.normal(size=(3, 2, 2, 6, 10))
    found = jax.jit(
        lambda d: block_means.multiscale_mean(
            lambda e: crps.fair_crps(e, 0.0), d, weights, (1, 4), (0.3, 2.0), periodic_x=False
        )
    )(difference)
    for t in range(2):
        expected = 0.0
        for factor, share in ((1, 0.3), (4, 2.0)):
            top = bottom = 0.0
            for k in range(2):
                blocks = [by_loop(difference[m, t, k], weights[k], factor, False, (0, 0)) for m in range(3)]
                score = np.asarray(fair_crps(np.stack([b[0] for b in blocks]), 0.0))
                top, bottom = top + (score * blocks[0][1]).sum(), bottom + blocks[0][1].sum()
            expected += share * top / bottom
        assert float(found[t]) == pytest.approx(expected)


def test_large_scales_count():
    """A constant error and a checkerboard of equal square differ by blocks only."""
    weights = np.ones((8, 8))
    board = np.where(np.indices((8, 8)).sum(0) % 2, 1.0, -1.0)
    square = lambda e: e**2  # noqa: E731
    for factors, expected in (((1,), 1.0), ((1, 2, 4), 1.0)):
        shares = (1.0,) * len(factors)
        assert block_means.multiscale_mean(square, board, weights, factors, shares) == pytest.approx(expected)
    assert block_means.multiscale_mean(square, np.ones((8, 8)), weights, (1, 2, 4), (1.0,) * 3) == pytest.approx(3.0)


def test_gradient_is_finite_with_land_of_nan_and_weighs_cells():
    field, weights = coastal(7, 9)
    gradient = np.asarray(jax.grad(lambda f: block_mean(f, jnp.asarray(weights), 4)[0].sum())(jnp.asarray(field)))
    total = block_mean(field, weights, 4)[1]
    expected = weights / np.where(weights > 0, np.repeat(np.repeat(total, 4, 0), 4, 1)[:7, :9], 1)
    np.testing.assert_allclose(gradient, expected, atol=1e-14)


def test_a_batch_by_vmap_has_the_values_and_gradients_of_its_parts():
    random = np.random.default_rng(0)
    weights = jnp.asarray(coastal(6, 10)[1])
    batch = jnp.asarray(random.normal(size=(2, 3, 6, 10)))
    score = jax.jit(
        jax.value_and_grad(
            lambda d: block_means.multiscale_mean(lambda e: (e**2).mean(0), d, weights, (1, 4), (1.0, 1.0))
        )
    )
    together = jax.jit(jax.vmap(score))(batch)
    for b in range(2):
        for one, other in zip(score(batch[b]), together, strict=True):
            np.testing.assert_allclose(other[b], one, atol=1e-15)
