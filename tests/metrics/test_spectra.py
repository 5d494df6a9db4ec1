"""Kinetic energy by wavenumber and level against sums over cells and known waves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.metrics import spectra


def fourier_by_definition(row):
    """One-sided power by wavenumber from sums over cells."""
    n = len(row)
    power = []
    for k in range(n // 2 + 1):
        amplitude = sum(row[j] * np.exp(-2j * np.pi * k * j / n) for j in range(n)) / n
        power.append(abs(amplitude) ** 2 * (1 if k == 0 or 2 * k == n else 2))
    return power


@pytest.mark.parametrize("nx", [8, 9])
def test_periodic_power_by_definition_and_parseval(nx):
    random = np.random.default_rng(nx)
    field, mask = random.normal(size=(3, nx)), random.random((3, nx)) > 0.3
    power = spectra.power_along_x(np.where(mask, field, np.nan), mask, periodic_x=True)
    wet = np.where(mask, field, 0.0)
    np.testing.assert_allclose(power, [fourier_by_definition(row) for row in wet], atol=1e-14)
    np.testing.assert_allclose(power.sum(-1), (wet**2).mean(-1))


def test_closed_basin_loses_trend_and_keeps_variance():
    """Mean and trend leave nothing; of noise the whole variance is found, at its wavenumbers."""
    nx = 64
    x = np.arange(nx)
    mask = np.ones((1, nx))
    assert np.max(spectra.power_along_x((3.0 + 0.1 * x)[None], mask, periodic_x=False)) < 1e-24
    wave = np.sin(2 * np.pi * 8 * (x + 0.5) / nx) + 3.0 + 0.1 * x
    power = np.asarray(spectra.power_along_x(wave[None], mask, periodic_x=False))[0]
    # the window spreads a wave over its two neighbours, and wave 8 is not quite orthogonal to the line
    assert power[7:10].sum() == pytest.approx(0.5, rel=0.02) and power.argmax() == 8
    noise = np.random.default_rng(0).normal(size=(4000, nx))
    total = np.asarray(spectra.power_along_x(noise, np.ones((4000, nx)), periodic_x=False)).sum(-1).mean()
    assert total == pytest.approx(1.0, rel=0.04)


def test_line_of_the_wet_points_is_least_squares():
    random = np.random.default_rng(0)
    mask = random.random((2, 20)) > 0.3
    field = random.normal(size=(2, 20)) * mask
    position = 2.0 * (np.arange(20) + 0.5) / 20 - 1.0
    found = spectra._without_trend(jnp.asarray(field), jnp.asarray(mask, float), position)
    for row, wet, result in zip(field, mask, found, strict=True):
        slope, mean = np.polyfit(position[wet], row[wet], 1)
        np.testing.assert_allclose(result, np.where(wet, row - slope * position - mean, 0.0), atol=1e-13)


def test_kinetic_energy_of_a_wave_in_a_channel(channel):
    """u = cos, v = 2 sin of wavenumber 2: energy (1 + 4)/4 there, in each level, and in the sum by level."""
    angle = 2 * np.pi * 2 * np.arange(8) / 8
    u, v = (np.broadcast_to(a, channel.shape) for a in (np.cos(angle + 0.1), 2 * np.sin(angle)))
    weights = channel.thickness_u * channel.geometry.area["U"], channel.thickness_v * channel.geometry.area["V"]
    energy = spectra.kinetic_energy_spectrum(u, v, *map(jnp.asarray, weights), periodic_x=True)
    np.testing.assert_allclose(energy, np.broadcast_to([0.0, 1.25, 0.0, 0.0], (3, 4)), atol=1e-14)
    by_level = spectra.kinetic_energy_by_level(u, v, *weights)
    np.testing.assert_allclose(by_level, 1.25)


def test_mismatch_by_definition():
    random = np.random.default_rng(0)
    a, b, weights = random.random((3, 4)), random.random((3, 4)), random.random((3, 1))
    logs = [[np.log((a[i, j] + 0.1) / (b[i, j] + 0.1)) ** 2 * weights[i, 0] for j in range(4)] for i in range(3)]
    found = spectra.log_ratio_mismatch(a, b, 0.1, weights)
    assert found == pytest.approx(np.sum(logs) / weights.sum() / 4, rel=1e-9)
    assert spectra.log_ratio_mismatch(np.e * b, b, 0.0, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize("periodic_x", [True, False])
def test_float32_gradients_are_finite_at_rest_and_on_land(periodic_x):
    weights = jnp.zeros((2, 4, 8), jnp.float32).at[0, 1:].set(1.0)

    def mismatch(u):
        energy = spectra.kinetic_energy_spectrum(u, u, weights, weights, periodic_x=periodic_x)
        return spectra.log_ratio_mismatch(energy, 1e-4 * jnp.ones_like(energy), 0.0, 1.0)

    for speed in (0.0, 1e-15, 1e-3):
        value, gradient = jax.jit(jax.value_and_grad(mismatch))(speed * jax.random.normal(jax.random.key(0), (2, 4, 8)))
        assert np.isfinite(value) and np.isfinite(gradient).all() and not gradient[:, 0].any() and not gradient[1].any()
