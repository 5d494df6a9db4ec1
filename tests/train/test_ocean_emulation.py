"""Gradients of the finite-volume core that do not pass through its solver."""

import copy
import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from tiny_run import TREE
from train_files import PERIODS, lines

from ocean_gcm.closures.trainable import split
from ocean_gcm.dynamics.finite_volume.closure_terms import closure_tendencies
from ocean_gcm.errors import UserError
from ocean_gcm.state import Diagnostics
from train import ocean_form
from train.config import load_train_config
from train.emulation import PREFIX, EmulatedCore, Emulation
from train.program import check
from train.setup import Material, Setup

NETWORK = {"architecture": "convolution", "width": 8, "blocks": 1}
EMULATOR = {"features": ["velocity", "temperature", "sea_surface_gradient", "coriolis", "mask"], "network": NETWORK}
CLOSURES = {
    "drag": {"kind": "bottom_drag", "linear": 1e-3},
    "learned": {
        "kind": "neural_tendencies",
        "features": ["velocity", "temperature", "mask"],
        "outputs": ["velocity", "temperature"],
        "network": NETWORK,
    },
}
STAGES = [
    {"mode": "emulator", "steps": 8, "save_every": 4, "iterations": 120, "learning_rate": 0.02, "batch": 3},
    {"mode": "emulated", "steps": 8, "save_every": 4, "iterations": 6, "learning_rate": 0.05, "batch": 3},
]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Function (changes of keys) -> (configuration, path of its file): a tiny ocean learns a drag from its twin."""
    directory = tmp_path_factory.mktemp("ocean_emulation")
    model = {**copy.deepcopy(TREE), "closures": CLOSURES}
    model["dynamics"]["tracer_advection"] = "centred2"
    (directory / "model.yaml").write_text(yaml.safe_dump(model))
    twin = {"model": {"closures": {"drag": {"linear": 4e-3}}}, "spinup": "P5D", "duration": "P12D", "interval": "P1D"}
    training = {
        "name": "tiny",
        "model": {"base": "model.yaml"},
        "truth": {"simulate": twin},
        "periods": PERIODS,
        "trainable": {"closures.drag.*": "positive", "closures.learned.tower.**": "identity"},
        "emulator": EMULATOR,
        "loss": {"terms": {"error": {"kind": "squared_error"}}, "variables": {"u": 1.0, "temperature": 1.0}},
        "stages": STAGES,
        "checkpoints": {"every": 123, "keep": 2},
    }

    def make(**changes):
        path = directory / "training.yaml"
        path.write_text(yaml.safe_dump({**training, **changes}))
        return load_train_config(path), path

    return make


@pytest.fixture(scope="module")
def whole(written, quietly, tmp_path_factory):
    """A training from beginning to end: (final carry, directory)."""
    directory = tmp_path_factory.mktemp("runs") / "whole"
    carry, _ = quietly(written(), directory)
    return carry, directory


@pytest.fixture(scope="module")
def gradients(written, whole, tmp_path_factory):
    """Function (numbers) -> forecasts and gradients of a batch through the solver and through the emulator."""
    config, path = written()
    setup = Setup.build(config, path.parent)
    material = Material.prepare(setup, path.parent, whole[1], lambda text: None)
    emulated = config.stages[1]
    stage = emulated.model_copy(update={"mode": "forecast"})
    static, batch = material.static(stage, config.loss), next(material.batches(STAGES[0]["iterations"]))

    @jax.jit
    def both(numbers):
        def loss(numbers, stage):
            forecasts = setup.learner.forecasts(numbers, static, batch, stage)
            return static.loss(forecasts, batch.truth)[0], forecasts

        return [jax.grad(loss, has_aux=True)(numbers, each) for each in (stage, emulated)]

    return both


def same_to_rounding(fields, others, roundings):
    """The compiler may fuse a step in another way where more is computed beside it."""
    for a, b in zip(jax.tree.leaves(fields), jax.tree.leaves(others), strict=True):
        largest = roundings * jnp.finfo(a.dtype).eps * np.abs(a).max()
        np.testing.assert_allclose(b, a, rtol=0, atol=largest)


def of_closures(gradient):
    return np.concatenate([np.ravel(x) for name, x in sorted(gradient.items()) if not name.startswith(PREFIX)])


@pytest.mark.slow
def test_both_learn(whole):
    carry, directory = whole
    records = lines(directory / "metrics.jsonl")
    missed = [record["parts"]["emulator"] for record in records]
    errors = [record["parts"]["error.u"] for record in records[STAGES[0]["iterations"] :]]
    # an emulator of nothing misses all
    assert missed[0] == pytest.approx(1.0, abs=1e-3) and missed[STAGES[0]["iterations"] - 1] < 0.2
    assert errors[-1] < 0.5 * errors[0]
    assert set(records[-1]["parts"]) >= {f"emulator.{name}" for name in ("u", "v", "temperature", "sea_surface_height")}
    # towards the truth's 4e-3
    drags = [record["parameters"]["closures.drag.linear"] for record in records]
    assert drags[len(drags) - 7] == pytest.approx(1e-3) and drags[-1] > 1.1e-3


@pytest.mark.slow
def test_forecasts_are_the_solver_s_and_gradients_near_its_own(gradients, whole):
    (true, plain), (approximate, emulated) = gradients(whole[0].numbers)
    same_to_rounding(plain, emulated, 100)
    assert not any(np.any(x) for name, x in approximate.items() if name.startswith(PREFIX))
    first, second = of_closures(true), of_closures(approximate)
    assert first @ second / np.sqrt((first @ first) * (second @ second)) > 0.9


@pytest.mark.slow
def test_resumed_equals_uninterrupted(written, quietly, whole, tmp_path, monkeypatch):
    from train import program

    original = program._Training._after

    def stop(self, iteration):
        original(self, iteration)
        if iteration == 123:
            raise KeyboardInterrupt

    monkeypatch.setattr(program._Training, "_after", stop)
    with pytest.raises(KeyboardInterrupt):
        quietly(written(), tmp_path / "run")
    monkeypatch.undo()
    carry, printed = quietly(written(), tmp_path / "run", resume=True)
    assert "iteration 123" in printed
    for a, b in zip(jax.tree.leaves(carry), jax.tree.leaves(whole[0]), strict=True):
        np.testing.assert_array_equal(a, b)


class Euler(EmulatedCore):
    """The core whose steps are those of the emulator in value too."""

    def advance(self, static, prepared, stepper, effects, surface):
        return self._emulated(static, prepared[0], effects, surface), stepper, Diagnostics.zero(prepared[0].u.dtype)


@pytest.fixture(scope="module")
def emulated_cores(written):
    """A model whose effects are held for two steps; its core emulated, and a core that is its own emulator."""
    config, path = written(model={"base": "model.yaml", "time": {"physics_interval": "PT12H"}})
    model = Setup.build(config, path.parent).model
    emulation = Emulation.build(ocean_form.emulator(config.emulator, model), ocean_form.known_step)
    kernel = PREFIX + "tower.decoder.kernel"
    numbers = {**emulation.numbers, kernel: 0.1 * jax.random.normal(jax.random.key(0), emulation.numbers[kernel].shape)}
    core, emulator = model.core, lambda arrays: emulation.rebuild(numbers)

    def persistent(core, static, prepared, fields, effects):
        """A known step whose derivatives are complete: no background is held in it."""
        rates = closure_tendencies(static, core.numerics, prepared, effects)
        return jax.tree.map(lambda x, rate: x + core.time_step * rate, fields, rates)

    def of_euler(euler, static, prepared, fields, effects):
        return persistent(core, static[0], prepared[1], fields, effects)

    euler = Euler(core, emulator, persistent)
    return model, {
        "core": EmulatedCore(core, emulator, ocean_form.known_step),
        "euler": EmulatedCore(euler, emulator, of_euler),
    }


def with_core(model, core):
    model.blueprint = dataclasses.replace(model.blueprint, core=core)
    return model


def test_derivatives_are_those_of_the_emulated_step(emulated_cores):
    """Of a core that is its own emulator: finite differences of its forecasts."""
    model, emulated = emulated_cores
    numbers, rebuild = split(model, ["closures.drag.*", "closures.learned.tower.decoder.*"])
    start = model.initial_state()

    @jax.jit
    @jax.value_and_grad
    def energy(numbers):
        """In value that of the core's own steps, which are those of the emulator."""
        end, _ = with_core(rebuild(numbers), emulated["euler"]).unroll(start, steps=2)
        return (end.ocean.u**2).sum() + (end.ocean.temperature**2).mean() + (end.ocean.sea_surface_height**2).sum()

    _, gradient = energy(numbers)
    h, sign = 1e-4, {name: np.sign(x) for name, x in gradient.items()}
    after, before = (energy({n: x + step * sign[n] for n, x in numbers.items()})[0] for step in (h, -h))
    slope = float(after - before) / (2 * h)
    assert slope > 0
    assert sum(float(abs(x).sum()) for x in gradient.values()) == pytest.approx(slope, rel=1e-5)


