"""Closures of layers: what they conserve, take and give back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.closures.layers.eddy_viscosity import DynamicSmagorinskyConfig, LeithConfig, SmagorinskyConfig
from ocean_gcm.closures.layers.hyperviscosity import HyperviscosityConfig, JansenHeldConfig
from ocean_gcm.closures.layers.zanna_bolton import ZannaBoltonConfig
from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid

GRID = PeriodicGrid((1, 32, 32), (1e6, 1e6))
CORE = QuasiGeostrophy(
    GRID,
    QuasiGeostrophicConfig.model_validate({"core": "quasi_geostrophic", "time_stepper": "crank_nicolson_rk2"}),
    1.0,
)
DISSIPATIVE = [
    SmagorinskyConfig(),
    LeithConfig(),
    HyperviscosityConfig(time=86400.0),
    JansenHeldConfig(time=86400.0),
]
ALL = [*DISSIPATIVE, DynamicSmagorinskyConfig(), ZannaBoltonConfig()]


def columns_of(q) -> LayerColumns:
    static = CORE.static(CORE.arrays(jnp.float64))
    return CORE.columns(
        static, CORE.prepare(static, CORE.fields({"potential_vorticity": q}, jnp.float64)), None, 3600.0
    )


@pytest.fixture(scope="module")
def columns():
    return columns_of(1e-5 * np.random.default_rng(0).standard_normal(GRID.shape))


def source(config, columns):
    closure = config.build(GRID, jnp.float64)
    effects, _ = closure(columns, closure.initial_memory(GRID.shape, jnp.float64, None), None)
    assert {name for name, part in vars(effects).items() if part is not None} == {"potential_vorticity_source"}
    return np.asarray(effects.potential_vorticity_source)


@pytest.mark.parametrize("config", ALL, ids=lambda config: config.kind)
def test_mean_vorticity_and_momentum_are_kept(config, columns):
    found = source(config, columns)
    assert found.shape == GRID.shape
    # the fit finds nothing to take from noise
    assert np.abs(found).max() > 0 or config.kind == "dynamic_smagorinsky"
    hat = np.fft.rfft2(found)[0]
    assert abs(hat[0, 0]) <= 1e-12 * np.abs(hat).max()


@pytest.mark.parametrize("config", DISSIPATIVE, ids=lambda config: config.kind)
def test_energy_falls(config, columns):
    """dE/dt = -<psi source>."""
    assert -(np.asarray(columns.streamfunction) * source(config, columns)).mean() < 0


def test_backscatter_returns_its_share(columns):
    psi = np.asarray(columns.streamfunction)
    loss = (psi * source(HyperviscosityConfig(time=86400.0), columns)).mean()
    for returned in (0.0, 0.5, 1.0):
        kept = (psi * source(JansenHeldConfig(time=86400.0, returned=returned), columns)).mean()
        assert kept == pytest.approx((1 - returned) * loss, abs=1e-9 * abs(loss))


def test_dynamic_coefficient_is_that_of_the_data():
    """Never negative, the same for a flow of twice the speed, and zero in a flow of one wave."""
    closure = DynamicSmagorinskyConfig().build(GRID, jnp.float64)
    # a flow with much at small scales: the stresses of random ones are as often negative
    rng = np.random.default_rng(3)
    waves = np.sqrt(GRID.kappa_squared) * 1e6 / (2 * np.pi)
    hat = np.fft.rfft2(rng.standard_normal(GRID.shape)) * (waves < 10)
    q = np.fft.irfft2(hat, s=GRID.shape[1:])
    values = [float(closure.squared_coefficient(columns_of(size * q)).ravel()[0]) for size in (1e-5, 2e-5)]
    assert values[0] >= 0 and values[1] == pytest.approx(values[0], rel=1e-6, abs=1e-12)
    one = np.broadcast_to(1e-5 * np.cos(2 * np.pi * 2 * GRID.x / 1e6), GRID.shape)
    assert float(closure.squared_coefficient(columns_of(one)).ravel()[0]) < 1e-10


@pytest.mark.parametrize("config", ALL, ids=lambda config: config.kind)
def test_at_rest_all_is_finite(config):
    """Values and gradients."""

    def total(q):
        static = CORE.static(CORE.arrays(jnp.float64))
        offered = CORE.columns(static, CORE.prepare(static, type(CORE.fields({}, jnp.float64))(q)), None, 3600.0)
        return jnp.sum(closure(offered, (), None)[0].potential_vorticity_source ** 2)

    closure = config.build(GRID, jnp.float64)
    value, gradient = jax.jit(jax.value_and_grad(total))(jnp.zeros(GRID.shape))
    assert float(value) == 0 and np.isfinite(gradient).all()


def test_effects_of_two_add_up(columns):
    a = source(SmagorinskyConfig(), columns)
    both = Effects(potential_vorticity_source=a) + Effects(potential_vorticity_source=2 * a)
    np.testing.assert_allclose(both.potential_vorticity_source, 3 * a)
