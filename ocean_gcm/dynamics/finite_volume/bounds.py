"""`jnp.minimum`, `jnp.maximum` and `jnp.clip` with cheap derivatives.

Of two equal arguments the derivative takes the second, not a half of each: it is a mask, where that of `jnp.minimum` is
a quotient which the reverse pass computes and keeps.
"""

from __future__ import annotations

import jax.numpy as jnp


def minimum(a, b):
    return jnp.where(a < b, a, b)


def maximum(a, b):
    return jnp.where(a > b, a, b)


def clip(x, low, high):
    return minimum(maximum(x, low), high)
