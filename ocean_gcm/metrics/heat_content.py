"""Ocean heat content."""

from __future__ import annotations


def layer_thickness(thickness, top: float, bottom: float):
    """(nz, ny, nx) m of each cell that lies between the depths `top` and `bottom` (m, positive down)."""
    xp = thickness.__array_namespace__()
    lower = thickness.cumsum(-3)
    upper = lower - thickness
    return xp.clip(xp.clip(lower, None, bottom) - xp.clip(upper, top, None), 0.0, None)


def heat_content(temperature, thickness, reference_density, heat_capacity, top: float = 0.0, bottom: float = 1e5):
    """(..., ny, nx) J m-2 relative to 0 degC between two depths; temperature (..., nz, ny, nx) degC, thickness m."""
    part = layer_thickness(thickness, top, bottom)
    return reference_density * heat_capacity * (temperature * part).sum(-3)
