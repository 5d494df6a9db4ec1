"""Quotients over sizes of cells, which are zero on land."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def over_wet(size: jax.Array, numerator: jax.Array | float = 1.0) -> jax.Array:
    """numerator / size where `size` (a thickness, distance, volume; >= 0) is positive, 0 elsewhere.

    Derivatives are finite on land too: its sizes are replaced before the division, not only after it.
    """
    return jnp.where(size > 0, numerator / jnp.where(size > 0, size, 1.0), 0.0)
