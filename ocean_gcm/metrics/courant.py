"""Courant numbers: the fraction of a cell that the flow or a wave crosses in one step."""

from __future__ import annotations


def horizontal_courant_number(u, v, dx_u, dy_v, time_step: float):
    """Largest of |u| dt / dx and |v| dt / dy; u, v (..., nz, ny, nx) m s-1, dx_u, dy_v (ny, nx) m, time_step s."""
    xp = u.__array_namespace__()
    return time_step * xp.maximum((abs(u) / dx_u).max(), (abs(v) / dy_v).max())


def vertical_courant_number(w, thickness, time_step: float):
    """Largest of |w| dt / dz; w (nz, ny, nx) m s-1 at the upper faces, thickness m (0 where dry)."""
    return time_step * (abs(w) / (thickness + 1e30 * (thickness == 0))).max()


def gravity_wave_courant_number(depth, dx, dy, time_step: float, gravity: float = 9.81):
    """Largest of sqrt(g H) dt sqrt(1/dx2 + 1/dy2) over wet cells; depth, dx, dy (ny, nx) m, depth 0 on land."""
    return time_step * ((gravity * depth) ** 0.5 * (1.0 / dx**2 + 1.0 / dy**2) ** 0.5).max()
