"""Values that are computed once: the same to all that reads, differentiates or maps them; kept by the compiler."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from ocean_gcm.grid.stored import stored, stored_derivatives

X = jnp.linspace(0.1, 2.0, 6)
NEVER = X[0] < 0


def neighbours(kept):
    """A function that reads each of its values three times, `kept` in between."""

    def function(x, y, never=NEVER):
        a, b = kept((jnp.sin(x) * y, x * x), never)
        return jnp.sum(a[2:] * a[1:-1] * b[:-2]) + jnp.sum(a[:-1] * b[1:] ** 2)

    return function


FUNCTIONS = {f.__name__: neighbours(f) for f in (stored, stored_derivatives)}
plain = neighbours(lambda tree, never: tree)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives_are_the_same(name):
    function = FUNCTIONS[name]
    for transform in (lambda f: f, jax.jit, jax.grad, lambda f: jax.jit(jax.grad(f, argnums=(0, 1)))):
        np.testing.assert_array_equal(transform(function)(X, X + 1), transform(plain)(X, X + 1))
    check_grads(function, (X, X + 1), order=2, modes=("fwd", "rev"), rtol=1e-5)
    remat = jax.grad(jax.checkpoint(function))
    np.testing.assert_allclose(remat(X, X + 1), jax.grad(plain)(X, X + 1), rtol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_mapped_over_values_and_over_what_never_is(name):
    many, never = jnp.stack([X, 2 * X]), jnp.array([False, False])
    for function, axes in ((FUNCTIONS[name], (0, None, 0)), (FUNCTIONS[name], (0, None, None)), (plain, (0, None, 0))):
        mapped = jax.jit(jax.vmap(jax.value_and_grad(function), axes))
        found = mapped(many, X, never if axes[2] == 0 else NEVER)
        for value, expected in zip(
            found, zip(*(jax.value_and_grad(plain)(x, X) for x in many), strict=True), strict=True
        ):
            np.testing.assert_allclose(value, jnp.stack(expected), rtol=1e-14)


def branches(function, *arguments):
    """Branches in the program for a CPU, which fusion does not cross."""
    with jax.default_device(jax.devices("cpu")[0]):
        return jax.jit(function).lower(*arguments).compile().as_text().count(" conditional(")


def test_the_compiler_keeps_them_apart():
    never = jax.ShapeDtypeStruct((), bool)
    assert branches(plain, X, X, never) == 0
    assert branches(FUNCTIONS["stored"], X, X, never) == 1
    assert branches(FUNCTIONS["stored_derivatives"], X, X, never) == 0
    assert branches(jax.grad(FUNCTIONS["stored"]), X, X, never) == 2
    assert branches(jax.grad(FUNCTIONS["stored_derivatives"]), X, X, never) == 2  # that of x * x, too


@pytest.mark.parametrize(
    "platform, operation", [("cpu", "case"), ("cuda", "optimization_barrier"), ("tpu", "optimization_barrier")]
)
def test_by_platform(platform, operation):
    program = jax.jit(FUNCTIONS["stored"]).trace(X, X, NEVER).lower(lowering_platforms=(platform,)).as_text()
    found = {name for name in ("case", "optimization_barrier") if f"stablehlo.{name}" in program}
    assert found == {operation}


@pytest.mark.parametrize("kept, expected", [(stored, [1, 2]), (stored_derivatives, [1])])
def test_a_derivative_of_zero_is_not_stored(kept, expected):
    def function(x, never):
        a, b = kept((jnp.sin(x), 2.0 * jnp.ones_like(x)), never)
        return jnp.sum(a * b)

    derivative = jax.make_jaxpr(jax.grad(function))(X, NEVER)
    sizes = [len(equation.outvars) for equation in derivative.eqns if equation.primitive.name == "stored"]
    assert sorted(sizes) == expected
