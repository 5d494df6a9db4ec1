"""The linear equation of state."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.equation_of_state import LinearConfig, build_equation_of_state


def test_density_and_slopes():
    config = LinearConfig(thermal_expansion=2e-4, haline_contraction=8e-4)
    eos = build_equation_of_state(config, 1000.0)
    assert eos.density(10.0, 35.0, 4000.0) == pytest.approx(1000.0)
    assert eos.density(11.0, 35.0, 0.0) == pytest.approx(999.8)
    assert eos.density_anomaly(10.0, 36.0, 0.0) == pytest.approx(0.8)
    temperature, salinity = jnp.linspace(0, 20, 5), jnp.full(5, 34.0)
    slopes = eos.expansion(temperature, salinity, 0.0)
    exact = jax.grad(lambda t, s: eos.density(t, s, 0.0).sum(), argnums=(0, 1))(temperature, salinity)
    for a, b in zip(slopes, exact, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_dtype_is_kept():
    eos = build_equation_of_state(LinearConfig())
    temperature = jnp.zeros((2, 2), jnp.float32)
    for array in (eos.density(temperature, temperature, 0.0), *eos.expansion(temperature, temperature, 0.0)):
        assert array.dtype == jnp.float32 and array.shape == (2, 2)
