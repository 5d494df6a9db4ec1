"""A training run as typed, validated data: YAML in, `TrainConfig` out, mistakes as one clear sentence."""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import cos, pi
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from ocean_gcm.clock import Duration, TimeConfig
from ocean_gcm.config import Config, config_from_dict
from ocean_gcm.errors import UserError
from ocean_gcm.experiment import Experiment
from ocean_gcm.metrics.loss import LossConfig
from ocean_gcm.section import Named, Section
from ocean_gcm.validation import validated
from ocean_gcm.yaml_tree import dump_tree, file_of, is_relative, merged, read_kind

Moment = float | str
"""A share of the records, 0 to 1, or a date YYYY-MM-DD."""

_PATHS = ("start", "truth.path", "truth.statistics")
"""Keys whose paths count from the file where they stand."""

Region = tuple[float, float, float, float]
"""West, east, south, north in degrees or m."""


def _experiment(tree: Any) -> Experiment:
    """The model's configuration from its keys.  Raises UserError."""
    if not isinstance(tree, dict | Experiment):
        raise UserError(f"model is {tree!r}; expected a section of keys and values")
    config = config_from_dict(tree, "model") if isinstance(tree, dict) else tree
    # layers have forcings of another kind
    if isinstance(config, Config) and config.forcing is not None:
        raise UserError(
            f"model.forcing.path is {config.forcing.path}; expected model.forcing: null, since a model is trained with "
            "its repeating year"
        )
    return config


class MadeTruth(Section):
    """When the records of a truth that the training makes lie."""

    spinup: Duration = pydantic.Field("P30D", description="time before the first record, ISO-8601 duration")
    duration: Duration = pydantic.Field("P30D", description="length of the truth, ISO-8601 duration")
    interval: Duration = pydantic.Field("P1D", description="time between records, ISO-8601 duration")

    def steps(self, time: TimeConfig, key: str) -> tuple[int, int, int]:
        """Time steps of spin-up, interval and duration.  Raises UserError, which names `key`."""
        names = ("spinup", "interval", "duration")
        return tuple(time.require_whole_steps(f"{key}.{name}", getattr(self, name)) for name in names)


class SimulatedTruth(MadeTruth):
    """A truth that is made at the beginning of the training, by a model on the same grid (a twin experiment)."""

    model: dict[str, Any] = pydantic.Field({}, description="keys in which its model differs from the trained one")


class ObservedTruth(MadeTruth):
    """A truth that is made of observations: the model that training begins with, its tracers held to a climatology."""

    path: str = pydantic.Field(description="NetCDF file or Zarr store of the climatology (a path; $NAME is replaced)")
    temperature: str = pydantic.Field(description="name of the temperature, in the file in degC or K")
    salinity: str = pydantic.Field(description="name of the salinity, in the file in g kg-1 or practical")
    missing: Literal["error", "nearest"] = pydantic.Field(
        "error", description="wet points without a value in the file: refuse them, or take the nearest value"
    )
    relaxation: Duration = pydantic.Field(
        "P30D", description="time scale that tracers are held with, ISO-8601 duration"
    )


class TruthConfig(Section):
    """What the model is compared with: states at moments on its own grid."""

    path: str | None = pydantic.Field(
        None, description="Zarr store or NetCDF file with thetao, so, uo, vo, zos; of layers with pv"
    )
    simulate: SimulatedTruth | None = pydantic.Field(None, description="or how to make it by a model")
    observe: ObservedTruth | None = pydantic.Field(None, description="or how to make it of an observed climatology")
    statistics: str | None = pydantic.Field(None, description="file of its statistics (JSON); null: computed from it")
    in_memory: bool = pydantic.Field(True, description="read all of it at once; false where it is larger than memory")

    @pydantic.model_validator(mode="after")
    def _one_source(self):
        if sum(source is not None for source in (self.path, self.simulate, self.observe)) != 1:
            raise UserError("truth needs exactly one of the keys path, simulate and observe")
        return self


