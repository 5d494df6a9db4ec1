"""Loss and gradient of an ensemble forecast on meshes of 8 simulated devices and on one; run by test_mesh.py.

    python sharded_update.py float32|float64 forward|small|full 2x2x2x1 1x1x4x2 ...

prints for each mesh (batch x ensemble x y x x) its relative differences from one device: of the loss, of the gradient,
and of the worst part of the gradient (that of one parameter), whose name follows; "pmap" is a mesh, too.  With
"forward" the fields that are forecast take the place of the gradient.
"""

import sys
import time

import jax
import numpy as np

from ocean_gcm.build import build_model
from ocean_gcm.closures.trainable import split
from ocean_gcm.config import Config
from ocean_gcm.data.truth import Window
from ocean_gcm.metrics.loss import LossConfig, build_loss
from ocean_gcm.state import Ocean
from train import mesh as devices
from train.config import OptimizerConfig, StageConfig
from train.step import Learner, Static

BATCH, MEMBERS = 8, 2

TREE = {
    "name": "tiny_hybrid",
    # land, a channel that is closed across the seam, partial cells; the walls in y lie on the outermost devices
    "grid": {"geometry": "sphere", "nx": 8, "ny": 16, "x": [0, 32], "y": [-60, 4], "periodic_x": True}
    | {"levels": {"thickness": [100, 300, 600]}},
    "bathymetry": {"kind": "ridge", "depth": 950, "height": 400, "width": 5e5, "centre": 12}
    | {"walls": [{"x": [17, 23], "y": [-31, 4]}]},
    "initial": {"kind": "linear"},
    "surface": {"wind_stress": {"kind": "acc", "amplitude": 0.1}},
    "dynamics": {"equation_of_state": {"kind": "linear"}, "momentum_advection": "energy"},
    "closures": {
        "drag": {"kind": "bottom_drag", "linear": 1e-3},
        "viscosity": {"kind": "harmonic_viscosity", "viscosity": 1e5},
        "mixing": {"kind": "perturbed", "amplitude": 0.5, "time": "P2D", "length": 4e5}
        | {"closure": {"kind": "background_mixing", "viscosity": 1e-2, "diffusivity": 1e-3}},
        "eddies": {"kind": "neural_tendencies", "outputs": ["velocity", "temperature"], "momentum": "stress"}
        | {"features": ["velocity", "temperature", "mask"]}
        | {"network": {"architecture": "convolution", "blocks": 1, "width": 4}},
    },
    "time": {"step": "PT2H", "duration": "P10D"},
}

LOSS = {
    "terms": {
        "crps": {"kind": "crps", "blocks": [1, 2]},
        "bias": {"kind": "bias"},
        "spectrum": {"kind": "spectrum", "weight": 0.01},
    },
    "variables": {"u": 1.0, "temperature": 1.0, "sea_surface_height": 1.0},
}


def fields(model, random, *lead) -> Ocean:
    """Noise about a resting ocean."""
    shapes = dict.fromkeys(("u", "v", "temperature", "salinity"), model.grid.shape)
    shapes["sea_surface_height"] = model.grid.shape[1:]
    mean = {"temperature": 10.0, "salinity": 35.0}
    noise = {name: 0.05 * random.standard_normal((*lead, *shape)) for name, shape in shapes.items()}
    return Ocean(**{name: mean.get(name, 0.0) + a for name, a in noise.items()}, tracers={})


def untrained_no_more(numbers, random):
    """Numbers with all layers of the networks away from zero, where their gradients would vanish."""
    return {n: x + 0.1 * random.standard_normal(x.shape).astype(x.dtype) if x.ndim else x for n, x in numbers.items()}


def small(tree):
    """Only a learned and a stochastic closure, without advection of momentum."""
    closures = {name: dict(tree["closures"][name]) for name in ("mixing", "eddies")}
    closures["eddies"] |= {"outputs": ["temperature"], "features": ["temperature"]}
    return {**tree, "closures": closures, "dynamics": {**tree["dynamics"], "momentum_advection": "none"}}


