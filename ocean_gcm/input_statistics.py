"""Means and scales of a network's inputs, from states of a model."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np

from ocean_gcm.closures.neural import features as inputs
from ocean_gcm.closures.neural.normalisation import Statistics
from ocean_gcm.data.truth import Window
from ocean_gcm.dynamics.finite_volume import core
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean, State

FIXED = ("mask", "season", "thickness", "column_depth", "coriolis")
"""Inputs that do not follow from states: they keep their defaults."""


def measure_inputs(
    model: OceanModel, states: Iterable[State | Window], names: Sequence[str] = tuple(inputs.FEATURES)
) -> Statistics:
    """Mean and standard deviation of inputs by level, over the wet cells (weighted by area) of all `states`.

    Scales of pairs are those of both components; levels that hardly vary get a hundredth of the feature's default
    scale at least.  Output scales are left out: they need tendencies of a truth (`ocean_gcm.truth_statistics`).

    states: of the model, or single records of a truth on its grid.
    """
    first, *others = (_moments(model, state.ocean, state.time, tuple(names)) for state in states)
    area, sums, squares = (np.sum(x, 0) for x in zip(first, *others, strict=True))
    mean, scale, start = {}, {}, 0
    for name in names:
        feature = inputs.FEATURES[name]
        part = slice(start, start := start + feature.channels(model.grid.shape[0]))
        weight, total, square = (x[part].reshape(feature.number, -1).sum(0) for x in (area, sums, squares))
        safe = np.where(weight > 0, weight, 1.0)
        centre = total / safe if feature.kind == "scalar" else np.zeros_like(total)
        if name in FIXED:
            continue
        if feature.kind == "scalar":
            mean[name] = (feature.mean + centre).tolist()
        spread = np.sqrt(np.maximum(square / safe - centre**2, 0.0))
        scale[name] = np.maximum(spread, 0.01 * feature.scale).tolist()
    return Statistics(mean, scale)


def _moments(model: OceanModel, ocean: Ocean, time: jdt.Timedelta, names: tuple[str, ...]) -> list[np.ndarray]:
    """Area, and area times the deviation from the default mean and its square, summed by channel."""
    return [np.asarray(x, float) for x in _jit_moments(model, ocean, time, names)]


@functools.partial(jax.jit, static_argnums=3)
def _jit_moments(model, ocean, time, names):
    numerics, static = model.core.numerics, model.metrics()
    prepared = core.prepare(static, numerics, ocean)
    surface, interval = model.forcing.at(time), model.physics_interval
    values, wet = inputs.stack(core.columns(static, numerics, prepared, surface, interval), names)
    # from the default mean: the difference of two large squares says nothing in float32
    default = [np.full(f.channels(model.grid.shape[0]), f.mean) for f in (inputs.FEATURES[name] for name in names)]
    values = values - jnp.asarray(np.concatenate(default), values.dtype)[:, None, None]
    weight = wet * static.area_t.interior(*values.shape[-2:])
    return [jnp.sum(weight * x, (1, 2)) for x in (jnp.ones_like(values), values, values * values)]
