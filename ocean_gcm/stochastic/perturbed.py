"""A closure whose effects are multiplied by a random field: stochastically perturbed parameterisation.

After Buizza et al. (1999) and Leutbecher et al. (2017), with r of variance one and the amplitude sigma:

    what may have either sign (tendencies, fluxes):       1 + sigma r,   |sigma r| <= 1,
    what must stay positive (coefficients, and what is a
    coefficient times a slope):                           exp(sigma r) / mean(exp(sigma r)),

both with |r| <= 3, so that no effect changes its sign, none exceeds a bound that a stable step can be chosen for, and
the mean over time is what the closure gives.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
from flax import nnx

from ocean_gcm.closures.interface import Closure, Columns, Effects, Redrawn
from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.grid import Grid
from ocean_gcm.stochastic.random_field import RandomFields, RandomFieldsConfig

if TYPE_CHECKING:
    from ocean_gcm.closures.config import ClosureConfig

LARGEST = 3.0
"""Largest number of standard deviations that counts."""

COEFFICIENTS = frozenset(
    {
        "vertical_viscosity",
        "vertical_diffusivity",
        "harmonic_viscosity",
        "biharmonic_viscosity",
        "bottom_drag",
        "eddy_streamfunction",
        "isoneutral_diffusion",
    }
)
"""Parts of `Effects` that are coefficients; all others may have either sign."""

SMALLEST = 1e-12
"""m4 s-2; of no weight beside (diffusivity x slope)^2 of anything that mixes, and float32 holds one over its square."""


class PerturbedConfig(RandomFieldsConfig):
    """Another closure, its effects multiplied by a random factor of mean one; one factor for all levels of a column."""

    kind: Literal["perturbed"] = "perturbed"
    closure: ClosureConfig = pydantic.Field(description="what is perturbed, a section like any closure's; no unit")
    amplitude: float = pydantic.Field(
        0.3, ge=0, le=2, description="standard deviation of the factor (of its logarithm for coefficients), no unit"
    )
    number: Literal[1] = pydantic.Field(1, description="fields; one factor for all effects, no unit")

    def build(self, grid: Grid, dtype) -> Perturbed:
        return Perturbed(self, grid, dtype)

    @property
    def largest_factor(self) -> float:
        """The largest factor that a coefficient can get."""
        return math.exp(self.amplitude * LARGEST)


def bounded_factor(r, amplitude):
    """1 + amplitude r, never negative, of mean one for a symmetric r."""
    bound = jnp.minimum(LARGEST, 1.0 / jnp.maximum(amplitude, 1e-6))
    return 1.0 + amplitude * jnp.clip(r, -bound, bound)


def lognormal_factor(r, amplitude):
    """exp(amplitude r) over its mean for a normal r, both with |r| <= 3: positive, of mean one, 1 for amplitude 0."""
    points = np.linspace(-6.0, 6.0, 241)
    weights = np.exp(-0.5 * points**2)
    weights /= weights.sum()
    excess = jnp.sum(weights * jnp.expm1(amplitude * np.clip(points, -LARGEST, LARGEST)))
    return jnp.exp(amplitude * jnp.clip(r, -LARGEST, LARGEST) - jnp.log1p(excess).astype(r.dtype))


class Perturbed(nnx.Module):
    """See `PerturbedConfig`.

    Attributes:
      closure: what is perturbed.
      fields: the random field.
      amplitude: `nnx.Param`.
    """

    def __init__(self, config: PerturbedConfig, grid: Grid, dtype):
        self.closure: Closure = config.closure.build(grid, dtype)
        self.fields = RandomFields(config, grid, dtype)
        self.amplitude = nnx.Param(jnp.asarray(config.amplitude, dtype))

    def initial_memory(self, shape: tuple[int, int, int], dtype, key: jax.Array) -> dict[str, Any]:
        own, inner = jax.random.split(key)
        return {"fields": self.fields.initial(own), "closure": self.closure.initial_memory(shape, dtype, inner)}

    def redraw(self, memory: dict[str, Any], key: jax.Array) -> dict[str, Any]:
        own, inner = jax.random.split(key)
        kept = memory["closure"]
        redrawn = self.closure.redraw(kept, inner) if isinstance(self.closure, Redrawn) else kept
        return {"fields": self.fields.initial(own), "closure": redrawn}

    def __call__(self, columns: Columns, memory: dict[str, Any], key: jax.Array) -> tuple[Effects, dict[str, Any]]:
        own, inner = jax.random.split(key)
        effects, kept = self.closure(columns, memory["closure"], inner)
        noise, r = self.fields.step(memory["fields"], own, columns)
        return multiplied(effects, columns, r.map(lambda a: a[0]), self.amplitude[...]), {
            "fields": noise,
            "closure": kept,
        }


def multiplied(effects: Effects, columns: Columns, r: Field, amplitude) -> Effects:
    """`effects` times the factors that `r` (T/s, variance one) and `amplitude` make.

    A part gets the same factor at all levels, at faces and corners the mean of the cells around: what is a flux or
    divides what leaves one level among others stays so, and heat and salt are conserved as without.
    """
    static = columns.static

    def at_all_places(function) -> dict[str, Field]:
        # land has the factor one: r is zero there, but the mean of the logarithm is not
        t = apply(lambda a, wet: jnp.where(wet > 0, function(a, amplitude), 1.0), r, static.surface_mask_t)
        u = t.mean_x()
        return static.materialize({"T": t, "U": u, "V": t.mean_y(), "F": u.mean_y()})

    parts = {f.name: getattr(effects, f.name) for f in dataclasses.fields(effects)}
    parts = {name: part for name, part in parts.items() if part is not None}
    factors = {}
    if not COEFFICIENTS.isdisjoint(parts):
        factors[True] = at_all_places(lognormal_factor)
    if not COEFFICIENTS.issuperset(parts):
        factors[False] = at_all_places(bounded_factor)
    new = {name: _times(part, factors[name in COEFFICIENTS]) for name, part in parts.items()}
    if "isoneutral_diffusion" in parts:
        new["isoneutral_diffusion"] = _isoneutral(parts["isoneutral_diffusion"], factors[True])
    return dataclasses.replace(effects, **new)


def _times(part, factor: dict[str, Field]):
    """All fields of a part, each times the factor at its place."""
    return jax.tree.map(lambda f: f * factor[f.place], part, is_leaf=lambda x: isinstance(x, Field))


def _isoneutral(coefficients, factor: dict[str, Field]):
    """K |S|^2 must be the sum of what the faces around have, or diffusion would cross neutral surfaces or steepen.

    Its parts are not known one by one; (K S)^2 of the faces divides it among them, exactly where K does not vary.
    """
    *faces, vertical = coefficients
    x, y = faces[2] * faces[2], faces[3] * faces[3]
    before = x.mean_x() + y.mean_y()
    after = (x * factor["U"]).mean_x() + (y * factor["V"]).mean_y()
    ratio = (after + SMALLEST) / (before + SMALLEST)
    return (*(_times(f, factor) for f in faces), vertical * ratio)
