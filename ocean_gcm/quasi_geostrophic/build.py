"""From a configuration to a model of layers."""

from __future__ import annotations

import dataclasses

import jax

from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.model import Blueprint, OceanModel
from ocean_gcm.quasi_geostrophic.ensemble import perturb
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class NoSurface:
    """The forcing of a core that has no surface: what acts from outside is among its closures."""

    def select(self, forecast) -> NoSurface:
        """The same for all forecasts, see `ocean_gcm.forcing.dated`."""
        return self

    def at(self, time) -> None:
        """Nothing, at any time."""


def build_layers(config: LayersExperiment, dtype) -> OceanModel:
    """The model of an experiment; its forcings come before its closures, by name.  Raises UserError."""
    grid = config.grid.build(len(config.dynamics.layers.thickness))
    blueprint = Blueprint(
        config=config,
        core=QuasiGeostrophy(grid, config.dynamics, float(config.time.step_seconds)),
        forcing=NoSurface(),
        initial={"potential_vorticity": config.initial.potential_vorticity(grid, config.seed)},
        dtype=dtype,
        physics_steps=config.time.steps_per_physics_call,
        perturb=perturb,
    )
    parts = {**config.forcing, **config.closures}
    return OceanModel(blueprint, {name: part.build(grid, dtype) for name, part in parts.items()})
