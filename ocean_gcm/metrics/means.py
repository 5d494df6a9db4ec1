"""Weighted means and differences; the weights are volumes, areas or widths and are zero where there is no water."""

from __future__ import annotations

VOLUME_AXES = (-3, -2, -1)
AREA_AXES = (-2, -1)


def weighted_mean(field, weights, axis=None, empty: float = float("nan")):
    """sum(field * weights) / sum(weights) over `axis` (all axes by default).

    `weights` must broadcast against `field`.  The unit is that of `field`; where the weights add up to zero the answer
    is `empty`.
    """
    weights = weights + 0 * field
    total = weights.sum(axis)
    nothing = total == 0
    # an infinite or missing `empty` must not leak into the wet points, hence no sum of products
    mean = (field * weights).sum(axis) / (total + nothing)
    return mean.__array_namespace__().where(nothing, empty, mean)


def volume_mean(field, volume):
    """Mean of (..., nz, ny, nx) over the three last axes; `volume` (nz, ny, nx) in m3."""
    return weighted_mean(field, volume, VOLUME_AXES)


def area_mean(field, area):
    """Mean of (..., ny, nx) over the two last axes; `area` (ny, nx) in m2, zero on land."""
    return weighted_mean(field, area, AREA_AXES)


def level_mean(field, volume):
    """(..., nz) horizontal mean of each level of (..., nz, ny, nx); NaN below the deepest floor."""
    return weighted_mean(field, volume, AREA_AXES)


def zonal_mean(field, weights):
    """(..., ny) mean along x; on the sphere `weights` are the widths or volumes of the wet cells.  NaN on land."""
    return weighted_mean(field, weights, -1)


def root_mean_square(difference, weights, axis=None):
    """Square root of the weighted mean of the square of `difference`."""
    return weighted_mean(difference * difference, weights, axis) ** 0.5
