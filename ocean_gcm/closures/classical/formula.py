"""What the classical closures have in common."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import nnx

from ocean_gcm.closures.interface import Columns, Effects


class Formula(nnx.Module):
    """A closure without memory or randomness whose coefficients are 0-d `nnx.Param`s of the model's dtype.

    A coefficient that is None switches its part of the formula off and is not a parameter.
    """

    def __init__(self, dtype, **coefficients: float | None):
        for name, value in coefficients.items():
            setattr(self, name, None if value is None else nnx.Param(jnp.asarray(value, dtype)))

    def initial_memory(self, shape: tuple[int, int, int], dtype, key) -> tuple[()]:
        return ()

    def effects(self, columns: Columns) -> Effects:
        raise NotImplementedError

    def __call__(self, columns: Columns, memory: Any, key) -> tuple[Effects, Any]:
        return self.effects(columns), memory
