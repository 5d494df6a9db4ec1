"""Background mixing."""

import jax.numpy as jnp
import numpy as np

from ocean_gcm.closures.classical.background_mixing import bryan_lewis


def test_constants_between_wet_cells_only(plane, interior):
    effects = plane.effects("background_mixing", {"viscosity": 2e-3, "diffusivity": 3e-5})
    wet = plane.grid.mask.copy()
    wet[0] = False
    np.testing.assert_array_equal(interior(effects.vertical_viscosity), 2e-3 * wet)
    np.testing.assert_array_equal(interior(effects.vertical_diffusivity), 3e-5 * wet)


def test_null_is_nothing(plane):
    effects = plane.effects("background_mixing", {"viscosity": None})
    assert effects.vertical_viscosity is None and effects.vertical_diffusivity is not None


def test_bryan_and_lewis_their_numbers():
    """0.8 + 1.05 / pi arctan(4.5e-3 (depth - 2500)) cm2 s-1: about 0.31 at the surface, 1.3 in the abyss."""
    depth = jnp.array([0.0, 2500.0, 5500.0])
    values = bryan_lewis(depth, 0.8e-4, 1.05e-4, 2500.0, 1 / 4.5e-3)
    expected = (0.8 + 1.05 / np.pi * np.arctan(4.5e-3 * (np.asarray(depth) - 2500.0))) * 1e-4
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert 0.29e-4 < values[0] < 0.32e-4 and 1.28e-4 < values[2] < 1.32e-4


def test_profile_is_added(plane, interior):
    """Faces at 0, 50, 200 and 500 m, the first of which takes no mixing."""
    effects = plane.effects("background_mixing", {"diffusivity": 1e-5, "bryan_lewis": {"transition_depth": 200.0}})
    column = interior(effects.vertical_diffusivity)[:, 5, 5]
    profile = bryan_lewis(np.array([50.0, 200.0, 500.0]), 0.8e-4, 1.05e-4, 200.0, 222.2)
    np.testing.assert_allclose(column, np.append(0.0, 1e-5 + profile), rtol=1e-12)
