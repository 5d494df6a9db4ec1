"""Mixing by the Richardson number."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.closures.classical.richardson_mixing import stirring

N_SQUARED = st.floats(-1e-4, 1e-3)
SHEAR_SQUARED = st.floats(0.0, 1e-3)


def test_values_of_pacanowski_and_philander(plane, interior):
    """Ri = 0.2: 1 + 5 Ri = 2, viscosity 50 / 4 + 1 cm2 s-1, diffusivity half of that + 0.1."""
    effects = plane.effects("richardson_mixing", buoyancy_frequency_squared=2e-5, shear_squared=1e-4)
    assert interior(effects.vertical_viscosity)[2, 4, 5] == pytest.approx(13.5e-4, rel=1e-4)
    assert interior(effects.vertical_diffusivity)[2, 4, 5] == pytest.approx(6.85e-4, rel=1e-4)
    assert not interior(effects.vertical_diffusivity)[0].any()
    assert not interior(effects.vertical_viscosity)[:, 2, 3].any()


def test_limits(plane, interior):
    unstable = plane.effects("richardson_mixing", buoyancy_frequency_squared=-1e-5, shear_squared=1e-4)
    assert interior(unstable.vertical_viscosity)[2, 4, 5] == pytest.approx(51e-4)
    calm = plane.effects("richardson_mixing", buoyancy_frequency_squared=1e-5)
    assert interior(calm.vertical_viscosity)[2, 4, 5] == pytest.approx(1e-4, rel=1e-4)
    assert interior(calm.vertical_diffusivity)[2, 4, 5] == pytest.approx(1e-5, rel=1e-3)


def test_wind_mixing_decays_with_depth(plane, interior):
    settings = {"wind_mixing": 1e-2, "wind_mixing_depth": 50.0}
    kwargs = {"buoyancy_frequency_squared": 1e-5}
    with_wind = interior(plane.effects("richardson_mixing", settings, **kwargs).vertical_diffusivity)
    without = interior(plane.effects("richardson_mixing", **kwargs).vertical_diffusivity)
    np.testing.assert_allclose((with_wind - without)[1:, 4, 5], 1e-2 * np.exp([-1.0, -4.0, -10.0]), rtol=1e-6)


@settings(max_examples=50, deadline=None)
@given(n_squared=N_SQUARED, shear_squared=SHEAR_SQUARED, more=st.floats(0.0, 1e-4))
def test_stirring_is_bounded_and_monotone(n_squared, shear_squared, more):
    q = float(stirring(n_squared, shear_squared, 5.0, 1e-9))
    assert 0.0 < q <= 1.0
    assert stirring(n_squared + more, shear_squared, 5.0, 1e-9) <= q * (1 + 1e-12)
    assert stirring(n_squared, shear_squared + more, 5.0, 1e-9) >= q * (1 - 1e-12)


def test_derivative_is_continuous_through_neutral():
    """The slope at N^2 = 0 equals zero from both sides and is finite without shear."""
    slope = jax.grad(stirring)
    for shear in (0.0, 1e-6):
        assert slope(-1e-12, shear, 5.0, 1e-9) == 0.0
        assert abs(slope(1e-16, shear, 5.0, 1e-9)) < 1e-3 * abs(slope(1e-9, 0.0, 5.0, 1e-9))
