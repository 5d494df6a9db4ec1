import subprocess
import sys
from pathlib import Path

import jax
import layers_model
import numpy as np
import pytest
from simulated_devices import environment

from ocean_gcm.decomposition import specs
from ocean_gcm.errors import UserError
from ocean_gcm.grid.topology import require_parts
from train import mesh as devices

# code that runs once need not be fast, and compiles in half of the time
QUICKLY_COMPILED = "--xla_backend_optimization_level=0"


def printed(script, *arguments):
    """Words of the lines that a script prints which sees eight devices."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    simulated = environment(8, QUICKLY_COMPILED)
    done = subprocess.run(command, env=simulated, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-2000:]
    return [line.split() for line in done.stdout.splitlines()]


def differences(*arguments):
    """Relative differences from one device by mesh: (loss, gradient, worst part of the gradient)."""
    lines = printed("sharded_update.py", *arguments)
    return {mesh: tuple(map(float, numbers)) for mesh, *numbers, _ in lines}


def of_layers(modes, *meshes):
    """The same of layers by (mode, mesh): (loss, worst part of the gradient)."""
    lines = printed("sharded_layers.py", ",".join(modes), *meshes)
    return {(mode, mesh): (float(loss), float(worst)) for mode, mesh, loss, worst, _ in lines}


def test_a_forecast_on_a_mesh_of_all_axes_equals_one_device():
    loss, _, worst = differences("float64", "forward", "1x2x2x2")["1x2x2x2"]
    assert loss < 1e-12 and worst < 1e-10


@pytest.mark.slow
def test_gradients_on_a_mesh_of_all_axes_and_under_pmap_equal_one_device():
    found = differences("float32", "small", "1x2x2x2", "pmap")
    assert len(found) == 2
    for mesh, (loss, gradient, _) in found.items():
        assert loss < 1e-5 and gradient < 1e-5, mesh


def test_layers_on_a_mesh_of_batch_and_ensemble_equal_one_device():
    """With gradients of the solver's emulator, whose loss is apart from that of perturbed ensembles' forecasts."""
    loss, worst = of_layers(["emulated"], "4x2")["emulated", "4x2"]
    assert loss < 1e-12 and worst < 1e-10


@pytest.mark.slow
def test_layers_learn_the_same_in_all_modes():
    found = of_layers(["forecast", "tendency", "emulator"], "4x2", "8x1")
    assert len(found) == 6
    for case, (loss, worst) in found.items():
        assert loss < 1e-12 and worst < 1e-10, case


def test_layers_stay_whole():
    model = layers_model.build()
    devices.require_model(mesh(4, 2, 1, 1), model)
    with pytest.raises(UserError, match="mesh.y and mesh.x are 2 and 1; expected 1 and 1 with the core quasi_geost"):
        devices.require_model(mesh(1, 1, 2, 1), model)


def mesh(batch, ensemble, y, x):
    return jax.sharding.AbstractMesh((batch, ensemble, y, x), devices.AXES)


def test_what_the_mesh_does_not_divide_is_refused():
    devices.require_divisible(mesh(4, 2, 1, 1), 8, 2, 0)
    with pytest.raises(UserError, match=r"stages\[1\].batch is 6; expected a multiple of 4"):
        devices.require_divisible(mesh(4, 2, 1, 1), 6, 2, 1)
    with pytest.raises(UserError, match=r"stages\[0\].members is 1; expected a multiple of 2"):
        devices.require_divisible(mesh(4, 2, 1, 1), 8, 1, 0)
    with pytest.raises(UserError, match="mesh.ensemble x mesh.y x mesh.x is 64; expected a divisor"):
        devices.build_mesh(None, 64)
    with pytest.raises(UserError, match=r"mesh has 1 x 1 x 64 x 1 devices; expected at most"):
        devices.build_mesh(1, 1, 64, 1)


def test_parts_of_the_grid_that_do_not_fit_are_refused():
    require_parts((7, 9), 1, 3, 3)
    with pytest.raises(UserError, match="grid.ny is 7; expected a multiple of 2"):
        require_parts((7, 9), 2, 1, 3)
    with pytest.raises(UserError, match="mesh.x is 3, which leaves 3 of 9 cells to a device; expected at least 4"):
        require_parts((7, 9), 1, 3, 4)


def test_only_fields_of_the_grid_are_cut():
    shape, spec = (4, 6), jax.sharding.PartitionSpec
    arrays = {
        n: np.zeros(s) for n, s in {"field": (2, 3, 4, 6), "clock": (2, 2), "levels": (3,), "few": (4, 6)}.items()
    }
    found = specs(arrays, shape, "batch")
    assert found["field"] == spec("batch", None, "y", "x")
    # (batch, ...) of any other shape, be it by chance that of the grid
    assert found["clock"] == found["levels"] == found["few"] == spec("batch")
    assert specs(arrays, shape)["few"] == spec("y", "x")


def test_data_are_placed_as_they_are():
    one = devices.build_mesh(1)
    array = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(devices.spread(one, {"a": array}, (1, 1), 3)["a"], array)
    assert devices.share(one, 3) == (0, 1)
