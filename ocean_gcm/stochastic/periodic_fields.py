r"""Random fields on a doubly periodic box: Gaussian, correlated in space and time, of variance one.

White noise of every cell is an autoregressive process,

    w' = phi w + sqrt(1 - phi^2) xi,   phi = exp(-dt / tau),

and the field is w behind the filter exp(-kappa^2 L^2 / 4), whose correlation is exp(-r^2 / (2 L^2)).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
from flax import nnx

from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.section import Section


class PeriodicFieldsConfig(Section):
    """Random fields of variance one."""

    number: int = pydantic.Field(1, ge=1, le=64, description="number of independent fields (1)")
    length: float | None = pydantic.Field(
        None, gt=0, description="correlation length L in m; null: twice the mean spacing of the grid"
    )
    time: float = pydantic.Field(gt=0, description="correlation time tau in s")


class PeriodicFields(nnx.Module):
    """See `PeriodicFieldsConfig`; what owns it keeps the memory, white noise (number, ny, nx).

    `sets`: so many times the number of fields.
    """

    def __init__(self, config: PeriodicFieldsConfig, grid: PeriodicGrid, dtype, sets: int = 1):
        self.number, self.time, self.grid = sets * config.number, config.time, grid
        length = config.length or 2.0 * float(np.sqrt(np.prod(grid.spacing)))
        smooth = np.exp(-0.25 * grid.kappa_squared * length**2)
        variance = (grid.multiplicity * smooth**2).sum() / (grid.shape[1] * grid.shape[2])
        self.filter = nnx.data(jnp.asarray(smooth / np.sqrt(variance), dtype))

    def initial(self, key: jax.Array) -> jax.Array:
        """Memory drawn from the stationary distribution."""
        return jax.random.normal(key, (self.number, *self.grid.shape[1:]), self.filter.dtype)

    def step(self, memory: jax.Array, key: jax.Array, interval: float) -> tuple[jax.Array, jax.Array]:
        """The memory `interval` seconds later, and the fields (number, ny, nx)."""
        kept = float(np.exp(-interval / self.time))
        memory = kept * memory + float(np.sqrt(1.0 - kept**2)) * self.initial(key)
        return memory, self.grid.to_physical(self.grid.to_spectral(memory) * self.filter)
