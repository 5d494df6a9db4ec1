import gsw
import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.forcing.freezing import freezing_temperature


def test_conservative_temperature_against_teos10():
    salinity = np.linspace(0.0, 45.0, 200)
    error = freezing_temperature(salinity, "teos10") - gsw.CT_freezing(salinity, 0.0, 0.0)
    assert abs(error).max() < 0.005
    assert abs(error[salinity > 20]).max() < 1e-3


def test_practical_salinity_against_published_value():
    # UNESCO (1983): -2.588 degC at S = 40 and 500 dbar, of which the pressure's share is -7.53e-4 K per dbar
    np.testing.assert_allclose(freezing_temperature(jnp.asarray(40.0), "linear"), -2.588 + 7.53e-4 * 500, atol=1e-3)


def test_derivative_is_finite_and_negative():
    for kind in ("teos10", "linear"):
        slope = jax.vmap(jax.grad(lambda s, kind=kind: freezing_temperature(s, kind)))(jnp.asarray([0.0, 1.0, 35.0]))
        assert np.isfinite(slope).all()
        assert (slope[1:] < 0).all()


def test_keeps_dtype():
    assert freezing_temperature(jnp.ones(3, jnp.float32)).dtype == jnp.float32
    assert freezing_temperature(jnp.ones(3, jnp.float32), "linear").dtype == jnp.float32
