"""Towers: encode, process in residual blocks, decode; of one column, or of a column and its neighbours.

Channels are the last axis, so that every layer is a matrix product over all columns at once; a 3x3 layer is the sum of
nine of them (docs/decisions.md has the measurements).
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
import pydantic
from flax import nnx

from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section

Architecture = Literal["column", "convolution"]
_WIDTH = {"column": 48, "convolution": 24}


class NetworkConfig(Section):
    """Size and shape of a tower: encoder, `blocks` residual blocks, decoder."""

    architecture: Architecture = pydantic.Field(
        "column", description="column: each water column for itself; convolution: every block sees 3x3 columns; no unit"
    )
    neighbourhood: bool = pydantic.Field(
        False, description="the encoder of architecture: column sees the 3x3 columns around; no unit"
    )
    width: int | None = pydantic.Field(
        None, ge=1, le=4096, description="channels between layers; null: 48 (column) or 24 (convolution); no unit"
    )
    blocks: int = pydantic.Field(2, ge=0, le=32, description="residual blocks of two layers each; no unit")
    seed: int = pydantic.Field(0, ge=0, lt=2**32, description="seed of the weights at the start; no unit")

    @property
    def reach(self) -> int:
        """Cells that the tower sees in every direction."""
        return self.blocks if self.architecture == "convolution" else int(self.neighbourhood)

    @property
    def channels(self) -> int:
        return self.width or _WIDTH[self.architecture]

    def require(self, grid: Grid) -> None:
        """UserError where the network is wider than the grid or is told to do nothing with its neighbours."""
        if self.architecture == "convolution" and self.neighbourhood:
            raise UserError(
                "network.neighbourhood is true; expected false with architecture: convolution, which has it"
            )
        for periodic, number, name in zip(
            (grid.topology.periodic_y, grid.topology.periodic_x), grid.shape[1:], ("ny", "nx"), strict=True
        ):
            if periodic and number < self.reach:
                raise UserError(
                    f"network.blocks is {self.blocks}, so it sees {self.reach} cells on each side; expected at most "
                    f"grid.{name} = {number} in a periodic direction"
                )


class Stencil(nnx.Module):
    """A 3x3 convolution over wet neighbours, (y + 2, x + 2, channels) -> (y, x, channels).

    Nothing comes from land, nor from a diagonal neighbour if land lies on both ways around: water there is separated.
    """

    def __init__(self, n_in: int, n_out: int, *, dtype, rngs: nnx.Rngs):
        initial = nnx.initializers.lecun_normal(in_axis=(0, 1, 2))
        self.kernel = nnx.Param(initial(rngs.params(), (3, 3, n_in, n_out), dtype))
        self.bias = nnx.Param(jnp.zeros((n_out,), dtype))

    def __call__(self, x: jax.Array, mask: jax.Array) -> jax.Array:
        ny, nx = x.shape[0] - 2, x.shape[1] - 2
        x = x * mask[..., None]
        wet = lambda j, i: mask[j : j + ny, i : i + nx]  # noqa: E731
        total = self.bias[...]
        for j in range(3):
            for i in range(3):
                part = x[j : j + ny, i : i + nx]
                if j != 1 and i != 1:
                    part = part * jnp.maximum(wet(j, 1), wet(1, i))[..., None]
                total = total + part @ self.kernel[...][j, i]
        return total


class Block(nnx.Module):
    """x + linear(gelu(layer(x))), where the layer is a matrix or a 3x3 stencil."""

    def __init__(self, width: int, stencil: bool, *, dtype, rngs: nnx.Rngs):
        self.stencil = stencil
        self.first = (
            Stencil(width, width, dtype=dtype, rngs=rngs) if stencil else _linear(width, width, dtype=dtype, rngs=rngs)
        )
        self.second = _linear(width, width, dtype=dtype, rngs=rngs)

    def __call__(self, x, mask):
        if not self.stencil:
            return x + self.second(nnx.gelu(self.first(x)))
        inner = x[1:-1, 1:-1]
        return inner + self.second(nnx.gelu(self.first(x, mask)))


class Tower(nnx.Module):
    """(y + 2 reach, x + 2 reach, inputs) and the mask of wet columns -> (y, x, outputs), zero before training.

    Attributes:
      encoder, blocks, decoder: the layers; the decoder's weights start at zero.
      reach: cells seen on each side.
    """

    def __init__(self, config: NetworkConfig, n_in: int, n_out: int, dtype):
        rngs, width = nnx.Rngs(config.seed), config.channels
        self.reach, self.neighbourhood = config.reach, config.neighbourhood
        first = Stencil if config.neighbourhood else _linear
        self.encoder = first(n_in, width, dtype=dtype, rngs=rngs)
        stencil = config.architecture == "convolution"
        self.blocks = nnx.List([Block(width, stencil, dtype=dtype, rngs=rngs) for _ in range(config.blocks)])
        self.decoder = _linear(width, n_out, dtype=dtype, rngs=rngs, kernel_init=nnx.initializers.zeros_init())

    def __call__(self, x: jax.Array, mask: jax.Array) -> jax.Array:
        if self.neighbourhood:
            x, mask = self.encoder(x, mask), mask[1:-1, 1:-1]
        else:
            x = self.encoder(x)
        x = nnx.gelu(x)
        for block in self.blocks:
            x, mask = block(x, mask), mask[1:-1, 1:-1] if block.stencil else mask
        return self.decoder(x)


def _linear(n_in: int, n_out: int, *, dtype, rngs: nnx.Rngs, **options) -> nnx.Linear:
    return nnx.Linear(n_in, n_out, dtype=dtype, param_dtype=dtype, rngs=rngs, **options)
