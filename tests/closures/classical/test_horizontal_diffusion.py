"""Horizontal diffusion of tracers."""

import numpy as np


def test_diffusion_without_slopes(plane, interior):
    k_u, k_v, *rest = plane.effects("horizontal_diffusion", {"diffusivity": 50.0}).isoneutral_diffusion
    assert [f.place + f.level for f in (k_u, k_v, *rest)] == ["Uc", "Vc", "Uw", "Vw", "Tw"]
    np.testing.assert_array_equal(interior(k_u), 50.0 * plane.grid.mask_u)
    np.testing.assert_array_equal(interior(k_v), 50.0 * plane.grid.mask_v)
    assert not any(interior(f).any() for f in rest)


def test_it_adds_to_the_eddies(plane, interior):
    eddies = plane.effects("gent_mcwilliams_redi", slope_x=1e-3)
    both = eddies + plane.effects("horizontal_diffusion", {"diffusivity": 50.0})
    difference = interior(both.isoneutral_diffusion[0]) - interior(eddies.isoneutral_diffusion[0])
    np.testing.assert_allclose(difference, 50.0 * plane.grid.mask_u, rtol=1e-12)
