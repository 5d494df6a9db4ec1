"""Networks on a doubly periodic grid: a convolutional and a Fourier network; translation is built in.

Values are (ny, nx, channels).  The last layer begins at zero, and so does the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
from flax import nnx

from ocean_gcm.closures.layers.convolution import periodic_convolution
from ocean_gcm.errors import UserError
from ocean_gcm.rollout import kept
from ocean_gcm.section import Section

ACTIVATIONS: dict[str, Callable] = {"gelu": nnx.gelu, "silu": nnx.silu, "tanh": jnp.tanh}
Activation = Literal["gelu", "silu", "tanh"]
"""Smooth ones only: gradients go through many steps."""


class ConvolutionConfig(Section):
    """Convolutions one behind the other, those between channels of the same number with a residual connection."""

    architecture: Literal["convolution"] = "convolution"
    width: int = pydantic.Field(32, ge=1, le=1024, description="channels between layers (1)")
    depth: int = pydantic.Field(5, ge=1, le=64, description="number of convolutions (1)")
    kernel: int = pydantic.Field(
        3, ge=1, le=15, description="cells along a side of each convolution, an odd number (1)"
    )
    activation: Activation = pydantic.Field("silu", description="gelu, silu or tanh; no unit")
    keep: bool = pydantic.Field(
        False,
        description="keep what the convolutions give at every step for the gradient: a fifth faster, more memory; no "
        "unit",
    )
    seed: int = pydantic.Field(0, ge=0, lt=2**32, description="seed of the weights at the start (1)")

    @pydantic.field_validator("kernel")
    @classmethod
    def _odd(cls, kernel):
        if kernel % 2 == 0:
            raise UserError(f"kernel is {kernel}; expected an odd number")
        return kernel

    def build(self, n_in: int, n_out: int, shape: tuple[int, int], dtype) -> ConvolutionalNetwork:
        if self.kernel > min(shape):
            raise UserError(f"network.kernel is {self.kernel}; expected at most {min(shape)}, the cells of the grid")
        return ConvolutionalNetwork(self, n_in, n_out, dtype)


class FourierConfig(Section):
    """A Fourier neural operator (Li et al. 2021): blocks x + act(W x + F^-1 R F x), R for the longest waves only."""

    architecture: Literal["fourier"] = "fourier"
    width: int = pydantic.Field(16, ge=1, le=1024, description="channels between layers (1)")
    blocks: int = pydantic.Field(3, ge=1, le=64, description="number of blocks (1)")
    modes: int = pydantic.Field(12, ge=1, description="waves per box along each side, below which R acts (1)")
    activation: Activation = pydantic.Field("gelu", description="gelu, silu or tanh; no unit")
    seed: int = pydantic.Field(0, ge=0, lt=2**32, description="seed of the weights at the start (1)")

    def build(self, n_in: int, n_out: int, shape: tuple[int, int], dtype) -> FourierNetwork:
        if 2 * self.modes > min(shape):
            raise UserError(f"network.modes is {self.modes}; expected at most {min(shape) // 2}, half of the cells")
        return FourierNetwork(self, n_in, n_out, dtype)


LayersNetworkConfig = Annotated[ConvolutionConfig | FourierConfig, pydantic.Field(discriminator="architecture")]


class PeriodicConvolution(nnx.Module):
    """(ny, nx, n_in) -> (ny, nx, n_out) of a doubly periodic grid.

    Attributes:
      kernel: (size, size, n_in, n_out).
      bias: (n_out,).
    """

    def __init__(self, n_in: int, n_out: int, size: int, *, dtype, rngs: nnx.Rngs, zero: bool = False):
        initial = nnx.initializers.zeros_init() if zero else nnx.initializers.lecun_normal(in_axis=(0, 1, 2))
        self.kernel = nnx.Param(initial(rngs.params(), (size, size, n_in, n_out), dtype))
        self.bias = nnx.Param(jnp.zeros((n_out,), dtype))

    def __call__(self, x: jax.Array) -> jax.Array:
        return periodic_convolution(x, self.kernel[...]) + self.bias[...]


class ConvolutionalNetwork(nnx.Module):
    """See `ConvolutionConfig`."""

    def __init__(self, config: ConvolutionConfig, n_in: int, n_out: int, dtype):
        rngs = nnx.Rngs(config.seed)
        self.activation, self.keep = config.activation, config.keep
        widths = [n_in, *[config.width] * (config.depth - 1), n_out]
        self.layers = nnx.List(
            [
                PeriodicConvolution(a, b, config.kernel, dtype=dtype, rngs=rngs, zero=number == config.depth - 1)
                for number, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True))
            ]
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        activate = ACTIVATIONS[self.activation]
        for number, layer in enumerate(self.layers[:-1]):
            change = layer(x)
            change = activate(kept(change) if self.keep else change)
            x = x + change if number > 0 else change
        return self.layers[-1](x)


class FourierBlock(nnx.Module):
    """W x + F^-1 R F x + b.

    Attributes:
      matrix: (width, width) W; bias: (width,) b.
      real, imaginary: (2 modes - 1, modes, width, width) parts of R, by wavenumber along y (ascending) and x.
    """

    def __init__(self, width: int, modes: int, *, dtype, rngs: nnx.Rngs):
        shape = (2 * modes - 1, modes, width, width)
        self.modes = modes
        self.matrix = nnx.Param(nnx.initializers.lecun_normal()(rngs.params(), (width, width), dtype))
        self.bias = nnx.Param(jnp.zeros((width,), dtype))
        size = float(np.sqrt(0.5 / width))
        self.real = nnx.Param(size * jax.random.normal(rngs.params(), shape, dtype))
        self.imaginary = nnx.Param(size * jax.random.normal(rngs.params(), shape, dtype))

    def __call__(self, x: jax.Array) -> jax.Array:
        modes, (ny, nx, _) = self.modes, x.shape
        waves = jnp.fft.rfft2(x, axes=(0, 1))
        rows = np.arange(1 - modes, modes) % ny
        low = waves[rows, :modes]
        factor = jax.lax.complex(self.real[...], self.imaginary[...])
        mixed = jnp.einsum("lkc,lkcd->lkd", low, factor)
        waves = jnp.zeros_like(waves).at[rows, :modes].set(mixed)
        return x @ self.matrix[...] + jnp.fft.irfft2(waves, s=(ny, nx), axes=(0, 1)) + self.bias[...]


class FourierNetwork(nnx.Module):
    """See `FourierConfig`."""

    def __init__(self, config: FourierConfig, n_in: int, n_out: int, dtype):
        rngs, width = nnx.Rngs(config.seed), config.width
        self.activation = config.activation
        self.encoder = PeriodicConvolution(n_in, width, 1, dtype=dtype, rngs=rngs)
        self.blocks = nnx.List(
            [FourierBlock(width, config.modes, dtype=dtype, rngs=rngs) for _ in range(config.blocks)]
        )
        self.decoder = PeriodicConvolution(width, n_out, 1, dtype=dtype, rngs=rngs, zero=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        activate = ACTIVATIONS[self.activation]
        x = self.encoder(x)
        for block in self.blocks:
            x = x + activate(block(x))
        return self.decoder(x)
