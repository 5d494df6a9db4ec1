"""Sea level: its mean, its dynamic part and its steric part."""

from __future__ import annotations

from ocean_gcm.metrics.means import area_mean


def dynamic_sea_level(sea_surface_height, area):
    """(..., ny, nx) m: sea surface height minus its mean; `area` (ny, nx) m2, zero on land.  Land keeps -mean."""
    return sea_surface_height - area_mean(sea_surface_height, area)[..., None, None]


def steric_height(density, reference, thickness, reference_density: float):
    """(..., ny, nx) m: how much higher a column stands than one of density `reference` (same shape or (nz, 1, 1)).

    density in kg m-3 in situ, thickness (nz, ny, nx) m (0 where dry).
    """
    return -((density - reference) * thickness).sum(-3) / reference_density


def variability(sea_surface_height, area):
    """(ny, nx) m: standard deviation over time of the height above the mean of the same moment.

    sea_surface_height: (time, ny, nx) m; area: (ny, nx) m2, zero on land.  A level that rises everywhere alike is no
    variability.
    """
    height = dynamic_sea_level(sea_surface_height, area)
    return ((height - height.mean(0)) ** 2).mean(0) ** 0.5
