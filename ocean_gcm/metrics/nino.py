"""Indices of sea surface temperature in the equatorial Pacific (Trenberth 1997, Rasmusson and Carpenter 1982)."""

from __future__ import annotations

import numpy as np

from ocean_gcm.metrics.means import area_mean

REGIONS = {
    "nino12": (270.0, 280.0, -10.0, 0.0),
    "nino3": (210.0, 270.0, -5.0, 5.0),
    "nino34": (190.0, 240.0, -5.0, 5.0),
    "nino4": (160.0, 210.0, -5.0, 5.0),
}
"""West, east, south and north in degrees."""


def region_weights(west_edge, east_edge, south_edge, north_edge, region: tuple[float, float, float, float]):
    """(...) shares of the cells inside a box, from their edges in degrees.

    On a coarse grid a box of 10 degrees has no whole number of cells; those on its sides count by the part inside.
    """
    west, east, south, north = region
    # the box once around to either side, for cells that count longitudes otherwise
    along = sum(
        np.clip(np.minimum(east_edge, east + turn) - np.maximum(west_edge, west + turn), 0.0, None)
        for turn in (-360.0, 0.0, 360.0)
    )
    across = np.clip(
        np.sin(np.radians(np.minimum(north_edge, north))) - np.sin(np.radians(np.maximum(south_edge, south))), 0.0, None
    )
    whole = np.sin(np.radians(north_edge)) - np.sin(np.radians(south_edge))
    return along / (east_edge - west_edge) * across / whole


def seasonal_anomaly(series, season):
    """`series` (time, ...) minus the mean of all records of the same `season` (time,), any labels (months, say)."""
    series, season = np.asarray(series, float), np.asarray(season)
    result = np.empty_like(series)
    for label in np.unique(season):
        chosen = season == label
        result[chosen] = series[chosen] - series[chosen].mean(0)
    return result


def box_index(sst, area):
    """(time,) mean over a box of (time, ny, nx) degC; `area` (ny, nx) m2 of the part of each wet cell inside."""
    return area_mean(np.where(area > 0, sst, 0.0), area)
