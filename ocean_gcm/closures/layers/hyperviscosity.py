"""Hyperviscosity with a coefficient that can be learned, and backscatter of the energy that it takes."""

from __future__ import annotations

from typing import Literal

import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.closures.classical.formula import Formula
from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.section import Section


class HyperviscosityConfig(Section):
    """-(kappa/kappa_max)^(2 order)/time of the relative vorticity, explicit in time."""

    kind: Literal["hyperviscosity"] = "hyperviscosity"
    time: float = pydantic.Field(gt=0, description="time in which the shortest waves decay by a factor e, in s")
    order: int = pydantic.Field(2, ge=1, le=8, description="power of the Laplacian (1)")

    def build(self, grid: PeriodicGrid, dtype) -> Hyperviscosity:
        return Hyperviscosity(self, grid, dtype)


class Hyperviscosity(Formula):
    """See `HyperviscosityConfig`; the parameter is the rate 1/time."""

    def __init__(self, config: HyperviscosityConfig, grid: PeriodicGrid, dtype):
        super().__init__(dtype, rate=1.0 / config.time)
        self.order = config.order

    def damping(self, columns: LayerColumns):
        """(nz, ny, nk) coefficients of the source."""
        kappa_squared = columns.k**2 + columns.l**2
        largest = (np.pi / min(columns.grid.spacing)) ** 2
        return self.rate[...] * (kappa_squared / largest) ** self.order * kappa_squared * columns.psi_hat

    def effects(self, columns: LayerColumns) -> Effects:
        return Effects(potential_vorticity_source=columns.grid.to_physical(self.damping(columns)))


class JansenHeldConfig(HyperviscosityConfig):
    """Hyperviscosity whose loss of energy a negative viscosity gives back at larger scales (Jansen and Held 2014).

    The viscosity is one number per layer and call, so that `returned` of the energy comes back.
    """

    kind: Literal["jansen_held"] = "jansen_held"
    returned: float = pydantic.Field(0.9, ge=0, le=1, description="share of the energy that comes back (1)")

    def build(self, grid: PeriodicGrid, dtype) -> JansenHeld:
        return JansenHeld(self, grid, dtype)


class JansenHeld(Hyperviscosity):
    """See `JansenHeldConfig`."""

    def __init__(self, config: JansenHeldConfig, grid: PeriodicGrid, dtype):
        super().__init__(config, grid, dtype)
        Formula.__init__(self, dtype, rate=1.0 / config.time, returned=config.returned)

    def effects(self, columns: LayerColumns) -> Effects:
        loss = columns.grid.to_physical(self.damping(columns))
        mean = lambda f: f.mean((-2, -1), keepdims=True)  # noqa: E731
        lost = mean(columns.streamfunction * loss)  # the energy falls at this rate
        enstrophy = mean(columns.vorticity**2)
        viscosity = self.returned[...] * lost / jnp.where(enstrophy > 0, enstrophy, 1.0)
        # -A nabla^2 zeta = -A kappa^4 psi: energy grows at the rate A <zeta^2>
        gain = columns.grid.to_physical((columns.k**2 + columns.l**2) ** 2 * columns.psi_hat)
        return Effects(potential_vorticity_source=loss - viscosity * gain)
