"""Static fields by which lateral coefficients follow the grid."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import numpy as np

from ocean_gcm.errors import UserError
from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.grid import Grid

Scaling = Literal["none", "cos_latitude", "grid_spacing"]


def spacing_squared(static, place: str) -> Field:
    """Delta^2 = 2 / (dx^-2 + dy^-2) in m2 at a place (2-D): the length that explicit diffusion's limit knows.

    Harmonic friction is stable up to viscosity = Delta^2 / (4 time step).
    """
    place = place.lower()
    return apply(
        lambda a, b: 2.0 / (a * a + b * b), getattr(static, f"inv_dx_{place}"), getattr(static, f"inv_dy_{place}")
    )


def largest_spacing_squared(grid: Grid) -> float:
    """Largest Delta^2 (see `spacing_squared`) over the wet cells, m2."""
    dx, dy = grid.geometry.dx["T"], grid.geometry.dy["T"]
    spacing = 2.0 / (dx**-2.0 + dy**-2.0)
    return float(np.max(np.where(grid.wet, spacing, 0.0)) or np.max(spacing))


def planetary_vorticity_at_pole(grid: Grid) -> float:
    """2 Omega in s-1, recovered from the Coriolis parameter at the highest latitude of a spherical grid.

    Raises UserError on a plane or a sphere at rest, where latitude cannot be told from the Coriolis parameter.
    """
    if not grid.geometry.spherical:
        raise UserError("scaling: 'cos_latitude' needs a grid with geometry: sphere, found a plane")
    sine = np.sin(np.deg2rad(grid.geometry.y["T"]))
    highest = np.unravel_index(np.argmax(np.abs(sine)), sine.shape)
    twice_omega = float(grid.geometry.coriolis["T"][highest] / sine[highest]) if sine[highest] else 0.0
    if twice_omega == 0.0:
        raise UserError("scaling: 'cos_latitude' needs a rotating sphere, found grid.rotation_rate = 0")
    return twice_omega


class GridScale:
    """A static factor of order one at T and F (2-D): 1, cos(latitude)^n or (Delta / largest Delta)^n.

    Attributes: scaling, exponent (n), reference (2 Omega or the largest Delta^2).  Hashable, so that a closure can hold
    it as a static attribute.
    """

    def __init__(self, scaling: Scaling, exponent: int, grid: Grid):
        self.scaling, self.exponent = scaling, exponent
        self.reference = {
            "none": lambda grid: 1.0,
            "cos_latitude": planetary_vorticity_at_pole,
            "grid_spacing": largest_spacing_squared,
        }[scaling](grid)

    def _key(self):
        return self.scaling, self.exponent, self.reference

    def __eq__(self, other):
        return isinstance(other, GridScale) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def factor(self, static, place: str) -> Field:
        if self.scaling == "none":
            return getattr(static, f"dx_{place.lower()}").map(jnp.ones_like)
        if self.scaling == "cos_latitude":
            coriolis = getattr(static, f"coriolis_{place.lower()}")
            squared = coriolis.map(lambda f: jnp.maximum(1.0 - (f / self.reference) ** 2, 0.0))
        else:
            squared = spacing_squared(static, place) * (1.0 / self.reference)
        # these are static fields: no gradient runs through the root
        return squared.map(lambda s: s ** (self.exponent // 2) * (jnp.sqrt(s) if self.exponent % 2 else 1.0))
