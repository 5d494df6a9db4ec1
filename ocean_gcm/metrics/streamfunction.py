"""Barotropic and meridional overturning streamfunctions, in Sv (1e6 m3 s-1)."""

from __future__ import annotations

import numpy as np

SVERDRUP = 1e6


def barotropic_streamfunction(u, thickness_u, dy_u):
    """(..., ny, nx) Sv at the north-eastern corners of the cells: the transport northward of the corner.

    Sign: U = -d psi / dy and V = d psi / dx (U, V depth-integrated), psi = 0 on the northern wall.  A gyre that turns
    clockwise is positive, and an eastward circumpolar current makes psi positive on its southern side; the value on the
    southern wall (not stored) is the zonal transport of the whole section.

    u: (..., nz, ny, nx) m s-1; thickness_u: (nz, ny, nx) m; dy_u: (ny, nx) m.
    """
    transport = (u * thickness_u).sum(-3) * dy_u
    northward_sum = transport[..., ::-1, :].cumsum(-2)[..., ::-1, :]
    return (northward_sum - transport) / SVERDRUP


def overturning_streamfunction(v, thickness_v, dx_v, mask_v=None, eddy_streamfunction=None):
    """(..., nz + 1, ny) Sv at the latitudes of the northern faces and the depths of the level faces, surface first.

    The value is the northward transport above that depth: a cell that flows north near the surface and returns at depth
    is positive (clockwise with north to the right).  Zero at the surface; at the sea floor what is left is the net
    transport through the latitude.

    v: (..., nz, ny, nx) m s-1; thickness_v: (nz, ny, nx) m; dx_v: (ny, nx) m; mask_v: (ny, nx) True where the faces
    belong to the basin, None for all; eddy_streamfunction: (..., nz, ny, nx) m2 s-1 at northern and upper faces, the
    bolus transport per unit width of the layers below (the closures' `Effects.eddy_streamfunction`), added if given.
    """
    xp = v.__array_namespace__()
    width = dx_v if mask_v is None else dx_v * mask_v
    transport = (v * thickness_v * width).sum(-1)
    zero = xp.zeros_like(transport[..., :1, :])
    streamfunction = xp.concat([zero, transport.cumsum(-2)], axis=-2)
    if eddy_streamfunction is not None:
        # what flows north above a face is what flows south below it
        bolus = -(eddy_streamfunction * width).sum(-1)
        streamfunction = streamfunction + xp.concat([bolus, zero], axis=-2)
    return streamfunction / SVERDRUP


def between_latitudes(streamfunction, latitude_v, latitude: float):
    """(nz + 1,) profile of (nz + 1, ny) at `latitude` (degrees), linear between the two nearest rows."""
    upper = int(np.clip(np.searchsorted(latitude_v, latitude), 1, len(latitude_v) - 1))
    south, north = latitude_v[upper - 1], latitude_v[upper]
    weight = float(np.clip((latitude - south) / (north - south), 0.0, 1.0))
    return (1 - weight) * streamfunction[..., upper - 1] + weight * streamfunction[..., upper]


def overturning_maximum(
    streamfunction, latitude_v, depth_faces, *, south: float, north: float, shallowest: float = 500.0
):
    """Largest value (Sv) of (nz + 1, ny) between two latitudes (degrees) and below `shallowest` (m).

    The bound in depth keeps the wind-driven cells near the surface out.  NaN where no point is in the range.
    """
    rows = (latitude_v >= south) & (latitude_v <= north)
    deep = depth_faces > shallowest
    if not rows.any() or not deep.any():
        return float("nan")
    return streamfunction[deep][:, rows].max()


def overturning_at(streamfunction, latitude_v, depth_faces, latitude: float = 26.5, shallowest: float = 500.0):
    """Largest value (Sv) below `shallowest` (m) at one latitude; at 26.5N the RAPID array observes it."""
    deep = depth_faces > shallowest
    if not deep.any() or not latitude_v[0] <= latitude <= latitude_v[-1]:
        return float("nan")
    return between_latitudes(streamfunction, latitude_v, latitude)[deep].max()
