"""Friction at the sea floor, linear and quadratic."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section

SPEED_FLOOR = 1e-8
"""m s-1; far below any speed of interest, keeps the root differentiable at rest."""


class BottomDragConfig(Section):
    """Bottom stress / density = -(linear + quadratic |u_bottom|) u_bottom.

    |u_bottom|^2 is the resolved speed squared plus `tidal_speed`^2, the part that tides not resolved add.
    The drag is applied by the core to the lowest cell.
    """

    kind: Literal["bottom_drag"] = "bottom_drag"
    linear: float | None = pydantic.Field(None, ge=0, description="linear drag velocity in m s-1; null switches it off")
    quadratic: float | None = pydantic.Field(
        None, ge=0, description="quadratic drag coefficient, no unit (about 1e-3 to 3e-3); null switches it off"
    )
    tidal_speed: float = pydantic.Field(
        0.0, ge=0, description="root-mean-square speed of unresolved tides at the sea floor in m s-1 (about 0.05)"
    )

    @pydantic.model_validator(mode="after")
    def _something(self):
        if self.linear is None and self.quadratic is None:
            raise ValueError("bottom_drag needs linear (m s-1), quadratic (no unit) or both, found neither")
        return self

    def build(self, grid: Grid, dtype) -> BottomDrag:
        return BottomDrag(self, dtype)


def bottom_value(field: Field, mask: Field) -> Field:
    """Value in the lowest wet cell of each column of (nz, y, x), zero on land; (y, x).

    mask: 1 where wet, 0 elsewhere, wet cells on top.
    """

    def lowest(a, m):
        below = jnp.concatenate([m[1:], jnp.zeros_like(m[:1])])
        return jnp.sum(a * (m - below), 0)

    return apply(lowest, field, mask).at(level="s")


class BottomDrag(Formula):
    """See `BottomDragConfig`."""

    def __init__(self, config: BottomDragConfig, dtype):
        tides = config.tidal_speed if config.quadratic is not None and config.tidal_speed else None
        super().__init__(dtype, linear=config.linear, quadratic=config.quadratic, tidal_speed=tides)

    def speed(self, columns: Columns) -> Field:
        """Speed at the sea floor at T in m s-1: of each face its own lowest cell, squares averaged to the centre."""
        u = bottom_value(columns.u, columns.static.mask_u)
        v = bottom_value(columns.v, columns.static.mask_v)
        squared = (u * u).mean_x() + (v * v).mean_y() + SPEED_FLOOR**2
        if self.tidal_speed is not None:
            squared = squared + self.tidal_speed[...] ** 2
        return squared.map(jnp.sqrt)

    def effects(self, columns: Columns) -> Effects:
        if self.quadratic is None:
            return Effects(bottom_drag=columns.static.surface_mask_t * self.linear[...])
        drag = self.speed(columns) * self.quadratic[...]
        return Effects(bottom_drag=drag if self.linear is None else drag + self.linear[...])
