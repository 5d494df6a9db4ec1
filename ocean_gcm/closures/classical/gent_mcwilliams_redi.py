"""Mesoscale eddies: their overturning (Gent-McWilliams) and their mixing along neutral surfaces (Redi)."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section

LARGEST_SLOPE = 1.0
"""Slopes are bounded by this before they are tapered to zero, so that 0 times a huge number stays 0."""

ROSSBY_RADIUS_RANGE = (15e3, 100e3)
"""m; bounds of the radius in the surface taper (Large et al. 1997)."""


class SurfaceTaperConfig(Section):
    """Taper of eddies that touch the surface, Large et al. (1997): within a depth of radius times slope.

    The radius is baroclinic_speed / |f| within 15 and 100 km.
    """

    baroclinic_speed: float = pydantic.Field(2.0, gt=0, description="speed of the first baroclinic wave in m s-1")


class GentMcWilliamsRediConfig(Section):
    """Eddy-induced transport of Gent and McWilliams (1990) and rotated diffusion of Redi (1982).

    Both see neutral slopes tapered by (1 + tanh((slope_max - |slope|) / slope_width)) / 2 (Danabasoglu and McWilliams
    1995), each component for itself.  The rotated diffusion's cross terms are explicit: stable where
    isoneutral_diffusivity x slope_max x time step <= dx dz / 4.
    """

    kind: Literal["gent_mcwilliams_redi"] = "gent_mcwilliams_redi"
    diffusivity: float | None = pydantic.Field(
        1000.0, ge=0, description="thickness diffusivity of the eddy-induced transport in m2 s-1; null: none"
    )
    isoneutral_diffusivity: float | None = pydantic.Field(
        1000.0, ge=0, description="tracer diffusivity along neutral surfaces in m2 s-1; null: none"
    )
    slope_max: float = pydantic.Field(0.01, gt=0, le=0.5, description="slope at which the taper is one half, no unit")
    slope_width: float = pydantic.Field(0.002, gt=0, le=0.1, description="width of the taper in slope, no unit")
    steep_slopes: Literal["horizontal_diffusion", "none"] = pydantic.Field(
        "horizontal_diffusion",
        description="what isoneutral diffusion turns into where it is tapered: horizontal diffusion or none; no unit",
    )
    surface_taper: SurfaceTaperConfig | None = pydantic.Field(
        None, description="taper near the surface, speed in m s-1; null: none"
    )
    horizontal_diffusivity: float | None = pydantic.Field(
        None, ge=0, description="additional horizontal diffusivity of tracers in m2 s-1; null: none"
    )

    @pydantic.model_validator(mode="after")
    def _something(self):
        if self.diffusivity is None and self.isoneutral_diffusivity is None:
            raise ValueError(
                "gent_mcwilliams_redi needs diffusivity, isoneutral_diffusivity (m2 s-1) or both, found neither"
            )
        if self.horizontal_diffusivity is not None and self.isoneutral_diffusivity is None:
            raise ValueError(
                f"horizontal_diffusivity = {self.horizontal_diffusivity} needs isoneutral_diffusivity, found null; "
                "without it use kind: horizontal_diffusion"
            )
        return self

    def build(self, grid: Grid, dtype) -> GentMcWilliamsRedi:
        return GentMcWilliamsRedi(self, grid, dtype)


def steepness_taper(slope, slope_max, slope_width):
    """Factor in (0, 1) of Danabasoglu and McWilliams (1995); slopes without unit."""
    return 0.5 * (1.0 + jnp.tanh((slope_max - jnp.abs(slope)) / slope_width))


def surface_taper(slope, depth, radius):
    """Factor in [0, 1] by depth / (|slope| radius), lengths in m: 0 at the surface, 1 below that depth.

    A cubic instead of the sine of Large et al. (1997), which it equals within 0.01.
    """
    reach = jnp.abs(slope) * radius
    # the ratio is only formed where it is below one
    inside = reach > depth
    ratio = jnp.where(inside, depth / jnp.where(inside, reach, 1.0), 1.0)
    return ratio * ratio * (3.0 - 2.0 * ratio)


class GentMcWilliamsRedi(Formula):
    """See `GentMcWilliamsRediConfig`.

    The eddy-induced velocity is u* = -d/dz (kappa S) with S = -grad rho / rho_z, the slope dz/dx of neutral surfaces
    (z up), so the transport per unit width of all layers below a face is -kappa S there: where neutral surfaces rise
    northward, dense water slides southward under the light.
    """

    def __init__(self, config: GentMcWilliamsRediConfig, grid: Grid, dtype):
        speed = None if config.surface_taper is None else config.surface_taper.baroclinic_speed
        super().__init__(
            dtype,
            diffusivity=config.diffusivity,
            isoneutral_diffusivity=config.isoneutral_diffusivity,
            horizontal_diffusivity=config.horizontal_diffusivity,
            slope_max=config.slope_max,
            slope_width=config.slope_width,
            baroclinic_speed=speed,
        )
        self.steep_slopes = config.steep_slopes
        self.face_depth = tuple(float(z) for z in grid.levels.faces[:-1])

    def taper(self, slope: Field, coriolis: Field) -> Field:
        """Factor in [0, 1] at the slope's place (w)."""
        gentle = slope.map(lambda s: steepness_taper(s, self.slope_max[...], self.slope_width[...]))
        if self.baroclinic_speed is None:
            return gentle
        depth = np.asarray(self.face_depth, slope.data.dtype)[:, None, None]
        near, far = ROSSBY_RADIUS_RANGE
        # |f| is bounded first: no division by zero at the equator
        radius = coriolis.map(lambda f: jnp.clip(self.baroclinic_speed[...] / jnp.maximum(jnp.abs(f), 1e-8), near, far))
        return gentle * apply(lambda s, r: surface_taper(s, depth, r), slope, radius)

    def effects(self, columns: Columns) -> Effects:
        slopes = [s.map(_bounded) for s in (columns.slope_x, columns.slope_y)]
        coriolis = columns.static.coriolis_u, columns.static.coriolis_v
        tapers = [self.taper(s, f) for s, f in zip(slopes, coriolis, strict=True)]
        tapered = [t * s for t, s in zip(tapers, slopes, strict=True)]
        streamfunction = rotated = None
        if self.diffusivity is not None:
            streamfunction = tuple(s * -self.diffusivity[...] for s in tapered)
        if self.isoneutral_diffusivity is not None:
            along = self.isoneutral_diffusivity[...]
            squared = [t * s for t, s in zip(tapered, slopes, strict=True)]
            rotated = (
                self._horizontal(tapers[0], columns.static.mask_u),
                self._horizontal(tapers[1], columns.static.mask_v),
                tapered[0] * along,
                tapered[1] * along,
                (squared[0].mean_x() + squared[1].mean_y()) * along,
            )
        return Effects(eddy_streamfunction=streamfunction, isoneutral_diffusion=rotated)

    def _horizontal(self, taper: Field, wet: Field) -> Field:
        """Diffusivity along x or y at the faces (c), m2 s-1."""
        along = self.isoneutral_diffusivity[...]
        background = 0.0 if self.horizontal_diffusivity is None else self.horizontal_diffusivity[...]
        if self.steep_slopes == "horizontal_diffusion":
            return wet * (along + background)
        return wet * (taper.map(_faces_to_centres).at(level="c") * along + background)


def _bounded(slope):
    return jnp.clip(slope, -LARGEST_SLOPE, LARGEST_SLOPE)


def _faces_to_centres(a):
    """Mean of the upper and the lower face; the lowest cell takes its upper face, the sea floor has no slope."""
    return 0.5 * (a + jnp.concatenate([a[1:], a[-1:]]))
