"""Halos: periodic sides, walls, and the same cut over devices."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from simulated_devices import environment

from ocean_gcm.grid.topology import Topology

NY, NX = 4, 6


@pytest.fixture
def array():
    return jnp.asarray(np.random.default_rng(0).normal(size=(2, NY, NX)))


@pytest.mark.parametrize("halo", [1, 3])
@pytest.mark.parametrize("beyond", ["zero", "edge"])
@pytest.mark.parametrize("periodic", [(True, True), (True, False), (False, True), (False, False)])
def test_halo_equals_numpy(array, halo, beyond, periodic):
    periodic_x, periodic_y = periodic
    padded = Topology(periodic_x, periodic_y).pad(array, halo, beyond)
    mode = {True: "wrap", False: {"zero": "constant", "edge": "edge"}[beyond]}
    expected = np.pad(array, [(0, 0), (0, 0), (halo, halo)], mode=mode[periodic_x])
    expected = np.pad(expected, [(0, 0), (halo, halo), (0, 0)], mode=mode[periodic_y])
    np.testing.assert_array_equal(padded, expected)


def test_two_dimensional_and_masks(array):
    topology = Topology(periodic_x=True)
    np.testing.assert_array_equal(topology.pad(array[0], 2), topology.pad(array, 2)[0])
    assert topology.pad(array > 0, 2).dtype == bool


def test_too_few_cells_for_the_halo(array):
    with pytest.raises(ValueError, match="4 cells along y .* fewer than the halo of 5"):
        Topology(periodic_y=True).pad(array, 5)
    Topology().pad(array, 5)  # walls do not need cells


def test_adjoint(array):
    """<pad x, y> = <x, pad^T y>: what gradients need."""
    topology = Topology(periodic_x=True)
    y = np.random.default_rng(1).normal(size=(2, NY + 4, NX + 4))
    gradient = jax.grad(lambda x: jnp.sum(topology.pad(x, 2) * y))(array)
    np.testing.assert_allclose(jnp.sum(gradient * array), jnp.sum(topology.pad(array, 2) * y), rtol=1e-13)


@pytest.mark.parametrize("axis, offset", [(-1, 1), (-1, -1), (-2, 1), (-2, -1)])
@pytest.mark.parametrize("periodic", [(True, False), (False, True), (False, False)])
def test_neighbour(array, axis, offset, periodic):
    """The neighbour is the shifted window of the halo, and so are its derivatives in both modes, also of a batch."""
    topology = Topology(*periodic)
    y = jnp.asarray(np.random.default_rng(1).normal(size=array.shape))
    window = [slice(1, 1 + NY), slice(1, 1 + NX)]
    window[axis] = slice(1 + offset, 1 + offset + array.shape[axis])
    padded = lambda x: topology.pad(x, 1)[(..., *window)]  # noqa: E731
    neighbour = lambda x: topology.neighbour(x, axis, offset)  # noqa: E731
    np.testing.assert_array_equal(neighbour(array), padded(array))
    np.testing.assert_array_equal(jax.vmap(neighbour)(array), padded(array))
    for derivative in (lambda f: jax.vjp(f, array)[1](y)[0], lambda f: jax.jvp(f, (array,), (y,))[1]):
        np.testing.assert_allclose(derivative(neighbour), derivative(padded), rtol=1e-14)
        np.testing.assert_allclose(derivative(jax.vmap(neighbour)), derivative(padded), rtol=1e-14)


def test_halos_across_eight_devices():
    """Under `jax.shard_map` the halo of every block is the window of the global halo; gradients too.

    In a process of its own: the number of simulated devices is fixed when JAX starts.
    """
    command = [sys.executable, str(Path(__file__).with_name("sharded_halos.py"))]
    done = subprocess.run(command, env=environment(8), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == "equal"
