"""Devices in a mesh with the axes (batch, ensemble, y, x): data are spread over it, parameters are everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from ocean_gcm import rollout
from ocean_gcm.decomposition import AXES, lead_axes, specs
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel


def build_mesh(batch: int | None, ensemble: int = 1, y: int = 1, x: int = 1) -> Mesh:
    """A mesh of `batch` times `ensemble` times `y` times `x` devices of all processes; batch None: all there are.

    Raises UserError if there are not as many, or if several processes would not all take part.
    """
    devices = jax.devices()
    rest = ensemble * y * x
    if batch is None:
        if len(devices) % rest:
            raise UserError(
                f"mesh.ensemble x mesh.y x mesh.x is {rest}; expected a divisor of {len(devices)}, all the devices"
            )
        batch = len(devices) // rest
    if batch * rest > len(devices):
        raise UserError(
            f"mesh has {batch} x {ensemble} x {y} x {x} devices; expected at most {len(devices)}, all there are"
        )
    if batch * rest < len(devices) and jax.process_count() > 1:
        raise UserError(
            f"mesh has {batch} x {ensemble} x {y} x {x} devices; expected {len(devices)}, all those of "
            f"{jax.process_count()} processes"
        )
    shape = (batch, ensemble, y, x)
    return jax.make_mesh(shape, AXES, (AxisType.Auto,) * 4, devices=devices[: batch * rest])


def require_divisible(mesh: Mesh, batch: int, members: int | None, stage: int) -> None:
    """Raises UserError unless the mesh divides the batch and the members (None: there are none) of a stage."""
    for key, size, axis in (("batch", batch, "batch"), ("members", members, "ensemble")):
        if size is not None and size % mesh.shape[axis]:
            raise UserError(
                f"stages[{stage}].{key} is {size}; expected a multiple of {mesh.shape[axis]}, the devices along "
                f"mesh.{axis}"
            )


def require_model(mesh: Mesh, model: OceanModel) -> None:
    """Raises UserError unless the mesh divides the grid of a model, or leaves it whole."""
    model.core.part(mesh.shape["y"], mesh.shape["x"])


def rows(mesh: Mesh, batch: int) -> np.ndarray:
    """Those of the `batch` forecasts of a batch that devices of this process work on, ascending."""
    return _rows_of(mesh, batch, jax.process_index())


def share(mesh: Mesh, batch: int) -> tuple[int, int]:
    """(index, number) of this process's share of a batch: it reads the windows index, index + number, ...

    Processes that work on the same forecasts, cut along y and x, have the same share.

    Raises UserError if processes share some forecasts and not others.
    """
    processes = {device.process_index for device in mesh.devices.flat}
    shares = sorted({tuple(_rows_of(mesh, batch, process)) for process in processes})
    if sum(map(len, shares)) != batch or len(set(map(len, shares))) > 1:
        raise UserError(
            f"mesh.batch is {mesh.shape['batch']} with {len(processes)} processes; expected a multiple or a divisor "
            "of their number"
        )
    return shares.index(tuple(rows(mesh, batch))), len(shares)


def _rows_of(mesh: Mesh, batch: int, process: int) -> np.ndarray:
    where = NamedSharding(mesh, P(*lead_axes(mesh, batch))).devices_indices_map((batch,))
    parts = [np.arange(batch)[index] for device, index in where.items() if device.process_index == process]
    return np.unique(np.concatenate(parts)) if parts else np.arange(0)


def spread(mesh: Mesh, tree: Any, shape: tuple[int, int], batch: int) -> Any:
    """Arrays of the host on the devices, their leading dimension along the batch and fields of the grid cut.

    Args:
      tree: arrays whose leading dimension is that of the `rows` of this process.
      shape: (ny, nx) of the grid.
      batch: number of the rows of all processes.
    """
    own, lead = rows(mesh, batch), lead_axes(mesh, batch)

    def place(array):
        array = np.asarray(array)
        sharding = NamedSharding(mesh, specs(array, shape, *lead))

        def part(index):
            first, stop, _ = index[0].indices(batch)
            begin = int(np.searchsorted(own, first))
            return array[(slice(begin, begin + stop - first), *index[1:])]

        return jax.make_array_from_callback((batch, *array.shape[1:]), sharding, part)

    return jax.tree.map(place, tree)


def everywhere(mesh: Mesh, tree: Any, shape: tuple[int, int] | None = None) -> Any:
    """Arrays that all processes have, on each device; with the `shape` (ny, nx) of the grid its fields are cut."""

    def place(array):
        array = np.asarray(array)
        spec = P() if shape is None else specs(array, shape)
        return jax.make_array_from_callback(array.shape, NamedSharding(mesh, spec), lambda index: array[index])

    return jax.tree.map(place, tree)


def constrained(mesh: Mesh, tree: Any, shape: tuple[int, int], batch: int, members: int) -> Any:
    """Arrays with the leading dimensions (batch, member), told to a compiled function where they lie."""
    if mesh.size == 1:
        return tree
    spec = specs(tree, shape, *lead_axes(mesh, batch, members))
    return jax.lax.with_sharding_constraint(tree, jax.tree.map(lambda s: NamedSharding(mesh, s), spec))


def is_cut(mesh: Mesh) -> bool:
    """Whether devices share the cells of the grid."""
    return mesh.shape["y"] * mesh.shape["x"] > 1


def apart(mesh: Mesh, run: Callable, arguments: tuple, leads: tuple[tuple, ...], lead: tuple) -> Any:
    """`run(*arguments)`, of which each device makes the part of the leading axes that is its own; differentiable.

    What `run` does with one forecast or member must not depend on others.  The compiler alone would gather them on all
    devices for a Fourier transform.  Where the grid is cut it parts the program all the same.

    Args:
      arguments: pytrees of arrays.
      leads: mesh axes of the leading dimensions of each of them (`ocean_gcm.decomposition.lead_axes`), () for what all
        devices have.
      lead: mesh axes of the leading dimensions of what is returned.
    """
    if mesh.size == 1 or is_cut(mesh):
        return run(*arguments)
    inside = jax.shard_map(
        run, mesh=mesh, in_specs=tuple(P(*axes) for axes in leads), out_specs=P(*lead), check_vma=False
    )
    return inside(*arguments)


def each(mesh: Mesh, run: Callable[[Any], Any], states: Any, *, axes: int = 1) -> Any:
    """`ocean_gcm.rollout.each`, for use within `apart`: at once where the compiler parts the program."""
    if not is_cut(mesh):
        return rollout.each(run, states, axes=axes)
    for _ in range(axes):
        run = jax.vmap(run)
    return run(states)
