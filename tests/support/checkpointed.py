"""Something to put into checkpoints; as a program, it writes one on 8 devices and reads it on fewer."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from ocean_gcm.data import restart
from train import mesh as devices
from train.checkpoint import Checkpoints, Progress
from train.step import Carry

CONFIGURATION = {
    "grid": [3, 5, 6],
    "training": {"seed": 0, "stages": [{"steps": 2}, {"steps": 8}]},
    "model": {"time": {"step": "PT6H"}, "closures": {}},
}
PROGRESS = Progress(iteration=1, rate_factor=1 / 3, returns=2, seconds=0.1)


def carry_like(seed: int) -> Carry:
    """With arrays of several shapes and types, noise as their values."""
    random = np.random.default_rng(seed)
    numbers = {"drag": jnp.float32(random.normal()), "weights": jnp.asarray(random.normal(size=(16, 24)), jnp.float64)}
    transformation = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam())
    _, optimizer = transformation.update(numbers, transformation.init(numbers))
    average = {"weights": jnp.asarray(random.normal(size=(16, 24)), jnp.bfloat16)}
    return Carry(numbers, optimizer, average, jnp.int32(seed), jnp.int32(1), jnp.int32(0))


def main(directory: str) -> None:
    """Write on 8 devices, one array in parts; read it on 8, 2 and 1."""
    eight = devices.build_mesh(4, 2)
    carry = devices.everywhere(eight, carry_like(8))
    carry.numbers["weights"] = jax.device_put(carry.numbers["weights"], NamedSharding(eight, P("batch", "ensemble")))
    with Checkpoints(directory, 2, CONFIGURATION) as checkpoints:
        checkpoints.save(carry, PROGRESS)
        for shape in ((4, 2), (1, 2), (1, 1)):
            like = devices.everywhere(devices.build_mesh(*shape), carry_like(0))
            found, _ = checkpoints.latest(like, print)
            arrays = restart.named_arrays(found)
            for name, array in restart.named_arrays(carry).items():
                np.testing.assert_array_equal(arrays[name], array, err_msg=name)
            assert len(found.numbers["weights"].sharding.device_set) == shape[0] * shape[1]


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main(sys.argv[1])