def test_values_are_those_of_the_solver(emulated_cores):
    model, emulated = emulated_cores
    start = model.initial_state()
    rough = jax.tree.map(lambda x: x + 0.1 * jax.random.normal(jax.random.key(1), x.shape), start.ocean)

    def step(core):
        @jax.jit
        def after(arrays, ocean):
            static, surface = core.static(arrays), model.forcing.at(start.time)
            prepared = core.prepare(static, core.cleaned(arrays, ocean, model.dtype))
            columns = core.columns(static, prepared, surface, model.time_step)
            effects, _ = model.closures.drag(columns, (), None)
            return core.advance(static, prepared, start.stepper, effects, surface)[0]

        return after(dict(model.grid_arrays), rough)

    # each substep of the free surface rounds
    same_to_rounding(step(model.core), step(emulated["core"]), 20)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"emulator": None}, r"stages\[0\].mode is 'emulator'; expected a section emulator"),
        ({"emulator": {**EMULATOR, "featurs": []}}, "emulator: unknown key 'featurs'; did you mean 'features'"),
        ({"emulator": {**EMULATOR, "features": ["potential_vorticity"]}}, "features contains 'potential_vorticity'"),
        ({"emulator": {**EMULATOR, "random": {"number": 1}}}, "emulator.random is given"),
    ],
)
def test_mistakes_are_named(written, changes, message):
    with pytest.raises(UserError, match=message):
        check(*written(**changes))


def test_one_device(written):
    config, path = written()
    model = Setup.build(config, path.parent).model
    with pytest.raises(UserError, match="mesh has 2 devices; an emulator is trained on one"):
        ocean_form.require(config, model, types.SimpleNamespace(size=2, shape={"y": 1, "x": 1}))
