"""Averages for scores: land excluded from value and gradient, average first and root last.

Roots come last (Rasp et al. 2024, doi:10.1029/2023MS004019, equations 1 to 3): a root mean square error is the root of
one average over space, leads and forecasts, not an average of roots.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.metrics import means
from ocean_gcm.metrics.subgradients import square_root


def masked_mean(field: jax.Array, weights, axis=None) -> jax.Array:
    """sum(weights * field) / sum(weights) over `axis` (default: all axes), in the unit of `field`.

    `weights` broadcast against `field` and are zero on land.  There the field may hold anything, NaN included, and its
    gradient is zero.  Where the weights add up to zero the answer is 0, not NaN.
    """
    weights = jnp.asarray(weights, field.dtype)
    return means.weighted_mean(jnp.where(weights > 0, field, 0), weights, axis, empty=0.0)


def wet_difference(prediction: jax.Array, truth: jax.Array, weights) -> jax.Array:
    """prediction - truth, and zero where the weights are; taken before anything with a derivative of its own.

    What is masked after squaring has the right value, but the derivative of NaN squared is NaN times zero: NaN.
    """
    return jnp.where(jnp.asarray(weights) > 0, prediction - truth, 0)


def root_mean_square_error(prediction: jax.Array, truth: jax.Array, weights, axis=None) -> jax.Array:
    """Root of the `masked_mean` of the squared difference, in the unit of the fields."""
    return square_root(masked_mean(wet_difference(prediction, truth, weights) ** 2, weights, axis))


def volume_weights(area, thickness) -> np.ndarray:
    """(nz, ny, nx) shares of the cells in the volume, float64, sum 1.

    Args:
      area: (ny, nx) m2.
      thickness: (nz, ny, nx) m, zero on land; of the same place of the C-grid as the area.

    Normalised here, in float64 on the host: sums of volumes in m3 would leave float32 few digits.  Raises ValueError if
    there is no water.
    """
    return _shares(np.asarray(area, float) * np.asarray(thickness, float))


def level_weights(area, mask) -> np.ndarray:
    """(nz, ny, nx) shares by area in which every wet level counts the same, float64, sum 1.

    area: (ny, nx) m2; mask: (nz, ny, nx) True where wet.  Raises ValueError if there is no water.
    """
    wet = np.asarray(area, float) * (np.asarray(mask) > 0)
    total = wet.sum((-2, -1), keepdims=True)
    return _shares(wet / np.where(total > 0, total, 1.0))


def _shares(weights: np.ndarray) -> np.ndarray:
    total = weights.sum()
    if not total > 0:
        raise ValueError(f"weights add up to {total}; expected water somewhere")
    return weights / total
