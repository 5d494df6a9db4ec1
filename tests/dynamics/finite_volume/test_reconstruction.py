"""Values half-way between points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.dynamics.finite_volume.reconstruction import _weno5_left


def averages(power, count, spacing=1.0):
    """Cell averages of x^power over `count` cells around 0, and its value at 0."""
    edges = (np.arange(count + 1) - count // 2) * spacing
    return np.diff(edges ** (power + 1)) / (power + 1) / spacing, float(power == 0)


@pytest.mark.parametrize("power", range(3))
def test_weno5_is_exact_for_parabolas(power):
    """Each of its three candidates is."""
    cells, value = averages(power, 6)
    assert float(_weno5_left(*jnp.asarray(cells[:5]))) == pytest.approx(value, abs=1e-12)


def test_weno5_is_of_fifth_order_where_smooth():
    def error(spacing):
        edges = 0.3 + (np.arange(7) - 3) * spacing
        cells = np.diff(-np.cos(edges)) / spacing
        return abs(float(_weno5_left(*jnp.asarray(cells[:5]))) - np.sin(0.3))

    assert np.log2(error(0.1) / error(0.05)) > 4.7


def test_weno5_does_not_overshoot_a_step():
    for place in range(1, 5):
        value = float(_weno5_left(*jnp.asarray((np.arange(5) >= place).astype(float))))
        assert -1e-3 <= value <= 1.0 + 1e-3


@given(exponent=st.integers(-12, 6), seed=st.integers(0, 2**32 - 1), zeros=st.integers(0, 5))
def test_weno5_in_float32(exponent, seed, zeros):
    """The same for any unit; derivatives are finite for still water and for a single value that is not zero."""
    points = np.random.default_rng(seed).normal(size=5)
    points[:zeros] = 0.0
    value = float(_weno5_left(*jnp.asarray(points)))
    scaled = jnp.asarray(points * 10.0**exponent, jnp.float32)
    found, slopes = _in_float32(scaled)
    assert np.all(np.isfinite(slopes))
    assert float(found) == pytest.approx(value * 10.0**exponent, rel=2e-3, abs=2e-4 * 10.0**exponent)
    # homogeneous of degree one: Euler's theorem
    assert float(jnp.sum(slopes * scaled)) == pytest.approx(float(found), rel=1e-3, abs=1e-3 * 10.0**exponent)


_in_float32 = jax.jit(jax.value_and_grad(lambda points: _weno5_left(*points)))
