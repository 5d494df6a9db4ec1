import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from ocean_gcm.errors import UserError
from train import mesh as devices


@pytest.mark.slow
def test_eight_devices_equal_one(training):
    _, path = training()
    script = Path(__file__).parent / "sharded_update.py"
    root = Path(__file__).parents[2]
    flags = "--xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)}
    command = [sys.executable, str(script), str(path.parent / "model.yaml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.split()[-1]) < 1e-5


def test_what_the_mesh_does_not_divide_is_refused():
    mesh = jax.sharding.AbstractMesh((4, 2), devices.AXES)
    devices.require_divisible(mesh, 8, 2, 0)
    with pytest.raises(UserError, match=r"stages\[1\].batch is 6; expected a multiple of 4"):
        devices.require_divisible(mesh, 6, 2, 1)
    with pytest.raises(UserError, match=r"stages\[0\].members is 1; expected a multiple of 2"):
        devices.require_divisible(mesh, 8, 1, 0)
    with pytest.raises(UserError, match="mesh.ensemble is 64; expected a divisor"):
        devices.build_mesh(None, 64)


def test_data_are_placed_as_they_are():
    mesh = devices.build_mesh(1, 1)
    array = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(devices.spread(mesh, {"a": array}, "batch")["a"], array)
