"""Reflections and quarter turns of the grid, and networks that commute with them by averaging over the group.

Frezat et al. (2021): a network f becomes (1 / |G|) sum_g g^-1 f(g x), which is equivariant whatever f is.  Mirrored
water has the opposite Coriolis parameter and vorticity: pseudoscalars change their sign.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.closures.neural.features import Block

Symmetry = Literal["none", "reflections", "square"]
Operation = Literal["flip_x", "flip_y", "transpose"]

SIGNS: dict[str, dict[Operation, tuple[int, ...]]] = {
    "scalar": {"flip_x": (1,), "flip_y": (1,), "transpose": (1,)},
    "pseudoscalar": {"flip_x": (-1,), "flip_y": (-1,), "transpose": (-1,)},
    "vector": {"flip_x": (-1, 1), "flip_y": (1, -1), "transpose": (1, 1)},
    "tensor": {"flip_x": (1, -1), "flip_y": (1, -1), "transpose": (-1, 1)},
}
"""Signs of the components; transposing also exchanges those of a vector.  A tensor is (tension, shear)."""


@dataclasses.dataclass(frozen=True)
class Element:
    """An element of the group: operations one after the other, each its own inverse."""

    operations: tuple[Operation, ...]

    @property
    def inverse(self) -> Element:
        return Element(self.operations[::-1])

    def move(self, array: jax.Array) -> jax.Array:
        """The cells of `array` (y, x, ...) moved."""
        for operation in self.operations:
            if operation == "transpose":
                array = jnp.swapaxes(array, 0, 1)
            else:
                array = jnp.flip(array, 1 if operation == "flip_x" else 0)
        return array

    def __call__(self, array: jax.Array, blocks: Sequence[Block]) -> jax.Array:
        """The field (y, x, channels) with cells moved and components turned."""
        order, sign = np.arange(array.shape[-1]), np.ones(array.shape[-1])
        for operation in self.operations:
            step_order, step_sign = _signed_permutation(operation, blocks)
            order, sign = order[step_order], sign[step_order] * step_sign
        if (order != np.arange(len(order))).any():
            array = array[..., order]
        if (sign != 1).any():
            array = array * jnp.asarray(sign, array.dtype)
        return self.move(array)


def _signed_permutation(operation: Operation, blocks: Sequence[Block]):
    order, sign, start = [], [], 0
    for block in blocks:
        channels = np.arange(start, start + block.channels)
        if operation == "transpose" and block.kind == "vector":
            channels = np.roll(channels, block.levels)
        order.append(channels)
        sign.append(np.repeat(SIGNS[block.kind][operation], block.levels))
        start += block.channels
    return np.concatenate(order), np.concatenate(sign)


_REFLECTIONS: tuple[tuple[Operation, ...], ...] = ((), ("flip_x",), ("flip_y",), ("flip_x", "flip_y"))

GROUPS: dict[Symmetry, tuple[Element, ...]] = {
    "none": (Element(()),),
    "reflections": tuple(map(Element, _REFLECTIONS)),
    "square": tuple(Element((*first, *rest)) for first in ((), ("transpose",)) for rest in _REFLECTIONS),
}


def averaged(
    network: Callable[[jax.Array, jax.Array], jax.Array],
    group: Sequence[Element],
    inputs: Sequence[Block],
    outputs: Sequence[Block],
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """The mean over the group of a network (values (y, x, channels), mask (y, x)) -> (y, x, channels)."""
    if len(group) == 1:
        return network

    def equivariant(values, mask):
        results = [g.inverse(network(g(values, inputs), g.move(mask)), outputs) for g in group]
        return sum(results[1:], results[0]) * (1.0 / len(group))

    return equivariant
