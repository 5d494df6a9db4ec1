r"""Learning through a solver without its adjoint (Frezat et al. 2024, arXiv:2310.19385): a network stands for it in the
gradient.

The emulator N gives the tendency of the core's own equations, so that a step with the closures' source s is

    E(q, s) = q + dt (N(q) + s).

Forecasts are those of the solver M: a step gives M(q, s) + E(q, s) - stop(E(q, s)), in value M(q, s) and E(q, s)
in its derivatives.  The closures' loss is therefore that of the true trajectory, and only its gradient is approximate;
it does not reach the emulator.  That has a loss of its own, the share of the solver's tendency that it misses,

    |N(q) - (M(q, 0) - q)/dt|^2 / |(M(q, 0) - q)/dt|^2,

in states of the truth (stages of mode emulator) or of the forecasts that are made (mode emulated).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import pydantic
from flax import nnx

from ocean_gcm.closures.interface import Effects
from ocean_gcm.closures.layers.neural_source import NeuralSourceConfig
from ocean_gcm.closures.trainable import split
from ocean_gcm.dynamics.interface import Core
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Layers

PREFIX = "emulator."
"""Of the emulator's numbers among those that are trained."""

Tendency = Callable[[Any], jax.Array]
"""From columns to the tendency of potential vorticity, (nz, ny, nx) in s-2."""


class EmulatorConfig(NeuralSourceConfig):
    """The network that stands for the solver in gradients: a `neural_source` of its own."""

    size: float = pydantic.Field(1.0, gt=0, description="the tendency for an output of one in its scale (1)")

    @pydantic.field_validator("random")
    @classmethod
    def _not_random(cls, random):
        if random is not None:
            raise UserError("emulator.random is given; a solver is not random: expected null")
        return random


@dataclasses.dataclass(frozen=True, eq=False)
class EmulatedCore:
    """A core whose steps have the derivatives of an emulator; see `ocean_gcm.dynamics.interface.Core`.

    Attributes:
      core: whose steps are made.
      emulator: from the model's arrays to the emulator's tendency.
    """

    core: Core
    emulator: Callable[[Mapping[str, jax.Array]], Tendency]

    grid = property(lambda self: self.core.grid)
    time_step = property(lambda self: self.core.time_step)
    diagnostics = property(lambda self: self.core.diagnostics)

    def part(self, mesh_y, mesh_x):
        return dataclasses.replace(self, core=self.core.part(mesh_y, mesh_x))

    def arrays(self, dtype):
        return self.core.arrays(dtype)

    def static(self, arrays):
        return self.core.static(arrays), self.emulator(arrays)

    def fields(self, given, dtype):
        return self.core.fields(given, dtype)

    def cleaned(self, arrays, fields, dtype):
        return self.core.cleaned(arrays, fields, dtype)

    def first_stepper(self, fields, tendency):
        return self.core.first_stepper(fields, tendency)

    def tendency(self, static, fields):
        return self.core.tendency(static[0], fields)

    def prepare(self, static, fields):
        return fields, self.core.prepare(static[0], fields)

    def columns(self, static, prepared, surface, interval):
        return self.core.columns(static[0], prepared[1], surface, interval)

    def advance(self, static, prepared, stepper, effects, surface):
        (own, emulator), (fields, known) = static, prepared
        fixed = jax.lax.stop_gradient((known, stepper, effects))
        after, stepper, diagnostics = self.core.advance(own, *fixed, surface)
        exact = jax.lax.stop_gradient(after.potential_vorticity)
        change = emulator(self.core.columns(own, known, surface, self.time_step))
        source = effects.potential_vorticity_source
        like = fields.potential_vorticity + self.time_step * (change if source is None else change + source)
        # values of the solver to the last bit, derivatives of the emulator
        return Layers(exact + (like - jax.lax.stop_gradient(like))), jax.lax.stop_gradient(stepper), diagnostics


@dataclasses.dataclass(frozen=True, eq=False)
class Emulation:
    """An emulator and how it is trained.

    Attributes:
      numbers: of the emulator at the start, by path with `PREFIX`.
      rebuild: numbers -> the emulator.
    """

    numbers: dict[str, jax.Array]
    rebuild: Callable[[Mapping[str, jax.Array]], nnx.Module]

    @classmethod
    def build(cls, config: EmulatorConfig, model: OceanModel) -> Emulation:
        """For the core of a model of layers."""
        numbers, rebuild = split(config.build(model.grid, model.dtype), {"network.**": "auto"})
        prefixed = {PREFIX + name: number for name, number in numbers.items()}
        return cls(prefixed, lambda given: rebuild({name: given[PREFIX + name] for name in numbers}))

    def tendency(self, numbers: Mapping[str, jax.Array]) -> Tendency:
        """The emulator's, as a function of columns."""
        emulator = self.rebuild(numbers)
        return lambda columns: emulator(columns, (), None)[0].potential_vorticity_source

    def through(self, model: OceanModel, numbers: Mapping[str, jax.Array]) -> OceanModel:
        """The model with derivatives of the emulator in its steps; changes `model`, which it returns."""
        own = {name: jax.lax.stop_gradient(number) for name, number in numbers.items() if name.startswith(PREFIX)}
        model.grid_arrays = {**model.grid_arrays, **own}
        model.blueprint = dataclasses.replace(model.blueprint, core=EmulatedCore(model.core, self.tendency))
        return model

    def missed(self, model: OceanModel, numbers: Mapping[str, jax.Array]) -> Callable[[Layers], Any]:
        """Function of fields to what the emulator misses of the tendency of the model's core there.

        It gives mean squares, (nz,) in s-4, of the error and of the tendency.
        """
        core, static, emulator = model.core, model.metrics(), self.tendency(numbers)

        def missed(fields: Layers) -> tuple[jax.Array, jax.Array]:
            fields = jax.lax.stop_gradient(fields)
            prepared = core.prepare(static, fields)
            stepper = core.first_stepper(fields, lambda: None)
            after, _, _ = core.advance(static, prepared, stepper, Effects(), None)
            wanted = (after.potential_vorticity - fields.potential_vorticity) / model.time_step
            error = emulator(core.columns(static, prepared, None, model.time_step)) - jax.lax.stop_gradient(wanted)
            return (error**2).mean((-2, -1)), (wanted**2).mean((-2, -1))

        return missed
