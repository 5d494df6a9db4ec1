"""A model on a mesh of devices with the axes batch, ensemble, y and x: each device steps its part of the grid.

Batch and ensemble are independent of each other; along y and x neighbours exchange the halos of their parts
(`grid.topology`).  What is cut is decided by shape: arrays whose last two dimensions are (ny, nx) are fields of the
grid.  Variables of the model (`nnx.Variable`, weights among them) are on all devices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx
from jax.sharding import AxisType, Mesh
from jax.sharding import PartitionSpec as P

from ocean_gcm import rollout
from ocean_gcm.forcing.surface import SurfaceForcing
from ocean_gcm.model import OceanModel
from ocean_gcm.rollout import Trajectory
from ocean_gcm.state import State

AXES = ("batch", "ensemble", "y", "x")
MEMBER = "member"
"""The axis of a mesh whose devices share the members of ensembles, or other states that are stepped apart."""


def member_mesh(devices: list[jax.Device] | None = None) -> Mesh:
    """The devices, by default all, along the axis `MEMBER`."""
    devices = jax.devices() if devices is None else devices
    return jax.make_mesh((len(devices),), (MEMBER,), (AxisType.Auto,), devices=devices)


def each_member(run: Callable, mesh: Mesh, everywhere: tuple, members: tuple) -> Any:
    """`run(*everywhere, *of one member)` of each member (leading axis), on the device of a `member_mesh` where it lies.

    The number of members must be a multiple of that of the devices.  For use inside of `jax.jit`.
    """

    def on_a_device(everywhere, members):
        return rollout.each(lambda one: run(*everywhere, *one), members)

    cut = jax.shard_map(on_a_device, mesh=mesh, in_specs=(P(), P(MEMBER)), out_specs=P(MEMBER), check_vma=False)
    return cut(everywhere, members)


def specs(tree: Any, shape: tuple[int, int], *lead: str | None) -> Any:
    """How the arrays of a tree lie on the mesh.

    Args:
      tree: arrays, or anything that has a shape.
      shape: (ny, nx) of the grid.
      lead: mesh axes of the leading dimensions, None for those that are not cut.
    """

    def spec(array) -> P:
        rest = array.ndim - len(lead)
        if rest < 2 or tuple(array.shape[-2:]) != tuple(shape):
            return P(*lead)
        return P(*lead, *(None,) * (rest - 2), "y", "x")

    return jax.tree.map(spec, tree)


def lead_axes(mesh: Mesh, *sizes: int) -> tuple[str | None, ...]:
    """The axes for (batch,) or (batch, member): None where the devices do not divide a size, which then repeat it."""
    names = ("batch", "ensemble")
    return tuple(
        name if size % mesh.shape[name] == 0 else None for name, size in zip(names[: len(sizes)], sizes, strict=True)
    )


def unroll(
    model: OceanModel,
    states: State,
    forcing: SurfaceForcing | None = None,
    *,
    mesh: Mesh,
    steps: int,
    save_every: int | None = None,
    offload: bool = False,
) -> tuple[State, Trajectory]:
    """`OceanModel.unroll` of states with the leading axes (batch, member), spread over a mesh; differentiable.

    Every device steps the states and the part of the grid that are its own.  States are those of the whole grid, before
    and after.  For use inside of `jax.jit`.

    Args:
      mesh: with the axes `AXES`, of the type Auto.
      model, states, forcing, steps, save_every, offload: see `OceanModel.unroll`.

    Raises UserError if the mesh does not divide the grid, or the core cannot be cut.
    """
    forcing = model.forcing if forcing is None else forcing
    if mesh.size == 1:
        run = lambda s: model.unroll(s, forcing, steps=steps, save_every=save_every, offload=offload)  # noqa: E731
        return rollout.each(run, states, axes=2)
    nodes, structure = jax.tree.flatten(model, is_leaf=_is_variable)
    blueprint = model.blueprint.part(mesh.shape["y"], mesh.shape["x"])

    def on_a_device(nodes, states, forcing):
        part = jax.tree.unflatten(structure, nodes)
        part.blueprint = blueprint
        run = lambda s: part.unroll(s, forcing, steps=steps, save_every=save_every, offload=offload)  # noqa: E731
        end, saved = rollout.each(run, states, axes=2)
        return end, Trajectory(saved.states, saved.diagnostics.over(("y", "x")))

    shape = model.grid.shape[1:]
    lead = lead_axes(mesh, *states.clock.shape[:2])
    of_model = [P() if _is_variable(node) else specs(node, shape) for node in nodes]
    of_states, of_saved = (jax.tree.map(lambda a, n=n: _spec_of_state(a, shape, lead, n), states) for n in (0, 1))
    of_diagnostics = jax.tree.map(lambda _: P(*lead), model.core.diagnostics.zero(model.dtype))
    run = jax.shard_map(
        on_a_device,
        mesh=mesh,
        in_specs=(of_model, of_states, specs(forcing, shape)),
        out_specs=(of_states, Trajectory(of_saved, of_diagnostics)),
        # scans begin with zeros that all devices share, which the check would have to be told one by one
        check_vma=False,
    )
    return run(nodes, states, forcing)


def _spec_of_state(array: jax.Array, shape: tuple[int, int], lead: tuple, times: int) -> P:
    """Of an array of a state behind (batch, member), with `times` axes of time inserted after these."""
    spec = specs(array, shape, *lead)
    return P(*lead, *(None,) * times, *tuple(spec)[len(lead) :])


def _is_variable(node: Any) -> bool:
    return isinstance(node, nnx.Variable)
