"""What a network of layers sees: named inputs on points, and how each turns with the box."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from ocean_gcm.closures.interface import LayerColumns
from ocean_gcm.closures.layers.stress import deformation
from ocean_gcm.closures.neural.features import Block, Kind


@dataclasses.dataclass(frozen=True)
class Feature:
    """One named input.

    Attributes:
      fields: from columns to one (nz, ny, nx) array, or two of what has components.
      kind: how it turns; mirrored water has the opposite vorticity, so vorticity and streamfunction are pseudoscalars.
    """

    fields: Callable[[LayerColumns], tuple[jax.Array, ...]]
    kind: Kind


def vortex_force(columns: LayerColumns) -> tuple[jax.Array, jax.Array]:
    """(v q, -u q), m s-2, whose curl is what advection changes of q: products that networks would have to learn."""
    return columns.v * columns.potential_vorticity, -columns.u * columns.potential_vorticity


def advection(columns: LayerColumns) -> tuple[jax.Array]:
    """-(u, v) . grad q, s-2: with the vortex force, both forms of the products, aliases and all."""
    grid, q_hat = columns.grid, columns.grid.to_spectral(columns.potential_vorticity)
    q_x, q_y = grid.to_physical(1j * jnp.stack([columns.k * q_hat, columns.l * q_hat]))
    return (-(columns.u * q_x + columns.v * q_y),)


FEATURES: dict[str, Feature] = {
    "potential_vorticity": Feature(lambda c: (c.potential_vorticity,), "pseudoscalar"),
    "vorticity": Feature(lambda c: (c.vorticity,), "pseudoscalar"),
    "streamfunction": Feature(lambda c: (c.streamfunction,), "pseudoscalar"),
    "velocity": Feature(lambda c: (c.u, c.v), "vector"),
    "deformation": Feature(deformation, "tensor"),
    "vortex_force": Feature(vortex_force, "vector"),
    "advection": Feature(advection, "pseudoscalar"),
}
"""All inputs by name, without the background.  Units: m, s."""


def blocks(names: Sequence[str], nz: int, random_fields: int = 0) -> tuple[Block, ...]:
    """How the channels turn: those of each feature, layer by layer, components one after the other."""
    found = [Block(FEATURES[name].kind, nz) for name in names]
    return (*found, *([Block("scalar", random_fields)] if random_fields else []))
