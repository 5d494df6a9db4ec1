"""The energy budget of two layers: it closes, and its parts are what they are called."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.metrics.layers_budget import energy_budget

CONFIG = {
    "core": "quasi_geostrophic",
    "layers": {"thickness": [500, 2000], "deformation_radius": 40e3},
    "beta": 1.5e-11,
    "zonal_flow": [0.03, 0.01],
    "bottom_drag": 3e-7,
    "viscosity": 200.0,
    "f0": 1e-4,
    "topography": {"kind": "sinusoidal", "height": 50.0, "waves_x": 2, "waves_y": 1},
    "dealiasing": "three_halves",
    "time_stepper": "crank_nicolson_rk2",
}


@pytest.fixture(scope="module")
def case():
    """Core, random q (2, 2, 16, 16) without its highest wavenumbers, streamfunction, and the budget with a source."""
    core = QuasiGeostrophy(PeriodicGrid((2, 16, 16), (8e5, 8e5)), QuasiGeostrophicConfig.model_validate(CONFIG), 1.0)
    static = core.static(core.arrays(jnp.float32))
    fields = np.random.default_rng(0).standard_normal((2, 2, 2, 16, 16)) * 1e-5
    q, source = np.fft.irfft2(np.fft.rfft2(fields) * np.asarray(static.resolved), s=(16, 16)).astype(np.float32)
    source = 1e-6 * source
    psi = np.fft.irfft2(np.einsum("ijlk,tjlk->tilk", static.inversion, np.fft.rfft2(q)), s=(16, 16))
    budget_of = jax.jit(lambda q, source: energy_budget(core, q, source))
    budget = {name: np.asarray(values, float) for name, values in budget_of(q, source).items()}
    return core, static, q, source, psi, budget


WEIGHT = np.array([0.2, 0.8])[:, None, None]


def test_it_is_the_rate_of_change_of_energy(case):
    core, static, q, source, psi, budget = case
    rate_of_change = jax.jit(core.rate_of_change)
    for number in range(2):
        change = np.fft.irfft2(rate_of_change(static, np.fft.rfft2(q[number]).astype(np.complex64)), s=(16, 16))
        change = change + source[number]
        parts = [
            v[number].sum() for name, v in budget.items() if name not in ("closures_kinetic", "closures_potential")
        ]
        expected = -(WEIGHT * psi[number] * change).sum(0).mean()
        assert sum(parts) == pytest.approx(expected, rel=1e-4)


def test_transfers_move_energy_only(case):
    *_, budget = case
    for name in ("kinetic_transfer", "potential_transfer"):
        assert np.abs(budget[name].sum(-1)).max() < 1e-4 * np.abs(budget[name]).sum(-1).min()


def test_parts_by_sums_over_points(case):
    core, _, q, source, psi, budget = case
    k, l = core.grid.k, core.grid.l  # noqa: E741
    hat = np.fft.rfft2(psi)
    u, v = np.fft.irfft2(-1j * l * hat, s=(16, 16)), np.fft.irfft2(1j * k * hat, s=(16, 16))
    friction = -0.8 * 3e-7 * (u[:, 1] ** 2 + v[:, 1] ** 2).mean((-2, -1))
    np.testing.assert_allclose(budget["friction"].sum(-1), friction, rtol=1e-4)
    # from the shear comes U_1 - U_2 times the flux of thickness
    interface = 0.2 * core.stretching[0, 0] * (0.03 - 0.01)
    generation = interface * (v[:, 0] * psi[:, 1]).mean((-2, -1))
    np.testing.assert_allclose(budget["generation"].sum(-1), generation, rtol=1e-3)
    closures = -(WEIGHT * psi * source).sum(1).mean((-2, -1))
    np.testing.assert_allclose(budget["closures"].sum(-1), closures, rtol=1e-3)
    moved = np.fft.irfft2(np.einsum("ijlk,tjlk->tilk", case[1].inversion, np.fft.rfft2(source)), s=(16, 16))
    kinetic = -(WEIGHT * psi * np.fft.irfft2(-core.grid.kappa_squared * np.fft.rfft2(moved), s=(16, 16))).sum(1)
    np.testing.assert_allclose(budget["closures_kinetic"].sum(-1), kinetic.mean((-2, -1)), rtol=1e-3)
