"""The waves that a random initial state is made of."""

import numpy as np
import pytest

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.quasi_geostrophic.initial import RandomConfig

GRID = PeriodicGrid((1, 32, 32), (2 * np.pi, 2 * np.pi))


@pytest.mark.parametrize("corners", [False, True])
def test_band_of_a_random_state(corners):
    q = RandomConfig(lowest=4, highest=9, largest=2.0, corners=corners).potential_vorticity(GRID, 3)
    assert np.abs(q).max() == pytest.approx(2.0)
    waves = np.fft.fftfreq(32, 1 / 32)
    length, component = np.hypot(waves, waves[:, None]), np.maximum(np.abs(waves), np.abs(waves[:, None]))
    expected = (length >= 4) & ((component if corners else length) <= 9)
    amplitude = np.abs(np.fft.fft2(q[0]))
    np.testing.assert_array_equal(amplitude > 1e-9 * amplitude.max(), expected)
    assert expected.sum() == (316 if corners else 208)
