"""What advection must not create, and what it needs of aliases."""

import jax.numpy as jnp
import numpy as np
import pytest
from spectral_cores import core, energy_and_enstrophy, run

from ocean_gcm.dynamics.spectral import advection
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid

TWO_LAYERS = {"layers": {"thickness": [500, 2000], "deformation_radius": 60e3}, "beta": 1e-11}


def stirred(number=16, layers=2, seed=0):
    """Random vorticity of wavenumbers up to 4 with a turnover time of about a day."""
    grid = PeriodicGrid((layers, number, number), (1e6, 1e6))
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal(grid.shape))
    noise[:, grid.kappa_squared > (2 * np.pi * 4.5 / 1e6) ** 2] = 0
    noise[:, 0, 0] = 0
    q = np.fft.irfft2(noise, s=(number, number))
    return 1e-5 * q / q.std()


def drift(scheme, dealiasing, time_step):
    """Relative change of energy and enstrophy in two days, after 12 hours in which multi-step schemes have started."""
    flow = core(16, time_step=time_step, time_stepper=scheme, dealiasing=dealiasing, **TWO_LAYERS)
    before, after = (run(flow, stirred(), round(hours * 3600 / time_step)) for hours in (12, 60))
    return [abs(b / a - 1) for a, b in zip(*(energy_and_enstrophy(flow, q) for q in (before, after)), strict=True)]


@pytest.mark.parametrize(
    ("scheme", "dealiasing", "order"),
    [
        ("adams_bashforth3", "two_thirds", 3),
        ("crank_nicolson_rk4", "three_halves", 4),
        ("crank_nicolson_rk3", "two_thirds", 3),
    ],
)
def test_energy_and_enstrophy_are_kept_by_order_of_the_stepper(scheme, dealiasing, order):
    coarse, fine = (np.array(drift(scheme, dealiasing, dt)) for dt in (3600.0, 1800.0))
    assert (fine < 2e-5).all()
    assert coarse.max() / fine.max() > 2 ** (order - 0.5), (coarse, fine)


def test_advection_moves_energy_and_enstrophy_only():
    """The tendency itself is orthogonal to psi and q to round-off, beta included."""
    flow = core(16, dealiasing="three_halves", **TWO_LAYERS)
    arrays = flow.arrays(jnp.float64)
    static = flow.static(arrays)
    prepared = flow.prepare(static, flow.fields({"potential_vorticity": stirred()}, jnp.float64))
    tendency = np.asarray(flow._tendency(static, prepared, None))
    weight = flow.thickness[:, None, None] * flow.grid.multiplicity
    for field in (np.asarray(prepared.psi_hat), np.asarray(prepared.q_hat)):
        product = (weight * (np.conj(field) * tendency).real).sum()
        scale = (weight * np.abs(field) * np.abs(tendency)).sum()
        assert abs(product) < 1e-12 * scale


@pytest.mark.parametrize("number", [12, 16, 18])
def test_products_have_no_aliases(number):
    """Both ways of dealiasing give the exact product of two fields, the unguarded grid does not."""
    grid = PeriodicGrid((1, number, number), (1.0, 1.0))
    rng = np.random.default_rng(1)
    fine = PeriodicGrid((1, 8 * number, 8 * number), (1.0, 1.0))

    def exact(a_hat, b_hat, kept):
        a, b = (advection_to(fine, grid, x) for x in (a_hat, b_hat))
        return advection_from(fine, grid, a * b) * kept

    for dealiasing in ("two_thirds", "three_halves"):
        kept = advection.kept_wavenumbers(grid, dealiasing)
        a, b = (np.fft.rfft2(rng.standard_normal((number, number))) * kept for _ in range(2))
        expected = exact(a, b, kept)
        if dealiasing == "two_thirds":
            back = [np.fft.irfft2(x, s=(number, number)) for x in (a, b)]
            found = np.fft.rfft2(back[0] * back[1]) * kept
        else:
            points = [advection.to_fine(jnp.asarray(x), (number, number)) for x in (a, b)]
            found = np.asarray(advection.from_fine(points[0] * points[1], (number, number))) * kept
        np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


def advection_to(fine, grid, coefficients):
    """Values on a much finer grid, written down mode by mode."""
    _, n, _ = grid.shape
    _, m, _ = fine.shape
    padded = np.zeros((m, m // 2 + 1), complex)
    for j in range(n):
        target = j if j < (n + 1) // 2 else m - (n - j)
        padded[target, : n // 2 + 1] = coefficients[j]
    return np.fft.irfft2(padded, s=(m, m)) * (m / n) ** 2


def advection_from(fine, grid, field):
    _, n, _ = grid.shape
    _, m, _ = fine.shape
    coefficients = np.fft.rfft2(field) * (n / m) ** 2
    rows = [j if j < (n + 1) // 2 else m - (n - j) for j in range(n)]
    return coefficients[rows, : n // 2 + 1]


def test_viscosity_and_drag_take_what_they_should():
    """A wave that does not move decays by exp(-(nu kappa^2 + nu_2 kappa^4 + r) t)."""
    k = 2 * np.pi * 3 / 1e6
    nu, nu2, r = 50.0, 1e12, 1e-6
    flow = core(16, viscosity=nu, hyperviscosity=nu2, hyperviscosity_order=2, bottom_drag=r)
    q = 1e-6 * np.cos(k * flow.grid.x)[None] * np.ones((1, 16, 1))
    steps = 100
    rate = nu * k**2 + nu2 * k**4 + r
    assert rate * steps * flow.time_step > 0.5
    np.testing.assert_allclose(run(flow, q, steps), q * np.exp(-rate * steps * flow.time_step), rtol=1e-3, atol=1e-12)


def test_flow_along_topography_stays():
    """Where q + b = 0 nothing is carried along; other flows feel the sea floor."""
    keys = {"topography": {"kind": "seamount", "height": 100.0, "width": 2e5}, "layers": {"thickness": [4000]}}
    flow = core(16, dealiasing="three_halves", **keys)
    floor = np.asarray(flow.arrays(jnp.float64)["floor"])
    steady = run(flow, -floor[None], 0)
    np.testing.assert_allclose(run(flow, steady, 50), steady, atol=1e-3 * np.abs(steady).max())
    flat, q = core(16, dealiasing="three_halves", layers=keys["layers"]), stirred(layers=1)
    assert np.abs(run(flow, q, 50) - run(flat, q, 50)).max() > 1e-7
