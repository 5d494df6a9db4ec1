"""Coriolis force, energy-conserving in space and semi-implicit in time."""

from __future__ import annotations

from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics


def coriolis(
    metrics: Metrics, u: Field, v: Field, thickness_u: Field, thickness_v: Field, inv_thickness_f: Field
) -> tuple[Field, Field]:
    """(f v, -f u) at (U, V) in units of f times those of u and v.

    f at the corners acts on the transports around them (Sadourny 1975): no work on the resolved flow, whatever the
    thicknesses (m).
    """
    m = metrics
    q = m.coriolis_f * inv_thickness_f
    transport_x, transport_y = u * thickness_u * m.dy_u, v * thickness_v * m.dx_v
    mean_x, mean_y = m.materialize_cotangents((transport_y.mean_x(), transport_x.mean_y()))
    at_corners = m.materialize((q * mean_x, q * mean_y))
    return at_corners[0].mean_y() * m.inv_dx_u, -(at_corners[1].mean_x() * m.inv_dy_v)


def semi_implicit(
    metrics: Metrics,
    increment_u: Field,
    increment_v: Field,
    rotate,
    time_step: float,
) -> tuple[Field, Field]:
    """Increments of an implicit step, u' = u + dt (R + C (u' - u) / 2), from the explicit ones dt R.

    The 2 x 2 system of each point is inverted with the neighbours' increments in place of its own:

        du = (dt R_u + a C_u(dt R)) / (1 + a^2),   a = f dt / 2,  with C = `rotate` divided by f.

    On the C-grid with its averages the amplification factor is at most 1 for any f dt (the averages only damp), and a
    steady state has R = 0 exactly: geostrophic and Ekman balance do not depend on the time step.
    """
    m = metrics
    half = 0.5 * time_step
    turned_u, turned_v = rotate(increment_u, increment_v)
    a_u, a_v = m.coriolis_u * half, m.coriolis_v * half
    return (
        (increment_u + turned_u * half) / (1.0 + a_u * a_u),
        (increment_v + turned_v * half) / (1.0 + a_v * a_v),
    )
