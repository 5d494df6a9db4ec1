"""Prescribed lateral viscosity and its scalings."""

import numpy as np
import pytest

from ocean_gcm.closures.classical.grid_scale import spacing_squared
from ocean_gcm.errors import UserError


@pytest.mark.parametrize("kind", ["harmonic", "biharmonic"])
def test_constant(plane, interior, kind):
    effects = plane.effects(f"{kind}_viscosity", {"viscosity": 7.0})
    for field, place in zip(getattr(effects, f"{kind}_viscosity"), "TF", strict=True):
        assert (field.place, field.level) == (place, "s")
        np.testing.assert_array_equal(interior(field), 7.0)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_cosine_of_latitude(sphere, interior, exponent):
    settings = {"viscosity": 2.0, "scaling": "cos_latitude", "exponent": exponent}
    at_t, at_f = sphere.effects("harmonic_viscosity", settings).harmonic_viscosity
    for field, place in ((at_t, "T"), (at_f, "F")):
        cosine = np.cos(np.deg2rad(sphere.grid.geometry.y[place]))
        np.testing.assert_allclose(interior(field), 2.0 * cosine**exponent, rtol=1e-12)


def test_grid_spacing(sphere, interior):
    settings = {"viscosity": 2.0, "scaling": "grid_spacing"}
    at_t, _ = sphere.effects("biharmonic_viscosity", settings).biharmonic_viscosity
    dx, dy = sphere.grid.geometry.dx["T"], sphere.grid.geometry.dy["T"]
    delta = np.sqrt(2.0 / (dx**-2.0 + dy**-2.0))
    np.testing.assert_allclose(interior(at_t), 2.0 * (delta / delta.max()) ** 3, rtol=1e-12)
    assert interior(at_t).max() == pytest.approx(2.0)
    np.testing.assert_allclose(interior(spacing_squared(sphere.static, "T")), delta**2, rtol=1e-12)


def test_latitude_is_refused_on_a_plane(plane):
    with pytest.raises(UserError, match="cos_latitude.*plane"):
        plane.closure("harmonic_viscosity", scaling="cos_latitude")
