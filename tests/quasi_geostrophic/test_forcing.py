"""Deterministic sources of potential vorticity."""

import types

import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.quasi_geostrophic.forcing import MovingWavesConfig


@pytest.mark.parametrize("steps", [0, 17, 3_000_000])
def test_moving_waves_follow_their_phases(steps):
    """Also after centuries in single precision; the root mean square is the amplitude at any time."""
    grid = PeriodicGrid((2, 16, 16), (1e7, 1e7))
    waves = MovingWavesConfig(amplitude=1.7e-12, waves=3, layer=1).build(grid, jnp.float32)
    memory = waves.initial_memory(grid.shape, jnp.float32, None) + steps
    effects, following = waves(types.SimpleNamespace(interval=1200.0), memory, None)
    source = np.asarray(effects.potential_vorticity_source)
    time = 1200.0 * steps
    phase_x, phase_y = (np.pi * np.sin(omega * time) for omega in (1.2e-6, 1.2566e-6))
    k = 2 * np.pi * 3 / 1e7
    expected = 1.7e-12 * (np.cos(k * grid.y[:, None] + phase_y) - np.cos(k * grid.x + phase_x))
    assert not source[0].any() and int(following) == steps + 1
    # frequencies are rounded to 2**-32 turns per step
    np.testing.assert_allclose(source[1], expected, atol=1.7e-12 * (1e-5 + 2e-9 * steps))
    assert int(waves.memory_at(jdt.Timedelta(*divmod(int(time), 86400)), 1200.0)) == steps
    assert source[1].std() == pytest.approx(1.7e-12, rel=1e-5)
