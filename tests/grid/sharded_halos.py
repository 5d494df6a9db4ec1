"""Run by test_topology.py with eight simulated devices: prints "equal" if a cut domain has the halos of a whole one."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from ocean_gcm.grid.topology import Topology

jax.config.update("jax_enable_x64", True)
HALO, SHAPE = 2, (3, 8, 16)


def stencil(padded):
    """Something that reads the farthest halo cells, corners included, and is not linear."""
    ny, nx = padded.shape[-2] - 2 * HALO, padded.shape[-1] - 2 * HALO
    total = 0.0
    for k, (dy, dx) in enumerate(itertools.product(range(0, 2 * HALO + 1, HALO), repeat=2)):
        total = total + jnp.sin(padded[..., dy : dy + ny, dx : dx + nx] * (1.0 + k))
    return total


def neighbours(topology, array):
    """The four neighbours, likewise."""
    pairs = itertools.product((-1, -2), (1, -1))
    return sum(jnp.sin(topology.neighbour(array, *pair) * (1.0 + k)) for k, pair in enumerate(pairs))


def compare(topology, mesh_shape, beyond):
    rng = np.random.default_rng(0)
    array, weight = (jnp.asarray(rng.normal(size=SHAPE)) for _ in range(2))
    mesh = jax.make_mesh(mesh_shape, ("y", "x"), axis_types=(AxisType.Auto,) * 2)
    cut = dataclasses.replace(topology, mesh_y=mesh_shape[0], mesh_x=mesh_shape[1])
    spec = P(None, "y", "x")
    both = lambda t, a: stencil(t.pad(a, HALO, beyond)) + neighbours(t, a)  # noqa: E731
    whole = lambda a: both(topology, a)  # noqa: E731
    blocks = jax.shard_map(lambda a: both(cut, a), mesh=mesh, in_specs=(spec,), out_specs=spec)
    results = []
    for function in (whole, blocks):
        loss = lambda a, f=function: (jnp.sum(f(a) * weight), f(a))  # noqa: E731
        results.append(jax.jit(jax.grad(loss, has_aux=True))(array))
    (gradient, value), (gradient_cut, value_cut) = results
    np.testing.assert_allclose(value_cut, value, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(gradient_cut, gradient, rtol=1e-12, atol=1e-12)


if __name__ == "__main__":
    assert jax.device_count() == 8, jax.devices()
    compare(Topology(periodic_x=True), (4, 2), "zero")
    compare(Topology(periodic_x=True), (4, 2), "edge")
    compare(Topology(), (2, 4), "edge")
    compare(Topology(periodic_x=True, periodic_y=True), (1, 8), "zero")
    print("equal")
