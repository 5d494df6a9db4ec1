"""Transports through sections: straits, channels, and the northward transports of heat and freshwater."""

from __future__ import annotations

import numpy as np

from ocean_gcm.metrics.streamfunction import SVERDRUP


def section_transport(velocity, thickness, width, where=None):
    """Volume transport in Sv through the faces of a section, positive along the velocity's positive direction.

    velocity, thickness: (..., nz, n) in m s-1 and m on the faces of the section; width: (n,) m; where: (n,) True for
    the faces that count, None for all.
    """
    if where is not None:
        width = width * where
    return (velocity * thickness * width).sum((-2, -1)) / SVERDRUP


def zonal_transport(u, thickness_u, dy_u):
    """(..., nx) Sv eastward through each meridian, over all of its faces (nearly equal along a re-entrant channel)."""
    return (u * thickness_u * dy_u).sum((-3, -2)) / SVERDRUP


def passage_faces(longitude_u, latitude_u, depth_u, *, west: float, east: float, shore: tuple[float, float]):
    """The narrowest meridional section from the southern edge to a northern shore, as (column, rows).

    Among the columns of eastern faces with west <= longitude <= east (degrees, any branch) the northern shore is the
    first face without water whose latitude lies in `shore` (degrees); all faces south of it belong to the section.
    Gulfs that are closed on one side add nothing to it.  The column with the smallest cross-section (m2 of open faces
    per metre of width, that is the sum of `depth_u`) is taken.

    longitude_u, latitude_u, depth_u: (ny, nx) at eastern faces; depth_u: m, 0 on land.
    Returns (column index, (ny,) True for the rows of the section), or None where there is no such passage.
    """
    best = None
    centre = 0.5 * (west + east)
    offset = np.abs((longitude_u[0] - centre + 180.0) % 360.0 - 180.0)
    for column in np.flatnonzero(offset <= 0.5 * (east - west) + 1e-6):
        latitude, depth = latitude_u[:, column], depth_u[:, column]
        land = np.flatnonzero((depth == 0) & (latitude >= shore[0]) & (latitude <= shore[1]))
        if len(land) == 0:
            continue
        rows = np.arange(len(latitude)) < land[0]
        size = depth[rows].sum()
        if size > 0 and (best is None or size < best[0]):
            best = (size, int(column), rows)
    return None if best is None else best[1:]


def drake_passage(longitude_u, latitude_u, depth_u):
    """`passage_faces` between Antarctica and South America, 72W to 60W; the continent ends between 58S and 45S."""
    return passage_faces(longitude_u, latitude_u, depth_u, west=-72.0, east=-60.0, shore=(-58.0, -45.0))


def meridional_transport(tracer, v, thickness_v, dx_v, mask_v=None):
    """(..., ny) tracer m3 s-1 carried northward through each row of northern faces by the resolved flow.

    The tracer (..., nz, ny, nx) at cell centres is averaged to the faces; beyond a wall v is zero.  mask_v as in
    `overturning_streamfunction`.  Transport by eddies and numerical diffusion is not part of it.
    """
    xp = v.__array_namespace__()
    width = dx_v if mask_v is None else dx_v * mask_v
    face = 0.5 * (tracer + xp.roll(tracer, -1, -2))
    return (face * v * thickness_v * width).sum((-3, -1))


def meridional_heat_transport(temperature, v, thickness_v, dx_v, reference_density, heat_capacity, mask_v=None):
    """(..., ny) W; relative to 0 degC, so meaningful only where the net volume transport is nearly zero."""
    return reference_density * heat_capacity * meridional_transport(temperature, v, thickness_v, dx_v, mask_v)


def meridional_freshwater_transport(salinity, v, thickness_v, dx_v, reference_salinity=35.0, mask_v=None):
    """(..., ny) Sv of freshwater, - sum v (S - S0) / S0."""
    anomaly = (salinity - reference_salinity) / reference_salinity
    return -meridional_transport(anomaly, v, thickness_v, dx_v, mask_v) / SVERDRUP
