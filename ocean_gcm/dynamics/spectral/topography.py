"""Shapes of the sea floor under the lowest layer: heights above the mean depth, and what they add to its PV."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pydantic

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.section import Section


class SinusoidalConfig(Section):
    """height cos(2 pi m x/Lx) cos(2 pi n y/Ly)."""

    kind: Literal["sinusoidal"] = "sinusoidal"
    height: float = pydantic.Field(description="amplitude in m")
    waves_x: int = pydantic.Field(1, ge=0, description="waves along x in the box")
    waves_y: int = pydantic.Field(1, ge=0, description="waves along y in the box")

    def heights(self, grid: PeriodicGrid) -> np.ndarray:
        length_y, length_x = grid.lengths
        x, y = 2.0 * np.pi * grid.x / length_x, 2.0 * np.pi * grid.y[:, None] / length_y
        return self.height * np.cos(self.waves_x * x) * np.cos(self.waves_y * y)


class SeamountConfig(Section):
    """A Gaussian mountain in the middle of the box."""

    kind: Literal["seamount"] = "seamount"
    height: float = pydantic.Field(description="height of the summit in m")
    width: float = pydantic.Field(gt=0, description="distance over which it falls by a factor e in m")

    def heights(self, grid: PeriodicGrid) -> np.ndarray:
        length_y, length_x = grid.lengths
        squared = (grid.x - 0.5 * length_x) ** 2 + (grid.y[:, None] - 0.5 * length_y) ** 2
        return self.height * np.exp(-squared / self.width**2)


TopographyConfig = Annotated[SinusoidalConfig | SeamountConfig, pydantic.Field(discriminator="kind")]


def topographic_vorticity(grid: PeriodicGrid, heights: np.ndarray, f0: float, thickness: float) -> np.ndarray:
    """(ny, nx) f0 h/H of the lowest layer, without its mean, s-1."""
    return f0 / thickness * (heights - heights.mean())
