"""From a configuration to what a training works with: model, truth, losses, windows, devices."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ocean_gcm.build import build_model
from ocean_gcm.closures.trainable import split
from ocean_gcm.data import loader
from ocean_gcm.data.layers_truth import LayersTruth
from ocean_gcm.data.statistics import Statistics
from ocean_gcm.data.truth import Period, Truth
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.loss import Loss, LossConfig
from ocean_gcm.model import OceanModel
from ocean_gcm.weights import restore
from train import mesh as devices
from train.config import StageConfig, TrainConfig, located
from train.emulation import Emulation
from train.form import form_of
from train.held_out import outside, starts_by_month, within
from train.step import Batch, Learner, Numbers, Static, moving
from train.validation import Validation


@dataclasses.dataclass(frozen=True, eq=False)
class Setup:
    """What is fixed in a training.

    Attributes:
      config: of the training.
      model: before training.
      numbers: what is trained, at the start.
      learner: how it is trained.
    """

    config: TrainConfig
    model: OceanModel
    numbers: Numbers
    learner: Learner

    @classmethod
    def build(cls, config: TrainConfig, base: Path) -> Setup:
        """Without the truth; paths count from the directory `base`.  Raises UserError for what does not fit."""
        model = build_model(config.model)
        if config.start is not None:
            restore(model, located(config.start, base), partly=True)
        numbers, rebuild = split(model, config.patterns)
        for stage in config.stages:
            moving(stage, config.trainable, numbers)
        mesh = devices.build_mesh(config.mesh.batch, config.mesh.ensemble, config.mesh.y, config.mesh.x)
        form = form_of(model.config)
        form.require(config, model, mesh)
        for number, stage in enumerate(config.stages):
            members = None if stage.mode == "emulator" else stage.members
            devices.require_divisible(mesh, stage.batch, members, number)
        emulation = None
        if config.emulator is not None:
            emulation = Emulation.build(form.emulator(config.emulator, model), form.known_step)
            numbers = {**numbers, **emulation.numbers}
        learner = Learner(rebuild, config.optimizer, mesh, form, emulation, config.trainable)
        return cls(config, model, numbers, learner)

    @property
    def configuration(self) -> dict[str, Any]:
        """What decides the numbers of the training: a checkpoint of another one does not fit."""
        config = self.model.config
        model = {**config.science(), "ensemble": config.ensemble.model_dump(mode="json")}
        return {"grid": list(self.model.grid.shape), "training": self.config.science(), "model": model}

    def trained(self, numbers: Numbers) -> OceanModel:
        """The model with other numbers."""
        return self.learner.rebuild({name: jax.numpy.asarray(np.asarray(x)) for name, x in numbers.items()})


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """A setup with its truth.

    Attributes:
      setup, truth: see there.
      periods: train and validation.
      statistics: of the training period.
    """

    setup: Setup
    truth: Truth | LayersTruth
    periods: dict[str, Period]
    statistics: Statistics

    @classmethod
    def prepare(cls, setup: Setup, base: Path, directory: Path, say: Callable[[str], None]) -> Material:
        """Open the truth or make it in `directory`, and its statistics.  Raises UserError."""
        config, model, form = setup.config, setup.model, setup.learner.form
        truth = form.open_truth(config, model, base, directory, say)
        if config.truth.in_memory:
            truth = truth.in_memory()
        periods = truth.split(config.periods.model_dump())
        statistics = form.statistics(config, truth, periods["train"], model, base, directory)
        return cls(setup, truth, periods, statistics)

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Records between the saved states of each stage.  Raises UserError if the training period is too short."""
        strides = []
        for number, stage in enumerate(self.setup.config.stages):
            if stage.mode == "tendency":
                strides.append(1)
                self.held_truth  # noqa: B018  what is missing shows before the first iteration
                continue
            seconds = round(stage.interval * self.setup.model.time_step)
            strides.append(self.truth.stride(seconds, f"stages[{number}].save_every"))
            self._starts(stage, strides[-1])
        return tuple(strides)

    def _starts(self, stage: StageConfig, stride: int) -> np.ndarray:
        """First records of the windows that a stage learns from.  Raises UserError if there are none."""
        starts = self.truth.starts(self.periods["train"], stage.records, stride)
        months = self.setup.config.held_out_months
        if months:
            starts, _ = starts_by_month(starts, self.truth, stage.records, stride, months)
        if not len(starts):
            raise UserError(f"held_out_months = {list(months)} leave no forecast of {stage.steps} steps to learn from")
        return starts

    @cached_property
    def held_truth(self) -> Truth | LayersTruth:
        """The truth with the increments that stages of tendencies learn.  Raises UserError if it has none."""
        return self.truth.with_increments("mode = tendency or scale = increment")

    def static(self, stage: StageConfig, loss) -> Static:
        """Arrays of a stage, on all devices; held-out regions do not count.  Raises UserError if it does not fit."""
        config, model, learner = self.setup.config, self.setup.model, self.setup.learner
        counted = outside(config.held_out, model.grid) if config.held_out else None
        return learner.static(model, self.loss(stage, loss, counted))

    def loss(self, stage: StageConfig, config: LossConfig, masks: dict[str, np.ndarray] | None = None) -> Loss:
        """Of a stage, where `masks` by variable are True.  Raises UserError if it does not fit."""
        held = lambda: self.held_truth  # noqa: E731  read once, where it is needed
        loss = self.setup.learner.form.loss(config, stage, self.setup.model, held, self.statistics, masks)
        if config.local_scale == 0:
            return loss
        for name in loss.inverse_scales:
            if name not in self.local_spread:
                raise UserError(
                    f"loss.local_scale is {config.local_scale:g}, but the truth holds no {name}; expected 0, or "
                    f"variables among {', '.join(self.local_spread)}"
                )
        return loss.with_local_scales(self.local_spread, config.local_scale, config.smallest_scale)

    @cached_property
    def local_spread(self) -> dict[str, np.ndarray]:
        """Root mean square of the truth's changes from record to record in the training period, (nz, ny, nx)."""
        period = self.periods["train"]
        fields = self.truth.window(period.begin, len(period)).ocean
        known = {f.name: getattr(fields, f.name) for f in dataclasses.fields(fields)}
        spread = {n: np.sqrt((np.diff(a, axis=0) ** 2).mean(0)) for n, a in known.items() if isinstance(a, np.ndarray)}
        return {name: a if a.ndim == 3 else a[None] for name, a in spread.items()}

    def batches(self, iteration: int) -> Iterator[Batch]:
        """Batches from an iteration of the whole training to the end of its stage.

        Each is a pure function of the seed and its iteration.  Of the truth this process reads the windows that its
        devices work on.
        """
        config, learner = self.setup.config, self.setup.learner
        number, done = config.stage_at(iteration)
        stage, stride = config.stages[number], self.strides[number]
        part = devices.share(learner.mesh, stage.batch)
        windows = loader.batches(
            self.held_truth if stage.mode == "tendency" else self.truth,
            self._starts(stage, stride),
            records=stage.records,
            stride=stride,
            batch_size=stage.batch // part[1],
            seed=(config.seed + number) % 2**32,
            first=done,
            part=part,
        )
        for at, window in enumerate(itertools.islice(windows, stage.iterations - done), iteration):
            yield learner.batch(jax.random.fold_in(jax.random.key(config.seed), at), window, stage.batch)

    def validation(self) -> Validation | None:
        """Forecasts of the held-out period, if they are asked for."""
        config, setup = self.setup.config, self.setup
        if config.validation is None:
            return None
        period = self.periods["validation"]
        months = config.held_out_months
        validation = Validation.build(config.validation, self.truth, period, setup.model, setup.learner, months)
        loss = config.loss.model_copy(update={"lead_weights": None, "lead_decay": None})
        validation.static = self.static(validation.stage, loss)
        if config.held_out:
            masks = within(config.held_out, setup.model.grid)
            weights = self.loss(validation.stage, loss, masks).weights
            validation.held_out = devices.everywhere(setup.learner.mesh, weights, setup.model.grid.shape[1:])
        return validation
