"""Waves and instabilities that have closed solutions."""

import numpy as np
import pytest
from spectral_cores import EDDY, JET, core, run

from ocean_gcm.dynamics.spectral.linear import fastest_modes
from ocean_gcm.dynamics.spectral.stratification import LayersConfig, deformation_radii, stretching_matrix

PHILLIPS = {"layers": {"thickness": [1, 1], "deformation_radius": 1.0}, "zonal_flow": [1.0, 0.0]}
"""Equal layers, deformation wavenumber and shear of one."""


def test_phillips_growth_rates():
    """sigma = k (1 - K^2)^(1/2) / (2 (1 + K^2)^(1/2)) for K < k_d = 1, none beyond (Vallis 2017, 9.6)."""
    plane = core(128, 2 * np.pi * 50, **PHILLIPS)
    growth, _, _ = fastest_modes(plane)
    squared = plane.grid.kappa_squared
    inside = np.sqrt(np.maximum(1 - squared, 0) / (1 + squared))
    expected = 0.5 * np.abs(plane.grid.k) * inside
    where = expected > 1e-3
    assert where.sum() > 1000
    np.testing.assert_allclose(growth[where], expected[where], rtol=0.01)
    assert growth[squared > 1.0001].max() < 1e-7


def test_fastest_phillips_mode():
    plane = core(320, 2 * np.pi * 200, **PHILLIPS)
    growth, _, _ = fastest_modes(plane)
    fastest = growth[0].argmax()
    assert growth[0, fastest] == pytest.approx(0.2071, rel=1e-3)
    assert plane.grid.k[0, fastest] == pytest.approx(0.6436, abs=2.6e-3)  # the spacing is 0.005
    assert growth.max() == growth[0, fastest], "no oblique wave grows faster"


@pytest.mark.parametrize(("share", "unstable"), [(0.97, True), (1.03, False)])
def test_charney_critical_shear(share, unstable):
    """Two layers are unstable where beta < k_d^2 U/2, and Q_y changes its sign there."""
    plane = core(256, 2 * np.pi * 100, beta=0.5 * share, **PHILLIPS)
    growth, _, _ = fastest_modes(plane)
    assert (growth.max() > 1e-3) == unstable
    assert (plane.gradient.min() < 0) == unstable


@pytest.mark.parametrize(("keys", "rate", "waves"), [(EDDY, 7.795e-8, 7), (JET, 4.464e-8, 6)], ids=["eddy", "jet"])
def test_fastest_modes_of_pyqg_configurations(keys, rate, waves):
    growth, _, _ = fastest_modes(core(64, **keys))
    assert np.unravel_index(growth.argmax(), growth.shape) == (0, waves)
    assert growth.max() == pytest.approx(rate, rel=5e-4)


def test_model_grows_as_theory_says():
    """The fastest mode of the eddy configuration, in the full equations while it is small."""
    flow = core(16, **EDDY)
    growth, frequency, modes = fastest_modes(flow)
    q_hat = np.zeros((2, 16, 9), complex)
    q_hat[:, 0, 7] = modes[0, 7] * 1e-14
    # two thirds of 8 waves would take it away
    flow = core(16, dealiasing="none", **EDDY)
    start = np.fft.irfft2(q_hat, s=(16, 16))
    steps = 400
    ratio = np.fft.rfft2(run(flow, start, steps))[0, 0, 7] / q_hat[0, 0, 7]
    time = steps * flow.time_step
    assert np.log(abs(ratio)) / time == pytest.approx(growth[0, 7], rel=2e-3)
    assert (np.angle(ratio) + frequency[0, 7] * time + np.pi) % (2 * np.pi) - np.pi == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("radius", [None, 50e3])
@pytest.mark.parametrize("scheme", ["adams_bashforth3", "crank_nicolson_rk4"])
def test_rossby_wave_speed(radius, scheme):
    """c = -beta/(K^2 + 1/L_d^2) for a plane wave, an exact solution of the nonlinear equation."""
    beta, waves = 2e-10, (2, 3)
    sea = core(16, beta=beta, layers={"thickness": [1000], "deformation_radius": radius}, time_stepper=scheme)
    grid = sea.grid
    k, l = (2 * np.pi * m / 1e6 for m in waves)  # noqa: E741
    q = 1e-6 * np.cos(k * grid.x + l * grid.y[:, None])[None]
    steps = 200
    end = run(sea, q, steps)
    expected = -beta / (k**2 + l**2 + (radius or np.inf) ** -2)
    turned = np.fft.rfft2(end)[0, waves[1], waves[0]] / np.fft.rfft2(q)[0, waves[1], waves[0]]
    time = steps * sea.time_step
    assert abs(expected) * k * time > 3, "the wave has gone half of its length"
    turns = np.round((-k * expected * time - np.angle(turned)) / (2 * np.pi))
    speed = -(np.angle(turned) + 2 * np.pi * turns) / (k * time)
    assert speed == pytest.approx(expected, rel=1e-3)
    np.testing.assert_allclose(np.abs(end).max(), 1e-6, rtol=2e-2)


def test_stretching_of_many_layers():
    """Of uniform stratification N: the modes of a string, L_n = N H/(n pi f0), for many layers."""
    number, depth, n, f0 = 64, 4000.0, 2e-3, 1e-4
    layers = LayersConfig(thickness=(depth / number,) * number, buoyancy_frequency=(n,) * (number - 1))
    radii = deformation_radii(stretching_matrix(layers, f0))
    assert np.isinf(radii[0])
    np.testing.assert_allclose(radii[1:4], n * depth / (np.arange(1, 4) * np.pi * f0), rtol=1e-2)
    thickness = np.array(layers.thickness)
    matrix = stretching_matrix(layers, f0)
    np.testing.assert_allclose(thickness @ matrix, 0, atol=1e-18)  # stretching moves no vorticity out of the column
