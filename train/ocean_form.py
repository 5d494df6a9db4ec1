"""Training of the finite-volume core; see `train.form.Form` for what the functions are."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax_datetime as jdt
import numpy as np

from ocean_gcm.clock import SECONDS_PER_DAY, duration_seconds
from ocean_gcm.closures.interface import Effects
from ocean_gcm.data.statistics import Statistics, compute_statistics, computed_once, read_statistics
from ocean_gcm.data.truth import Period, Truth
from ocean_gcm.data.truth import open_truth as open_series
from ocean_gcm.dynamics.finite_volume.closure_terms import closure_tendencies
from ocean_gcm.dynamics.finite_volume.linear_waves import wave_step
from ocean_gcm.dynamics.finite_volume.prepare import Prepared
from ocean_gcm.dynamics.finite_volume.primitive_equations import PrimitiveEquations
from ocean_gcm.errors import UserError
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.metrics.loss import Loss, LossConfig, build_loss
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean
from ocean_gcm.stochastic.initial import perturb
from ocean_gcm.tendencies import explicit_tendencies
from ocean_gcm.truth_statistics import spread_of_increments
from ocean_gcm.validation import validated
from train import mesh as devices
from train.config import StageConfig, TrainConfig, located
from train.figures import Rollout, draw_validation
from train.observed_truth import make_observed_truth
from train.ocean_emulator import OceanEmulator, OceanEmulatorConfig
from train.simulated_truth import make_truth, twin_config


def require(config: TrainConfig, model: OceanModel, mesh: jax.sharding.Mesh) -> None:
    devices.require_model(mesh, model)
    if config.emulator is not None and mesh.size > 1:
        raise UserError(
            f"mesh has {mesh.size} devices; an emulator is trained on one: expected mesh.batch = 1, or emulator: null"
        )


def open_truth(
    config: TrainConfig, model: OceanModel, base: Path, directory: Path, say: Callable[[str], None]
) -> Truth:
    path, made = config.truth.path, (directory / "truth.zarr").absolute()
    if config.truth.simulate is not None:
        path = make_truth(config.truth.simulate, twin_config(config), model, made, say)
    elif config.truth.observe is not None:
        path = make_observed_truth(config.truth.observe, model, made, say)
    return open_series(located(path, base), model)


def statistics(
    config: TrainConfig, truth: Truth, period: Period, model: OceanModel, base: Path, directory: Path
) -> Statistics:
    if config.truth.statistics is not None:
        given = read_statistics(located(config.truth.statistics, base))
        given.require_grid(model.grid)
        given.require_data(truth.fields(period.begin), model.grid, truth.series.label)
        return given
    losses = [config.loss_of(n).variables for n in range(len(config.stages))]
    variables = list(dict.fromkeys(name for loss in losses for name, weight in loss.items() if weight > 0))
    data = truth.series.dataset.isel(time=slice(period.begin, period.end))
    lead = float(truth.interval)
    return computed_once(
        directory / "statistics.json", lambda: compute_statistics(data, model.grid, lead=lead, variables=variables)
    )


def loss(
    config: LossConfig,
    stage: StageConfig,
    model: OceanModel,
    held: Callable[[], Truth],
    statistics: Statistics,
    masks: Mapping[str, np.ndarray] | None,
) -> Loss:
    leads = stage.leads(model.time_step)
    if config.scale == "increment":
        scales = spread_of_increments(held().increments, model.grid, config.smallest_scale)
        scales = {name: SECONDS_PER_DAY * spread for name, spread in scales.items()}
    else:
        scales = statistics.scales(config.scale, config.smallest_scale)
    return build_loss(config, model.grid, scales, leads, dtype=model.dtype, masks=masks)


def lacks(increments: Mapping[str, np.ndarray]) -> Ocean:
    nothing = dict.fromkeys(("u", "v", "temperature", "salinity", "sea_surface_height"))
    known = {name: array for name, array in increments.items() if name in nothing}
    others = {name: array for name, array in increments.items() if name not in nothing}
    return Ocean(**{**nothing, **known}, tracers=others)


def changes(
    model: OceanModel,
    forcing: Any,
    stage: StageConfig,
    start: tuple[Ocean, jax.Array, jax.Array],
    members: jax.Array,
    each: Callable,
) -> Ocean:
    """Members see perturbed states and should give the same, and what draws their tracers back within `stage.draw`."""
    ocean, clock, words = start
    rate = 0.0 if stage.draw is None else 1.0 / duration_seconds(stage.draw, model.config.time.calendar)
    time, key = jdt.Timedelta(clock[0], clock[1]), jax.random.wrap_key_data(words)
    tendencies = functools.partial(explicit_tendencies, model, time=time, key=key, forcing=forcing)
    if stage.members == 1:
        return jax.tree.map(lambda x: x[None], tendencies(ocean))
    around = perturb(model, model.state_from(ocean, time, key), key, members=stage.members).ocean
    around = jax.tree.map(lambda x: x[members], around)
    found = each(tendencies, around)
    lack = {name: rate * (getattr(ocean, name) - getattr(around, name)) for name in ("temperature", "salinity")}
    return dataclasses.replace(found, **{name: getattr(found, name) - lack[name] for name in lack})


def emulator(keys: Mapping[str, Any], model: OceanModel) -> OceanEmulator:
    config = validated(OceanEmulatorConfig, keys, "emulator")
    return OceanEmulator(config, model.grid, model.dtype)


def known_step(core: PrimitiveEquations, static: Metrics, prepared: Prepared, fields: Ocean, effects: Effects) -> Ocean:
    rates = closure_tendencies(static, core.numerics, prepared, effects)
    return wave_step(static, core.numerics, jax.lax.stop_gradient(prepared), fields, rates)


def surface(ocean: Ocean) -> dict[str, jax.Array]:
    return {"sea_surface_height": ocean.sea_surface_height, "temperature": ocean.temperature[:, 0]}


def draw(path: Path, model: OceanModel, leads: list[int], scores: dict[str, Any], shown: Rollout, title: str) -> Path:
    return draw_validation(path, model.grid, leads, scores, shown, title)
