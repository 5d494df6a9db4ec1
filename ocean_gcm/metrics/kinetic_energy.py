"""Kinetic energy on the C-grid."""

from __future__ import annotations


def total_kinetic_energy(u, v, volume_u, volume_v):
    """m5 s-2 (times the reference density: J) of the horizontal flow.

    u, v: (nz, ny, nx) m s-1 at eastern and northern faces; volume_u, volume_v: volumes of the cells centred there, m3.
    This is the form that the C-grid equations conserve: squares at their own points.
    """
    return 0.5 * ((u * u * volume_u).sum() + (v * v * volume_v).sum())


def mean_kinetic_energy(u, v, volume_u, volume_v, volume):
    """Energy per mass, m2 s-2: `total_kinetic_energy` over the volume of the water, `volume` (nz, ny, nx) in m3."""
    return total_kinetic_energy(u, v, volume_u, volume_v) / volume.sum()


def surface_kinetic_energy(u, v, mask_u, mask_v):
    """(ny, nx) m2 s-2 at cell centres of a two-dimensional flow (ny, nx): mean of the squares at the four faces.

    The western and southern neighbours are reached cyclically: at a wall the masks (True where wet) are zero.
    """
    xp = u.__array_namespace__()
    square_u, square_v = u * u * mask_u, v * v * mask_v
    return 0.25 * (square_u + xp.roll(square_u, 1, -1) + square_v + xp.roll(square_v, 1, -2))


def eddy_kinetic_energy(u, v, mask_u, mask_v):
    """(..., ny, nx) m2 s-2: `surface_kinetic_energy` of the deviations from the mean over the first axis.

    u, v: (time, ..., ny, nx) m s-1.  Records that are means over an interval have lost what is faster than that.
    """
    return surface_kinetic_energy(u - u.mean(0), v - v.mean(0), mask_u, mask_v).mean(0)
