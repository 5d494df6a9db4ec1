"""TEOS-10 polynomial against its published check values and against the full standard (gsw)."""

import gsw
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.equation_of_state import TEOS10, TEOS10Config, build_equation_of_state
from ocean_gcm.dynamics.equation_of_state.teos10 import _evaluate, _expanded_around

EOS = TEOS10()
density, density_anomaly, expansion = map(jax.jit, (EOS.density, EOS.density_anomaly, EOS.expansion))


def _ocean():
    """Points inside the "oceanographic funnel" for which the polynomial was fitted."""
    temperature, salinity, depth = np.meshgrid(
        np.linspace(-2, 33, 36), np.linspace(0, 42, 43), np.linspace(0, 6000, 25), indexing="ij"
    )
    inside = gsw.infunnel(salinity, temperature, depth).astype(bool)
    return temperature[inside], salinity[inside], depth[inside]


def test_published_check_values():
    """CT = 10 degC, SA = 30 g/kg, 1000 m: values printed with the polynomial by its authors."""
    found = EOS.density(10.0, 30.0, 1000.0)
    by_t, by_s = EOS.expansion(10.0, 30.0, 1000.0)
    assert found == pytest.approx(1027.45140, abs=6e-6)
    assert -by_t == pytest.approx(0.179646281, abs=6e-10)
    # printed from separately rounded coefficients, hence the wider margin
    assert by_s == pytest.approx(0.765555368, abs=5e-9)


def test_fit_error_against_gsw():
    """The polynomial was fitted to about 1e-3 kg m-3; measured here: 1.5e-3 at most, 2.5e-4 rms."""
    temperature, salinity, depth = _ocean()
    error = np.asarray(density(temperature, salinity, depth)) - gsw.rho(salinity, temperature, depth)
    assert temperature.size > 5000
    assert np.abs(error).max() < 2e-3
    assert np.sqrt(np.mean(error**2)) < 6e-4


def test_fit_error_against_gsw_in_the_open_ocean():
    temperature, salinity, depth = _ocean()
    open_ocean = (salinity > 33) & (salinity < 37.5)
    error = np.asarray(density(temperature, salinity, depth)) - gsw.rho(salinity, temperature, depth)
    assert np.abs(error[open_ocean]).max() < 8e-4


def test_expansion_against_gsw():
    temperature, salinity, depth = _ocean()
    by_t, by_s = expansion(temperature, salinity, depth)
    exact_s, exact_t, _ = gsw.rho_first_derivatives(salinity, temperature, depth)
    assert np.abs(by_t - exact_t).max() < 2e-3
    assert np.abs(by_s - exact_s).max() < 2e-3


def test_anomaly_differs_from_density_by_depth_alone():
    temperature, salinity, depth = _ocean()
    offset = np.asarray(density(temperature, salinity, depth) - density_anomaly(temperature, salinity, depth))
    for z in np.unique(depth):
        assert np.ptp(offset[depth == z]) < 1e-9


def test_expansion_around_another_reference_is_the_same_polynomial():
    other = TEOS10(reference_temperature=20.0, reference_salinity=10.0)
    temperature, salinity, depth = _ocean()
    np.testing.assert_allclose(
        density(temperature, salinity, depth), jax.jit(other.density)(temperature, salinity, depth), atol=1e-8
    )
    assert _evaluate(_expanded_around(0.0, 0.0), 0.0, 0.0, 0.0) == pytest.approx(8.0189615746e02)


def test_float32_keeps_its_digits():
    """Rounding of the anomaly is that of its input: about 1e-5 kg m-3, not 1e-4 as of the expanded published form."""
    temperature, salinity, depth = (a.astype(np.float32) for a in _ocean())
    single = density_anomaly(jnp.asarray(temperature), jnp.asarray(salinity), jnp.asarray(depth))
    double = density_anomaly(*(jnp.asarray(a, jnp.float64) for a in (temperature, salinity, depth)))
    assert single.dtype == jnp.float32
    assert np.abs(single - double).max() < 1.5e-5
    open_ocean = (salinity > 33) & (salinity < 37.5)
    assert np.abs(single - double)[open_ocean].max() < 4e-6


def test_depth_does_not_change_the_dtype():
    temperature = jnp.full((3, 2, 2), 5.0, jnp.float32)
    depth = np.linspace(0, 1000, 3)[:, None, None]
    assert EOS.density_anomaly(temperature, temperature + 30, depth).dtype == jnp.float32
    assert all(a.dtype == jnp.float32 for a in EOS.expansion(temperature, temperature + 30, depth))


def test_expansion_equals_automatic_differentiation():
    temperature, salinity, depth = (jnp.asarray(a[::97]) for a in _ocean())
    total = jax.jit(jax.grad(lambda t, s: EOS.density_anomaly(t, s, depth).sum(), argnums=(0, 1)))
    analytic, automatic = expansion(temperature, salinity, depth), total(temperature, salinity)
    for one, other in zip(analytic, automatic, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def test_gradients_are_finite_in_fresh_water_and_on_land():
    land = jnp.zeros((2,))
    for function in (EOS.density_anomaly, EOS.density, lambda *a: sum(EOS.expansion(*a))):
        gradients = jax.jit(jax.grad(lambda t, s, f=function: f(t, s, 0.0).sum(), argnums=(0, 1)))(land, land)
        assert all(np.isfinite(g).all() for g in gradients)


def test_built_from_its_configuration():
    assert build_equation_of_state(TEOS10Config()) == EOS
