"""Where and when a state ceased to be finite."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.data.output import mask
from ocean_gcm.data.variables import MODEL_FIELDS, TRACER

_ORDER = ("u", "v", "temperature", "salinity", "sea_surface_height")


@jax.jit
def is_finite(tree: Any) -> jax.Array:
    """0-d bool: all floating-point arrays of a pytree are finite."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves])) if leaves else jnp.asarray(True)


def describe(model: Any, form: Any, state: Any, forcing: Any, steps: int, interval: int) -> str:
    """What went wrong first when `state`, which is finite, is stepped on under `forcing`, `interval` steps at a time.

    The run over these steps is repeated bit by bit to find the moment; one sentence with the variable, its value, the
    level, the place and the time.  `form` is that of the core, see `ocean_gcm.form`.
    """
    before = state
    for _ in range(0, steps, interval):
        after, _ = model.advance(before, forcing, steps=interval)
        if not bool(is_finite(after)):
            return _sentence(model, form, before, after)
        before = after
    return "the mean or the sums over the interval are not finite, although each state is"


def _sentence(model: Any, form: Any, before: Any, after: Any) -> str:
    grid, time_config = model.grid, model.config.time
    elapsed = int(after.time.days) * 86400 + int(after.time.seconds)
    when = f"{time_config.date(elapsed):%Y-%m-%d %H:%M}"
    earlier, fields = form.fields_of(before.ocean), form.fields_of(after.ocean)
    for name in sorted(fields, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)):
        bad = ~np.isfinite(fields[name]) & form.mask(grid, name)
        if bad.any():
            where = _nearest_to_largest(bad, earlier[name])
            sentence = f"{name} became {fields[name][where]} at {form.place(grid, name, where)} on {when}"
            if not {"u", "v"} <= set(earlier):
                return sentence
            speed = max(float(np.abs(earlier[component]).max()) for component in ("u", "v"))
            return f"{sentence}; the largest speed before that step was {speed:.3g} m s-1"
    return f"the memory of the time stepping or of a closure became not finite on {when}"


def _nearest_to_largest(bad: np.ndarray, before: np.ndarray) -> tuple[int, ...]:
    """Of the bad points the one whose value before was the largest: what is not finite spreads within a step."""
    size = np.where(bad, np.abs(np.nan_to_num(before)), -1.0)
    return tuple(int(i) for i in np.unravel_index(int(size.argmax()), size.shape))


def mask_of_field(grid: Any, name: str) -> np.ndarray:
    """Where a field of the finite-volume core has values."""
    return mask(grid, MODEL_FIELDS.get(name, TRACER))


def place(grid: Any, name: str, index: tuple[int, ...]) -> str:
    """'level 3 (170 m), longitude 122.0, latitude -46.0' for an index of a field of the model."""
    variable = MODEL_FIELDS.get(name, TRACER)
    geometry = grid.geometry
    *level, j, i = index
    letter = variable.place if variable.place in geometry.x else "T"
    x, y = geometry.x[letter][j, i], geometry.y[letter][j, i]
    if geometry.spherical:
        horizontal = f"longitude {x:.2f}, latitude {y:.2f}"
    else:
        horizontal = f"x = {x / 1000:.1f} km, y = {y / 1000:.1f} km"
    vertical = f"level {level[0]} ({grid.levels.centres[level[0]]:.0f} m), " if level else ""
    return vertical + horizontal