class PeriodsConfig(Section):
    """Parts of the truth, each from a beginning to an end; shares of the records (0 to 1) or dates."""

    train: tuple[Moment, Moment] = pydantic.Field((0.0, 0.8), description="what is learned from")
    validation: tuple[Moment, Moment] = pydantic.Field((0.8, 1.0), description="what is held out")


class OptimizerConfig(Section):
    """AdamW (Loshchilov and Hutter 2019) behind a clipping by the global norm; its rate belongs to the stages."""

    beta1: float = pydantic.Field(0.9, ge=0, lt=1, description="memory of the mean of the gradient, no unit")
    beta2: float = pydantic.Field(0.99, ge=0, lt=1, description="memory of the mean of its square, no unit")
    weight_decay: float = pydantic.Field(0.0, ge=0, description="decay of matrices (not of single numbers), per rate")
    clip: float | None = pydantic.Field(1.0, gt=0, description="largest global norm of a gradient; null: none")
    average_decay: float | None = pydantic.Field(
        None, gt=0, lt=1, description="memory of the mean of the parameters that is exported; null: the last ones are"
    )


class StageConfig(Section):
    """A stage of the curriculum: forecasts of one length, or tendencies."""

    mode: Literal["forecast", "tendency", "emulator", "emulated"] = pydantic.Field(
        "forecast",
        description="forecast: through the model, a posteriori; tendency: what closures add to tracers against the "
        "increments of a truth that observations hold, or to layers against their subgrid source, a priori, as the "
        "errors that they make within the steps; emulator: fit the section emulator to steps of the core from "
        "states of forecasts; emulated: as forecast, with the emulator's derivatives in place of the core's, while it "
        "goes on learning",
    )
    steps: int = pydantic.Field(gt=0, description="length of a forecast in steps of the model")
    save_every: int | None = pydantic.Field(
        None, gt=0, description="steps between the states that the loss sees; null: only the last one"
    )
    iterations: int = pydantic.Field(gt=0, description="updates of the parameters")
    learning_rate: float = pydantic.Field(gt=0, description="the largest, reached after the warm-up; no unit")
    warmup: int = pydantic.Field(0, ge=0, description="iterations in which the rate rises from zero")
    final_share: float = pydantic.Field(
        0.0, ge=0, le=1, description="rate at the end over the largest; it falls like a cosine; 1: it stays"
    )
    batch: int = pydantic.Field(4, gt=0, description="forecasts per update")
    members: int = pydantic.Field(1, gt=0, description="members of each forecast")
    perturb: Literal["initial", "noise"] = pydantic.Field(
        "initial", description="how members differ: initial states and noise, or only noise"
    )
    draw: Duration | None = pydantic.Field(
        None,
        description="with mode: tendency and members: time scale over which what is learned is to draw tracers of "
        "perturbed states back, ISO-8601 duration; null: perturbed states should have the tendencies of the others",
    )
    offload: bool = pydantic.Field(
        False, description="keep the states for the gradient in the memory of the host: slower, on accelerators smaller"
    )
    loss: dict[str, Any] = pydantic.Field({}, description="keys of the section loss that differ in this stage")
    trainable: Named[str | tuple[float, float]] | None = pydantic.Field(
        None,
        description="patterns as those of the training, in place of them in this stage; all else stays as it would be "
        "exported; null: those of the training",
    )

    @pydantic.model_validator(mode="after")
    def _divides(self):
        if self.mode == "tendency" and (self.save_every or self.perturb == "noise"):
            raise UserError("mode = tendency knows no saved times and no noise; expected no save_every and no perturb")
        if self.draw is not None and (self.mode != "tendency" or self.members == 1):
            raise UserError(f"draw is {self.draw!r}; expected null without mode: tendency and members of 2 or more")
        if self.steps % self.interval:
            raise UserError(f"save_every = {self.save_every} does not divide steps = {self.steps}")
        return self

    @property
    def interval(self) -> int:
        """Steps between the states that the loss sees."""
        return self.save_every or self.steps

    @property
    def cost(self) -> int:
        """Of an iteration: steps of the model in all its forecasts."""
        return self.batch * self.members * (1 if self.mode == "tendency" else self.steps)

    @property
    def records(self) -> int:
        """States of the truth that a forecast needs, its start among them; tendencies need no other."""
        return 1 if self.mode == "tendency" else self.steps // self.interval + 1

    @property
    def times(self) -> int:
        """States that the loss sees."""
        return self.steps // self.interval

    def leads(self, time_step: float) -> list[float]:
        """Seconds from the start to the states that the loss sees."""
        return [(n + 1) * self.interval * time_step for n in range(self.times)]

    def rate(self, iteration: int) -> float:
        """The learning rate of an iteration of the stage, counted from 0."""
        if iteration < self.warmup:
            return self.learning_rate * (iteration + 1) / (self.warmup + 1)
        share = (iteration - self.warmup) / max(self.iterations - self.warmup, 1)
        return self.learning_rate * (self.final_share + (1 - self.final_share) * 0.5 * (1 + cos(pi * share)))


