"""Masked averages, roots and scores of single forecasts against loops over wet cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.metrics import averages, deterministic
from ocean_gcm.metrics.subgradients import absolute, square_root


@pytest.fixture(scope="module")
def case(earth):
    random = np.random.default_rng(0)
    weights = averages.volume_weights(earth.geometry.area["T"], earth.thickness)
    return random.normal(size=(2, *earth.shape)), random.normal(size=(2, *earth.shape)), weights


def by_loop(score, prediction, truth, weights):
    total = norm = 0.0
    for index in zip(*np.nonzero(weights), strict=True):
        total += weights[index] * sum(score(p[index], y[index]) for p, y in zip(prediction, truth, strict=True))
        norm += weights[index] * len(truth)
    return total / norm


def test_scores_by_definition(case):
    prediction, truth, weights = (a[..., :2, 5:20, 10:30] for a in case)
    square = by_loop(lambda p, y: (p - y) ** 2, prediction, truth, weights)
    holes = np.where(weights > 0, truth, np.nan)
    assert deterministic.mean_squared_error(prediction, holes, weights) == pytest.approx(square)
    assert averages.root_mean_square_error(prediction, holes, weights) == pytest.approx(square**0.5)
    absolute_error = by_loop(lambda p, y: abs(p - y), prediction, truth, weights)
    assert deterministic.mean_absolute_error(prediction, holes, weights) == pytest.approx(absolute_error)
    bias = by_loop(lambda p, y: p - y, prediction, truth, weights)
    assert deterministic.mean_error(prediction, holes, weights) == pytest.approx(bias)


def test_the_root_is_taken_last(case):
    """Two times with errors 1 and 7: root of 25, not the mean 4 of the roots."""
    weights = case[2]
    error = np.array([1.0, 7.0])[:, None, None, None] * np.ones_like(weights)
    assert averages.root_mean_square_error(error, 0 * error, weights) == pytest.approx(5.0)
    each = averages.root_mean_square_error(error, 0 * error, weights, (-3, -2, -1))
    np.testing.assert_allclose(each, [1.0, 7.0])


def test_weights(earth):
    """Shares add up to one; they are volumes, or areas with all levels alike; land has none."""
    area = earth.geometry.area["T"]
    volume = averages.volume_weights(area, earth.thickness)
    np.testing.assert_allclose(volume, earth.volume / earth.volume.sum(), rtol=1e-12)
    level = averages.level_weights(area, earth.mask)
    np.testing.assert_allclose(level.sum((1, 2)), 1 / earth.shape[0])
    k, j, i = 2, 20, 45
    assert level[k, j, i] == pytest.approx(area[j, i] * earth.mask[k, j, i] / (area * earth.mask[k]).sum() / 4)
    assert not volume[~earth.mask].any() and not level[~earth.mask].any()
    with pytest.raises(ValueError, match="expected water"):
        averages.volume_weights(area, 0 * earth.thickness)


def test_no_weight_gives_zero_and_land_no_gradient():
    weights = jnp.array([[1.0, 0.0], [0.0, 0.0]])
    field = jnp.array([[2.0, jnp.nan], [jnp.inf, jnp.nan]])
    np.testing.assert_array_equal(averages.masked_mean(field, weights, -1), [2.0, 0.0])
    gradient = jax.grad(lambda f: averages.root_mean_square_error(f, jnp.zeros_like(f), weights))(field)
    np.testing.assert_array_equal(gradient, [[1.0, 0.0], [0.0, 0.0]])
    perfect = jax.grad(lambda f: averages.root_mean_square_error(f, f * 0 + 3.0, weights))(jnp.full((2, 2), 3.0))
    np.testing.assert_array_equal(perfect, 0.0)


def test_subgradients_at_the_kinks():
    for function in (absolute, square_root):
        assert jax.grad(function)(0.0) == 0.0 and function(0.0) == 0.0
        assert jax.grad(function)(4.0) == {absolute: 1.0, square_root: 0.25}[function]
    assert jax.grad(absolute)(-2.0) == -1.0 and absolute(-2.0) == 2.0


def test_float32_averages_of_an_ocean_keep_six_digits(case):
    prediction, _, weights = case
    exact = (weights * prediction**2).sum() / 2
    single = averages.masked_mean(jnp.asarray(prediction, jnp.float32) ** 2, jnp.asarray(weights, jnp.float32))
    assert single.dtype == jnp.float32 and float(single) == pytest.approx(exact, rel=1e-6)


def test_squared_bias_by_definition():
    errors = np.random.default_rng(0).normal(size=(5, 3))
    mean = sum(errors) / 5
    np.testing.assert_allclose(deterministic.squared_bias(errors), mean**2)
    pairs = [errors[i] * errors[j] for i in range(5) for j in range(5) if i != j]
    np.testing.assert_allclose(deterministic.squared_bias(errors, unbiased=True), sum(pairs) / 20, atol=1e-15)
    with pytest.raises(ValueError, match="1 forecast"):
        deterministic.squared_bias(errors[:1], unbiased=True)


def test_expectation_of_the_squared_bias():
    """Without bias the square is the variance over n; unbiased it is zero; with one it is its square."""
    random = np.random.default_rng(0)
    errors = random.normal(size=(4, 50_000))
    plain, unbiased = deterministic.squared_bias(errors), deterministic.squared_bias(errors, unbiased=True)
    assert plain.mean() == pytest.approx(0.25, abs=4 * plain.std() / 50_000**0.5)
    assert unbiased.mean() == pytest.approx(0.0, abs=4 * unbiased.std() / 50_000**0.5)
    shifted = deterministic.squared_bias(errors + 0.5, unbiased=True)
    assert shifted.mean() == pytest.approx(0.25, abs=4 * shifted.std() / 50_000**0.5)
