"""Vertical levels: thicknesses from the surface down."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Levels:
    """Layers at rest, index 0 at the surface; `thickness` (nz,) in m."""

    thickness: np.ndarray

    @property
    def faces(self) -> np.ndarray:
        """Depths of the nz + 1 faces in m, positive down, 0 first."""
        return np.concatenate([[0.0], np.cumsum(self.thickness)])

    @property
    def centres(self) -> np.ndarray:
        """Depths of the layer centres in m, positive down."""
        return 0.5 * (self.faces[1:] + self.faces[:-1])


def stretched(number: int, depth: float, surface_thickness: float) -> Levels:
    """`number` layers down to `depth` (m) whose thickness grows geometrically from `surface_thickness` (m).

    Raises ValueError where the layers cannot grow, that is if surface_thickness > depth / number.
    """
    uniform = depth / number
    if surface_thickness > uniform * (1 + 1e-12):
        raise ValueError(f"surface_thickness = {surface_thickness} m exceeds depth / number = {uniform:g} m")
    low, high = 1.0, (depth / surface_thickness) ** (1.0 / max(number - 1, 1)) + 1e-9
    exponents = np.arange(number)
    for _ in range(200):
        ratio = 0.5 * (low + high)
        if surface_thickness * np.sum(ratio**exponents) > depth:
            high = ratio
        else:
            low = ratio
    thickness = surface_thickness * low**exponents
    return Levels(thickness * (depth / thickness.sum()))
