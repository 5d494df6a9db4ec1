"""Two-dimensional turbulence beside jax-cfd's `NavierStokes2D`, with which benchmarks are published."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax_cfd.base.grids import Grid
from jax_cfd.spectral import equations
from spectral_cores import core

NUMBER = 24


@pytest.fixture(scope="module")
def theirs():
    return equations.NavierStokes2D(1e-3, Grid((NUMBER, NUMBER), domain=((0, 2 * np.pi),) * 2), smooth=True)


def tendency(theirs, form):
    """The explicit tendency of noise, ours and theirs, in the wavenumbers that both advect."""
    flow = core(NUMBER, length=2 * np.pi, layers={"thickness": [1]}, advection=form, dealiasing="advection_two_thirds")
    static = flow.static(flow.arrays(jnp.float64))
    vorticity = np.random.default_rng(0).standard_normal((1, NUMBER, NUMBER))
    fields = flow.fields({"potential_vorticity": vorticity}, jnp.float64)
    ours = np.fft.irfft2(flow._tendency(static, flow.prepare(static, fields), None)[0])
    # their first axis is x
    expected = np.fft.irfft2(theirs.explicit_terms(jnp.fft.rfftn(fields.potential_vorticity[0].T))).T
    p = np.abs(np.fft.fftfreq(NUMBER, 1 / NUMBER))
    both = (p[:, None] < NUMBER // 3) & (p[: NUMBER // 2 + 1] < NUMBER // 3)
    return [np.fft.irfft2(np.fft.rfft2(field) * both) for field in (ours, expected)]


def test_the_convective_form_is_theirs(theirs):
    ours, expected = tendency(theirs, "convective")
    np.testing.assert_allclose(ours, expected, atol=1e-10 * np.abs(expected).max())


def test_the_flux_form_differs_by_its_aliases(theirs):
    ours, expected = tendency(theirs, "flux")
    assert np.abs(ours - expected).max() > 0.1 * np.abs(expected).max()
