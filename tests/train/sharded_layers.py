"""Loss and gradient of trainings of layers on meshes of 8 simulated devices and on one; run by test_mesh.py.

    python sharded_layers.py forecast,tendency,emulator,emulated 8x1 4x2 ...

prints for each mode and mesh (batch x ensemble) the relative differences from one device, of the loss and of the worst
part of the gradient (that of one parameter), whose name follows.
"""

import sys
import tempfile
import time
from pathlib import Path

import jax
import layers_training
import numpy as np
import xarray as xr
import yaml

from ocean_gcm.config import config_from_dict
from train.config import load_train_config
from train.setup import Material, Setup

BATCH, MEMBERS = 8, 2
LOSS = {
    "terms": {
        "crps": {"kind": "crps", "blocks": [1, 2]},
        "energy_score": {"kind": "energy_score"},
        "bias": {"kind": "bias"},
        "spectrum": {"kind": "spectrum", "weight": 0.01},
        "kinetic_energy": {"kind": "kinetic_energy"},
    },
    "variables": {"potential_vorticity": 1.0, "streamfunction": 0.5},
}
STAGE = {"steps": 2, "save_every": 1, "iterations": 1, "learning_rate": 0.01, "batch": BATCH, "members": MEMBERS}
NONE = dict.fromkeys(LOSS["terms"])
STAGES = {
    "forecast": STAGE,
    "tendency": {**STAGE, "mode": "tendency", "save_every": None}
    | {"loss": {"scale": "increment", "variables": {"streamfunction": None}, "terms": NONE | {"c": {"kind": "crps"}}}},
    "emulator": {**STAGE, "mode": "emulator", "members": 1},
    # the loss has no terms of the flow's spectrum: it compiles faster, and they are in that of the forecast
    "emulated": {**STAGE, "mode": "emulated", "loss": {"terms": NONE | {"crps": {"kind": "crps"}}}},
}
NETWORK = {"architecture": "convolution", "width": 2, "depth": 2}
MODEL = {"time": {"step": "PT2H"}, "precision": "float64"} | {
    "closures": {
        "subgrid": {**layers_training.MODEL["closures"]["subgrid"], "network": NETWORK}
        | {"random": {"number": 1, "time": 7200.0}}
    }
}


def write(directory):
    """The model and a truth of noise, for which nothing is compiled."""
    (directory / "model.yaml").write_text(yaml.safe_dump(layers_training.MODEL))
    grid, random = config_from_dict(layers_training.MODEL).grid.build(2), np.random.default_rng(1)
    white = np.fft.rfft2(random.standard_normal((6, 5, *grid.shape))) * np.exp(-grid.kappa_squared * 6e4**2)
    white[..., 0, 0] = 0
    q = np.fft.irfft2(white, s=grid.shape[1:])
    q *= 1e-5 / q.std()
    dims = ("trajectory", "time", "layer", "y", "x")
    fields = {"pv": (dims, q), "pv_subgrid_source": (dims, -1e-6 * q)}
    coordinates = {"time": ("time", 7200.0 * np.arange(5), {"units": "s"}), "y": grid.y, "x": grid.x}
    xr.Dataset(fields, coordinates).to_zarr(directory / "truth.zarr")


def setup_of(directory, modes, batch, ensemble):
    """(setup, material) of a training with a stage of each mode, on a mesh."""
    emulator = {"features": ["potential_vorticity"], "network": NETWORK}
    tree = {
        **layers_training.TRAINING,
        "model": {"base": "model.yaml", **MODEL},
        "loss": LOSS,
        "emulator": emulator if any("emul" in mode for mode in modes) else None,
        "stages": [STAGES[mode] for mode in modes],
        "mesh": {"batch": batch, "ensemble": ensemble},
    }
    path = directory / "training.yaml"
    path.write_text(yaml.safe_dump(tree))
    setup = Setup.build(load_train_config(path), directory)
    return setup, Material.prepare(setup, directory, directory, lambda text: None)


def gradients(directory, modes, shape):
    """{mode: (loss, gradient)} of the same batches."""
    setup, material = setup_of(directory, modes, *shape)
    random, found = np.random.default_rng(0), {}
    # away from zero, where gradients of networks vanish
    numbers = {n: x + 0.1 * random.standard_normal(x.shape).astype(x.dtype) for n, x in setup.numbers.items()}
    for number, mode in enumerate(modes):
        stage, config = setup.config.stages[number], setup.config.loss_of(number)
        begin, learner = time.process_time(), setup.learner
        batch = next(material.batches(number))
        q = batch.ocean.potential_vorticity
        assert (
            len(q.sharding.device_set) == np.prod(shape) and q.addressable_shards[0].data.shape[0] == BATCH // shape[0]
        )
        value = jax.jit(
            jax.value_and_grad(lambda n, s, b, stage=stage, learner=learner: learner.loss(n, s, b, stage)[0])
        )
        arguments = learner.begin(numbers).numbers, material.static(stage, config), batch
        compiled = value.lower(*arguments).compile()
        found[mode] = jax.device_get(compiled(*arguments))
        gathered = [line for line in compiled.as_text().splitlines() if " all-gather" in line]
        print(
            mode, shape, "CPU seconds", round(time.process_time() - begin, 1), len(gathered), "gathers", file=sys.stderr
        )
    return found


def main(modes, meshes):
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(directory)
        one = gradients(directory, modes, (1, 1))
        for mesh in meshes:
            for mode, (loss, slope) in gradients(directory, modes, tuple(map(int, mesh.split("x")))).items():
                loss_one, slope_one = one[mode]
                sizes = {name: np.linalg.norm(x) for name, x in slope_one.items()}
                apart = {
                    name: np.linalg.norm(slope[name] - slope_one[name]) / sizes[name] for name in sizes if sizes[name]
                }
                assert apart and all(np.all(slope[name] == 0) for name in sizes if not sizes[name])
                worst = max(apart, key=apart.get)
                print(mode, mesh, f"{abs(loss / loss_one - 1):.2e} {apart[worst]:.2e}", worst)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    modes, *meshes = sys.argv[1:]
    main(modes.split(","), meshes)