class CheckpointConfig(Section):
    """When the training is saved."""

    every: int = pydantic.Field(100, gt=0, description="iterations between checkpoints")
    keep: int = pydantic.Field(3, ge=1, description="number of the latest checkpoints that are kept")


class ValidationConfig(Section):
    """Forecasts of the held-out period, beside those of the untrained model."""

    every: int | None = pydantic.Field(None, gt=0, description="iterations between validations; null: at the end only")
    leads: tuple[Duration, ...] = pydantic.Field(description="lead times, multiples of the first, ISO-8601 durations")
    starts: int = pydantic.Field(4, gt=0, description="number of initial states, evenly over the period")


class RecoveryConfig(Section):
    """What happens when updates are not finite: they are skipped, and many in a row lead back to a checkpoint."""

    skips: int = pydantic.Field(10, gt=0, description="skipped updates in a row that lead back to a checkpoint")
    factor: float = pydantic.Field(0.5, gt=0, lt=1, description="what the learning rate is multiplied by then")
    most: int = pydantic.Field(5, ge=0, description="returns to a checkpoint after which the training gives up")


class MeshConfig(Section):
    """Devices along each axis; their product is the number of devices that are used."""

    batch: int | None = pydantic.Field(None, gt=0, description="devices that share a batch; null: all that are left")
    ensemble: int = pydantic.Field(1, gt=0, description="devices that share the members of a forecast")
    y: int = pydantic.Field(1, gt=0, description="devices that share the rows of the grid")
    x: int = pydantic.Field(1, gt=0, description="devices that share the columns of the grid")


