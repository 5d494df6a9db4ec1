"""Derivatives of long runs, chained from those of a day.

A day is `model.unroll` of as many steps as a day has.  Its derivative is compiled once and applied day after day, so
that one program serves every horizon; by the chain rule the product is the derivative of the whole run.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import State

Tree = Any
Controls = dict[str, Any]
"""What is varied: `temperature` (nz, ny, nx) at the start in degC, `stress_x` (records, ny, nx) in N m-2 if there is
wind, `parameters` (all trainable numbers by path, `closures.<name>.<coefficient>`)."""

SECONDS_PER_DAY = 86400
SST_SCALE = 10.0  # K
HEIGHT_SCALE = 1.0  # m


def steps_per_day(model: OceanModel) -> int:
    """Raises UserError if the time step does not divide a day."""
    steps = round(SECONDS_PER_DAY / model.time_step)
    if abs(steps * model.time_step - SECONDS_PER_DAY) > 1e-6 or steps % model.blueprint.physics_steps:
        raise UserError(f"time.step = {model.time_step:g} s does not divide a day; gradients are measured day by day")
    return steps


class Run:
    """A model seen as a function of its controls.

    Attributes:
      start: the state at day 0; controls: the unperturbed ones.
    """

    def __init__(self, model: OceanModel, start: State):
        self.graph, parameters, self.rest = nnx.split(model, nnx.Param, ...)
        values = parameters_by_path(parameters)
        self.parameters, self.order = jax.tree.structure(parameters), tuple(values)
        self.grid, self.forcing = model.grid, model.forcing
        self.start, self.steps = start, steps_per_day(model)
        self.structure = jax.tree.structure(start)
        self.controls: Controls = {"temperature": start.ocean.temperature, "parameters": values}
        if model.forcing.stress_x is not None:
            self.controls["stress_x"] = model.forcing.stress_x
        wet, area = np.asarray(model.grid.wet), model.grid.geometry.area["T"]
        self.weights = jnp.asarray(wet * area / (wet * area).sum(), model.dtype)
        self.mean_sst = jnp.sum(self.weights * start.ocean.temperature[0])

    def state_at_start(self, controls: Controls) -> State:
        ocean = dataclasses.replace(self.start.ocean, temperature=controls["temperature"])
        return dataclasses.replace(self.start, ocean=ocean)

    def loss(self, state: State) -> jax.Array:
        """Area mean of ((SST - mean SST of day 0) / 10 K)^2 + (sea surface height / 1 m)^2."""
        surface = ((state.ocean.temperature[0] - self.mean_sst) / SST_SCALE) ** 2
        return jnp.sum(self.weights * (surface + (state.ocean.sea_surface_height / HEIGHT_SCALE) ** 2))

    def _day(self, rest, state: State, controls: Controls) -> State:
        # a dictionary comes out of jax sorted, its names tell which is which
        values = [controls["parameters"][path] for path in self.order]
        model = nnx.merge(self.graph, jax.tree.unflatten(self.parameters, values), rest)
        forcing = self.forcing
        if "stress_x" in controls:
            forcing = dataclasses.replace(forcing, stress_x=controls["stress_x"])
        return model.unroll(state, forcing, steps=self.steps)[0]

    @functools.cached_property
    def _forward(self):
        return jax.jit(self._day)

    @functools.cached_property
    def _tangent(self):
        def program(rest, state, controls, d_state, d_controls):
            return jax.jvp(functools.partial(self._day, rest), (state, controls), (d_state, d_controls))[1]

        return jax.jit(program)

    @functools.cached_property
    def _adjoint(self):
        def program(rest, state, controls, cotangent):
            return jax.vjp(functools.partial(self._day, rest), state, controls)[1](cotangent)

        return jax.jit(program)

    @functools.cached_property
    def _loss(self):
        return jax.jit(jax.value_and_grad(self.loss))

    # ---- runs ----
    def days(self, controls: Controls, number: int) -> Iterator[State]:
        """The states of day 0, 1, ... `number`."""
        state = self.state_at_start(controls)
        yield state
        for _ in range(number):
            state = self._forward(self.rest, state, controls)
            yield state

    def losses(self, controls: Controls, leads: list[int]) -> dict[int, float]:
        """The loss after each of `leads` days."""
        states = enumerate(self.days(controls, max(leads)))
        return {day: float(self._loss(state)[0]) for day, state in states if day in leads}

    def tangent(
        self, past: list[State], direction: Controls, leads: list[int]
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Forward mode: by lead the derivative of the loss along `direction` and the norm of the temperature's change.

        past: all states from `days` at the unperturbed controls.
        """
        still = jax.tree.map(jnp.zeros_like, self.start)
        moved = dataclasses.replace(still, ocean=dataclasses.replace(still.ocean, temperature=direction["temperature"]))
        slopes, norms = {}, {}
        for day in range(max(leads) + 1):
            if day in leads:
                slopes[day] = inner(self._loss(past[day])[1], moved)
                norms[day] = float(jnp.linalg.norm(moved.ocean.temperature))
            if day < max(leads):
                moved = self._tangent(self.rest, past[day], self.controls, moved, direction)
        return slopes, norms

    def gradient(self, past: list[State], lead: int) -> Controls:
        """Reverse mode: derivative of the loss after `lead` days with respect to all controls."""
        cotangent = self._loss(past[lead])[1]
        total = jax.tree.map(jnp.zeros_like, self.controls)
        for day in reversed(range(lead)):
            cotangent, part = self._adjoint(self.rest, past[day], self.controls, cotangent)
            total = jax.tree.map(jnp.add, total, part)
        return {**total, "temperature": total["temperature"] + cotangent.ocean.temperature}


