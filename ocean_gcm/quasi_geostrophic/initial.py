"""What a run of layers starts from: potential vorticity of each layer."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pydantic

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section


class RestConfig(Section):
    """No motion but the background's."""

    kind: Literal["rest"] = "rest"

    def potential_vorticity(self, grid: PeriodicGrid, seed: int) -> np.ndarray:
        return np.zeros(grid.shape)


class RandomConfig(Section):
    """White Gaussian noise of modes lowest <= |m| <= highest, m in waves of the shorter side; each layer its own.

    With `corners` the highest wavenumber bounds the components of m, not its length: a square without a disc.
    """

    kind: Literal["random"] = "random"
    lowest: float = pydantic.Field(1.0, ge=0, description="lowest wavenumber in waves per box (1)")
    highest: float | None = pydantic.Field(None, gt=0, description="highest wavenumber in waves per box; null: all (1)")
    corners: bool = pydantic.Field(False, description="whether each component may reach `highest`, not only the length")
    largest: float | None = pydantic.Field(
        None, gt=0, description="largest magnitude of potential vorticity over all layers in s-1"
    )
    standard_deviation: float | None = pydantic.Field(
        None, gt=0, description="standard deviation of potential vorticity over all layers in s-1"
    )

    @pydantic.model_validator(mode="after")
    def _one_size(self):
        if (self.largest is None) == (self.standard_deviation is None):
            raise UserError("initial of kind random needs one of largest and standard_deviation (s-1)")
        if self.highest is not None and self.highest < self.lowest:
            raise UserError(f"initial.highest is {self.highest:g}, below initial.lowest = {self.lowest:g}")
        return self

    def potential_vorticity(self, grid: PeriodicGrid, seed: int) -> np.ndarray:
        noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal(grid.shape))
        per_box = min(grid.lengths) / (2.0 * np.pi)
        waves = np.sqrt(grid.kappa_squared) * per_box
        band = (waves >= self.lowest) & (waves > 0)
        if self.highest is not None:
            # whole numbers of waves are not whole to the last digit
            longest = np.maximum(np.abs(grid.k), np.abs(grid.l)) * per_box * (1 - 1e-12) if self.corners else waves
            band &= longest <= self.highest
        if not band.any():
            raise UserError(f"initial has no wavenumber between {self.lowest:g} and {self.highest:g} on this grid")
        q = np.fft.irfft2(noise * band, s=grid.shape[1:])
        return q * (self.largest / np.abs(q).max() if self.largest else self.standard_deviation / q.std())


class WaveConfig(Section):
    """amplitude cos(2 pi (m x/Lx + n y/Ly)), the same in all layers."""

    kind: Literal["wave"] = "wave"
    amplitude: float = pydantic.Field(description="amplitude of potential vorticity in s-1")
    waves_x: int = pydantic.Field(1, description="m, waves along x in the box (1)")
    waves_y: int = pydantic.Field(0, description="n, waves along y in the box (1)")

    def potential_vorticity(self, grid: PeriodicGrid, seed: int) -> np.ndarray:
        length_y, length_x = grid.lengths
        phase = self.waves_x * grid.x / length_x + self.waves_y * grid.y[:, None] / length_y
        return np.broadcast_to(self.amplitude * np.cos(2.0 * np.pi * phase), grid.shape)


LayersInitialConfig = Annotated[RestConfig | RandomConfig | WaveConfig, pydantic.Field(discriminator="kind")]
