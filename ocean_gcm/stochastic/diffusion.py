"""Smoothing by diffusion over a time that is given as a length, nothing through land.

White noise diffused over the time t is a Gaussian process whose covariance is the heat kernel of 2 t: far from coasts
exp(-r^2 / (2 L^2)) with t = L^2 / 4 (Weaver and Courtier 2001), and along the water only, because the sea's sides are
insulated.  The heat kernel is applied as a series of Chebyshev polynomials of the Laplacian A (Tal-Ezer 1989),

    exp(-t A) = sum_m c_m T_m(1 - 2 A / lambda),   c_m = (2 - delta_m0) exp(-a) I_m(a),   a = t lambda / 2,

which takes a number of sweeps that grows like L / dx, where explicit steps of diffusion take (L / dx)^2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from scipy.special import ive

from ocean_gcm.grid.field import Field
from ocean_gcm.grid.metrics import Metrics

TAIL = 1e-3
"""Sum of the coefficients that are left out: the largest error of the filter, which is 1 at the longest waves."""

MOST_SWEEPS = 2000


def heat_coefficients(length, largest_eigenvalue: float, degree: int, exp: Callable = jnp.exp):
    """c_0 to c_degree for the correlation length `length` (m), by the cosine transform that defines them."""
    nodes = 2 * (degree + 1)
    angle = np.pi * (np.arange(nodes) + 0.5) / nodes
    transform = np.cos(np.arange(degree + 1)[:, None] * angle) * (2.0 / nodes)
    transform[0] *= 0.5
    a = length * length * (largest_eigenvalue / 8.0)
    return transform @ exp(-a * (1.0 - np.cos(angle)))


def sufficient_degree(length: float, largest_eigenvalue: float) -> int:
    """The degree at which the coefficients that follow sum up to less than `TAIL`.

    Raises ValueError if that is more than `MOST_SWEEPS`.
    """
    a = length * length * largest_eigenvalue / 8.0
    # all coefficients together sum up to one
    rest = 1.0 - (2.0 * np.cumsum(ive(np.arange(MOST_SWEEPS + 1), a)) - ive(0, a))
    if rest[-1] >= TAIL:
        raise ValueError(f"more than {MOST_SWEEPS} sweeps")
    return int(np.argmax(rest < TAIL))


@dataclasses.dataclass(frozen=True)
class Diffusion:
    """The filter exp(-t A) for correlation lengths up to the one that `degree` was made for.

    Attributes:
      largest_eigenvalue: a bound of the eigenvalues of the Laplacian of the wet surface, m-2.
      degree: the number of sweeps.
    """

    largest_eigenvalue: float
    degree: int

    def __call__(self, metrics: Metrics, white: jax.Array, length) -> jax.Array:
        """Smooth `white` noise (n, ny, nx) of variance 1 in every cell; `length` in m, a number or 0-d array.

        The variance of the result is that of `variance.diffused_variance`.
        """
        c = jnp.asarray(heat_coefficients(length, self.largest_eigenvalue, self.degree), white.dtype)
        if self.degree == 0:
            return white * c[0]
        turned = euler_step(metrics, white.shape[-2:], 2.0 / self.largest_eigenvalue)

        def sweep(carry, coefficient):
            before, now, total = carry
            after = 2.0 * turned(now) - before
            return (now, after, total + coefficient * after), None

        # white noise on the sphere: its variance is one over the area
        root_area = metrics.materialize(metrics.area_t.interior(*white.shape[-2:]) ** 0.5)
        q = white / root_area
        first = turned(q)
        carry = (q, first, c[0] * q + c[1] * first)
        return lax.scan(sweep, carry, c[2:], unroll=2)[0][2] * root_area


def euler_step(metrics: Metrics, shape: tuple[int, int], time: float) -> Callable[[jax.Array], jax.Array]:
    """q -> (1 - time A) q for fields (n, ny, nx) of the given (ny, nx); `time` in m2, land keeps what it has."""
    m = metrics
    along_x = m.dy_u * m.inv_dx_u * m.surface_mask_u * time
    along_y = m.dx_v * m.inv_dy_v * m.surface_mask_v * time
    along_x, along_y = m.materialize((along_x, along_y))

    def step(q):
        f = Field(m.topology.pad(q, 1), "T", "s", -1, -1)
        gain = ((f.diff_x() * along_x).diff_x() + (f.diff_y() * along_y).diff_y()) * m.inv_area_t
        return (f + gain).interior(*shape)

    return step
