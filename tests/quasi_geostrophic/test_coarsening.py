"""Operators between grids of layers, and the subgrid source, by their exact properties."""

import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.commands.truth import parse_operator
from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.quasi_geostrophic.coarsening import OPERATORS, Coarsening, subgrid_source

FINE = PeriodicGrid((2, 24, 48), (1e6, 2e6))
COARSE = PeriodicGrid((2, 8, 16), (1e6, 2e6))
LINEAR = [kind() for kind in OPERATORS.values()]


def waves(grid, p, q):
    """cos of p waves along x and q along y at the centres of the cells."""
    return np.cos(2 * np.pi * (p * grid.x / grid.lengths[1] + q * grid.y[:, None] / grid.lengths[0]) + 0.3)


@pytest.mark.parametrize("operator", LINEAR, ids=OPERATORS)
def test_waves_keep_their_place_and_what_is_not_resolved_vanishes(operator):
    coarsening = Coarsening(FINE, COARSE, operator)
    ratios = []
    for p, q in ((0, 0), (1, 0), (2, -1), (5, 2)):
        field, expected = waves(FINE, p, q), waves(COARSE, p, q)
        found = np.asarray(coarsening(jnp.asarray(field)))
        ratio = (found * expected).sum() / (expected**2).sum()
        np.testing.assert_allclose(found, ratio * expected, atol=3e-6)
        ratios.append(ratio)
    assert ratios[0] == pytest.approx(1, abs=1e-6), "the mean is kept"
    assert ratios[1] > ratios[3] > 0.2 or operator.kind == "cutoff"
    if operator.kind != "diffusion":
        assert np.abs(coarsening(jnp.asarray(waves(FINE, 9, 1)))).max() < 1e-6
    if operator.kind == "cutoff":
        np.testing.assert_allclose(ratios, 1, atol=1e-6)
    if operator.kind == "gaussian":
        dx = 2e6 / 16
        assert ratios[1] == pytest.approx(np.exp(-((2 * np.pi / 2e6) ** 2) * (2 * dx) ** 2 / 24), rel=1e-5)


def test_diffusion_is_that_of_the_heat_equation():
    """Many small explicit steps of the five-point Laplacian, then means of blocks."""
    grid, coarse = PeriodicGrid((1, 12, 12), (12.0, 12.0)), PeriodicGrid((1, 4, 4), (12.0, 12.0))
    field = np.random.default_rng(0).standard_normal((1, 12, 12))
    smooth, steps = field.copy(), 4000
    time = 3.0**2 / 24.0
    for _ in range(steps):
        around = sum(np.roll(smooth, shift, axis) for shift in (1, -1) for axis in (1, 2))
        smooth = smooth + time / steps * (around - 4 * smooth)
    expected = smooth.reshape(1, 4, 3, 4, 3).mean((2, 4))
    found = Coarsening(grid, coarse, OPERATORS["diffusion"]())(jnp.asarray(field))
    np.testing.assert_allclose(found, expected, atol=3e-4)


def core(grid, **keys):
    layers = {"thickness": [500, 2000], "deformation_radius": 60e3}
    config = QuasiGeostrophicConfig.model_validate(
        {"core": "quasi_geostrophic", "layers": layers, "zonal_flow": [0.1, 0.0], "bottom_drag": 1e-7, **keys}
    )
    found = QuasiGeostrophy(grid, config, 3600.0)
    return found, found.static(found.arrays(jnp.float32))


def test_source_is_zero_without_small_scales_and_the_missing_products_with_them():
    """Waves whose products the coarse model holds have no source; else it is the mean advection that it misses."""
    keys = {"dealiasing": "three_halves", "viscosity": 100.0}
    fine, coarse = core(FINE, **keys), core(COARSE, **keys)
    coarsening = Coarsening(FINE, COARSE, OPERATORS["cutoff"](), "three_halves")
    large = 1e-5 * jnp.asarray(np.stack([waves(FINE, 1, 1) + waves(FINE, 2, 0), waves(FINE, 0, 1)]), jnp.float32)
    kept, source = subgrid_source(coarsening, fine, coarse, large)
    tendency = np.abs(COARSE.to_physical(coarse[0].rate_of_change(coarse[1], COARSE.to_spectral(kept)))).max()
    assert tendency > 1e-12 and np.abs(source).max() < 1e-5 * tendency

    # two waves that the coarse grid does not hold, whose product has waves (1, 0) that it holds
    small = 1e-5 * jnp.asarray(np.stack([waves(FINE, 9, 3) + waves(FINE, 10, 3), 0 * waves(FINE, 0, 0)]), jnp.float32)
    kept, source = subgrid_source(coarsening, fine, coarse, small)
    seen = coarsening.coefficients(fine[0].rate_of_change(fine[1], FINE.to_spectral(small)))
    assert np.abs(kept).max() < 1e-11
    expected = np.asarray(COARSE.to_physical(seen))
    assert np.abs(expected).max() > 1e-13
    np.testing.assert_allclose(source, expected, atol=1e-4 * np.abs(expected).max())
    assert abs(float(source.mean())) < 1e-6 * np.abs(expected).max(), "the mean is kept"


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match="expected an even number of at most 48"):
        Coarsening(FINE, PeriodicGrid((2, 8, 64), (1e6, 2e6)), LINEAR[0])
    with pytest.raises(UserError, match="expected those of the fine one, 2 in"):
        Coarsening(FINE, PeriodicGrid((1, 8, 16), (1e6, 2e6)), LINEAR[0])
    with pytest.raises(UserError, match="needs a divisor of 48"):
        Coarsening(FINE, PeriodicGrid((2, 8, 10), (1e6, 2e6)), OPERATORS["diffusion"]())
    assert parse_operator("gaussian:width=1.5").width == 1.5
    with pytest.raises(UserError, match="--operator is 'gauss'"):
        parse_operator("gauss")
    with pytest.raises(UserError, match="--operator cutoff:width=2"):
        parse_operator("cutoff:width=2")
