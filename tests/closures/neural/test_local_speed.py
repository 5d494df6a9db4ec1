"""Random inputs that follow the flow."""

import numpy as np
import pytest

from ocean_gcm.closures.neural.local_speed import LocalSpeedConfig, local_speed_squared
from ocean_gcm.closures.neural.tendencies import NeuralTendenciesConfig
from ocean_gcm.errors import UserError


def test_speed_is_that_of_the_column_and_its_neighbours(plane):
    arrays = plane.random()
    columns = plane.columns(arrays)
    found = np.asarray(local_speed_squared(columns, plane.interior_shape))
    u, v = (np.asarray(field.data) for field in (columns.u, columns.v))
    h, wet = (np.asarray(field.data) for field in (columns.thickness, columns.static.surface_mask_t))
    halo = columns.static.halo
    j, i = 3, 4

    def column(j, i):
        j, i = j + halo, i + halo
        squared = 0.5 * (u[:, j, i] ** 2 + u[:, j, i - 1] ** 2 + v[:, j, i] ** 2 + v[:, j - 1, i] ** 2)
        return (h[:, j, i] * squared).sum() / h[:, j, i].sum() if wet[j, i] else 0.0

    around = [(y, x, (2 - abs(y)) * (2 - abs(x))) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    total = sum(weight * wet[j + y + halo, i + x + halo] for y, x, weight in around)
    expected = sum(weight * column(j + y, i + x) for y, x, weight in around) / total
    np.testing.assert_allclose(found[j, i], expected, rtol=1e-6)


def test_factor_is_a_power_of_the_speed_and_differentiable_at_rest(plane):
    config = LocalSpeedConfig(speed=1e-3, power=0.5)
    arrays = plane.random()
    wet = np.asarray(plane.interior(plane.static.surface_mask_t)) > 0
    once, twice, rest = (
        np.asarray(
            config.factor(
                plane.columns({**arrays, "u": arrays["u"] * size, "v": arrays["v"] * size}), plane.interior_shape
            )
        )[wet]
        for size in (1.0, 2.0, 0.0)
    )
    np.testing.assert_allclose(twice / once, 2**0.5, rtol=1e-3)
    np.testing.assert_allclose(rest, 0.1, rtol=1e-6)


def test_without_random_fields_it_is_refused(plane):
    config = NeuralTendenciesConfig(random_speed={})
    with pytest.raises(UserError, match="random_speed is given without random"):
        config.build(plane.grid, plane.dtype)
