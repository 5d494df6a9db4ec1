r"""Kinetic energy by wavenumber along x and by level, and the mismatch of two of them.

A forecast that is trained on squared errors alone becomes smooth.  The mismatch of energies tells: it compares
statistics, not places,

    D = < ( ln (E_forecast + e) - ln (E_truth + e) )^2 >,

with a floor e that keeps it finite where there is no motion.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.metrics.averages import masked_mean

REST = 1e-12
"""m2 s-2; energy of water that is at rest for all purposes, a speed of 1e-6 m s-1."""


def power_along_x(field: jax.Array, mask: jax.Array, *, periodic_x: bool) -> jax.Array:
    """(..., ny, nx // 2 + 1) power of each row by wavenumber, in the squared unit of the field.

    The sum over wavenumbers is the mean square along x (Parseval); wavenumber 0 is the square of the mean.  Land holds
    zeros, as velocities do.  In a closed basin the wet part of each row loses its mean and linear trend, and a Hann
    window, of mean square 1, takes it to zero at both ends: without them the jump from one wall to the other would add
    a spectrum of its own.

    Args:
      field: (..., ny, nx); on land anything.
      mask: (ny, nx) or (nz, ny, nx), 1 where wet.
      periodic_x: whether the rows are closed circles.
    """
    size = field.shape[-1]
    field = jnp.where(mask > 0, field, 0)
    if not periodic_x:
        position = 2.0 * (np.arange(size) + 0.5) / size - 1.0
        window = np.sqrt(2.0 / 3.0) * (1.0 + np.cos(np.pi * position))  # the mean of (1 + cos)^2 is 3/2
        field = _without_trend(field, jnp.asarray(mask, field.dtype), position) * window.astype(field.dtype)
    amplitude = jnp.fft.rfft(field, axis=-1) / size
    twice = np.full(size // 2 + 1, 2.0)
    twice[0] = 1.0
    if size % 2 == 0:
        twice[-1] = 1.0
    return (amplitude.real**2 + amplitude.imag**2) * twice.astype(field.dtype)


def _without_trend(field, mask, position):
    """Least-squares line along x of the wet points taken off; zero on land."""
    x = mask * (jnp.asarray(position, field.dtype) - _row_mean(jnp.asarray(position, field.dtype), mask))
    anomaly = mask * (field - _row_mean(field, mask))
    variance = (x * x).sum(-1, keepdims=True)
    slope = (x * anomaly).sum(-1, keepdims=True) / jnp.where(variance > 0, variance, 1)
    return anomaly - slope * x


def _row_mean(field, mask):
    number = mask.sum(-1, keepdims=True)
    return (mask * field).sum(-1, keepdims=True) / jnp.where(number > 0, number, 1)


def kinetic_energy_spectrum(
    u: jax.Array, v: jax.Array, weights_u: jax.Array, weights_v: jax.Array, *, periodic_x: bool
) -> jax.Array:
    """(..., nz, nx // 2) kinetic energy per mass by level and wavenumber 1, 2, ... along x, m2 s-2.

    u, v: (..., nz, ny, nx) m s-1 at their own points; weights_u, weights_v: (nz, ny, nx), zero on land: rows count by
    the sum of theirs.  Wavenumbers are cycles per length of the row, whatever its latitude.
    """

    def mean_power(field, weights):
        power = power_along_x(field, weights > 0, periodic_x=periodic_x)[..., 1:]
        return masked_mean(power, weights.sum(-1)[..., None], -2)

    return 0.5 * (mean_power(u, weights_u) + mean_power(v, weights_v))


def kinetic_energy_by_level(u: jax.Array, v: jax.Array, weights_u: jax.Array, weights_v: jax.Array) -> jax.Array:
    """(..., nz) mean kinetic energy per mass of each level, m2 s-2; of eddies if u and v are deviations from a mean.

    Arguments as in `kinetic_energy_spectrum`.
    """
    return 0.5 * (masked_mean(u * u, weights_u, (-2, -1)) + masked_mean(v * v, weights_v, (-2, -1)))


def log_ratio_mismatch(prediction: jax.Array, truth: jax.Array, floor: jax.Array, weights, axis=None) -> jax.Array:
    """Weighted mean over `axis` of ln((prediction + floor)/(truth + floor))^2; no unit.

    prediction, truth: energies >= 0; floor: > 0, of the same unit, broadcasts.  One for energies that are off by a
    factor e, whichever way.
    """
    floor = floor + REST
    return masked_mean((jnp.log(prediction + floor) - jnp.log(truth + floor)) ** 2, weights, axis)
