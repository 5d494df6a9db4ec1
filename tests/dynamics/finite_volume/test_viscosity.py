"""Lateral friction takes kinetic energy, leaves a uniform flow alone and has the order of its stencil."""

import jax
import numpy as np
import pytest

from ocean_gcm.dynamics.finite_volume.momentum_advection import horizontal_divergence, relative_vorticity
from ocean_gcm.dynamics.finite_volume.viscosity import biharmonic, laplacian


def friction(basin, u, v, coefficient, order, slip):
    m = basin.static
    viscosity = tuple(basin.field(c, p) for c, p in zip(coefficient, "TF", strict=True))

    @jax.jit
    def tendencies(u, v):
        divergence, zeta = horizontal_divergence(m, u, v), relative_vorticity(m, u, v) * slip
        if order == 2:
            return laplacian(m, divergence, zeta, viscosity)
        return biharmonic(m, divergence, zeta, slip, viscosity)

    return tendencies(u, v)


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("no_slip", [False, True])
@pytest.mark.parametrize("kind", ["plane", "sphere"])
def test_friction_dissipates(make_rugged, rng, order, no_slip, kind):
    """Random coefficients in space, whole cells: sum u . D <= 0 for any flow."""
    basin = make_rugged(kind, partial_cells=False)
    m = basin.static
    coefficient = 1e5 * rng.uniform(0.1, 1.0, size=(2, *basin.shape))
    inside = m.mask_f
    if no_slip:
        touched = m.mask_t.mean_x().mean_y().map(lambda a: (a > 0).astype(a.dtype))
        inside = inside + (touched - inside) * 2.0
    thickness = basin.thickness(basin.field(np.zeros(basin.shape[1:]), "T", "s"))
    u, v = basin.flow(rng)
    work, scale = basin.work(u, v, thickness, friction(basin, u, v, coefficient, order, inside))
    assert work < -1e-3 * scale


def test_harmonic_friction_of_a_wave(make_flat):
    """nu times the Laplacian of sin kx: the eigenvalue of the discrete operator, -nu (2 sin(k dx / 2) / dx)^2."""
    basin = make_flat(nx=16)
    phase = 2 * np.pi * np.arange(16) / 16
    u = basin.field(np.broadcast_to(np.sin(phase), basin.shape), "U")
    v = basin.field(np.broadcast_to(np.cos(phase), basin.shape), "V")
    ones = np.ones((2, *basin.shape))
    along_x, along_y = friction(basin, u, v, 1e4 * ones, 2, basin.static.mask_f)
    eigenvalue = -1e4 * (2 * np.sin(np.pi / 16) / 1e5) ** 2
    np.testing.assert_allclose(basin.inner(along_x), eigenvalue * basin.inner(u), atol=1e-18)
    np.testing.assert_allclose(basin.inner(along_y), eigenvalue * basin.inner(v), atol=1e-18)
    along_x, _ = friction(basin, u, v, 1e14 * ones, 4, basin.static.mask_f)
    np.testing.assert_allclose(basin.inner(along_x), -(eigenvalue**2) * 1e6 * basin.inner(u), atol=1e-15)
