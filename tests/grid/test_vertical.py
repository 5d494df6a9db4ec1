"""Vertical sums and implicit diffusion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from ocean_gcm.grid.vertical import cumulative_sum, solve_diffusion

NZ, SHAPE = 6, (2, 3)


@pytest.fixture
def system():
    """Weights, conductances over eight decades, two right-hand sides."""
    rng = np.random.default_rng(0)
    weight, conductance = rng.uniform(0.5, 2.0, size=(NZ, *SHAPE)), 10.0 ** rng.uniform(-4, 4, size=(NZ, *SHAPE))
    conductance[0] = 0.0
    rhs = tuple(jnp.asarray(rng.normal(size=(NZ, *SHAPE))) for _ in range(2))
    return jnp.asarray(weight), jnp.asarray(conductance), rhs


def dense(weight, conductance):
    """The matrix of one column."""
    below = jnp.append(conductance[1:], 0.0)
    diagonal = weight + conductance + below
    return jnp.diag(diagonal) - jnp.diag(conductance[1:], -1) - jnp.diag(below[:-1], 1)


def test_solution_equals_numpy(system):
    weight, conductance, rhs = system
    for x, b in zip(solve_diffusion(*system), rhs, strict=True):
        for j, i in np.ndindex(SHAPE):
            matrix = dense(weight[:, j, i], conductance[:, j, i])
            np.testing.assert_allclose(x[:, j, i], np.linalg.solve(matrix, b[:, j, i]), rtol=1e-9)


def test_one_level():
    one = jnp.ones((1, *SHAPE))
    np.testing.assert_allclose(solve_diffusion(2 * one, 0 * one, (one,))[0], 0.5)


def test_derivative_against_finite_differences(system):
    """The custom derivative, with respect to weights, conductances and both right-hand sides."""
    weight, conductance, rhs = system
    inner = jnp.ones((NZ, 1, 1)).at[0].set(0.0)

    def function(weight, conductance, rhs):
        x, y = solve_diffusion(weight, conductance * inner, rhs)
        return jnp.sum(jnp.sin(x) * y)

    check_grads(function, (weight, jnp.minimum(conductance, 3.0), rhs), order=1, modes=["rev"], rtol=1e-6)


def test_derivative_equals_the_one_through_numpy(system):
    weight, conductance, (b, _) = (system[0][:, 0, 0], system[1][:, 0, 0], [r[:, 0, 0] for r in system[2]])
    inner = jnp.ones(NZ).at[0].set(0.0)
    column = lambda a: a.reshape(NZ, 1, 1)  # noqa: E731

    def by_numpy(weight, conductance, b):
        return jnp.sum(jnp.linalg.solve(dense(weight, conductance * inner), b) ** 2)

    def by_scan(weight, conductance, b):
        return jnp.sum(solve_diffusion(column(weight), column(conductance * inner), (column(b),))[0] ** 2)

    point = weight, jnp.minimum(conductance, 3.0), b
    for ours, theirs in zip(*(jax.grad(f, (0, 1, 2))(*point) for f in (by_scan, by_numpy)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative_sum(reverse):
    x = jnp.asarray(np.random.default_rng(1).normal(size=(NZ, *SHAPE)))
    step = -1 if reverse else 1
    np.testing.assert_allclose(cumulative_sum(x, reverse=reverse), np.cumsum(x[::step], 0)[::step], rtol=1e-13)
    check_grads(lambda a: cumulative_sum(a, reverse=reverse) ** 2, (x,), order=1, modes=["rev"], rtol=1e-6)
