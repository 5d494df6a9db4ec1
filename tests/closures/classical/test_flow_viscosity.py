"""Smagorinsky's and Leith's viscosities."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

DELTA_SQUARED = 2.0 / (1e5**-2.0 + 2e5**-2.0)
"""Of the basin on the plane, m2."""


def test_smagorinsky_of_uniform_deformation(plane, interior):
    effects = plane.effects("smagorinsky", {"coefficient": 2.0}, tension=3e-6, shear=4e-6)
    for field, place in zip(effects.harmonic_viscosity, "TF", strict=True):
        assert field.place == place
        inner = interior(field)[:, 1:-2]
        np.testing.assert_allclose(inner, (2.0 / np.pi) ** 2 * DELTA_SQUARED * 5e-6, rtol=1e-10)
    effects = plane.effects("smagorinsky", {"coefficient": 2.0, "order": "biharmonic"}, tension=3e-6, shear=4e-6)
    at_t, _ = effects.biharmonic_viscosity
    expected = (2.0 / np.pi) ** 2 * DELTA_SQUARED**2 / 8 * 5e-6
    np.testing.assert_allclose(interior(at_t)[:, 1:-2], expected, rtol=1e-10)


def test_nothing_at_rest(plane, interior):
    """Less than molecular for eddies: the floor of the root leaves no viscosity worth its name."""
    for kind in ("smagorinsky", "leith"):
        for field in plane.effects(kind).harmonic_viscosity:
            assert interior(field).max() < 0.1


def test_leith_of_uniform_gradient(plane, interior):
    """Vorticity rises by 1e-6 s-1 per cell northward, divergence by as much per cell eastward."""
    j = np.arange(6)[:, None] * np.ones((4, 6, 8))
    i = np.arange(8) * np.ones((4, 6, 8))
    fields = {"vorticity": 1e-6 * j, "divergence": 1e-6 * i}
    at_t, at_f = plane.effects("leith", {"coefficient": 1.5}, **fields).harmonic_viscosity
    expected = (1.5 / np.pi) ** 3 * DELTA_SQUARED**1.5 * 1e-6 / 2e5
    np.testing.assert_allclose(interior(at_t)[:, 2:-2, 2:-2], expected, rtol=1e-6)
    np.testing.assert_allclose(interior(at_f)[:, 2:-2, 2:-2], expected, rtol=1e-6)
    modified = {"coefficient": 1.5, "divergence_coefficient": 1.2}
    at_t, _ = plane.effects("leith", modified, **fields).harmonic_viscosity
    of_divergence = (1.2 / np.pi) ** 3 * DELTA_SQUARED**1.5 * 1e-6 / 1e5
    # away from the island and the periodic jump
    np.testing.assert_allclose(interior(at_t)[0, 4, 2:-2], np.hypot(expected, of_divergence), rtol=1e-6)


def test_leith_sees_no_divergence_across_a_coast(plane, interior):
    """Divergence that jumps only where there is land gives no viscosity."""
    divergence = np.zeros((4, 6, 8))
    divergence[:, 2, 3] = 1e-3
    at_t, _ = plane.effects("leith", {"divergence_coefficient": 1.0}, divergence=divergence).harmonic_viscosity
    assert interior(at_t).max() < 0.1


@settings(max_examples=20, deadline=None)
@given(factor=st.floats(0.1, 10.0), angle=st.floats(0.0, 6.3))
def test_smagorinsky_is_linear_in_the_deformation_and_isotropic(factor, angle):
    from ocean_gcm.closures.classical.flow_viscosity import DEFORMATION_FLOOR, smooth_root

    tension, shear = factor * 1e-6 * np.cos(angle), factor * 1e-6 * np.sin(angle)
    np.testing.assert_allclose(smooth_root(tension**2 + shear**2, DEFORMATION_FLOOR), factor * 1e-6, rtol=1e-9)
