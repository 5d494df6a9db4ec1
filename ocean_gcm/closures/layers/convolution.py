"""A convolution on a doubly periodic grid, with a gradient that is written out.

What JAX derives is slow on CPUs: the gradient by the kernel becomes a convolution with a kernel as large as the grid
(a hundred times as long as the convolution itself).  The gradient by the input is again a periodic convolution, that
by the kernel a product of matrices for each of its rows (docs/decisions.md, Convolutions of layers).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


@jax.custom_vjp
def periodic_convolution(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """y_ji = sum over (b, a) of x_(j+b, i+a) kernel_(b, a), b and a about zero.

    Args:
      x: (ny, nx, n_in).
      kernel: (size, size, n_in, n_out), size odd and at most ny and nx.

    Returns (ny, nx, n_out).
    """
    size = kernel.shape[0]
    if size == 1:
        return x @ kernel[0, 0]
    padded = _wrapped(_wrapped(x, size // 2, 0), size // 2, 1)
    return lax.conv_general_dilated(padded[None], kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))[
        0
    ]


def _wrapped(x: jax.Array, reach: int, axis: int) -> jax.Array:
    """x with `reach` more cells of the other side at both ends."""
    take = lambda first, last: lax.slice_in_dim(x, first, last, axis=axis)  # noqa: E731
    number = x.shape[axis]
    return jnp.concatenate([take(number - reach, number), x, take(0, reach)], axis)


def _forward(x, kernel):
    return periodic_convolution(x, kernel), (x, kernel)


def _backward(kept, gradient):
    x, kernel = kept
    mirrored = jnp.swapaxes(kernel[::-1, ::-1], 2, 3)
    return periodic_convolution(gradient, mirrored), _by_kernel(x, gradient, kernel.shape[0])


def _by_kernel(x: jax.Array, gradient: jax.Array, size: int) -> jax.Array:
    """(size, size, n_in, n_out): for each shift the sum over cells of x times the gradient."""
    ny, nx, n_in = x.shape
    reach, n_out = size // 2, gradient.shape[-1]
    # all shifts along x side by side as columns, shifts along y as whole rows: no copy for each of the pairs
    wide = _wrapped(gradient, reach, 1)
    columns = jnp.concatenate([wide[:, size - 1 - i : size - 1 - i + nx] for i in range(size)], -1)
    columns, tall = columns.reshape(ny * nx, size * n_out), _wrapped(x, reach, 0)
    products = [tall[j : j + ny].reshape(ny * nx, n_in).T @ columns for j in range(size)]
    return jnp.moveaxis(jnp.stack(products).reshape(size, n_in, size, n_out), 2, 1)


periodic_convolution.defvjp(_forward, _backward)
