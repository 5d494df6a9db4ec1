"""Training of the quasi-geostrophic core; see `train.form.Form` for what the functions are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax_datetime as jdt
import numpy as np
import pydantic
from flax import nnx

from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.closures.layers.neural_source import NeuralSourceConfig
from ocean_gcm.data.layers_statistics import layers_statistics, source_scales
from ocean_gcm.data.layers_truth import LayersTruth, open_layers_truth
from ocean_gcm.data.statistics import Statistics, computed_once, read_statistics
from ocean_gcm.data.truth import Period
from ocean_gcm.dynamics.interface import Core
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.layers_loss import LayersLoss, build_layers_loss, require_layers_variables
from ocean_gcm.metrics.loss import LossConfig
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.tendencies import closures_source
from ocean_gcm.state import Layers
from ocean_gcm.validation import validated
from train import mesh as devices
from train.config import StageConfig, TrainConfig, located
from train.figures import Rollout
from train.layers_figures import draw_layers_validation


def require(config: TrainConfig, model: OceanModel, mesh: jax.sharding.Mesh) -> None:
    core = "the core quasi_geostrophic"
    if config.held_out or config.held_out_months:
        key = "held_out" if config.held_out else "held_out_months"
        raise UserError(f"{key} is given, which {core} does not know; expected periods.validation alone")
    if config.truth.path is None:
        raise UserError(f"truth has no path, which {core} needs; expected a store with pv, see docs/layers.md")
    devices.require_model(mesh, model)
    for number, stage in enumerate(config.stages):
        require_layers_variables(config.loss_of(number))
        if stage.draw is not None:
            raise UserError(f"stages[{number}].draw is {stage.draw!r}; expected null with {core}")


def open_truth(
    config: TrainConfig, model: OceanModel, base: Path, directory: Path, say: Callable[[str], None]
) -> LayersTruth:
    return open_layers_truth(located(config.truth.path, base), model)


def statistics(
    config: TrainConfig, truth: LayersTruth, period: Period, model: OceanModel, base: Path, directory: Path
) -> Statistics:
    if config.truth.statistics is not None:
        return read_statistics(located(config.truth.statistics, base))
    return computed_once(directory / "statistics.json", lambda: layers_statistics(truth, period, model))


def loss(
    config: LossConfig,
    stage: StageConfig,
    model: OceanModel,
    held: Callable[[], LayersTruth],
    statistics: Statistics,
    masks: Mapping[str, np.ndarray] | None,
) -> LayersLoss:
    leads = stage.leads(model.time_step)
    if config.scale == "increment":
        # tendencies are compared as changes over the steps
        scales = {name: leads[-1] * spread for name, spread in source_scales(statistics).items()}
    else:
        scales = statistics.scales(config.scale, config.smallest_scale)
    return build_layers_loss(config, model.core, scales, leads, dtype=model.dtype)


def lacks(increments: Mapping[str, np.ndarray]) -> Layers:
    return Layers(increments["potential_vorticity"])


def changes(
    model: OceanModel,
    forcing: Any,
    stage: StageConfig,
    start: tuple[Layers, jax.Array, jax.Array],
    members: jax.Array,
    each: Callable,
) -> Layers:
    """Members see the same state and noise of their own."""
    ocean, clock, words = start
    time, key = jdt.Timedelta(clock[0], clock[1]), jax.random.wrap_key_data(words)

    def of_member(member):
        return Layers(closures_source(model, ocean, time, jax.random.fold_in(key, member)))

    return each(of_member, members)


class LayersEmulatorConfig(NeuralSourceConfig):
    """The network that stands for the core in gradients: a `neural_source` of its own."""

    size: float = pydantic.Field(1.0, gt=0, description="the tendency for an output of one in its scale (1)")

    @pydantic.field_validator("random")
    @classmethod
    def _not_random(cls, random):
        if random is not None:
            raise UserError("emulator.random is given; a solver is not random: expected null")
        return random


class LayersEmulator(nnx.Module):
    """See `LayersEmulatorConfig`."""

    def __init__(self, config: LayersEmulatorConfig, model: OceanModel):
        self.tendency = config.build(model.grid, model.dtype)

    def __call__(self, columns: LayerColumns) -> dict[str, jax.Array]:
        return {"potential_vorticity": self.tendency(columns, (), None)[0].potential_vorticity_source}


def emulator(keys: Mapping[str, Any], model: OceanModel) -> LayersEmulator:
    return LayersEmulator(validated(LayersEmulatorConfig, keys, "emulator"), model)


def known_step(core: Core, static: Any, prepared: Any, fields: Layers, effects: Effects) -> Layers:
    source = effects.potential_vorticity_source
    return fields if source is None else Layers(fields.potential_vorticity + core.time_step * source)


def surface(ocean: Layers) -> dict[str, jax.Array]:
    return {"potential_vorticity": ocean.potential_vorticity[:, 0]}


def draw(path: Path, model: OceanModel, leads: list[int], scores: dict[str, Any], shown: Rollout, title: str) -> Path:
    return draw_layers_validation(path, model.grid, leads, scores, shown, title)