def results(precision, size, shapes):
    """(loss, gradient) of the same batch on each mesh."""
    tree, terms, steps = TREE, LOSS["terms"], 4
    if size != "full":  # compiles in a third of the time
        tree, terms, steps = small(TREE), {"crps": LOSS["terms"]["crps"]}, 2
    model = build_model(Config.model_validate({**tree, "precision": precision}))
    numbers, rebuild = split(model, {"closures.**": "auto"})
    stage = StageConfig(steps=steps, save_every=2, iterations=1, learning_rate=0.1, batch=BATCH, members=MEMBERS)
    records = stage.records
    scales = {"u": np.full(3, 0.05), "temperature": np.full(3, 0.05), "sea_surface_height": np.full(1, 0.05)}
    loss = build_loss(LossConfig.model_validate({**LOSS, "terms": terms}), model.grid, scales, [1.0] * (records - 1))
    random = np.random.default_rng(0)
    numbers = untrained_no_more(numbers, random)
    window = Window(fields(model, random, BATCH, records), *np.zeros((2, BATCH, records), np.int32))
    for shape in shapes:
        begin = time.process_time()
        if shape == "pmap":
            yield by_pmap(model, numbers, rebuild, loss, window, stage)
        else:
            yield on_mesh(shape, model, numbers, rebuild, loss, window, stage, size == "forward")
        print(shape, "CPU seconds", round(time.process_time() - begin, 1), file=sys.stderr)


def on_mesh(shape, model, numbers, rebuild, loss, window, stage, forward):
    mesh = devices.build_mesh(*shape)
    devices.require_model(mesh, model)
    learner = Learner(rebuild, OptimizerConfig(), mesh)
    static = learner.static(model, loss)
    batch = learner.batch(jax.random.key(1), window)
    assert len(batch.ocean.u.sharding.device_set) == np.prod(shape)
    part = batch.ocean.u.addressable_shards[0].data.shape
    assert part == (BATCH // shape[0], 3, 16 // shape[2], 8 // shape[3]), part
    value = jax.value_and_grad(lambda n, s, b: learner.loss(n, s, b, stage)[0])
    if forward:

        def value(numbers, static, batch):
            forecasts = learner.forecasts(numbers, static, batch, stage)
            names = ("u", "v", "temperature", "salinity", "sea_surface_height")
            return static.loss(forecasts, batch.truth)[0], {name: getattr(forecasts, name) for name in names}

    value = jax.jit(value)
    return jax.device_get(value(learner.begin(numbers).numbers, static, batch))


def by_pmap(model, numbers, rebuild, loss, window, stage):
    """The example of docs/training.md."""
    learner = Learner(rebuild, OptimizerConfig(), devices.build_mesh(1))

    def step(numbers, static, batch):
        (value, _), gradient = jax.value_and_grad(learner.loss, has_aux=True)(numbers, static, batch, stage)
        return jax.lax.pmean((value, gradient), "devices")

    batch = jax.device_get(learner.batch(jax.random.key(1), window))
    parts = jax.tree.map(lambda a: a.reshape(8, -1, *a.shape[1:]), batch)
    static = Static(model.grid_arrays, model.forcing, loss)
    found = jax.pmap(step, axis_name="devices", in_axes=(None, None, 0))(numbers, static, parts)
    return jax.tree.map(lambda a: a[0], jax.device_get(found))


def main(precision, size, shapes) -> None:
    (one, slope_one), *others = results(precision, size, [(1, 1, 1, 1), *shapes])
    assert all(np.any(slope != 0) for slope in slope_one.values()), slope_one
    for shape, (loss, slope) in zip(shapes, others, strict=True):
        differences = {name: np.linalg.norm(slope[name] - slope_one[name]) for name in slope_one}
        parts = {name: difference / np.linalg.norm(slope_one[name]) for name, difference in differences.items()}
        worst = max(parts, key=parts.get)
        whole = norm(differences) / norm(slope_one)
        mesh = shape if shape == "pmap" else "x".join(map(str, shape))
        print(mesh, f"{abs(loss / one - 1):.2e} {whole:.2e} {parts[worst]:.2e}", worst)


def norm(tree) -> float:
    return float(np.sqrt(sum(np.sum(np.square(x)) for x in tree.values())))


if __name__ == "__main__":
    precision, size, *meshes = sys.argv[1:]
    jax.config.update("jax_enable_x64", precision == "float64")
    main(precision, size, [text if text == "pmap" else tuple(map(int, text.split("x"))) for text in meshes])
