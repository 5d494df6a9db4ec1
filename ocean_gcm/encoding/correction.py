"""A learned correction of a state: what the remapping of an analysis cannot know.

A network of the kind of the learned closures sees the state and its surface forcing, and adds to each field x

    x' = x + scale_x clip tanh(n / clip),

n its output, which is zero before training.  With `conserve` the contents of the whole ocean stay as they are: volume
(the mean is taken off the correction of the sea level), and heat and salt under the new volumes V',

    C' = C + dC - (sum (V' - V) C + sum V' dC) / sum V'.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
import pydantic

from ocean_gcm.closures.interface import Columns
from ocean_gcm.closures.neural.features import Block
from ocean_gcm.closures.neural.learned import Learned, LearnedConfig, at_faces, soft_clip
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section
from ocean_gcm.state import Ocean

TRACERS = ("temperature", "salinity")
Output = Literal["velocity", "temperature", "salinity", "sea_surface_height"]


class CorrectionScales(Section):
    """Corrections of order one of the network's outputs."""

    velocity: float = pydantic.Field(0.05, gt=0, description="m s-1")
    temperature: float = pydantic.Field(0.5, gt=0, description="K")
    salinity: float = pydantic.Field(0.1, gt=0, description="g kg-1")
    sea_surface_height: float = pydantic.Field(0.05, gt=0, description="m")


class CorrectionConfig(LearnedConfig):
    """Inputs, network and outputs of a correction."""

    outputs: tuple[Output, ...] = pydantic.Field(
        ("velocity", "temperature", "salinity", "sea_surface_height"),
        min_length=1,
        description="what the network corrects; no unit",
    )
    scales: CorrectionScales = pydantic.Field(CorrectionScales(), description="sizes of the corrections")
    clip: float = pydantic.Field(10.0, gt=0, description="bound of the corrections in their scales, no unit")
    conserve: bool = pydantic.Field(False, description="keep the ocean's volume, heat and salt content; no unit")

    def build(self, grid: Grid, dtype) -> Correction:
        return Correction(self, grid, dtype)


class Correction(Learned):
    """See `CorrectionConfig`."""

    def __init__(self, config: CorrectionConfig, grid: Grid, dtype):
        kinds = {
            "velocity": Block("vector", grid.shape[0]),
            **{name: Block("scalar", grid.shape[0]) for name in TRACERS},
            "sea_surface_height": Block("scalar", 1),
        }
        self.outputs = tuple(name for name in kinds if name in config.outputs)
        super().__init__(config, grid, dtype, tuple(kinds[name] for name in self.outputs))
        self.scales = tuple(getattr(config.scales, name) for name in self.outputs)
        self.clip, self.conserve = config.clip, config.conserve

    def __call__(self, columns: Columns, ocean: Ocean, key: jax.Array) -> Ocean:
        """The corrected fields; `key` draws the random inputs, if the network has any."""
        for_memory, for_step = jax.random.split(key)
        memory = self.initial_memory(columns.thickness.data.shape, ocean.u.dtype, for_memory)
        parts, _ = self.evaluate(columns, memory, for_step)
        found = {
            name: soft_clip(part, self.clip) * scale
            for name, part, scale in zip(self.outputs, parts, self.scales, strict=True)
        }
        fields = {}
        if "velocity" in found:
            along_x, along_y = (f.interior(*ocean.u.shape[-2:]) for f in at_faces(columns, found["velocity"], 1.0))
            fields["u"], fields["v"] = ocean.u + along_x, ocean.v + along_y
        height = self._height(columns, found)
        if height is not None:
            fields["sea_surface_height"] = ocean.sea_surface_height + height
        for name in TRACERS:
            if name in found or (self.conserve and height is not None):
                fields[name] = self._tracer(columns, getattr(ocean, name), found.get(name), height)
        return dataclasses.replace(ocean, **fields)

    def _height(self, columns: Columns, found) -> jax.Array | None:
        if "sea_surface_height" not in found:
            return None
        height = found["sea_surface_height"][0]
        area = _interior(columns, "area_t") * _interior(columns, "surface_mask_t")
        if self.conserve:
            height = height - jnp.sum(height * area) / jnp.sum(area)
        return height * _interior(columns, "surface_mask_t")

    def _tracer(self, columns: Columns, tracer, change, height) -> jax.Array:
        mask, area = _interior(columns, "mask_t"), _interior(columns, "area_t")
        change = jnp.zeros_like(tracer) if change is None else change * mask
        if not self.conserve:
            return tracer + change
        before = columns.thickness.interior(*tracer.shape[-2:]) * area
        gained = jnp.zeros_like(before)
        if height is not None:
            at_rest = _interior(columns, "thickness_t") * area
            gained = at_rest * (height * _interior(columns, "inv_depth_t"))
        after = before + gained
        # sums of products with what is zero before training, so that the correction is exactly zero then
        excess = (jnp.sum(gained * tracer) + jnp.sum(after * change)) / jnp.sum(after)
        return tracer + (change - excess) * mask


def _interior(columns: Columns, name: str) -> jax.Array:
    halo = columns.static.halo
    ny, nx = (n - 2 * halo for n in columns.static.area_t.data.shape)
    return getattr(columns.static, name).interior(ny, nx)
