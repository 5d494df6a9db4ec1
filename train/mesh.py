"""Devices in a mesh with the axes (batch, ensemble): data are spread over it, parameters are everywhere.

A decomposition in y and x would be two more axes here, and halos that know of them in `grid.topology`.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ocean_gcm.errors import UserError

AXES = ("batch", "ensemble")


def build_mesh(batch: int | None, ensemble: int) -> Mesh:
    """A mesh of `batch` times `ensemble` devices; None: all there are.  Raises UserError if there are not as many."""
    devices = jax.devices()
    if batch is None:
        if len(devices) % ensemble:
            raise UserError(f"mesh.ensemble is {ensemble}; expected a divisor of {len(devices)}, the number of devices")
        batch = len(devices) // ensemble
    if batch * ensemble > len(devices):
        raise UserError(f"mesh has {batch} x {ensemble} devices; expected at most {len(devices)}, all there are")
    return jax.make_mesh((batch, ensemble), AXES, (AxisType.Auto,) * 2, devices=devices[: batch * ensemble])


def require_divisible(mesh: Mesh, batch: int, members: int, stage: int) -> None:
    """Raises UserError unless the mesh divides the batch and the members of a stage."""
    for key, size, axis in (("batch", batch, "batch"), ("members", members, "ensemble")):
        if size % mesh.shape[axis]:
            raise UserError(
                f"stages[{stage}].{key} is {size}; expected a multiple of {mesh.shape[axis]}, the devices along "
                f"mesh.{axis}"
            )


def spread(mesh: Mesh, tree: Any, *axes: str) -> Any:
    """Arrays of the host on the devices, their leading dimensions along `axes` of the mesh."""
    sharding = NamedSharding(mesh, P(*axes))

    def place(array):
        array = np.asarray(array)
        # each process gives what its devices hold
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return jax.tree.map(place, tree)


def everywhere(mesh: Mesh, tree: Any) -> Any:
    """A copy of the arrays on each device."""
    return jax.device_put(tree, NamedSharding(mesh, P()))


def members(mesh: Mesh) -> NamedSharding:
    """Of arrays with the leading dimensions (batch, member)."""
    return NamedSharding(mesh, P(*AXES))
