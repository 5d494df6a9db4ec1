"""Spectra along tracks."""

import numpy as np
import pytest
import scipy.signal

from ocean_gcm.metrics import along_track


def test_distances_on_the_sphere():
    degree = 2 * np.pi * along_track.EARTH_RADIUS_KM / 360
    found = along_track.distance_km(np.array([0.0, 0.0, 1.0, 359.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    np.testing.assert_allclose(
        found, degree * np.array([1.0, 1.0, 2.0]) * [1, np.cos(np.pi / 180), np.cos(np.pi / 180)], rtol=1e-4
    )


def test_pieces_stop_at_gaps_and_land():
    values, gaps = np.arange(20.0), np.ones(19)
    values[4] = np.nan
    gaps[11] = 5.0
    found = along_track.segments(values, gaps, 4, largest_gap=2.0)
    np.testing.assert_array_equal(found[:, 0], [0, 5, 7, 12, 14, 16])
    assert along_track.segments(values[:3], gaps[:2], 4, largest_gap=2.0).shape == (0, 4)
    with pytest.raises(ValueError, match="no segment"):
        along_track.power_spectral_density(np.empty((0, 4)), 1.0)


def test_density_is_that_of_scipy():
    pieces = np.random.default_rng(0).normal(size=(5, 64))
    wavenumber, density = along_track.power_spectral_density(pieces, 7.0)
    window = 1 - np.cos(2 * np.pi * (np.arange(64) + 0.5) / 64)
    theirs = [scipy.signal.periodogram(p, 1 / 7.0, window=window, detrend="linear") for p in pieces]
    np.testing.assert_allclose(wavenumber, theirs[0][0][1:])
    np.testing.assert_allclose(density, np.mean([d[1:] for _, d in theirs], 0), rtol=1e-6)


def test_the_integral_is_the_variance():
    pieces = np.random.default_rng(1).normal(0, 3.0, (400, 128))
    wavenumber, density = along_track.power_spectral_density(pieces, 5.0)
    assert density.sum() * wavenumber[0] == pytest.approx(9.0, rel=0.03)


def test_effective_resolution():
    """An error that reaches half of the signal at 100 km."""
    wavenumber = np.array([1 / 400, 1 / 200, 1 / 100, 1 / 50])
    assert along_track.effective_resolution(wavenumber, np.array([0, 0.2, 0.5001, 2]), np.ones(4)) == pytest.approx(
        100, rel=1e-3
    )
    assert along_track.effective_resolution(wavenumber, np.zeros(4), np.ones(4)) == 50
    assert along_track.effective_resolution(wavenumber, np.ones(4), np.ones(4)) == np.inf
