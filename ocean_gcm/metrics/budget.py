"""Closure of budgets: what is inside at the end, minus at the start, minus what came in."""

from __future__ import annotations


def residual(start, end, gained):
    """end - start - gained, in the unit of the contents."""
    return (end - start) - gained


def relative_residual(start, end, gained, scale=None):
    """`residual` over `scale`: the content at the start by default (the ocean's volume, heat or salt)."""
    scale = abs(start) if scale is None else scale
    return residual(start, end, gained) / scale


def total_volume(sea_surface_height, thickness, area):
    """m3 of water: at rest plus under the free surface; sea_surface_height (ny, nx) m, zero on land."""
    return (thickness.sum(-3) * area).sum() + (sea_surface_height * area).sum()


def total_content(tracer, sea_surface_height, thickness, area):
    """tracer m3 with z*, where each cell of a column is stretched by 1 + sea_surface_height / depth."""
    depth = thickness.sum(-3)
    stretching = 1.0 + sea_surface_height / (depth + (depth == 0))
    return ((tracer * thickness).sum(-3) * stretching * area).sum((-2, -1))
