"""Advection of tracers by direct space-time fluxes, one direction after the other.

A face carries the mean over the water that crosses it within the step of a polynomial through the cells around it
(Hundsdorfer & Trompert 1994), so one evaluation per step is accurate in time and stable up to a Courant number of 1.
Volumes are advected along with the tracer from direction to direction: a constant stays constant to the last bit and
the tracer content changes by the fluxes alone.

Limited fluxes keep, in every direction and for any flow, each new value between those of the cell and its upwind
neighbours (Sweby 1984), also where the flow diverges: the bound uses the whole outflow of the cell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from ocean_gcm.dynamics.finite_volume.bounds import clip, maximum, minimum
from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.grid.wet import over_wet

# (Courant number, upwind-upwind, upwind, local, downwind differences) -> correction to the upwind value
Correction = Callable[..., jax.Array]


def lax_wendroff(c, upwind2, upwind, local, downwind):
    """Second order, centred."""
    del upwind2, upwind, downwind
    return 0.5 * (1.0 - c) * local


def third_order(c, upwind2, upwind, local, downwind):
    """Third order, upwind-biased."""
    del upwind2, downwind
    return (1.0 - c) * ((2.0 - c) * local + (1.0 + c) * upwind) * (1.0 / 6.0)


def fifth_order(c, upwind2, upwind, local, downwind):
    """Fifth order, upwind-biased."""
    one, two, three = 1.0 - c, 2.0 - c, 3.0 - c
    return (one * (1.0 / 120.0)) * (
        two * three * ((8.0 + 3.0 * c) * local - (1.0 + c) * downwind)
        + (1.0 + c) * (2.0 + c) * ((11.0 - 3.0 * c) * upwind - two * upwind2)
    )


@dataclasses.dataclass(frozen=True)
class Scheme:
    """A correction to upwind fluxes, the halo that it reads, and whether it is limited."""

    correction: Correction
    reach: int
    limited: bool


SCHEMES = {
    "centred2": Scheme(lax_wendroff, 1, False),
    "upwind3": Scheme(third_order, 2, False),
    "upwind3_limited": Scheme(third_order, 2, True),
    "upwind5_limited": Scheme(fifth_order, 3, True),
}


SMALL_DIFFERENCE = {"temperature": 1e-4, "salinity": 1e-4}
"""Differences of neighbours (K, 1) well below which limited fluxes turn into upwind ones; none for other tracers."""


def limit(correction, upwind, local, courant, outflow, small=0.0):
    """Clip the correction so that no new extremum can form.

    With a = `upwind` and b = `local` difference, 0 <= correction / b <= 1 and correction <= a (1 - outflow) / courant,
    where `outflow` is the fraction of the upwind cell that leaves through all its faces of this direction.

    Limiting flattens extrema until neighbours are all but equal, where the limiter has a kink at any scale and its
    derivative tells nothing.  The factor a b / (a b + small^2) makes that water linear.
    """
    bound = minimum(jnp.abs(local), jnp.abs(upwind) * (maximum(1.0 - outflow, 0.0) / (courant + 1e-12)))
    product = maximum(upwind * local, 0.0)
    bound = bound * (product / (product + small**2) if small else product > 0)
    low, high = jnp.where(local > 0, 0.0, -bound), jnp.where(local > 0, bound, 0.0)
    return clip(correction, low, high)


def _upwind(flow_positive, behind, ahead):
    """Choose per face: `behind` for flow in the positive direction, `ahead` for the opposite."""
    return jnp.where(flow_positive, behind, ahead)


def _face_values(scheme: Scheme, metrics: Metrics, name, positive, courant, outflow, values, differences):
    """Face value of tracer `name` from upwind values (behind, ahead) and the five differences around the face."""
    d2b, d1b, d0, d1a, d2a = differences
    sign = jnp.where(positive, 1.0, -1.0).astype(d0.dtype)
    upwind = _upwind(positive, d1b, d1a)
    upwind2 = _upwind(positive, d2b, d2a) if scheme.reach > 2 else None
    downwind = _upwind(positive, d1a, d1b) if scheme.reach > 2 else None
    upwind2, upwind, d0, downwind, courant, outflow = metrics.materialize_cotangents(
        (upwind2, upwind, d0, downwind, courant, outflow)
    )
    correction = scheme.correction(courant, upwind2, upwind, d0, downwind)
    if scheme.limited:
        correction = limit(correction, upwind, d0, courant, outflow, SMALL_DIFFERENCE.get(name, 0.0))
    return _upwind(positive, *values) + sign * correction


def _sweep_horizontal(scheme, tracers, volume, transport, mask, time_step, axis, metrics):
    """One direction; returns tracers, their increments and the volume on the narrower window."""
    step = dict(dx=1) if axis == "x" else dict(dy=1)
    place = "U" if axis == "x" else "V"
    ahead = lambda f: f.shift(**step).at(place)  # noqa: E731  value of the cell ahead of the face
    moved = transport * time_step
    inv_volume = volume.map(over_wet)
    positive = moved.map(lambda a: a >= 0)
    back = {k: -n for k, n in step.items()}
    entering = moved.shift(**back)
    out = apply(lambda e, w, r: (maximum(e, 0.0) - minimum(w, 0.0)) * r, moved.at("T"), entering.at("T"), inv_volume)
    here = lambda f: f.at(place)  # noqa: E731
    courant = apply(
        lambda p, f, a, b: jnp.abs(f) * _upwind(p, a, b), positive, moved, here(inv_volume), ahead(inv_volume)
    )
    outflow = apply(_upwind, positive, here(out), ahead(out)) if scheme.limited else courant
    new_volume = volume - (moved.at("T") - entering.at("T"))
    inv_new = new_volume.map(over_wet)
    courant, outflow, new_volume, inv_new = metrics.materialize((courant, outflow, new_volume, inv_new))
    faces, result, increments = {}, {}, {}
    for name, tracer in tracers.items():
        d = metrics.materialize_cotangents((tracer.diff_x() if axis == "x" else tracer.diff_y()) * mask)
        shifts = [d.shift(**{k: n * o for k, n in step.items()}) for o in (-2, -1, 0, 1, 2)]
        if scheme.reach < 3:
            shifts[0] = shifts[4] = d
        if scheme.reach < 2:
            shifts[1] = shifts[3] = d
        faces[name] = apply(
            lambda p, c, o, b, a, *ds, name=name: _face_values(scheme, metrics, name, p, c, o, (b, a), ds),
            positive, courant, outflow, here(tracer), ahead(tracer), *shifts,
        )  # fmt: skip
    faces = metrics.materialize(faces)
    for name, tracer in tracers.items():
        face = faces[name]
        # sum of flux times (face value - own value): equal to the flux form, and exact for a constant
        gain = entering.at("T") * (face.shift(**back).at("T") - tracer) - moved.at("T") * (face.at("T") - tracer)
        increments[name] = metrics.materialize_cotangents(gain) * inv_new
        result[name] = tracer + increments[name]
    result, increments = metrics.materialize((result, increments))
    return result, increments, new_volume


def _sweep_vertical(scheme, tracers, volume, transport_w, mask_w, time_step, metrics):
    """Upward transport through the upper faces (index k - 1 is above); returns increments and volume."""
    moved = (transport_w * time_step).data
    v = volume.window(transport_w.y0, transport_w.y1, transport_w.x0, transport_w.x1)
    mask = mask_w.window(transport_w.y0, transport_w.y1, transport_w.x0, transport_w.x1)
    zero = jnp.zeros_like(v[:1])
    above = lambda a: jnp.concatenate([zero, a[:-1]])  # noqa: E731
    below = lambda a: jnp.concatenate([a[1:], zero])  # noqa: E731
    inv = over_wet(v)
    upward = moved >= 0
    courant = jnp.abs(moved) * _upwind(upward, inv, above(inv))
    out = (maximum(moved, 0.0) - minimum(below(moved), 0.0)) * inv
    outflow = _upwind(upward, out, above(out))
    new_volume = v - moved + below(moved)
    inv_new = over_wet(new_volume)
    courant, outflow, new_volume, inv_new = metrics.materialize((courant, outflow, new_volume, inv_new))
    values, faces = {}, {}
    for name, tracer in tracers.items():
        t = values[name] = tracer.window(transport_w.y0, transport_w.y1, transport_w.x0, transport_w.x1)
        d = metrics.materialize((above(t) - t) * mask)
        d1b, d1a = below(d), above(d)
        d2b, d2a = (below(d1b), above(d1a)) if scheme.reach > 2 else (d, d)
        differences = (d2b, d1b, d, d1a, d2a)
        faces[name] = _face_values(scheme, metrics, name, upward, courant, outflow, (t, above(t)), differences)
    increments, faces = {}, metrics.materialize(faces)
    for name, t in values.items():
        gain = below(moved) * (below(faces[name]) - t) - moved * (faces[name] - t)
        increments[name] = transport_w.like(gain * inv_new).at(level="c")
    return increments, transport_w.like(new_volume).at(level="c")


def advect(
    metrics: Metrics,
    scheme: Scheme,
    tracers: Mapping[str, Field],
    volume: Field,
    transport_x: Field,
    transport_y: Field,
    transport_w: Field,
    time_step: float,
) -> tuple[dict[str, Field], Field]:
    """Increments of the tracers within `time_step` (s), and the cell volumes after it.

    Increments, not new values: their sum with what else happens in a step is rounded once.

    Args:
      tracers: (T/c) with a halo of `scheme.reach`.
      volume: (T/c) m3 at the start.
      transport_x, transport_y, transport_w: volume fluxes (U/c, V/c, T/w; m3 s-1), of which the flux through the sea
        surface is left out.
    """
    m = metrics
    tracers, along_x, volume = _sweep_horizontal(scheme, tracers, volume, transport_x, m.mask_u, time_step, "x", m)
    tracers, along_y, volume = _sweep_horizontal(scheme, tracers, volume, transport_y, m.mask_v, time_step, "y", m)
    upward, volume = _sweep_vertical(scheme, tracers, volume, transport_w, m.mask_w, time_step, m)
    return {name: along_x[name] + along_y[name] + upward[name] for name in upward}, volume
