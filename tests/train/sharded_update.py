"""Loss and gradient on 8 simulated devices and on one; run by test_mesh.py in a process of its own."""

import sys
from pathlib import Path

import jax
import numpy as np

from ocean_gcm.build import build_model
from ocean_gcm.closures.trainable import split
from ocean_gcm.config import load_config
from ocean_gcm.data.truth import Window
from ocean_gcm.metrics.loss import LossConfig, build_loss
from ocean_gcm.state import Ocean
from train import mesh as devices
from train.config import OptimizerConfig, StageConfig
from train.step import Learner, Static


def main(path: Path) -> None:
    """Prints the largest relative difference between the meshes (1, 1) and (4, 2)."""
    model = build_model(load_config(path, ["precision=float32"]))
    numbers, rebuild = split(model, ["closures.**"])
    stage = StageConfig(steps=2, iterations=1, learning_rate=0.1, batch=4, members=2)
    terms = {"crps": {"kind": "crps"}, "bias": {"kind": "bias"}}
    config = LossConfig.model_validate({"terms": terms, "variables": {"u": 1.0, "temperature": 1.0}})
    loss = build_loss(config, model.grid, {"u": np.full(3, 1e-2), "temperature": np.ones(3)}, [1.0])
    random = np.random.default_rng(0)

    def fields(*lead):
        shapes = {name: model.grid.shape for name in ("u", "v", "temperature", "salinity")}
        shapes["sea_surface_height"] = model.grid.shape[1:]
        mean = {"temperature": 10.0, "salinity": 35.0}
        arrays = {n: mean.get(n, 0.0) + 0.01 * random.standard_normal((*lead, *s)) for n, s in shapes.items()}
        return Ocean(**{name: array.astype(np.float32) for name, array in arrays.items()}, tracers={})

    window = Window(fields(4, 2), np.zeros((4, 2), np.int32), np.zeros((4, 2), np.int32))
    results = []
    for shape in ((1, 1), (4, 2)):
        mesh = devices.build_mesh(*shape)
        learner = Learner(rebuild, OptimizerConfig(), mesh)
        static = devices.everywhere(mesh, Static(model.grid_arrays, model.forcing, loss))
        carry = learner.begin(numbers)
        batch = learner.batch(jax.random.key(1), window)
        assert len(batch.ocean.u.sharding.device_set) == shape[0] * shape[1]
        value = jax.jit(jax.value_and_grad(lambda n, s, b, k=learner: k.loss(n, s, b, stage)[0]))  # noqa: B023
        results.append(jax.device_get(value(carry.numbers, static, batch)))
    (one, slope_one), (eight, slope_eight) = results
    assert all(slope_one[name] != 0 for name in slope_one), slope_one
    largest = max(abs(slope_eight[name] / slope_one[name] - 1) for name in slope_one)
    print(max(largest, abs(eight / one - 1)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
