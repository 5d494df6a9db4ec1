"""Run by test_random_fields.py with eight simulated devices: prints "equal" if a cut grid has the fields of a whole."""

import dataclasses
import types

import jax
import numpy as np
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P
from small_seas import HALO, Sea, coasts, grid_of

from ocean_gcm.grid.metrics import device_arrays, padded

jax.config.update("jax_enable_x64", True)
SHAPE = 12, 16


def compare(mesh_shape):
    sea = Sea(grid_of(coasts()[: SHAPE[0], : SHAPE[1]]))
    fields = sea.fields(length=3e5, length_range=(2e5, 5e5), number=2)
    memory, key = fields.initial(jax.random.key(0)), jax.random.key(1)
    arrays = device_arrays(sea.grid, sea.dtype)
    topology = sea.grid.topology

    def step(fields, memory, arrays, topology):
        columns = types.SimpleNamespace(static=padded(arrays, topology, HALO), interval=21600.0)
        memory, r = fields.step(memory, key, columns)
        return memory, r.interior(*memory.shape[-2:])

    mesh = jax.make_mesh(mesh_shape, ("y", "x"), axis_types=(AxisType.Auto,) * 2)
    cut = dataclasses.replace(topology, mesh_y=mesh_shape[0], mesh_x=mesh_shape[1])
    spec = lambda tree: jax.tree.map(lambda a: P(*(None,) * (a.ndim - 2), "y", "x") if a.ndim > 1 else P(), tree)  # noqa: E731
    operands = fields, memory, arrays
    blocks = jax.shard_map(
        lambda *a: step(*a, cut), mesh=mesh, in_specs=tuple(map(spec, operands)), out_specs=spec((memory, memory))
    )
    whole = jax.jit(lambda *a: step(*a, topology))(*operands)
    for a, b in zip(jax.jit(blocks)(*operands), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


if __name__ == "__main__":
    assert jax.device_count() == 8, jax.devices()
    for mesh_shape in ((4, 2), (1, 4)):
        compare(mesh_shape)
    print("equal")
