"""Functions with a kink or a pole in their derivative, which is taken as zero there.

Forecasts that agree with the truth, members that agree with one another, and land are such places; by default the
derivative of |x| at 0 is one, which would push members that agree apart by their order, and that of sqrt is infinite.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


@jax.custom_jvp
def absolute(x: jax.Array) -> jax.Array:
    """|x| with the derivative 0 at 0."""
    return jnp.abs(x)


@absolute.defjvp
def _absolute_jvp(primals, tangents):
    (x,), (tangent,) = primals, tangents
    return jnp.abs(x), jnp.sign(x) * tangent


def square_root(square: jax.Array) -> jax.Array:
    """Square root of numbers >= 0 with the derivative 0 at 0."""
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1)), 0)
