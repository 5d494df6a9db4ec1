"""A twin whose analysis has a known bias: the gradient of forecasts teaches the encoder to take it off."""

import copy
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_run import TREE

from ocean_gcm.build import build_model
from ocean_gcm.closures.trainable import split
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.truth import Window
from ocean_gcm.metrics.loss import LossConfig, build_loss
from train import mesh as devices
from train.config import OptimizerConfig, StageConfig
from train.step import Learner, Static

BIAS = np.array([0.6, -0.3, 0.0])[:, None, None]
"""K, of the three levels of the analysis."""
NETWORK = {"network": {"width": 8, "blocks": 0}, "features": ["temperature", "mask"], "outputs": ["temperature"]}


@pytest.mark.slow
def test_a_biased_analysis_is_corrected():
    model = build_model(config_from_dict({**copy.deepcopy(TREE), "encoder": {"correction": NETWORK}}))
    state = model.initial_state()
    warmth = 0.3 * jax.random.normal(jax.random.key(0), (4, *model.grid.shape))
    starts = jax.vmap(lambda w: dataclasses.replace(state.ocean, temperature=state.ocean.temperature + w))(warmth)
    states = jax.vmap(lambda ocean, key: model.state_from(ocean, state.time, key))(
        starts, jax.random.split(state.key, 4)
    )
    _, saved = model.unroll_ensemble(states, steps=2, save_every=1)
    true = jax.tree.map(lambda a, b: np.concatenate([a[:, None], b], 1), starts, saved.states.ocean)
    temperature = true.temperature.copy()
    temperature[:, 0] += BIAS
    zero = np.zeros((4, 3), np.int32)
    window = Window(dataclasses.replace(true, temperature=temperature), zero, zero)

    numbers, rebuild = split(model, {"encoder.**": "identity"})
    stage = StageConfig(steps=2, save_every=1, iterations=40, learning_rate=0.03, batch=4)
    config = LossConfig.model_validate({"terms": {"error": {"kind": "squared_error"}}, "variables": {"temperature": 1}})
    loss = build_loss(config, model.grid, {"temperature": np.ones(3)}, [1.0, 2.0], dtype=model.dtype)
    mesh = devices.build_mesh(1, 1)
    learner = Learner(rebuild, OptimizerConfig(), mesh)
    static = devices.everywhere(mesh, Static(model.grid_arrays, model.forcing, loss))
    batch, carry, losses = learner.batch(jax.random.key(1), window), learner.begin(numbers), []
    update = learner.compiled_update(stage)
    for iteration in range(stage.iterations):
        carry, report = update(carry, static, batch, jnp.float32(stage.rate(iteration)))
        losses.append(float(report["loss"]))
    assert losses[0] == pytest.approx(np.mean(BIAS**2 * np.array([1, 3, 6])[:, None, None]) * 3 / 10, rel=0.1)
    assert losses[-1] < 0.1 * losses[0], losses
    trained = rebuild(carry.numbers)
    given = jax.tree.map(lambda a: jnp.asarray(a[0, 0]), window.ocean)
    found = jax.jit(lambda m, o: m.encode(o, state.time, state.key).ocean.temperature)(trained, given)
    mean = np.asarray(found - starts.temperature[0]).mean((1, 2))
    assert np.abs(mean).max() < 0.25 * np.abs(BIAS).max(), mean
