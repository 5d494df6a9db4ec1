"""A state is one pytree of floating-point numbers, and time and key in it are exact."""

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.state import Ocean, State, Stepper


def state_at(time, key):
    z = jnp.zeros((1, 1, 1))
    return State.create(Ocean(z, z, z, z, z[0], {}), Stepper((), {}), {}, time, key)


@given(st.integers(0, 16_000_000), st.integers(0, 86399), st.integers(0, 2**32 - 1))
def test_time_and_key_come_back_exactly(days, seconds, seed):
    key = jax.random.key(seed)
    state = state_at(jdt.Timedelta(jnp.int32(days), jnp.int32(seconds)), key)
    assert int(state.time.days) == days and int(state.time.seconds) == seconds
    np.testing.assert_array_equal(jax.random.key_data(state.key), jax.random.key_data(key))


def test_all_leaves_are_floating_point_numbers():
    state = state_at(jdt.Timedelta(jnp.int32(1), jnp.int32(2)), jax.random.key(3))
    assert all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(state))
    gradient = jax.grad(lambda s: jnp.sum(s.ocean.temperature * (1.0 + s.time.days)))(state)
    assert float(gradient.ocean.temperature[0, 0, 0]) == 2.0 and not np.any(gradient.clock)


def test_states_with_a_leading_axis_have_times_and_keys():
    key = jax.random.key(5)
    states = jax.tree.map(
        lambda *x: jnp.stack(x), *(state_at(jdt.Timedelta(jnp.int32(d), jnp.int32(7)), key) for d in range(3))
    )
    np.testing.assert_array_equal(states.time.days, [0, 1, 2])
    assert states.key.shape == (3,)
