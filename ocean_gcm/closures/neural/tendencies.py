"""Learned tendencies of momentum, heat and salt."""

from __future__ import annotations

from typing import Any, Literal

import jax.numpy as jnp
import pydantic

from ocean_gcm.closures.classical.grid_scale import spacing_squared
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.closures.neural.features import Block
from ocean_gcm.closures.neural.learned import (
    Learned,
    LearnedConfig,
    RandomInputs,
    at_faces,
    halves,
    soft_clip,
    surrounded,
)
from ocean_gcm.closures.neural.stress import stress_divergence
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import Grid

TRACERS = ("temperature", "salinity")


class NeuralTendenciesConfig(LearnedConfig):
    """A network's du, dv, dT and dS.  Zero before training: an untrained hybrid is its physics to the last bit.

    Heat and salt move through the faces between cells, so that their content stays as it is.  Each output has the size
    of its scale (normalisation) times a number that a soft clip keeps within `clip`.
    """

    kind: Literal["neural_tendencies"] = "neural_tendencies"
    outputs: tuple[Literal["velocity", "temperature", "salinity"], ...] = pydantic.Field(
        ("velocity", "temperature", "salinity"), min_length=1, description="what the network changes; no unit"
    )
    momentum: Literal["tendency", "stress"] = pydantic.Field(
        "tendency",
        description="tendency: du and dv as such; stress: the divergence of a symmetric tensor, which conserves "
        "momentum; no unit",
    )
    horizontal_fluxes: bool = pydantic.Field(
        False, description="heat and salt also move through lateral faces; else only between levels; no unit"
    )
    surface_fluxes: bool = pydantic.Field(
        False, description="heat and salt also enter the uppermost cell, which does not conserve them; no unit"
    )
    bottom_fluxes: bool = pydantic.Field(
        False, description="heat and salt also enter the lowest cell, which does not conserve them; no unit"
    )
    clip: float = pydantic.Field(10.0, gt=0, description="bound of the outputs in their scales, no unit")

    def build(self, grid: Grid, dtype, random: RandomInputs | None = None) -> NeuralTendencies:
        return NeuralTendencies(self, grid, dtype, random)


def output_blocks(config: NeuralTendenciesConfig, nz: int) -> dict[str, Block]:
    """What the network gives, by name, in its order."""
    result = {}
    if "velocity" in config.outputs and config.momentum == "tendency":
        result["velocity"] = Block("vector", nz)
    elif "velocity" in config.outputs:
        result["isotropic"], result["deviatoric"] = Block("scalar", nz), Block("tensor", nz)
    for name in TRACERS:
        if name not in config.outputs:
            continue
        result[f"{name}_upward"] = Block("scalar", nz - 1)
        if config.horizontal_fluxes:
            result[f"{name}_lateral"] = Block("vector", nz)
        if config.surface_fluxes:
            result[f"{name}_surface"] = Block("scalar", 1)
        if config.bottom_fluxes:
            result[f"{name}_bottom"] = Block("scalar", 1)
    return {name: block for name, block in result.items() if block.levels}


class NeuralTendencies(Learned):
    """See `NeuralTendenciesConfig`."""

    def __init__(self, config: NeuralTendenciesConfig, grid: Grid, dtype, random: RandomInputs | None = None):
        blocks = output_blocks(config, grid.shape[0])
        super().__init__(config, grid, dtype, tuple(blocks.values()), random)
        self.output_names = tuple(blocks)
        self.clip = config.clip

    def __call__(self, columns: Columns, memory: Any, key) -> tuple[Effects, Any]:
        parts, memory = self.evaluate(columns, memory, key)
        outputs = {name: soft_clip(x, self.clip) for name, x in zip(self.output_names, parts, strict=True)}
        u, v = self._momentum(columns, outputs)
        fluxes, tendencies = {}, {}
        for name in TRACERS:
            scale = self._scale(name)
            if f"{name}_upward" in outputs or f"{name}_lateral" in outputs:
                fluxes[name] = _tracer_fluxes(columns, scale, outputs, name)
            if f"{name}_surface" in outputs or f"{name}_bottom" in outputs:
                tendencies[name] = _boundary_tendency(columns, scale, outputs, name)
        return Effects(u, v, tendencies or None, tracer_fluxes=fluxes or None), memory

    def _scale(self, name: str):
        return self.normalisation.output_scale[name][...][:, None, None]

    def _momentum(self, columns: Columns, outputs) -> tuple[Field | None, Field | None]:
        scale, static = self._scale("velocity"), columns.static
        if "velocity" in outputs:
            return at_faces(columns, outputs["velocity"], scale)
        if "isotropic" not in outputs:
            return None, None
        # a stress of the scale times the spacing of the grid has an acceleration of the scale
        length = {place: spacing_squared(static, place).map(jnp.sqrt) for place in "TF"}
        tension, shear = halves(columns, outputs["deviatoric"], scale)
        isotropic = surrounded(columns, outputs["isotropic"] * scale, "c", 1)
        return stress_divergence(
            columns, isotropic * length["T"], tension * length["T"], shear.mean_x().mean_y() * length["F"]
        )


def _tracer_fluxes(columns: Columns, scale, outputs, name: str):
    """Fluxes through (U/c, V/c, T/w) in the unit of the tracer times m3 s-1; None where there are none."""
    static = columns.static
    along_x = along_y = upward = None
    if f"{name}_lateral" in outputs:
        x, y = halves(columns, outputs[f"{name}_lateral"], scale)
        along_x = x.mean_x() * columns.thickness_u * static.area_u
        along_y = y.mean_y() * columns.thickness_v * static.area_v
    if f"{name}_upward" in outputs:
        density = outputs[f"{name}_upward"]
        shape = density.shape[-2:]
        h = columns.thickness.interior(*shape)
        # the thinner of the two cells bounds the flux: no tendency is larger than twice the bound of the outputs
        thin = jnp.minimum(h[:-1], h[1:]) * jnp.minimum(scale[:-1], scale[1:])
        inner = density * thin * static.area_t.interior(*shape) * static.mask_w.interior(*shape)[1:]
        upward = Field(jnp.concatenate([jnp.zeros_like(h[:1]), inner]), "T", "w", 0, 0)
    return along_x, along_y, upward


def _boundary_tendency(columns: Columns, scale, outputs, name: str) -> Field:
    """Tendency of the uppermost and of the lowest cell (T/c), unit of the tracer per second."""
    some = next(iter(outputs.values()))
    mask = columns.static.mask_t.interior(*some.shape[-2:])
    below = jnp.concatenate([mask[1:], jnp.zeros_like(mask[:1])])
    above = jnp.concatenate([jnp.zeros_like(mask[:1]), mask[:-1]])
    where = {"surface": mask * (1.0 - above), "bottom": mask * (1.0 - below)}
    total = sum(outputs[f"{name}_{end}"] * cells for end, cells in where.items() if f"{name}_{end}" in outputs)
    return Field(total * scale, "T", "c", 0, 0)
