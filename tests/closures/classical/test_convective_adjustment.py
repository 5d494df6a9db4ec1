"""Convection."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.closures.classical.convective_adjustment import instability


@pytest.mark.parametrize(("n_squared", "expected"), [(1e-7, 0.0), (0.0, 0.0), (-1e-8, 1.0), (-1e-4, 2.0)])
def test_values(plane, interior, n_squared, expected):
    effects = plane.effects("convective_adjustment", {"diffusivity": 2.0}, buoyancy_frequency_squared=n_squared)
    assert interior(effects.vertical_diffusivity)[1, 4, 5] == pytest.approx(expected, rel=1e-6)
    assert effects.vertical_viscosity is None
    assert not interior(effects.vertical_diffusivity)[0].any()


@settings(max_examples=50, deadline=None)
@given(a=st.floats(-1e-3, 1e-3), b=st.floats(-1e-3, 1e-3))
def test_switch_is_bounded_and_monotone(a, b):
    low, high = sorted((a, b))
    assert 0.0 <= instability(high, 1e-8) <= instability(low, 1e-8) <= 1.0


def test_derivative_is_continuous():
    slope = jax.grad(instability)
    steepest = max(abs(float(slope(-w, 1e-8))) for w in np.linspace(0, 3e-8, 31))
    assert slope(1e-9, 1e-8) == 0.0 and abs(slope(-1e-13, 1e-8)) < 1e-4 * steepest
    assert steepest < 1e8
