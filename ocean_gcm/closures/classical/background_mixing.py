"""Vertical mixing that knows nothing of the flow: constants and the profile of Bryan and Lewis."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section


class BryanLewisConfig(Section):
    """Diffusivity added to the background: mean + range / pi * arctan((depth - transition_depth) / width).

    Bryan and Lewis (1979), their values: 0.3e-4 m2 s-1 near the surface, 1.3e-4 in the abyss.
    """

    mean: float = pydantic.Field(0.8e-4, ge=0, description="diffusivity at the transition depth in m2 s-1")
    range: float = pydantic.Field(1.05e-4, ge=0, description="difference between abyss and surface in m2 s-1")
    transition_depth: float = pydantic.Field(2500.0, ge=0, description="depth of the transition in m")
    width: float = pydantic.Field(222.2, gt=0, description="half width of the transition in m")

    @pydantic.model_validator(mode="after")
    def _positive(self):
        if self.mean < 0.5 * self.range:
            raise ValueError(
                f"bryan_lewis.mean = {self.mean} m2 s-1 must be at least half of range = {self.range} m2 s-1"
            )
        return self


class BackgroundMixingConfig(Section):
    """Constant vertical viscosity and diffusivity and, if given, the profile of Bryan and Lewis (1979)."""

    kind: Literal["background_mixing"] = "background_mixing"
    viscosity: float | None = pydantic.Field(1.0e-3, ge=0, description="vertical viscosity in m2 s-1; null: none")
    diffusivity: float | None = pydantic.Field(
        1.0e-5, ge=0, description="vertical diffusivity in m2 s-1, added to bryan_lewis; null: none"
    )
    bryan_lewis: BryanLewisConfig | None = pydantic.Field(
        None, description="profile of diffusivity in depth, values in m2 s-1 and m; null: none"
    )

    def build(self, grid: Grid, dtype) -> BackgroundMixing:
        return BackgroundMixing(self, grid, dtype)


def bryan_lewis(depth, mean, range_, transition_depth, width):
    """Diffusivity in m2 s-1 at `depth` (m, positive down)."""
    return mean + (range_ / jnp.pi) * jnp.arctan((depth - transition_depth) / width)


class BackgroundMixing(Formula):
    """See `BackgroundMixingConfig`."""

    def __init__(self, config: BackgroundMixingConfig, grid: Grid, dtype):
        super().__init__(dtype, viscosity=config.viscosity, diffusivity=config.diffusivity)
        # upper faces lie at the same depth in every column at rest; the free surface moves them by less than a percent
        self.face_depth = tuple(float(z) for z in grid.levels.faces[:-1])
        self.profile = None if config.bryan_lewis is None else Formula(dtype, **config.bryan_lewis.model_dump())

    def effects(self, columns: Columns) -> Effects:
        wet = columns.static.mask_w
        diffusivity = None if self.diffusivity is None else self.diffusivity[...]
        if (profile := self.profile) is not None:
            depth = np.asarray(self.face_depth, wet.data.dtype)[:, None, None]
            values = bryan_lewis(
                depth, profile.mean[...], profile.range[...], profile.transition_depth[...], profile.width[...]
            )
            diffusivity = values if diffusivity is None else values + diffusivity
        return Effects(
            vertical_viscosity=None if self.viscosity is None else wet * self.viscosity[...],
            vertical_diffusivity=None if diffusivity is None else wet * diffusivity,
        )
