import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.grid.wet import over_wet


def test_quotients_are_zero_on_land_and_so_are_their_derivatives():
    size = jnp.asarray([0.0, 0.5, 4.0])
    np.testing.assert_array_equal(over_wet(size), [0.0, 2.0, 0.25])
    np.testing.assert_array_equal(over_wet(size, 3.0), [0.0, 6.0, 0.75])
    slope = jax.grad(lambda s: over_wet(s, 3.0).sum())(size)
    np.testing.assert_array_equal(slope, [0.0, -12.0, -3.0 / 16.0])
