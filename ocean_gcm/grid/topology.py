"""How the sides of the domain are joined: the one place that fills halos and knows of devices."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax

from ocean_gcm.errors import UserError


@dataclasses.dataclass(frozen=True)
class Topology:
    """Joins of the four sides of the (global) domain, and how it is cut over a device mesh.

    `mesh_y` and `mesh_x` are the numbers of devices along the mesh axes "y" and "x" when called inside
    `jax.shard_map`; 1 means that the axis is not cut.  The fold of a tripolar grid belongs here and nowhere else.
    """

    periodic_x: bool = False
    periodic_y: bool = False
    mesh_y: int = 1
    mesh_x: int = 1

    def pad(self, array: jax.Array, halo: int, beyond_walls: str = "zero") -> jax.Array:
        """(..., ny, nx) -> (..., ny + 2 halo, nx + 2 halo).

        Beyond a wall lie zeros or, with `beyond_walls="edge"`, copies of the outermost cells.
        """
        array = _extend(array, halo, array.ndim - 1, "x", self.mesh_x, self.periodic_x, beyond_walls)
        return _extend(array, halo, array.ndim - 2, "y", self.mesh_y, self.periodic_y, beyond_walls)

    def neighbour(self, array: jax.Array, axis: int, offset: int) -> jax.Array:
        """The value of the next (`offset` 1) or previous (-1) cell along `axis` (-1: x, -2: y), zero beyond walls.

        (..., ny, nx) -> (..., ny, nx).  Its transpose is the neighbour on the other side: said here, because from the
        slices and joints that fill a halo XLA would compute the same slowly.
        """

        def read(x, offset):
            name, devices, periodic = ("x", self.mesh_x, self.periodic_x) if axis == -1 else (
                "y", self.mesh_y, self.periodic_y)  # fmt: skip
            padded = _extend(x, 1, x.ndim + axis, name, devices, periodic, "zero")
            return lax.slice_in_dim(padded, 1 + offset, 1 + offset + x.shape[axis], axis=x.ndim + axis)

        return linear(lambda x: read(x, offset), lambda x: read(x, -offset), array)


def linear(function, transpose, array):
    """A linear `function` of an array, onto the same shape, with its `transpose` for reverse mode.

    Of all that JAX has for the purpose only this solve works in forward mode, reverse mode and `vmap` alike.  The
    operator that would be inverted is never applied.
    """
    return lax.custom_linear_solve(lambda x: x, array, lambda _, x: function(x), lambda _, x: transpose(x))


def require_parts(shape: tuple[int, int], mesh_y: int, mesh_x: int, halo: int) -> None:
    """Raises UserError unless (ny, nx) cells can be cut into equal parts that are as wide as the halo."""
    for axis, size, parts in (("y", shape[0], mesh_y), ("x", shape[1], mesh_x)):
        if size % parts:
            raise UserError(
                f"grid.n{axis} is {size}; expected a multiple of {parts}, the devices along mesh.{axis} (rows of land "
                "can fill it up)"
            )
        if parts > 1 and size // parts < halo:
            raise UserError(
                f"mesh.{axis} is {parts}, which leaves {size // parts} of {size} cells to a device; expected at least "
                f"{halo}, the halo"
            )


def _extend(array, halo, axis, name, devices, periodic, beyond_walls):
    size = array.shape[axis]
    if (periodic or devices > 1) and size < halo:
        raise UserError(f"{size} cells along {name} on a device are fewer than the halo of {halo} cells")
    if not periodic and devices == 1:
        padding = [(0, 0)] * array.ndim
        padding[axis] = (halo, halo)
        return jnp.pad(array, padding, mode="constant" if beyond_walls == "zero" else "edge")
    low = lax.slice_in_dim(array, 0, halo, axis=axis)
    high = lax.slice_in_dim(array, size - halo, size, axis=axis)
    if devices == 1:
        return lax.concatenate([high, array, low], axis)
    up = [(i, (i + 1) % devices) for i in range(devices) if periodic or i + 1 < devices]
    down = [(j, i) for i, j in up]
    # a device that receives nothing gets zeros, which is a wall
    below, above = lax.ppermute(high, name, up), lax.ppermute(low, name, down)
    if beyond_walls == "edge" and not periodic:
        index = lax.axis_index(name)
        first = jnp.broadcast_to(lax.slice_in_dim(array, 0, 1, axis=axis), below.shape)
        last = jnp.broadcast_to(lax.slice_in_dim(array, size - 1, size, axis=axis), above.shape)
        below, above = jnp.where(index == 0, first, below), jnp.where(index == devices - 1, last, above)
    return lax.concatenate([below, array, above], axis)