def inner(a: Tree, b: Tree) -> float:
    """Sum of products over all leaves."""
    return float(sum(jnp.vdot(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)))


def along(controls: Controls, direction: Controls, amount: float) -> Controls:
    return jax.tree.map(lambda c, d: c + amount * d, controls, direction)


def smooth_noise(grid, generator: np.random.Generator, modes: int = 8) -> np.ndarray:
    """(nz, ny, nx) random field of unit root mean square over wet cells: long waves, decaying with depth."""
    nz, ny, nx = grid.shape
    y, x = np.meshgrid((np.arange(ny) + 0.5) / ny, (np.arange(nx) + 0.5) / nx, indexing="ij")
    field = np.zeros((ny, nx))
    for _ in range(modes):
        k, m = generator.integers(0, 4), generator.integers(1, 5)
        phase, amplitude = generator.uniform(0, 2 * np.pi), generator.normal()
        field += amplitude * np.cos(2 * np.pi * k * x + phase) * np.cos(np.pi * m * y + generator.uniform(0, np.pi))
    depth = np.cumsum(grid.levels.thickness) - 0.5 * np.asarray(grid.levels.thickness)
    profile = np.exp(-3.0 * depth / np.sum(grid.levels.thickness))
    result = profile[:, None, None] * field * grid.mask
    return result / np.sqrt((result**2).sum() / grid.mask.sum())


def parameters_by_path(parameters: nnx.State) -> dict[str, jax.Array]:
    """Values of the trainable numbers by path, in the order of the leaves."""
    paths = [".".join(map(str, path)) for path, _ in nnx.to_flat_state(parameters)]
    return dict(zip(paths, jax.tree.leaves(parameters), strict=True))


def directions(run: Run, seed: int) -> dict[str, Controls]:
    """Directions by name, of a size that matters: 0.1 K, 0.01 N m-2 (root mean square), a tenth of a coefficient."""
    generator = np.random.default_rng(seed)
    zero = jax.tree.map(jnp.zeros_like, run.controls)
    noise = jnp.asarray(0.1 * smooth_noise(run.grid, generator), run.controls["temperature"].dtype)
    found = {"temperature": {**zero, "temperature": noise}}
    if "stress_x" in run.controls:
        wind = smooth_noise(run.grid, generator)[0]
        wind = jnp.asarray(0.01 * wind / np.sqrt((wind**2).sum() / run.grid.wet.sum()), noise.dtype)
        found["stress_x"] = {**zero, "stress_x": zero["stress_x"] + wind}
    values = run.controls["parameters"]
    for path in values:
        if path.endswith("mesoscale.diffusivity"):
            found[path] = {**zero, "parameters": {**zero["parameters"], path: 0.1 * values[path]}}
    if values:
        found["all parameters"] = {
            **zero,
            "parameters": {path: 0.1 * float(generator.choice([-1.0, 1.0])) * v for path, v in values.items()},
        }
    return found
