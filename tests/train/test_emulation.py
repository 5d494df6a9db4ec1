"""Gradients that do not pass through the solver."""

import dataclasses
import io

import jax
import layers_model
import layers_training
import numpy as np
import pytest
import yaml
from rich.console import Console
from train_files import lines

from ocean_gcm.closures.interface import Effects
from ocean_gcm.closures.trainable import split
from ocean_gcm.errors import UserError
from train import layers_form
from train.config import load_train_config
from train.emulation import PREFIX, EmulatedCore
from train.program import train
from train.setup import Material, Setup

EMULATOR = {
    "features": ["potential_vorticity", "velocity"],
    "network": {"architecture": "convolution", "width": 8, "depth": 3},
}
STAGES = [
    {"mode": "emulator", "steps": 4, "save_every": 2, "iterations": 6, "learning_rate": 0.02, "batch": 2},
    {"mode": "emulated", "steps": 4, "save_every": 2, "iterations": 4, "learning_rate": 0.01, "batch": 2},
]


def test_a_perfect_emulator_gives_the_solver_s_gradient():
    """The core's own first-order tendency in the emulator's place: the same trajectory, gradients but for O(dt)."""
    model = layers_model.build(
        time={"step": "PT10M"}, forcing={}, dynamics={"time_stepper": "crank_nicolson_rk2", "filter": None}
    )
    numbers, rebuild = split(model, ["closures.friction.**"])
    start = model.initial_state()
    core = model.core

    def perfect(arrays):
        static = core.static(arrays)

        def tendency(columns):
            fields = type(start.ocean)(columns.potential_vorticity)
            after, _, _ = core.advance(static, core.prepare(static, fields), start.stepper, Effects(), None)
            change = (after.potential_vorticity - columns.potential_vorticity) / core.time_step
            return {"potential_vorticity": change}

        return tendency

    def scalar(numbers, through: bool):
        own = rebuild(numbers)
        if through:
            own.blueprint = dataclasses.replace(own.blueprint, core=EmulatedCore(core, perfect, layers_form.known_step))
        end, _ = own.unroll(start, steps=12)
        return 1e10 * (end.ocean.potential_vorticity**2).mean()

    value, gradient = jax.value_and_grad(lambda n: scalar(n, False))(numbers)
    emulated, approximate = jax.value_and_grad(lambda n: scalar(n, True))(numbers)
    assert float(value) == float(emulated)
    for name, derivative in gradient.items():
        np.testing.assert_allclose(approximate[name], derivative, rtol=0.02)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("emulation")
    layers_training.write(directory)

    def make(**changes):
        path = directory / "training.yaml"
        path.write_text(yaml.safe_dump({**layers_training.TRAINING, "emulator": EMULATOR, "stages": STAGES, **changes}))
        return load_train_config(path), path

    return make


def test_both_learn(written, tmp_path):
    carry = train(*written(), tmp_path, console=Console(file=io.StringIO()))
    records = lines(tmp_path / "metrics.jsonl")
    missed = [record["parts"]["emulator"] for record in records]
    # an emulator of nothing misses all
    assert missed[0] == pytest.approx(1.0, abs=1e-3) and missed[-1] < 0.9
    assert len(carry.numbers) > len([name for name in carry.numbers if name.startswith(PREFIX)]) > 0
    assert np.abs(np.asarray(carry.numbers["closures.subgrid.network.layers.2.kernel"])).max() > 0


def test_losses_stay_apart(written, tmp_path):
    """The forecasts' loss does not reach the emulator, whose loss does not reach the closures."""
    config, path = written()
    setup = Setup.build(config, path.parent)
    material = Material.prepare(setup, path.parent, tmp_path, lambda text: None)
    stage = config.stages[1]
    static = material.static(stage, config.loss)
    batch = next(material.batches(STAGES[0]["iterations"]))
    numbers = {name: number + 0.01 for name, number in setup.numbers.items()}

    def both(numbers):
        forecasts = setup.learner.forecasts(numbers, static, batch, stage)
        return static.loss(forecasts, batch.truth)[0], setup.learner.missed(numbers, static, batch, forecasts, stage)[0]

    of_forecasts, of_emulator = jax.jacrev(both)(numbers)
    for name in numbers:
        touched = [bool(np.abs(np.asarray(gradient[name])).max() > 0) for gradient in (of_forecasts, of_emulator)]
        assert touched == ([False, True] if name.startswith(PREFIX) else [True, False]), name


def test_mistakes_are_named(written):
    with pytest.raises(UserError, match=r"stages\[0\].mode is 'emulator'; expected a section emulator"):
        written(emulator=None)
    config, path = written(emulator={**EMULATOR, "random": {"number": 1, "time": 7200.0}})
    with pytest.raises(UserError, match="emulator.random is given"):
        Setup.build(config, path.parent)
