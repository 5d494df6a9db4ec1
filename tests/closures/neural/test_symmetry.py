"""Mirrored and turned water gives mirrored and turned effects."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.closures.neural.features import Block
from ocean_gcm.closures.neural.symmetry import GROUPS, Element, averaged
from ocean_gcm.errors import UserError

# how the arrays of `conftest.ARRAYS` turn, components exchanged by a transposition, and where they live
SCALARS = ("temperature", "salinity", "buoyancy_frequency_squared", "shear_squared", "divergence")
SCALARS = (*SCALARS, "sea_surface_height", "sst")
PAIRS = (("u", "v"), ("slope_x", "slope_y"), ("stress_x", "stress_y"))
FEATURES = (
    "velocity temperature salinity stratification shear_squared vorticity divergence strain slope temperature_gradient "
    "salinity_gradient sea_surface_height sea_surface_gradient stress temperature_restoring coriolis thickness mask"
).split()


def flipped(array, axis, staggered):
    """Cells along `axis` in reverse; faces of a periodic domain stay eastern (northern) faces."""
    array = np.flip(np.asarray(array), axis)
    return np.roll(array, -1, axis) if staggered else array


def moved(arrays, operation):
    """The arrays of the same water in a mirror, and what else is named after vectors."""
    result = {}
    if operation == "transpose":
        swap = lambda a: np.swapaxes(np.asarray(a), -1, -2)  # noqa: E731
        for x, y in PAIRS:
            if x in arrays:
                result[x], result[y] = swap(arrays[y]), swap(arrays[x])
        signs = {"vorticity": -1, "tension": -1, "shear": 1} | dict.fromkeys(SCALARS, 1)
        return result | {name: sign * swap(arrays[name]) for name, sign in signs.items() if name in arrays}
    axis, along = (-1, 0) if operation == "flip_x" else (-2, 1)
    for pair in PAIRS:
        for component, name in enumerate(pair):
            if name in arrays:
                sign = -1 if component == along else 1
                result[name] = sign * flipped(arrays[name], axis, component == along)
    for name, sign in ({"vorticity": -1, "shear": -1, "tension": 1} | dict.fromkeys(SCALARS, 1)).items():
        if name in arrays:
            result[name] = sign * flipped(arrays[name], axis, name in ("vorticity", "shear"))
    return result


def effects_of(sea, closure, arrays):
    """Momentum and tracer fluxes as arrays that `moved` understands."""
    effects = sea.effects(closure, arrays)
    x, y, upward = (sea.interior(f) for f in effects.tracer_fluxes["temperature"])
    u, v = sea.interior(effects.u_tendency), sea.interior(effects.v_tendency)
    # the vertical flux stands where `moved` expects a scalar, the lateral ones where it expects a vector
    return {"u": u, "v": v, "slope_x": x, "slope_y": y, "temperature": upward}


@pytest.fixture(scope="module")
def depths():
    depth = np.full((7, 7), 1000.0)
    depth[2, 3] = depth[3, 3] = 0.0
    depth[:2, :3] = 330.0
    return depth


@pytest.mark.parametrize(
    ("symmetry", "architecture", "momentum"),
    [("reflections", "column", "tendency"), ("square", "convolution", "stress")],
)
def test_equivariance(make_sea, depths, symmetry, architecture, momentum):
    settings = {"symmetry": symmetry, "momentum": momentum, "horizontal_fluxes": True, "features": FEATURES}
    settings["network"] = {"architecture": architecture, "neighbourhood": architecture == "column", "blocks": 1}
    sea = make_sea(depths, periodic=(True, True))
    closure, arrays = sea.closure(seed=1, **settings), sea.random()
    reference = effects_of(sea, closure, arrays)
    for operation in ("flip_x", "flip_y", "transpose")[: 3 if symmetry == "square" else 2]:
        mirror = make_sea(moved({"temperature": depths}, operation)["temperature"], f0=-1e-4, periodic=(True, True))
        there = effects_of(mirror, closure, {k: jnp.asarray(a) for k, a in moved(arrays, operation).items()})
        for name, expected in moved(reference, operation).items():
            size = np.abs(expected).max()
            assert size > 0
            np.testing.assert_allclose(there[name], expected, atol=1e-12 * size, rtol=0, err_msg=f"{operation} {name}")


def test_without_symmetry_the_mirror_shows_a_difference(make_sea, depths):
    """So that the tests above say something."""
    sea = make_sea(depths, periodic=(True, True))
    closure, arrays = sea.closure(seed=1, horizontal_fluxes=True, features=FEATURES), sea.random()
    mirror = make_sea(moved({"temperature": depths}, "flip_x")["temperature"], f0=-1e-4, periodic=(True, True))
    there = effects_of(mirror, closure, {k: jnp.asarray(a) for k, a in moved(arrays, "flip_x").items()})
    expected = moved(effects_of(sea, closure, arrays), "flip_x")
    assert np.abs(there["u"] - expected["u"]).max() > 0.1 * np.abs(expected["u"]).max()


BLOCKS = (Block("vector", 2), Block("scalar", 1), Block("tensor", 3), Block("pseudoscalar", 2))
operations = st.lists(st.sampled_from(["flip_x", "flip_y", "transpose"]), max_size=4).map(tuple)


@given(operations=operations, more=operations, seed=st.integers(0, 2**16))
def test_group_action(operations, more, seed):
    """Elements have inverses and act one after the other."""
    x = jnp.asarray(np.random.default_rng(seed).normal(size=(3, 4, sum(b.channels for b in BLOCKS))))
    g, h = Element(operations), Element(more)
    np.testing.assert_array_equal(g.inverse(g(x, BLOCKS), BLOCKS), x)
    np.testing.assert_array_equal(h(g(x, BLOCKS), BLOCKS), Element((*operations, *more))(x, BLOCKS))


def test_groups_are_closed_and_have_no_element_twice():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3, sum(b.channels for b in BLOCKS))))
    for group, order in zip(GROUPS.values(), (1, 4, 8), strict=True):
        images = {np.asarray(g(x, BLOCKS)).tobytes() for g in group}
        assert len(images) == order
        assert {np.asarray(g(h(x, BLOCKS), BLOCKS)).tobytes() for g in group for h in group} == images


def test_average_of_an_equivariant_network_is_the_network():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3, sum(b.channels for b in BLOCKS))))
    network = averaged(lambda x, mask: 2.0 * x, GROUPS["square"], BLOCKS, BLOCKS)
    np.testing.assert_allclose(network(x, jnp.ones((3, 3))), 2.0 * x, rtol=1e-14)


def test_quarter_turns_need_a_plane(sphere):
    with pytest.raises(UserError, match="square"):
        sphere.closure(symmetry="square")
    assert len(sphere.closure(symmetry="reflections").group) == 4
