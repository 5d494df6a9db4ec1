r"""Learning through a solver without its adjoint (Frezat et al. 2024, arXiv:2310.19385): a network stands for it in the
gradient.

Of a step of the core with the effects e of the closures, a part K is known, whose derivatives are at hand: what the
closures change, and of the finite-volume core its linear waves.  The emulator N gives the tendency of the rest, so
that a step is

    E(x, e) = K(x, e) + dt N(x).

Forecasts are those of the solver M: a step gives M(x, e) + E(x, e) - stop(E(x, e)), in value M(x, e) and E(x, e)
in its derivatives.  The closures' loss is therefore that of the true trajectory, and only its gradient is approximate;
it does not reach the emulator.  That has a loss of its own, the share of the rest that it misses,

    |N(x) - (M(x, 0) - K(x, 0))/dt|^2 / |(M(x, 0) - K(x, 0))/dt|^2,

of each level of each variable in its own scale, in the states of the forecasts that are made, before the closures learn
(stages of mode emulator) and while they do (mode emulated).  What is the core's own - the network and K - comes from
its `train.form.Form`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
from flax import nnx

from ocean_gcm.closures.interface import Effects
from ocean_gcm.closures.trainable import split
from ocean_gcm.dynamics.interface import Core
from ocean_gcm.model import OceanModel

PREFIX = "emulator."
"""Of the emulator's numbers among those that are trained."""

ROUNDING = 10.0
"""Tendencies below that many roundings of the field in a step do not count: there is nothing to learn in them."""


def of_emulator(own: bool, numbers: Mapping[str, Any]) -> dict[str, bool]:
    """Which of the numbers that are trained are the emulator's, or (`own` False) are not."""
    return {name: name.startswith(PREFIX) == own for name in numbers}


Tendencies = Callable[[Any], dict[str, jax.Array]]
"""From columns to the tendencies of the core's fields by name, per second; those that are not named are zero."""

KnownStep = Callable[[Core, Any, Any, Any, Effects], Any]
"""(core, static, prepared, fields, effects) -> fields a step later, as far as it is known: K."""


@dataclasses.dataclass(frozen=True, eq=False)
class EmulatedCore:
    """A core whose steps have the derivatives of an emulator; see `ocean_gcm.dynamics.interface.Core`.

    Attributes:
      core: whose steps are made.
      emulator: from the model's arrays to the emulator's tendencies.
      known_step: see there.
    """

    core: Core
    emulator: Callable[[Mapping[str, jax.Array]], Tendencies]
    known_step: KnownStep

    grid = property(lambda self: self.core.grid)
    time_step = property(lambda self: self.core.time_step)
    diagnostics = property(lambda self: self.core.diagnostics)

    def part(self, mesh_y, mesh_x):
        return dataclasses.replace(self, core=self.core.part(mesh_y, mesh_x))

    def arrays(self, dtype):
        return self.core.arrays(dtype)

    def static(self, arrays):
        of_core = {name: array for name, array in arrays.items() if not name.startswith(PREFIX)}
        return self.core.static(of_core), self.emulator(arrays)

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
        fields, known = prepared
        stop, apart = jax.lax.stop_gradient, jax.lax.optimization_barrier
        # what is computed for the derivatives must not change how the compiler rounds the solver's step
        exact, stepper, diagnostics = apart(self.core.advance(static[0], *stop((known, stepper, effects)), surface))
        like = self._emulated(static, *apart((fields, effects)), surface)
        # values of the solver, derivatives of the emulator
        after = jax.tree.map(lambda x, e: stop(x) + (e - stop(e)), exact, like)
        return after, stop(stepper), diagnostics

    def _emulated(self, static, fields, effects, surface):
        """E(x, e)."""
        own, emulator = static
        prepared = self.core.prepare(own, fields)
        known = self.known_step(self.core, own, prepared, fields, effects)
        found = emulator(self.core.columns(own, prepared, surface, self.time_step))
        changed = {name: getattr(known, name) + self.time_step * rate for name, rate in found.items()}
        return dataclasses.replace(known, **changed)


@dataclasses.dataclass(frozen=True, eq=False)
class Emulation:
    """An emulator and how it is trained.

    Attributes:
      numbers: of the emulator at the start, by path with `PREFIX`.
      rebuild: numbers -> the emulator.
      known_step: see there.
    """

    numbers: dict[str, jax.Array]
    rebuild: Callable[[Mapping[str, jax.Array]], Tendencies]
    known_step: KnownStep

    @classmethod
    def build(cls, emulator: nnx.Module, known_step: KnownStep) -> Emulation:
        """Of a module that gives `Tendencies`; all its parameters are trained."""
        numbers, rebuild = split(emulator, {"**": "identity"})
        prefixed = {PREFIX + name: number for name, number in numbers.items()}
        return cls(prefixed, lambda given: rebuild({name: given[PREFIX + name] for name in numbers}), known_step)

    def through(self, model: OceanModel, numbers: Mapping[str, jax.Array]) -> OceanModel:
        """The model with derivatives of the emulator in its steps; changes `model`, which it returns."""
        own = {name: jax.lax.stop_gradient(number) for name, number in numbers.items() if name.startswith(PREFIX)}
        model.grid_arrays = {**model.grid_arrays, **own}
        core = EmulatedCore(model.core, self.rebuild, self.known_step)
        model.blueprint = dataclasses.replace(model.blueprint, core=core)
        return model

    def missed(
        self, model: OceanModel, numbers: Mapping[str, jax.Array], forcing: Any
    ) -> Callable[[Any, jdt.Timedelta], dict[str, list[jax.Array]]]:
        """Function of fields and their time since the model's start to what the emulator misses there.

        It gives mean squares by the name of the field, of each level: of what is missed of the tendency of the model's
        core that is not known, of that tendency, and of what rounding hides.  All are zero on land.
        """
        core, static, emulator = model.core, model.metrics(), self.rebuild(numbers)
        negligible = ROUNDING * jnp.finfo(model.dtype).eps / model.time_step

        def missed(fields: Any, time: jdt.Timedelta) -> dict[str, list[jax.Array]]:
            fields, surface = jax.lax.stop_gradient(fields), forcing.at(time)
            prepared = core.prepare(static, fields)
            stepper = core.first_stepper(fields, lambda: core.tendency(static, fields))
            after, _, _ = core.advance(static, prepared, stepper, Effects(), surface)
            known, result = self.known_step(core, static, prepared, fields, Effects()), {}
            for name, found in emulator(core.columns(static, prepared, surface, model.time_step)).items():
                wanted = jax.lax.stop_gradient((getattr(after, name) - getattr(known, name)) / model.time_step)
                hidden = negligible * getattr(fields, name)
                result[name] = [jnp.mean(x**2, (-2, -1)) for x in (found - wanted, wanted, hidden)]
            return result

        return missed


def shares(squares: Mapping[str, list[jax.Array]]) -> tuple[jax.Array, dict[str, jax.Array]]:
    """What is missed as a share (of all fields, of each by name) of means of what `Emulation.missed` gives."""
    parts, everything = {}, {}
    for name, (error, size, hidden) in squares.items():
        tiny = jnp.finfo(error.dtype).tiny
        parts[name] = jnp.mean(error / (size + hidden + tiny))
        # one, or less where there is nothing to learn
        everything[name] = jnp.mean(size / (size + hidden + tiny)) + tiny
    return sum(parts.values()) / sum(everything.values()), {name: parts[name] / everything[name] for name in parts}
