"""Scores of single forecasts: one number per point of differences of any shape; averages are in `averages`."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ocean_gcm.metrics.averages import masked_mean, wet_difference
from ocean_gcm.metrics.subgradients import absolute


def mean_squared_error(prediction: jax.Array, truth: jax.Array, weights, axis=None) -> jax.Array:
    """Weighted mean over `axis` of the squared difference, in the squared unit of the fields."""
    return masked_mean(wet_difference(prediction, truth, weights) ** 2, weights, axis)


def mean_absolute_error(prediction: jax.Array, truth: jax.Array, weights, axis=None) -> jax.Array:
    """Weighted mean over `axis` of the absolute difference; its gradient is zero where there is no difference."""
    return masked_mean(absolute(wet_difference(prediction, truth, weights)), weights, axis)


def mean_error(prediction: jax.Array, truth: jax.Array, weights, axis=None) -> jax.Array:
    """Weighted mean over `axis` of the difference: the bias, positive where the forecast is too high."""
    return masked_mean(prediction - truth, weights, axis)


def anomaly_correlation(
    prediction: jax.Array, truth: jax.Array, climatology: jax.Array, weights, axis=None
) -> jax.Array:
    """Correlation of the anomalies from a climatology, without their means taken off (Rasp et al. 2024, eq. 4).

        <f a> / sqrt(<f^2> <a^2>),  f = prediction - climatology, a = truth - climatology

    The three averages over `axis` come before the division.  0 where there is no anomaly.
    """
    f, a = (wet_difference(x, climatology, weights) for x in (prediction, truth))
    product, square_f, square_a = (masked_mean(x, weights, axis) for x in (f * a, f * f, a * a))
    square = square_f * square_a
    return product / jnp.where(square > 0, jnp.sqrt(square), jnp.inf)


def squared_bias(difference: jax.Array, axis=0, *, unbiased: bool = False) -> jax.Array:
    """Square of the mean difference over the axes of the batch, point by point.

    A mean over n forecasts of a model without any bias still has the variance of its errors over n.  With `unbiased`
    that share is taken off: the mean of e_i e_j over i != j, which may be negative.  Raises ValueError for `unbiased`
    with fewer than two forecasts.
    """
    mean = difference.mean(axis)
    if not unbiased:
        return mean**2
    number = difference.size // mean.size
    if number < 2:
        raise ValueError(f"the batch has {number} forecast; expected at least 2 for an unbiased square of the mean")
    return (number * mean**2 - (difference**2).mean(axis)) / (number - 1)
