"""Slopes within cells for means of second order that stay between the values around (Barth and Jespersen 1989).

In a cell of value c the field is c + sum_a g_a (a - a_c), g_a the difference of both neighbours over their distance.
All slopes of a cell are reduced by the same factor, so that nowhere in the cell the field leaves the range of the
values of the cell and of its wet neighbours.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.encoding.boxes import Intervals


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Along:
    """One axis of a grid; arrays broadcast to (levels, y, x).

    Attributes:
      centred, forward, backward: one over the distance of both neighbours, to the next and to the previous one.
      above, below: from the pivot to the upper and the lower edge of the cell.
      axis: -1 (x), -2 (y) or -3 (depth).
      closed: whether the first cell follows the last one.
      one_sided: take the slope to one neighbour where the other is missing.
    """

    centred: jax.Array
    forward: jax.Array
    backward: jax.Array
    above: jax.Array
    below: jax.Array
    axis: int = dataclasses.field(metadata={"static": True})
    closed: bool = dataclasses.field(metadata={"static": True})
    one_sided: bool = dataclasses.field(metadata={"static": True})


def along(intervals: Intervals, axis: int, dtype, *, one_sided: bool = False) -> Along:
    """The distances of an axis of `intervals`."""
    pivots, edges = intervals.pivots, intervals.edges
    turn = intervals.period if intervals.closed else np.inf
    following = np.append(pivots[1:], pivots[0] + turn)
    previous = np.append(pivots[-1] - turn, pivots[:-1])
    shape = [1, 1, 1]
    shape[axis] = -1

    def array(values):
        return jnp.asarray(values.reshape(shape), dtype)

    return Along(
        centred=array(1.0 / (following - previous)),
        forward=array(1.0 / (following - pivots)),
        backward=array(1.0 / (pivots - previous)),
        above=array(edges[1:] - pivots),
        below=array(pivots - edges[:-1]),
        axis=axis,
        closed=bool(intervals.closed),
        one_sided=one_sided,
    )


def limited(c: jax.Array, wet: jax.Array, axes: tuple[Along, ...]) -> tuple[jax.Array, ...]:
    """Slopes along each axis, like c.

    Args:
      c: (..., levels, y, x).
      wet: (levels, y, x) booleans; what is not wet has no slope and is nobody's neighbour.
    """
    highest = lowest = c
    slopes, rise, fall = [], 0.0, 0.0
    for a in axes:
        up, down = (_neighbour(c, a, step) for step in (1, -1))
        wet_up, wet_down = (_neighbour(wet, a, step) & wet for step in (1, -1))
        for value, known in ((up, wet_up), (down, wet_down)):
            highest = jnp.maximum(highest, jnp.where(known, value, c))
            lowest = jnp.minimum(lowest, jnp.where(known, value, c))
        slope = jnp.where(wet_up & wet_down, (up - down) * a.centred, 0.0)
        if a.one_sided:
            slope = jnp.where(wet_up & ~wet_down, (up - c) * a.forward, slope)
            slope = jnp.where(wet_down & ~wet_up, (c - down) * a.backward, slope)
        rise += jnp.maximum(slope * a.above, -slope * a.below)
        fall += jnp.maximum(-slope * a.above, slope * a.below)
        slopes.append(slope)
    share = jnp.minimum(_share(highest - c, rise), _share(c - lowest, fall))
    return tuple(slope * share for slope in slopes)


def _share(room: jax.Array, wanted: jax.Array) -> jax.Array:
    """The part of `wanted` that there is room for, at most 1."""
    short = wanted > room
    return jnp.where(short, room / jnp.where(short, wanted, 1.0), 1.0)


def _neighbour(x: jax.Array, a: Along, step: int) -> jax.Array:
    """The next (1) or previous (-1) value along an axis; beyond the ends zero or False."""
    if a.closed:
        return jnp.roll(x, -step, a.axis)
    size = x.shape[a.axis]
    padding = [(0, 0)] * x.ndim
    padding[a.axis] = (0, 1) if step == 1 else (1, 0)
    padded = jnp.pad(x, padding)
    start = 1 if step == 1 else 0
    return jax.lax.slice_in_dim(padded, start, start + size, axis=x.ndim + a.axis)