class TrainConfig(Section):
    """One training run; the keys of a file in configs/train/."""

    name: str = pydantic.Field(description="name of the training, for the reader")
    description: str = pydantic.Field("", description="what it is, for the reader")
    seed: int = pydantic.Field(0, ge=0, lt=2**32, description="seed of the order of the data and of all noise")
    model: Annotated[pydantic.SerializeAsAny[Experiment], pydantic.PlainValidator(_experiment)] = pydantic.Field(
        description="configuration of the model that is trained; base names the file that it begins with"
    )
    start: str | None = pydantic.Field(
        None, description="exported model or training run whose variables are begun with; others are as configured"
    )
    truth: TruthConfig = pydantic.Field(description="what it learns from")
    periods: PeriodsConfig = pydantic.Field(PeriodsConfig(), description="what is learned from and what is held out")
    held_out: tuple[Region, ...] = pydantic.Field(
        (),
        description="regions that are not learned from, at all depths: [west, east, south, north] in degrees or m",
    )
    held_out_months: tuple[Annotated[int, pydantic.Field(ge=1, le=12)], ...] = pydantic.Field(
        (),
        description="months that are not learned from, 1 to 12; validations begin in them",
    )
    trainable: Named[str | tuple[float, float]] = pydantic.Field(
        description="patterns of parameters' paths, each with auto, identity, positive or [low, high]"
    )
    emulator: dict[str, Any] | None = pydantic.Field(
        None,
        description="network that stands for the core in gradients of stages of mode emulated, with the keys of a "
        "closure neural_tendencies or, of layers, neural_source; null: none",
    )
    loss: LossConfig = pydantic.Field(description="what is made small")
    optimizer: OptimizerConfig = pydantic.Field(OptimizerConfig(), description="how")
    stages: tuple[StageConfig, ...] = pydantic.Field(min_length=1, description="the curriculum")
    checkpoints: CheckpointConfig = pydantic.Field(CheckpointConfig(), description="when the training is saved")
    validation: ValidationConfig | None = pydantic.Field(None, description="forecasts of what is held out; null: none")
    recovery: RecoveryConfig = pydantic.Field(RecoveryConfig(), description="what happens when it is not finite")
    mesh: MeshConfig = pydantic.Field(MeshConfig(), description="how work is spread over devices")

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if not self.trainable:
            raise UserError("trainable is empty; expected a pattern such as closures.**: auto")
        for number, stage in enumerate(self.stages):
            if stage.trainable is not None and not stage.trainable:
                raise UserError(f"stages[{number}].trainable is empty; expected a pattern, or null")
            for name, term in self.loss_of(number).terms.items():
                if stage.mode in ("forecast", "emulated") and stage.members < term.fewest_members:
                    raise UserError(
                        f"stages[{number}].members is {stage.members}; expected at least {term.fewest_members} for the "
                        f"term {name!r} of the loss ({term.kind}), or a term such as absolute_error"
                    )
            if self.emulator is None and stage.mode in ("emulator", "emulated"):
                raise UserError(f"stages[{number}].mode is {stage.mode!r}; expected a section emulator with it")
        return self

    @pydantic.field_validator("held_out")
    @classmethod
    def _regions(cls, regions):
        for region in regions:
            west, east, south, north = region
            if not (west < east and south < north):
                raise UserError(f"held_out contains {list(region)}; expected [west, east, south, north], ascending")
        return regions

    @property
    def iterations(self) -> int:
        return sum(stage.iterations for stage in self.stages)

    @property
    def patterns(self) -> dict[str, Any]:
        """Of all that any stage trains, with transforms; those of the training come first."""
        return dict(self.trainable) | {
            pattern: transform
            for stage in self.stages
            for pattern, transform in (stage.trainable or {}).items()
            if pattern not in self.trainable
        }

    def stage_at(self, iteration: int) -> tuple[int, int]:
        """(stage, iteration in it) of an iteration of the whole training."""
        for number, stage in enumerate(self.stages):
            if iteration < stage.iterations:
                return number, iteration
            iteration -= stage.iterations
        raise IndexError("past the last stage")

    def loss_of(self, stage: int) -> LossConfig:
        """The loss of a stage.  Raises UserError."""
        changes = self.stages[stage].loss
        return validated(LossConfig, merged(self.loss.model_dump(mode="json"), changes), f"stages[{stage}].loss")

    def to_yaml(self) -> str:
        """All keys with their values, defaults included."""
        return dump_tree(self.model_dump(mode="json"))

    def science(self) -> dict[str, Any]:
        """All that decides the numbers of the training besides the model's own configuration."""
        tree = self.model_dump(
            mode="json", exclude={"name", "description", "model", "checkpoints", "validation", "mesh"}
        )
        for where, key in ((tree["truth"], "in_memory"), *((stage, "offload") for stage in tree["stages"])):
            del where[key]
        for stage in tree["stages"]:
            if stage["trainable"] is None:  # trainings from before there was this key go on
                del stage["trainable"]
        return tree


def located(path: str | Path, directory: Path) -> str | Path:
    """A path of the configuration; a relative one counts from `directory`."""
    return directory / path if is_relative(path) else path


def load_train_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> TrainConfig:
    """Read a training run from a YAML file; `overrides` are texts such as "stages.0.iterations=10" or "seed=1".

    Raises UserError, one sentence with the key, the value found and what was expected.
    """
    overrides = list(overrides)
    tree = read_kind("a training", path, overrides, paths=_PATHS)
    return validated(TrainConfig, tree, lambda mistake: file_of(path, mistake, overrides))
