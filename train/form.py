"""What a training needs to know of a dynamical core besides its model: one object, chosen when it is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ocean_gcm.experiment import Experiment
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment
from train import layers_form, ocean_form


@dataclasses.dataclass(frozen=True)
class Form:
    """How a core is trained.

    Attributes:
      require: (config, model, mesh) raises UserError for sections of a training that do not fit the core.
      open_truth: (config, model, base, directory, say) -> the truth, made in `directory` where the training makes it.
      statistics: (config, truth, period, model, base, directory) -> of the period, computed once.
      loss: (config, stage, model, held, statistics, masks) -> the loss of a stage; `held()` is the truth with its
        increments.
      lacks: (increments by name) -> fields, what closures should add in a stage of tendencies, per second.
      changes: (model, forcing, stage, (fields, clock, bits of a key), numbers of members, each) -> (member, ...) fields
        that closures add, per second; `each(function, arrays)` applies a function along their leading axis.
      emulator: (keys of the section emulator, model) -> module that gives the tendencies of the core's own equations
        that `known_step` lacks, in columns, by the name of the field (`train.emulation.Tendencies`); raises UserError.
      known_step: (core, static, prepared, fields, effects) -> fields a step later, as far as derivatives are at hand
        without the solver's adjoint: what closures change and, of the finite-volume core, linear waves.
      surface: (fields with a leading axis of time) -> (time, ny, nx) by name, what figures show.
      draw: (path, model, leads, scores, rollout, title) writes a figure of a validation.
    """

    require: Callable[..., None]
    open_truth: Callable[..., Any]
    statistics: Callable[..., Any]
    loss: Callable[..., Any]
    lacks: Callable[..., Any]
    changes: Callable[..., Any]
    emulator: Callable[..., Any]
    known_step: Callable[..., Any]
    surface: Callable[..., dict[str, Any]]
    draw: Callable[..., Any]


def _form(module: Any) -> Form:
    return Form(**{field.name: getattr(module, field.name) for field in dataclasses.fields(Form)})


OCEAN, LAYERS = _form(ocean_form), _form(layers_form)


def form_of(config: Experiment) -> Form:
    """The form of the core of an experiment."""
    return LAYERS if isinstance(config, LayersExperiment) else OCEAN
