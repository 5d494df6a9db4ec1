"""Implicit vertical mixing conserves, mixes, and its drag takes what it should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ocean_gcm.dynamics.finite_volume.vertical_mixing import diffuse, lowest_cell

NZ, NY, NX = 6, 3, 4


@pytest.fixture
def columns(rng):
    """Tracer, thickness with dry cells below a random floor, conductance at wet faces from 1e-8 to 1 m s-1."""
    levels = rng.integers(1, NZ + 1, size=(NY, NX))
    wet = np.arange(NZ)[:, None, None] < levels
    thickness = rng.uniform(5.0, 100.0, size=(NZ, NY, NX)) * wet
    conductance = 10.0 ** rng.uniform(-8, 0, size=(NZ, NY, NX)) * wet
    conductance[0] = 0.0
    return tuple(map(jnp.asarray, (rng.normal(size=(NZ, NY, NX)) * wet, thickness, conductance)))


@pytest.mark.usefixtures("compiled_as_for_users")
def test_content_is_conserved_and_variance_falls(columns):
    x, h, conductance = columns
    (change,) = diffuse((x,), h, conductance, 86400.0)
    scale = jnp.sum(jnp.abs(x) * h, 0)
    np.testing.assert_array_less(np.abs(jnp.sum(change * h, 0)), 1e-14 * scale)
    new = x + change
    assert np.all(jnp.sum(new**2 * h, 0) <= jnp.sum(x**2 * h, 0) * (1 + 1e-14))
    assert new.max() <= x.max() and new.min() >= x.min()
    np.testing.assert_array_equal(np.where(h > 0, 0.0, change), 0.0)


def test_a_constant_stays_exactly(columns):
    _, h, conductance = columns
    (change,) = diffuse((jnp.where(h > 0, 35.123, 0.0),), h, conductance, 86400.0)
    np.testing.assert_array_equal(change, 0.0)


def test_strong_mixing_gives_the_mean(columns):
    x, h, conductance = columns
    (change,) = diffuse((x,), h, jnp.where(conductance > 0, 1e3, 0.0), 86400.0)
    mean = jnp.sum(x * h, 0) / jnp.sum(h, 0)
    np.testing.assert_allclose(jnp.where(h > 0, x + change - mean, 0.0), 0.0, atol=1e-5)


def test_drag_is_a_backward_euler_sink(columns):
    x, h, _ = columns
    wet = (h > 0).astype(float)
    speed, dt = 1e-2, 3600.0
    (change,) = diffuse((x,), h, jnp.zeros_like(x), dt, drag=speed * lowest_cell(wet))
    expected = jnp.where(lowest_cell(wet) > 0, x / (1.0 + dt * speed / jnp.where(h > 0, h, 1.0)) - x, 0.0)
    np.testing.assert_allclose(change, expected, atol=1e-15)


def test_lowest_cell(columns):
    _, h, _ = columns
    lowest = np.asarray(lowest_cell((h > 0).astype(float)))
    np.testing.assert_array_equal(lowest.sum(0), 1.0)
    assert np.all(lowest.argmax(0) == (np.asarray(h) > 0).sum(0) - 1)


def test_first_order_in_time_towards_the_exact_decay():
    """The slowest mode of a uniform column, cos(pi z / H), decays as exp(-kappa pi^2 t / H^2)."""
    nz, depth, kappa, time = 64, 100.0, 1e-2, 1e5
    h = jnp.full((nz, 1, 1), depth / nz)
    z = (np.arange(nz) + 0.5) * depth / nz
    start = jnp.asarray(np.cos(np.pi * z / depth))[:, None, None]
    conductance = jnp.full((nz, 1, 1), kappa * nz / depth).at[0].set(0.0)
    exact = float(jnp.exp(-kappa * (np.pi / depth) ** 2 * time))
    errors = []
    for steps in (8, 16, 32):
        step = lambda _, x, dt=time / steps: x + diffuse((x,), h, conductance, dt)[0]  # noqa: E731
        x = jax.jit(lambda x, step=step, steps=steps: lax.fori_loop(0, steps, step, x))(start)
        errors.append(abs(float(x[0, 0, 0] / start[0, 0, 0]) / exact - 1.0))
    orders = np.log2(np.asarray(errors[:-1]) / np.asarray(errors[1:]))
    assert np.all(orders > 0.9) and errors[-1] < 0.03
