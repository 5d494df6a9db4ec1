"""Volumetric census of water masses: how much water has which temperature and salinity (Worthington 1981)."""

from __future__ import annotations

import numpy as np


def census(temperature, salinity, volume, temperature_edges, salinity_edges) -> np.ndarray:
    """(n, m) m3 of water between the n + 1 and m + 1 edges.

    temperature, salinity, volume: of one shape; volume in m3, zero on land.  What lies beyond the outermost edges
    counts in the outermost classes, so that the sum is all the water.
    """
    wet = np.asarray(volume) > 0
    rows, columns = (
        np.clip(np.searchsorted(edges, np.asarray(field)[wet], side="right") - 1, 0, len(edges) - 2)
        for field, edges in ((temperature, temperature_edges), (salinity, salinity_edges))
    )
    shape = len(temperature_edges) - 1, len(salinity_edges) - 1
    flat = np.bincount(rows * shape[1] + columns, np.asarray(volume)[wet], minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def overlap(first, second) -> float:
    """Share of the water that two censuses have in common: 1 if they agree, 0 if no class holds water in both.

    One minus half the sum of the absolute differences of the shares (the total variation distance).
    """
    a, b = (np.asarray(x, float) / np.sum(x) for x in (first, second))
    return float(np.minimum(a, b).sum())


def volume_between(field, volume, low: float, high: float) -> float:
    """m3 of water with low <= field < high; volume zero on land."""
    field, volume = np.asarray(field), np.asarray(volume)
    return float(volume[(field >= low) & (field < high) & (volume > 0)].sum())
