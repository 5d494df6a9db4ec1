"""The doubly periodic box: cells, wavenumbers and real Fourier transforms.

Arrays are (z, y, x); spectral ones (z, ny, nx // 2 + 1), the coefficients of `jnp.fft.rfft2`, not normalised.
"""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.section import Section


class PeriodicGridConfig(Section):
    """Cells of a rectangular box, periodic along x and y."""

    nx: int = pydantic.Field(ge=4, le=16384, description="number of cells along x")
    ny: int | None = pydantic.Field(None, ge=4, le=16384, description="number of cells along y; null: as along x")
    length_x: float = pydantic.Field(gt=0, le=1e9, description="length of the box along x in m")
    length_y: float | None = pydantic.Field(
        None, gt=0, le=1e9, description="length of the box along y in m; null: as along x"
    )

    def build(self, levels: int) -> PeriodicGrid:
        ny = self.nx if self.ny is None else self.ny
        length_y = self.length_x if self.length_y is None else self.length_y
        return PeriodicGrid((levels, ny, self.nx), (length_y, self.length_x))


@dataclasses.dataclass(frozen=True)
class PeriodicGrid:
    """Geometry on the host, in float64.

    Attributes:
      shape: (nz, ny, nx).
      lengths: of the box along y and x, m.
    """

    shape: tuple[int, int, int]
    lengths: tuple[float, float]

    @property
    def spacing(self) -> tuple[float, float]:
        """(dy, dx) in m."""
        return self.lengths[0] / self.shape[1], self.lengths[1] / self.shape[2]

    @functools.cached_property
    def y(self) -> np.ndarray:
        """(ny,) centres of the cells, m."""
        return (np.arange(self.shape[1]) + 0.5) * self.spacing[0]

    @functools.cached_property
    def x(self) -> np.ndarray:
        """(nx,) centres of the cells, m."""
        return (np.arange(self.shape[2]) + 0.5) * self.spacing[1]

    @functools.cached_property
    def l(self) -> np.ndarray:  # noqa: E743
        """(ny, 1) wavenumbers along y, rad m-1."""
        return 2.0 * np.pi * np.fft.fftfreq(self.shape[1], self.spacing[0])[:, None]

    @functools.cached_property
    def k(self) -> np.ndarray:
        """(1, nx // 2 + 1) wavenumbers along x, rad m-1."""
        return 2.0 * np.pi * np.fft.rfftfreq(self.shape[2], self.spacing[1])[None]

    @functools.cached_property
    def kappa_squared(self) -> np.ndarray:
        """(ny, nx // 2 + 1) k^2 + l^2, m-2."""
        return self.k**2 + self.l**2

    @functools.cached_property
    def multiplicity(self) -> np.ndarray:
        """(1, nx // 2 + 1) how many modes of the full transform a coefficient stands for: 1 or 2."""
        nx = self.shape[2]
        twice = np.full(nx // 2 + 1, 2.0)
        twice[0] = 1.0
        if nx % 2 == 0:
            twice[-1] = 1.0
        return twice[None]

    def to_spectral(self, field: jax.Array) -> jax.Array:
        """Real (..., ny, nx) to coefficients (..., ny, nx // 2 + 1)."""
        return jnp.fft.rfft2(field)

    def to_physical(self, coefficients: jax.Array) -> jax.Array:
        """The inverse of `to_spectral`."""
        return jnp.fft.irfft2(coefficients, s=self.shape[1:])
