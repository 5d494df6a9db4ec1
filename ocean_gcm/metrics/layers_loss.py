"""The loss of layers: the terms of any core on potential vorticity and on what follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ocean_gcm.dynamics.spectral import inversion
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.loss import (
    LAYERS_VARIABLES,
    Loss,
    LossConfig,
    as_arrays,
    counted,
    inverse_scale,
    lead_weights,
    require_blocks,
)
from ocean_gcm.state import Layers
from ocean_gcm.validation import suggestion


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Flow:
    """Fields of layers, (..., nz, ny, nx); those that are not asked for are None.  Units: s-1, m2 s-1, m s-1."""

    potential_vorticity: jax.Array | None = None
    vorticity: jax.Array | None = None
    streamfunction: jax.Array | None = None
    u: jax.Array | None = None
    v: jax.Array | None = None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class LayersLoss(Loss):
    """`Loss` of `Layers`.

    Attributes:
      inversion: (N, N, ny, nk) from potential vorticity to the streamfunction, m2.
      k, l: wavenumbers, m-1.
      grid: its transforms.
      names: variables that the terms look at.
    """

    inversion: jax.Array
    k: jax.Array
    l: jax.Array  # noqa: E741
    grid: PeriodicGrid = dataclasses.field(metadata={"static": True})
    names: tuple[str, ...] = dataclasses.field(metadata={"static": True})

    def seen(self, ocean: Layers) -> Flow:
        q = ocean.potential_vorticity
        if set(self.names) <= {"potential_vorticity"}:
            return Flow(potential_vorticity=q)
        psi = inversion.apply_layers(self.inversion, self.grid.to_spectral(q))
        u, v = inversion.velocity(self.k, self.l, psi)
        found = {"vorticity": -(self.k**2 + self.l**2) * psi, "streamfunction": psi, "u": u, "v": v}
        wanted = {name: self.grid.to_physical(a) for name, a in found.items() if name in self.names}
        return Flow(potential_vorticity=q, **wanted)


def build_layers_loss(
    config: LossConfig, core: QuasiGeostrophy, scales: Mapping[str, np.ndarray], lead_times: Sequence[float], *, dtype
) -> LayersLoss:
    """The loss for trajectories of layers; arguments and errors as of `ocean_gcm.metrics.loss.build_loss`."""
    grid, names = core.grid, counted(config)
    require_layers_variables(config)
    require_blocks(config, grid.shape)
    flow = ("u", "v") if any(term.needs_flow for term in config.terms.values()) else ()
    wanted = tuple(dict.fromkeys([*names, *flow]))
    share = core.thickness if config.vertical == "thickness" else np.ones(grid.shape[0])
    cells = np.broadcast_to(share[:, None, None], grid.shape) / (share.sum() * grid.shape[1] * grid.shape[2])
    weights = dict.fromkeys(wanted, cells)
    arrays: dict[str, Any] = {
        "weights": weights,
        "inverse_scales": {name: inverse_scale(name, scales, cells, len(lead_times)) for name in names},
        "mean_flow": (np.zeros(grid.shape), np.zeros(grid.shape)),
        "lead_weights": lead_weights(config, lead_times),
        "inversion": inversion.inversion_matrices(grid, core.stretching),
        "k": grid.k,
        "l": grid.l,
    }
    return LayersLoss(
        **as_arrays(dtype=dtype, **arrays),
        terms=tuple((name, term) for name, term in config.terms.items() if term.weight > 0),
        variables=tuple((name, config.variables[name]) for name in names),
        periodic_x=True,
        grid=grid,
        names=wanted,
    )


def require_layers_variables(config: LossConfig) -> None:
    """Raises UserError for variables that layers do not have."""
    for name in counted(config):
        if name not in LAYERS_VARIABLES:
            raise UserError(f"loss.variables contains {name!r}; of layers {suggestion(name, LAYERS_VARIABLES)}")
