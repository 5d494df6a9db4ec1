"""What the learned closures have in common: inputs, normalisation, a tower, and the symmetry that it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import pydantic
from flax import nnx

from ocean_gcm.closures.interface import Columns
from ocean_gcm.closures.neural import features as inputs
from ocean_gcm.closures.neural.features import Block
from ocean_gcm.closures.neural.network import NetworkConfig, Tower
from ocean_gcm.closures.neural.normalisation import Normalisation, Statistics
from ocean_gcm.closures.neural.random_amplitude import RandomAmplitude, RandomAmplitudeConfig
from ocean_gcm.closures.neural.symmetry import GROUPS, Symmetry, averaged
from ocean_gcm.errors import UserError
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section
from ocean_gcm.stochastic.random_field import RandomFields, RandomFieldsConfig


class RandomInputs(Protocol):
    """Random surface fields that a network may see."""

    number: int

    def initial(self, key) -> Any:
        """Memory at the start."""

    def step(self, memory: Any, key, columns: Columns) -> tuple[Any, Field]:
        """The new memory and the fields (number, y, x) at T/s, zero on land."""


class LearnedConfig(Section):
    """Inputs and network of a learned closure."""

    features: tuple[str, ...] = pydantic.Field(
        inputs.DEFAULT_FEATURES, description="names of the inputs, see docs/closures.md; no unit"
    )
    network: NetworkConfig = pydantic.Field(NetworkConfig(), description="the network; no unit")
    symmetry: Symmetry = pydantic.Field(
        "none",
        description="none, reflections (in x and y, 4 times the cost) or square (also quarter turns, 8 times, planes "
        "only): transformations of the grid with which the closure commutes exactly; no unit",
    )
    random: RandomFieldsConfig | None = pydantic.Field(
        None, description="random surface fields that the network sees too; null: none; no unit"
    )
    random_amplitude: RandomAmplitudeConfig | None = pydantic.Field(
        None, description="what the random fields are seen times; null: they are seen as they are; no unit"
    )
    statistics: str | None = pydantic.Field(
        None, description="JSON file of means and scales; null: constants that fit the ocean; no unit"
    )

    @pydantic.field_validator("features")
    @classmethod
    def _known(cls, names):
        inputs.require_features(names)
        return names


class Learned(nnx.Module):
    """A closure made of a network.  Its trainable numbers are those of `tower`, `random` and `random_amplitude`.

    Attributes:
      normalisation: means and scales, see `Normalisation`.
      tower: the network.
      random: `RandomInputs` or None; their memory is the closure's.
      random_amplitude: what their fields are seen times, or None.
    """

    def __init__(
        self,
        config: LearnedConfig,
        grid: Grid,
        dtype,
        outputs: Sequence[Block],
        random: RandomInputs | None = None,
    ):
        config.network.require(grid)
        if random is None and config.random is not None:
            random = RandomFields(config.random, grid, dtype)
        if config.symmetry == "square" and grid.geometry.spherical:
            raise UserError(
                "symmetry is 'square', which only a plane has; expected 'none' or 'reflections' on a sphere"
            )
        nz, number = grid.shape[0], 0 if random is None else random.number
        amplitude = config.random_amplitude and RandomAmplitude(config.random_amplitude, dtype)
        if amplitude is not None:
            number = amplitude.seen(number)
        statistics = Statistics() if config.statistics is None else Statistics.read(config.statistics)
        self.names = tuple(config.features)
        self.group = GROUPS[config.symmetry]
        self.input_blocks = inputs.blocks(self.names, nz, number)
        self.output_blocks = tuple(outputs)
        self.normalisation = Normalisation(self.names, grid, dtype, statistics, number)
        channels = [sum(b.channels for b in blocks) for blocks in (self.input_blocks, self.output_blocks)]
        self.tower = Tower(config.network, *channels, dtype)
        self.random, self.random_amplitude = random, amplitude

    def initial_memory(self, shape: tuple[int, int, int], dtype, key=None) -> Any:
        return () if self.random is None else self.random.initial(jax.random.key(0) if key is None else key)

    def redraw(self, memory: Any, key) -> Any:
        return () if self.random is None else self.random.initial(key)

    def evaluate(self, columns: Columns, memory: Any, key) -> tuple[list[jax.Array], Any]:
        """Raw outputs, one array (channels, ny, nx) for each output block, zero on land; and the new memory."""
        fields = None
        if self.random is not None:
            memory, fields = self.random.step(memory, key, columns)
            if self.random_amplitude is not None:
                fields = self.random_amplitude(columns, fields)
        static = columns.static
        values = self.normalisation(*inputs.stack(columns, self.names, fields))
        mask = static.surface_mask_t.interior(*values.shape[-2:])
        reach = self.tower.reach
        if reach:
            values, mask = static.topology.pad(values, reach), static.topology.pad(mask, reach)
        network = averaged(self.tower, self.group, self.input_blocks, self.output_blocks)
        result = jnp.moveaxis(network(jnp.moveaxis(static.materialize(values), 0, -1), mask), -1, 0)
        result = result * static.surface_mask_t.interior(*result.shape[-2:])
        parts, start = [], 0
        for block in self.output_blocks:
            parts.append(result[start : start + block.channels])
            start += block.channels
        return parts, memory


def soft_clip(x: jax.Array, bound: float) -> jax.Array:
    """bound tanh(x / bound): x where it is small, never beyond the bound."""
    return bound * jnp.tanh(x * (1.0 / bound))


def surrounded(columns: Columns, array: jax.Array, level: str, halo: int) -> Field:
    """`array` (..., ny, nx) at T with its halo filled; zero beyond walls."""
    return Field(columns.static.topology.pad(array, halo), "T", level, -halo, -halo)


def halves(columns: Columns, pair: jax.Array, scale: jax.Array | float) -> tuple[Field, Field]:
    """The two parts of `pair` (2 nz, ny, nx) at cell centres times `scale` (nz, 1, 1), with halos of a cell."""
    first, second = (surrounded(columns, part * scale, "c", 1) for part in jnp.split(pair, 2))
    return first, second


def at_faces(columns: Columns, vector: jax.Array, scale: jax.Array | float) -> tuple[Field, Field]:
    """A vector (2 nz, ny, nx) at cell centres times `scale` (nz, 1, 1), as means at the faces (U/c, V/c); 0 on land."""
    x, y = halves(columns, vector, scale)
    return x.mean_x() * columns.static.mask_u, y.mean_y() * columns.static.mask_v
