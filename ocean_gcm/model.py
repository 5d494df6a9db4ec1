"""The model: a dynamical core, closures by name, and the step that joins them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
from flax import nnx

from ocean_gcm import rollout
from ocean_gcm.closures.interface import Closure, Effects, Timed
from ocean_gcm.dynamics.interface import Core
from ocean_gcm.encoding.correction import Correction
from ocean_gcm.state import State

_MEMORY, _ENCODER, _DECODER = 0x6D656D6F, 0x656E636F, 0x6465636F
"""Set apart from the keys of the steps, which are the splits of the same key."""


@dataclasses.dataclass(frozen=True, eq=False)
class Blueprint:
    """All that is fixed when a model is built; compared by identity, never traced.

    Attributes:
      config: the experiment.
      core: the dynamical core.
      forcing: what acts from outside, a pytree whose `at(time)` the core understands.
      initial: fields at the start by name, on the host.
      dtype: of the model's arrays.
      physics_steps: time steps for which the effects of the closures are held.
      perturb: makes the members of an ensemble, as `OceanModel.ensemble` does.
    """

    config: Any
    core: Core
    forcing: Any
    initial: dict[str, np.ndarray]
    dtype: Any
    physics_steps: int
    perturb: Callable[..., State]

    def part(self, mesh_y: int, mesh_x: int) -> Blueprint:
        """The same for the steps of one of `mesh_y` times `mesh_x` equal parts of the grid, inside `jax.shard_map`."""
        return dataclasses.replace(self, core=self.core.part(mesh_y, mesh_x))


class OceanModel(nnx.Module):
    """A differentiable ocean model.  A pytree: what may be learned are its `nnx.Param`s, by path.

    Attributes:
      closures: what is not resolved, by name; `closures.<name>.<coefficient>` is a path to a parameter.
      encoder, decoder: learned corrections of states from an analysis, and of states that are decoded; or None.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        closures: dict[str, Closure],
        encoder: Correction | None = None,
        decoder: Correction | None = None,
    ):
        self.blueprint = blueprint
        self.grid_arrays = nnx.data(blueprint.core.arrays(blueprint.dtype))
        self.closures = nnx.Dict(closures)
        self.encoder, self.decoder = encoder, decoder

    # ---- what the model is ----
    @property
    def config(self):
        return self.blueprint.config

    @property
    def core(self) -> Core:
        return self.blueprint.core

    @property
    def grid(self) -> Any:
        """Of the core; its `shape` is (nz, ny, nx)."""
        return self.core.grid

    @property
    def dtype(self):
        return self.blueprint.dtype

    @property
    def forcing(self) -> Any:
        """What acts from outside by the configuration: a `SurfaceForcing` of the finite-volume core."""
        return self.blueprint.forcing

    @property
    def time_step(self) -> float:
        """Seconds that a step of the dynamics takes."""
        return self.core.time_step

    @property
    def physics_interval(self) -> float:
        """Seconds for which the effects of the closures are held."""
        return self.time_step * self.blueprint.physics_steps

    def metrics(self) -> Any:
        """Static fields of the core for its steps; built once per compiled program, outside of its time loop."""
        # in a caller's own jit the model may be a constant: folded into the program, its arrays make it 5 times slower
        arrays = jax.lax.optimization_barrier(dict(self.grid_arrays))
        return self.core.static(arrays)

    def initial_state(self, key: jax.Array | None = None, fields: Mapping[str, np.ndarray] | None = None) -> State:
        """The state at model time 0; `key` seeds what is random (default: the configuration's seed).

        `fields` replace those of the configuration, by the names of `Ocean` and of tracers or of `Layers`, in its
        shapes and units.
        """
        ocean = self.core.fields({**self.blueprint.initial, **(fields or {})}, self.dtype)
        if key is None:
            key = jax.random.key(getattr(self.config, "seed", 0))
        start = jdt.Timedelta(jnp.int32(0), jnp.int32(0))
        return State.create(ocean, self._first_stepper(ocean), self._first_memory(key), start, key)

    def state_from(self, ocean: Any, time: jdt.Timedelta, key: jax.Array) -> State:
        """The state at model time `time` with the fields `ocean`, for instance of a truth.

        A pure function of arrays, also inside of `jax.jit` and under `jax.vmap`.  The first step from it is a forward
        Euler step, closures' memories are those of a start (of `Timed` ones, of the time), and values on land do not
        count.

        Args:
          ocean: fields in the model's shapes and units.
          time: since the model's `time.start`, 0-d.
          key: typed random key.
        """
        ocean = self._cleaned(ocean)
        memory = self._first_memory(key)
        for name, closure in self.closures.items():
            if isinstance(closure, Timed):
                memory[name] = closure.memory_at(time, self.physics_interval)
        return State.create(ocean, self._first_stepper(ocean), memory, time, key)

    def encode(self, ocean: Any, time: jdt.Timedelta, key: jax.Array, forcing: Any | None = None) -> State:
        """`state_from` fields of an analysis on the model's grid, after the learned correction of the encoder if there
        is one (its random inputs are drawn with `key`).  See `ocean_gcm.encoding` for analyses on other grids.
        """
        if self.encoder is not None:
            own = jax.random.fold_in(key, _ENCODER)
            ocean = self._corrected(self.encoder, self._cleaned(ocean), time, own, forcing)
        return self.state_from(ocean, time, key)

    def decode(self, state: State, forcing: Any | None = None) -> Any:
        """The fields of a state as an analysis would have them: after the learned correction of the decoder if there is
        one.  A pure function of arrays."""
        if self.decoder is None:
            return state.ocean
        own = jax.random.fold_in(state.key, _DECODER)
        return self._corrected(self.decoder, state.ocean, state.time, own, forcing)

    def _corrected(self, correction: Correction, ocean: Any, time, key, forcing) -> Any:
        core, static = self.core, self.metrics()
        surface = (self.forcing if forcing is None else forcing).at(time)
        prepared = core.prepare(static, ocean)
        return correction(core.columns(static, prepared, surface, self.physics_interval), ocean, key)

    def _cleaned(self, ocean: Any) -> Any:
        """The fields in the model's type, zero where the grid has nothing."""
        return self.core.cleaned(self.grid_arrays, ocean, self.dtype)

    def _first_stepper(self, ocean: Any) -> Any:
        return self.core.first_stepper(ocean, lambda: _jit_tendency(self, ocean))

    def _first_memory(self, key: jax.Array) -> dict[str, Any]:
        """Memories of the closures at a start, by name."""
        keys = jax.random.split(jax.random.fold_in(key, _MEMORY), len(self.closures) or 1)
        return {
            name: closure.initial_memory(self.grid.shape, self.dtype, k)
            for (name, closure), k in zip(self.closures.items(), keys, strict=False)
        }

    # ---- stepping ----
    def _step(self, static: Any, state: State, forcing: Any) -> tuple[State, Any]:
        blueprint, core = self.blueprint, self.core
        key, *keys = jax.random.split(state.key, len(self.closures) + 1)
        surface = forcing.at(state.time)
        prepared = core.prepare(static, state.ocean)
        columns = core.columns(static, prepared, surface, self.physics_interval)
        effects, memories = Effects(), {}
        for (name, closure), closure_key in zip(self.closures.items(), keys, strict=True):
            effect, memories[name] = closure(columns, state.closures[name], closure_key)
            effects = effects + effect
        tick = jdt.Timedelta(jnp.int32(0), jnp.int32(round(self.time_step)))
        ocean, stepper, total = core.advance(static, prepared, state.stepper, effects, surface)

        def held(carry, _):
            """A step of the dynamics with the same effects."""
            ocean, stepper, total, time = carry
            prepared = core.prepare(static, ocean)
            ocean, stepper, diagnostics = core.advance(static, prepared, stepper, effects, forcing.at(time))
            return (ocean, stepper, total + diagnostics, time + tick), None

        time = state.time + tick
        if blueprint.physics_steps > 1:
            # a scan: the program would grow with the number of steps
            carry = (ocean, stepper, total, time)
            (ocean, stepper, total, time), _ = jax.lax.scan(
                jax.checkpoint(held, prevent_cse=False), carry, length=blueprint.physics_steps - 1
            )
        return State.create(ocean, stepper, memories, time, key), total

    def step(self, state: State, forcing: Any | None = None) -> tuple[State, Any]:
        """One physics interval (`time.physics_interval`, by default one time step) further."""
        return _jit_step(self, state, self.forcing if forcing is None else forcing)

    def _calls(self, steps: int) -> int:
        per_call = self.blueprint.physics_steps
        if steps % per_call:
            raise ValueError(f"steps = {steps} is not a multiple of the {per_call} steps of a physics interval")
        return steps // per_call

    def unroll(
        self,
        state: State,
        forcing: Any | None = None,
        *,
        steps: int,
        save_every: int | None = None,
        offload: bool = False,
    ) -> tuple[State, rollout.Trajectory]:
        """`steps` time steps, keeping every `save_every`-th state (default: only the last).

        Differentiable with memory that grows like sqrt(steps); with `offload` most of it is that of the host (worth it
        where a gradient would not fit on an accelerator).  Raises ValueError if the numbers do not divide.
        """
        save_every = steps if save_every is None else save_every
        forcing = self.forcing if forcing is None else forcing
        return _jit_unroll(self, state, forcing, self._calls(steps), self._calls(save_every), offload)

    def advance(self, state: State, forcing: Any | None = None, *, steps: int) -> tuple[State, rollout.Report]:
        """`steps` time steps with their mean, for long runs (not differentiable, compiled once for all lengths)."""
        forcing = self.forcing if forcing is None else forcing
        return _jit_advance(self, state, forcing, jnp.int32(self._calls(steps)))

    def ensemble(self, state: State, key: jax.Array | None = None, *, members: int) -> State:
        """`members` states around `state` (leading axis), perturbed as the section `ensemble` says.

        `key` (default: made from that of the state) decides all of them; a member does not depend on their number.
        """
        return self.blueprint.perturb(self, state, key, members=members)

    def unroll_ensemble(
        self, states: State, forcing: Any | None = None, *, steps: int, save_every: int | None = None
    ) -> tuple[State, rollout.Trajectory]:
        """`unroll` of states with a leading member axis, such as those of `ensemble`."""
        save_every = steps if save_every is None else save_every
        forcing = self.forcing if forcing is None else forcing
        return _jit_ensemble(self, states, forcing, self._calls(steps), self._calls(save_every))

    def to_xarray(self, trajectory: rollout.Trajectory):
        """CF data set of the saved states: names, units, coordinates, bounds, land as NaN."""
        from ocean_gcm.form import dataset_from_trajectory

        return dataset_from_trajectory(self, trajectory)


@jax.jit
def _jit_step(model: OceanModel, state, forcing):
    return model._step(model.metrics(), state, forcing)


def _stepper(model, forcing):
    static = model.metrics()
    return lambda state: model._step(static, state, forcing)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def _jit_unroll(model: OceanModel, state, forcing, calls, save_every, offload):
    nothing = model.core.diagnostics.zero(model.dtype)
    return rollout.trajectory(_stepper(model, forcing), state, calls, save_every, nothing, offload)


@jax.jit
def _jit_advance(model: OceanModel, state, forcing, calls):
    nothing = model.core.diagnostics.zero(model.dtype)
    return rollout.interval_mean(_stepper(model, forcing), state, calls, nothing)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _jit_ensemble(model: OceanModel, states, forcing, calls, save_every):
    nothing = model.core.diagnostics.zero(model.dtype)
    run = lambda s: rollout.trajectory(_stepper(model, forcing), s, calls, save_every, nothing)  # noqa: E731
    return rollout.each(run, states)


@jax.jit
def _jit_tendency(model: OceanModel, ocean):
    return model.core.tendency(model.metrics(), ocean)
