"""Isotropic spectra and transfers: Parseval, single waves, and what advection conserves."""

import jax.numpy as jnp
import numpy as np

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.metrics import isotropic

GRID = PeriodicGrid((1, 16, 24), (2e5, 3e5))


def smooth(seed):
    """A random field without the waves that alias in products of three."""
    rng = np.random.default_rng(seed)
    hat = np.fft.rfft2(rng.standard_normal(GRID.shape))
    hat[:, np.abs(GRID.l[:, 0]) > 2 * np.pi * 3.5 / 2e5] = 0
    hat[:, :, GRID.k[0] > 2 * np.pi * 5.5 / 3e5] = 0
    hat[:, 0, 0] = 0
    return np.fft.irfft2(hat, s=GRID.shape[1:])


def test_sum_of_rings_is_the_mean():
    q = np.random.default_rng(0).standard_normal(GRID.shape)
    np.testing.assert_allclose(isotropic.enstrophy_spectrum(GRID, q).sum(-1), 0.5 * (q**2).mean((-2, -1)), rtol=1e-5)


def test_a_wave_lies_in_its_ring():
    k = 2 * np.pi * 3 / 3e5
    psi = 100.0 * np.cos(k * GRID.x)[None] * np.ones((1, 16, 1))
    spectrum = np.asarray(isotropic.kinetic_energy_spectrum(GRID, psi))[0]
    assert spectrum.argmax() == 3 and isotropic.ring_wavenumbers(GRID)[3] == np.float64(k)
    np.testing.assert_allclose(spectrum.sum(), 0.25 * (100 * k) ** 2, rtol=1e-5)


def test_transfers_sum_to_zero_and_are_the_tendency():
    """For two-dimensional flow; and a second psi and q give the rate of change of a quadratic quantity."""
    hat = np.fft.rfft2(smooth(1))
    inverse = np.where(GRID.kappa_squared > 0, -1 / np.where(GRID.kappa_squared > 0, GRID.kappa_squared, 1), 0)
    psi, q = np.fft.irfft2(hat * inverse, s=GRID.shape[1:]), np.fft.irfft2(hat, s=GRID.shape[1:])
    for transfer in (isotropic.energy_transfer(GRID, psi, q), isotropic.enstrophy_transfer(GRID, psi, q)):
        transfer = np.asarray(transfer)[0]
        assert np.abs(transfer).max() > 0
        assert abs(transfer.sum()) < 1e-5 * np.abs(transfer).sum()
        assert abs(float(isotropic.flux(jnp.asarray(transfer))[-1])) < 1e-5 * np.abs(transfer).sum()
