r"""Time stepping of dq/dt = F(q) - lambda q with lambda >= 0 for each wavenumber.

F is explicit, lambda implicit.  Runge-Kutta schemes are those of jax-cfd (`jax_cfd.spectral.time_stepping`), given the
equation as its `ImplicitExplicitODE`.  The third-order Adams-Bashforth scheme calls F once per step; its first two
steps are of first and second order, and lambda is stepped by Crank-Nicolson:

    (1 + lambda dt/2) q' = (1 - lambda dt/2) q + dt (23 F - 16 F_-1 + 5 F_-2)/12.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax_cfd.spectral import time_stepping

RUNGE_KUTTA = {
    "crank_nicolson_rk2": time_stepping.crank_nicolson_rk2,
    "crank_nicolson_rk3": time_stepping.crank_nicolson_rk3,
    "crank_nicolson_rk4": time_stepping.crank_nicolson_rk4,
    "imex_rk_sil3": time_stepping.imex_rk_sil3,
}
"""Runge-Kutta schemes by name: orders of F 2, 3, 4 and 3, calls of F per step 2, 3, 5 and 3."""

PAST = 2
"""Past values of F that Adams-Bashforth keeps."""

_ADAMS_BASHFORTH = ((1.0, 0.0, 0.0), (1.5, -0.5, 0.0), (23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0))


class Equation(time_stepping.ImplicitExplicitODE):
    """dq/dt = F(q) - lambda q, as jax-cfd wants it."""

    def __init__(self, explicit: Callable[[jax.Array], jax.Array], rate: jax.Array):
        self.explicit, self.rate = explicit, rate

    def explicit_terms(self, state):
        return self.explicit(state)

    def implicit_terms(self, state):
        return -self.rate * state

    def implicit_solve(self, state, step_size):
        return state / (1.0 + step_size * self.rate)


def runge_kutta(name: str, explicit: Callable, rate: jax.Array, time_step: float, q: jax.Array) -> jax.Array:
    """q one step later by one of `RUNGE_KUTTA`."""
    return RUNGE_KUTTA[name](Equation(explicit, rate), time_step)(q)


def adams_bashforth(
    q: jax.Array, now: jax.Array, past: tuple[jax.Array, jax.Array], taken: jax.Array, rate: jax.Array, time_step: float
) -> jax.Array:
    """q one step later; `now` is F(q), `past` are those of the last two steps, `taken` how many steps there were."""
    weights = jnp.asarray(_ADAMS_BASHFORTH, rate.dtype)[jnp.minimum(taken, 2.0).astype(jnp.int32)] * time_step
    half = (0.5 * time_step) * rate
    return ((1.0 - half) * q + weights[0] * now + weights[1] * past[0] + weights[2] * past[1]) / (1.0 + half)
