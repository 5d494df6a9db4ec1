"""Choosing what is trained, and numbers without bounds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.closures.trainable import Identity, Interval, Positive, as_transform, parameter_paths, split
from ocean_gcm.errors import UserError


class Scheme(nnx.Module):
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, nnx.Param(jnp.asarray(value)))


class Holder(nnx.Module):
    """A model as far as parameters go."""

    def __init__(self):
        self.fixed = nnx.Variable(jnp.asarray(7.0))
        self.closures = nnx.Dict(
            {
                "friction": Scheme(viscosity=300.0),
                "background": Scheme(viscosity=1e-3, diffusivity=2e-5),
                "eddies": nnx.Dict({"tower": nnx.List([nnx.Linear(2, 3, rngs=nnx.Rngs(0))]), "slope": Scheme(s=0.0)}),
            }
        )


def test_paths():
    assert set(parameter_paths(Holder())) == {
        "closures.friction.viscosity",
        "closures.background.viscosity",
        "closures.background.diffusivity",
        "closures.eddies.tower.0.kernel",
        "closures.eddies.tower.0.bias",
        "closures.eddies.slope.s",
    }


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["closures.friction.viscosity"], {"closures.friction.viscosity"}),
        (["closures.*.viscosity"], {"closures.friction.viscosity", "closures.background.viscosity"}),
        (["closures.eddies.tower.**"], {"closures.eddies.tower.0.kernel", "closures.eddies.tower.0.bias"}),
        (["**.kernel", "**.s"], {"closures.eddies.tower.0.kernel", "closures.eddies.slope.s"}),
    ],
)
def test_patterns(patterns, expected):
    numbers, _ = split(Holder(), patterns)
    assert set(numbers) == expected


def test_rebuild_is_the_model_and_leaves_it_alone():
    model = Holder()
    numbers, rebuild = split(model, {"closures.*.viscosity": [1e-4, 1e3], "closures.eddies.tower.**": "identity"})
    again = rebuild(numbers)
    for a, b in zip(jax.tree.leaves(nnx.state(model)), jax.tree.leaves(nnx.state(again)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    far = rebuild({name: x + 3.0 for name, x in numbers.items()})
    assert 300.0 < float(far.closures["friction"].viscosity[...]) < 1e3
    assert float(model.closures["friction"].viscosity[...]) == 300.0
    assert float(far.closures["background"].diffusivity[...]) == 2e-5 and float(far.fixed[...]) == 7.0


def test_gradient_in_unbounded_numbers():
    """d(viscosity^2)/dx = 2 viscosity^2 for viscosity = exp(x)."""
    numbers, rebuild = split(Holder(), ["closures.friction.viscosity"])
    gradient = jax.jit(jax.grad(lambda n: rebuild(n).closures["friction"].viscosity[...] ** 2))(numbers)
    np.testing.assert_allclose(gradient["closures.friction.viscosity"], 2 * 300.0**2, rtol=1e-12)


def test_the_first_pattern_counts():
    numbers, _ = split(Holder(), {"closures.friction.viscosity": "identity", "closures.*.viscosity": "positive"})
    assert numbers["closures.friction.viscosity"] == 300.0
    np.testing.assert_allclose(numbers["closures.background.viscosity"], np.log(1e-3), rtol=1e-6)


@given(x=st.floats(-15.0, 15.0), low=st.floats(-5.0, 5.0), width=st.floats(0.01, 10.0))
def test_transforms_are_inverse_and_keep_bounds(x, low, width):
    for transform in (Identity(), Positive(), Interval(low, low + width)):
        value = transform.value(jnp.asarray(x))
        assert transform.holds(np.asarray(value))
        np.testing.assert_allclose(transform.number(value), x, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        (["closures.friction.viscousity"], "closures.friction.viscosity"),
        (["closures.nothing.**"], "no parameter"),
        ({"closures.eddies.slope.s": "positive"}, "is 0.0; expected a positive number"),
        ({"closures.friction.viscosity": [1.0, 10.0]}, "between 1 and 10"),
        ({"closures.friction.viscosity": [10.0, 1.0]}, "lower bound first"),
        ({"closures.friction.viscosity": "positiv"}, "positive"),
        ({"closures.friction.viscosity": 3.0}, "pair"),
    ],
)
def test_mistakes_are_named(patterns, words):
    with pytest.raises(UserError, match=words):
        split(Holder(), patterns)


def test_automatic_transforms():
    assert as_transform("auto") is None
    numbers, _ = split(Holder(), ["closures.**"])
    assert numbers["closures.eddies.slope.s"] == 0.0
    np.testing.assert_allclose(numbers["closures.friction.viscosity"], np.log(300.0), rtol=1e-6)
