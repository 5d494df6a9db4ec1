"""The model: a dynamical core, closures by name, and the step that joins them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
from flax import nnx

from ocean_gcm import rollout
from ocean_gcm.closures.interface import Closure, Effects
from ocean_gcm.dynamics.equation_of_state import build_equation_of_state
from ocean_gcm.dynamics.finite_volume import barotropic, core
from ocean_gcm.dynamics.finite_volume.config import DynamicsConfig
from ocean_gcm.dynamics.finite_volume.momentum_advection import VORTICITY_FLUXES
from ocean_gcm.dynamics.finite_volume.surface_fluxes import SurfaceLaw
from ocean_gcm.dynamics.finite_volume.tracer_advection import SCHEMES
from ocean_gcm.encoding.correction import Correction
from ocean_gcm.forcing.surface import SurfaceForcing
from ocean_gcm.grid import metrics
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.topology import Topology
from ocean_gcm.state import Diagnostics, Ocean, State, Stepper

_MEMORY, _ENCODER, _DECODER = 0x6D656D6F, 0x656E636F, 0x6465636F
"""Set apart from the keys of the steps, which are the splits of the same key."""


@dataclasses.dataclass(frozen=True, eq=False)
class Blueprint:
    """All that is fixed when a model is built; compared by identity, never traced."""

    config: Any
    grid: Grid
    numerics: core.Numerics
    forcing: SurfaceForcing
    initial: dict[str, np.ndarray]
    dtype: Any
    physics_steps: int
    parts: tuple[int, int] = (1, 1)

    @property
    def topology(self) -> Topology:
        """Joins of the grid, or of its parts on different devices."""
        mesh_y, mesh_x = self.parts
        return dataclasses.replace(self.grid.topology, mesh_y=mesh_y, mesh_x=mesh_x)

    def part(self, mesh_y: int, mesh_x: int) -> Blueprint:
        """The same for the steps of one of `mesh_y` times `mesh_x` equal parts of the grid, inside `jax.shard_map`."""
        nz, ny, nx = self.numerics.shape
        numerics = dataclasses.replace(self.numerics, shape=(nz, ny // mesh_y, nx // mesh_x))
        return dataclasses.replace(self, numerics=numerics, parts=(mesh_y, mesh_x))


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
        self.grid_arrays = nnx.data(metrics.device_arrays(blueprint.grid, blueprint.dtype))
        self.closures = nnx.Dict(closures)
        self.encoder, self.decoder = encoder, decoder

    # ---- what the model is ----
    @property
    def config(self):
        return self.blueprint.config

    @property
    def grid(self) -> Grid:
        return self.blueprint.grid

    @property
    def dtype(self):
        return self.blueprint.dtype

    @property
    def forcing(self) -> SurfaceForcing:
        """The surface forcing of the configuration."""
        return self.blueprint.forcing

    @property
    def time_step(self) -> float:
        """Seconds that a step of the dynamics takes."""
        return self.blueprint.numerics.time_step

    @property
    def physics_interval(self) -> float:
        """Seconds for which the effects of the closures are held."""
        return self.time_step * self.blueprint.physics_steps

    def metrics(self) -> metrics.Metrics:
        """Static fields with halo; built once per compiled program, outside of its time loop."""
        numerics = self.blueprint.numerics
        # in a caller's own jit the model may be a constant: folded into the program, its arrays make it 5 times slower
        arrays = jax.lax.optimization_barrier(dict(self.grid_arrays))
        return metrics.padded(arrays, self.blueprint.topology, numerics.halo)

    def initial_state(self, key: jax.Array | None = None, fields: Mapping[str, np.ndarray] | None = None) -> State:
        """The state at model time 0; `key` seeds what is random (default: the configuration's seed).

        `fields` replace those of the configuration, by the names of `Ocean` and of tracers, in its shapes and units.
        """
        shape, dtype = self.grid.shape, self.dtype
        fields = {**self.blueprint.initial, **(fields or {})}
        zero = np.zeros(shape)

        def array(name, mask, default=zero):
            return jnp.asarray(np.where(mask, fields.pop(name, default), 0.0), dtype)

        grid = self.grid
        ocean = Ocean(
            u=array("u", grid.mask_u),
            v=array("v", grid.mask_v),
            temperature=array("temperature", grid.mask),
            salinity=array("salinity", grid.mask),
            sea_surface_height=array("sea_surface_height", grid.wet, zero[0]),
            tracers={name: jnp.asarray(np.where(grid.mask, a, 0.0), dtype) for name, a in fields.items()},
        )
        if key is None:
            key = jax.random.key(getattr(self.config, "seed", 0))
        start = jdt.Timedelta(jnp.int32(0), jnp.int32(0))
        return State.create(ocean, _first_stepper(self, ocean), self._first_memory(key), start, key)

    def state_from(self, ocean: Ocean, time: jdt.Timedelta, key: jax.Array) -> State:
        """The state at model time `time` with the fields `ocean`, for instance of a truth.

        A pure function of arrays, also inside of `jax.jit` and under `jax.vmap`.  The first step from it is a forward
        Euler step, closures' memories are those of a start, and values on land do not count.

        Args:
          ocean: fields in the model's shapes and units.
          time: since the model's `time.start`, 0-d.
          key: typed random key.
        """
        ocean = self._on_wet_cells(ocean)
        stepper = _stepper_with(self, ocean, _history(self, ocean))
        return State.create(ocean, stepper, self._first_memory(key), time, key)

    def encode(self, ocean: Ocean, time: jdt.Timedelta, key: jax.Array, forcing: SurfaceForcing | None = None) -> State:
        """`state_from` fields of an analysis on the model's grid, after the learned correction of the encoder if there
        is one (its random inputs are drawn with `key`).  See `ocean_gcm.encoding` for analyses on other grids.
        """
        if self.encoder is not None:
            own = jax.random.fold_in(key, _ENCODER)
            ocean = self._corrected(self.encoder, self._on_wet_cells(ocean), time, own, forcing)
        return self.state_from(ocean, time, key)

    def decode(self, state: State, forcing: SurfaceForcing | None = None) -> Ocean:
        """The fields of a state as an analysis would have them: after the learned correction of the decoder if there is
        one.  A pure function of arrays."""
        if self.decoder is None:
            return state.ocean
        own = jax.random.fold_in(state.key, _DECODER)
        return self._corrected(self.decoder, state.ocean, state.time, own, forcing)

    def _corrected(self, correction: Correction, ocean: Ocean, time, key, forcing) -> Ocean:
        numerics, static = self.blueprint.numerics, self.metrics()
        surface = (self.forcing if forcing is None else forcing).at(time)
        prepared = core.prepare(static, numerics, ocean)
        return correction(core.columns(static, numerics, prepared, surface, self.physics_interval), ocean, key)

    def _on_wet_cells(self, ocean: Ocean) -> Ocean:
        """The fields in the model's type, zero on land."""
        grid, dtype = self.grid_arrays, self.dtype
        wet, wet_u, wet_v = (grid[f"mask_{place}"] > 0 for place in "tuv")

        def on(mask, array):
            return jnp.where(mask, jnp.asarray(array, dtype), 0)

        return Ocean(
            u=on(wet_u, ocean.u),
            v=on(wet_v, ocean.v),
            temperature=on(wet, ocean.temperature),
            salinity=on(wet, ocean.salinity),
            sea_surface_height=on(wet[0], ocean.sea_surface_height),
            tracers={name: on(wet, array) for name, array in ocean.tracers.items()},
        )

    def _first_memory(self, key: jax.Array) -> dict[str, Any]:
        """Memories of the closures at a start, by name."""
        keys = jax.random.split(jax.random.fold_in(key, _MEMORY), len(self.closures) or 1)
        return {
            name: closure.initial_memory(self.grid.shape, self.dtype, k)
            for (name, closure), k in zip(self.closures.items(), keys, strict=False)
        }

    # ---- stepping ----
    def _step(self, static: metrics.Metrics, state: State, forcing: SurfaceForcing) -> tuple[State, Diagnostics]:
        blueprint, n = self.blueprint, self.blueprint.numerics
        key, *keys = jax.random.split(state.key, len(self.closures) + 1)
        surface = forcing.at(state.time)
        prepared = core.prepare(static, n, state.ocean)
        columns = core.columns(static, n, prepared, surface, self.physics_interval)
        effects, memories = Effects(), {}
        for (name, closure), closure_key in zip(self.closures.items(), keys, strict=True):
            effect, memories[name] = closure(columns, state.closures[name], closure_key)
            effects = effects + effect
        tick = jdt.Timedelta(jnp.int32(0), jnp.int32(round(n.time_step)))
        ocean, stepper, total = core.advance(static, n, prepared, state.stepper, effects, surface)

        def held(carry, _):
            """A step of the dynamics with the same effects."""
            ocean, stepper, total, time = carry
            prepared = core.prepare(static, n, ocean)
            ocean, stepper, diagnostics = core.advance(static, n, prepared, stepper, effects, forcing.at(time))
            return (ocean, stepper, rollout.add_diagnostics(total, diagnostics), time + tick), None

        time = state.time + tick
        if blueprint.physics_steps > 1:
            # a scan: the program would grow with the number of steps
            carry = (ocean, stepper, total, time)
            (ocean, stepper, total, time), _ = jax.lax.scan(
                jax.checkpoint(held, prevent_cse=False), carry, length=blueprint.physics_steps - 1
            )
        return State.create(ocean, stepper, memories, time, key), total

    def step(self, state: State, forcing: SurfaceForcing | None = None) -> tuple[State, Diagnostics]:
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
        forcing: SurfaceForcing | None = None,
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

    def advance(
        self, state: State, forcing: SurfaceForcing | None = None, *, steps: int
    ) -> tuple[State, rollout.Report]:
        """`steps` time steps with their mean, for long runs (not differentiable, compiled once for all lengths)."""
        forcing = self.forcing if forcing is None else forcing
        return _jit_advance(self, state, forcing, jnp.int32(self._calls(steps)))

    def ensemble(self, state: State, key: jax.Array | None = None, *, members: int) -> State:
        """`members` states around `state` (leading axis), perturbed as the section `ensemble` says.

        `key` (default: made from that of the state) decides all of them; a member does not depend on their number.
        """
        from ocean_gcm.stochastic.initial import perturb

        return perturb(self, state, key, members=members)

    def unroll_ensemble(
        self, states: State, forcing: SurfaceForcing | None = None, *, steps: int, save_every: int | None = None
    ) -> tuple[State, rollout.Trajectory]:
        """`unroll` of states with a leading member axis, such as those of `ensemble`."""
        save_every = steps if save_every is None else save_every
        forcing = self.forcing if forcing is None else forcing
        return _jit_ensemble(self, states, forcing, self._calls(steps), self._calls(save_every))

    def to_xarray(self, trajectory: rollout.Trajectory):
        """CF data set of the saved states: names, units, coordinates, bounds, land as NaN."""
        from ocean_gcm.data.output import dataset_from_trajectory

        return dataset_from_trajectory(self, trajectory)


@jax.jit
def _jit_step(model: OceanModel, state, forcing):
    return model._step(model.metrics(), state, forcing)


def _stepper(model, forcing):
    static = model.metrics()
    return lambda state: model._step(static, state, forcing)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def _jit_unroll(model: OceanModel, state, forcing, calls, save_every, offload):
    return rollout.trajectory(_stepper(model, forcing), state, calls, save_every, model.dtype, offload)


@jax.jit
def _jit_advance(model: OceanModel, state, forcing, calls):
    return rollout.interval_mean(_stepper(model, forcing), state, calls, model.dtype)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _jit_ensemble(model: OceanModel, states, forcing, calls, save_every):
    run = lambda s: rollout.trajectory(_stepper(model, forcing), s, calls, save_every, model.dtype)  # noqa: E731
    return rollout.each(run, states)


@functools.partial(jax.jit, static_argnums=())
def _tendency(model: OceanModel, ocean):
    static, n = model.metrics(), model.blueprint.numerics
    return core.advection_tendency(static, n, core.prepare(static, n, ocean))


def _first_stepper(model: OceanModel, ocean: Ocean) -> Stepper:
    return _stepper_with(model, ocean, _first_history(model, ocean))


def _stepper_with(model: OceanModel, ocean: Ocean, history) -> Stepper:
    exact = jnp.finfo(model.dtype).bits < 64
    rounding = {name: jnp.zeros_like(x) for name, x in core.tracers_of(ocean).items()} if exact else {}
    return Stepper(history, rounding)


def _first_history(model: OceanModel, ocean: Ocean):
    """`_history`, which at rest needs no program to be compiled."""
    if np.any(ocean.u) or np.any(ocean.v):
        return _history(model, ocean)
    zero = (jnp.zeros_like(ocean.u), jnp.zeros_like(ocean.v))
    return (zero,) * _past(model)


def _history(model: OceanModel, ocean: Ocean):
    """Past tendencies equal to the present one: the first step is a forward Euler step."""
    return (_tendency(model, ocean),) * _past(model) if _past(model) else ()


def _past(model: OceanModel) -> int:
    """Number of past tendencies that the extrapolation in time needs."""
    n = model.blueprint.numerics
    return 0 if n.vorticity_flux is None else len(n.extrapolation) - 1


EXTRAPOLATION = {
    "ab2": lambda epsilon: (1.5 + epsilon, -0.5 - epsilon),
    "ab3": lambda epsilon: (23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0),
}


def build_numerics(
    grid: Grid, dynamics: DynamicsConfig, time_step: float, *, real_freshwater: bool = False, freezing: bool = False
) -> core.Numerics:
    """Resolve the choices of `dynamics` for a grid and a time step (s)."""
    limit = barotropic.gravity_wave_limit(grid, dynamics.gravity)
    number = dynamics.barotropic_substeps or max(1, int(np.ceil(time_step / (dynamics.barotropic_courant * limit))))
    scheme = SCHEMES[dynamics.tracer_advection]
    return core.Numerics(
        shape=grid.shape,
        halo=4 if dynamics.momentum_advection == "weno5" else 3,
        time_step=float(time_step),
        extrapolation=EXTRAPOLATION[dynamics.time_stepper](dynamics.ab2_epsilon),
        vorticity_flux=VORTICITY_FLUXES.get(dynamics.momentum_advection),
        tracer_scheme=scheme,
        equation_of_state=build_equation_of_state(dynamics.equation_of_state, dynamics.reference_density),
        substeps=barotropic.averaging_weights(time_step, number),
        surface=SurfaceLaw(
            real_freshwater,
            freezing,
            dynamics.equation_of_state.kind,
            dynamics.reference_density,
            dynamics.heat_capacity,
        ),
        no_slip=dynamics.slip == "no",
        gravity=dynamics.gravity,
        reference_density=dynamics.reference_density,
    )
