"""Random inputs that follow the flow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.closures.neural.random_amplitude import RandomAmplitude, RandomAmplitudeConfig, local_speed_squared
from ocean_gcm.closures.neural.tendencies import NeuralTendenciesConfig
from ocean_gcm.closures.trainable import split
from ocean_gcm.errors import UserError
from ocean_gcm.grid.field import Field


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


def test_amplitude_is_a_power_of_the_speed_and_finite_at_rest(plane):
    amplitude = RandomAmplitude(RandomAmplitudeConfig(speed=1e-3, power=0.5), plane.dtype)
    arrays, fields = plane.random(), Field(jnp.ones((2, *plane.interior_shape)), "T", "s", 0, 0)
    wet = np.asarray(plane.interior(plane.static.surface_mask_t)) > 0
    once, twice, rest = (
        np.asarray(amplitude(plane.columns({**arrays, "u": arrays["u"] * size, "v": arrays["v"] * size}), fields).data)[
            :, wet
        ]
        for size in (1.0, 2.0, 0.0)
    )
    np.testing.assert_allclose(twice / once, 2**0.5, rtol=1e-3)
    np.testing.assert_allclose(rest, 0.1, rtol=1e-6)


def test_spread_keeps_the_mean_square_and_gives_heavy_tails(plane):
    spread, columns = 0.4, plane.columns(plane.random())
    amplitude = RandomAmplitude(RandomAmplitudeConfig(power=0.0, spread=spread), plane.dtype)
    noise = jax.random.normal(jax.random.key(0), (2000, 2, *plane.interior_shape))
    values = np.asarray(jax.vmap(lambda pair: amplitude(columns, Field(pair, "T", "s", 0, 0)).data)(noise))
    assert values.shape == (2000, 1, *plane.interior_shape)
    square, fourth = (values**2).mean(), (values**4).mean()
    assert square == pytest.approx(1.0, abs=0.03)
    assert fourth / square**2 == pytest.approx(3 * np.exp(4 * spread**2), rel=0.15)


@pytest.mark.parametrize(
    ("keys", "random", "least"), [({}, None, 1), ({"spread": 0.5}, {"number": 1, "length": 1e6}, 2)]
)
def test_without_random_fields_it_is_refused(plane, keys, random, least):
    config = NeuralTendenciesConfig(random_amplitude=keys, random=random)
    with pytest.raises(UserError, match=f"with random_amplitude; expected at least {least}"):
        config.build(plane.grid, plane.dtype)


def test_its_numbers_are_trained(plane):
    """Derivatives by all of them, at rest too, are those of differences."""
    columns = plane.columns({**(arrays := plane.random()), "u": arrays["u"].at[:, :4].set(0.0)})
    fields = Field(jax.random.normal(jax.random.key(1), (3, *plane.interior_shape)), "T", "s", 0, 0)
    amplitude = RandomAmplitude(RandomAmplitudeConfig(speed=0.2, power=0.7, spread=0.3), plane.dtype)
    numbers, rebuild = split(amplitude, {"*": "positive"})
    assert set(numbers) == {"speed", "power", "spread"}

    def size(numbers):
        return (rebuild(numbers)(columns, fields).data ** 2).mean()

    value, gradient = jax.value_and_grad(size)(numbers)
    for name, number in numbers.items():
        ends = [float(size(numbers | {name: number + step})) for step in (1e-2, -1e-2)]
        assert float(gradient[name]) == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=1e-2, abs=1e-4 * float(value))
