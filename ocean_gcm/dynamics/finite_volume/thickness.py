"""The z* coordinate: every layer of a column is stretched by the same factor (Adcroft & Campin 2004)."""

from __future__ import annotations

import dataclasses

import jax

from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Thickness:
    """Layer thicknesses h = h0 (1 + eta / H) at T, U and V in m, and the stretching factor at T."""

    t: Field
    u: Field
    v: Field
    stretching: Field


def layer_thickness(metrics: Metrics, eta: Field) -> Thickness:
    """Thicknesses for the sea surface height `eta` (T/s, m)."""
    m = metrics
    volume = eta * m.area_t  # so that eta at u-points is the area-weighted mean
    eta_u = volume.mean_x() * m.inv_area_u
    eta_v = volume.mean_y() * m.inv_area_v
    stretching = 1.0 + eta * m.inv_depth_t
    t, u, v = m.materialize(
        (
            m.thickness_t * stretching,
            m.thickness_u * (1.0 + eta_u * m.inv_depth_u),
            m.thickness_v * (1.0 + eta_v * m.inv_depth_v),
        )
    )
    return Thickness(t=t, u=u, v=v, stretching=stretching)


def depth_mean_u(metrics: Metrics, u: Field) -> Field:
    """Thickness-weighted vertical mean at U (the weights h / H do not depend on eta)."""
    mean = (u * metrics.thickness_u).map(_vertical_sum).at(level="s") * metrics.inv_depth_u
    return metrics.materialize_cotangents(mean)


def depth_mean_v(metrics: Metrics, v: Field) -> Field:
    mean = (v * metrics.thickness_v).map(_vertical_sum).at(level="s") * metrics.inv_depth_v
    return metrics.materialize_cotangents(mean)


def _vertical_sum(x):
    return x.sum(0)
