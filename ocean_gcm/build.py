"""From a configuration to a model."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ocean_gcm import weights
from ocean_gcm.config import Config
from ocean_gcm.dynamics.finite_volume.primitive_equations import PrimitiveEquations, build_numerics
from ocean_gcm.errors import UserError
from ocean_gcm.experiment import Experiment
from ocean_gcm.forcing.build import build_forcing
from ocean_gcm.grid.build import build_grid_from_config
from ocean_gcm.initial import initial_fields, tracer_field
from ocean_gcm.model import Blueprint, OceanModel
from ocean_gcm.quasi_geostrophic.build import build_layers
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment
from ocean_gcm.stochastic.initial import perturb

_DTYPES = {"float32": jnp.float32, "float64": jnp.float64}


def build_model(config: Experiment) -> OceanModel:
    """The model of an experiment, with the dynamical core that it names.

    `precision: float64` switches JAX to 64 bits for the whole process.  Raises UserError for what does not fit
    together and for input files that cannot be used.
    """
    if not isinstance(config, Experiment):
        raise UserError(f"{config!r} is no configuration; expected what load_config reads from a file")
    if config.precision == "float64" and not jax.config.jax_enable_x64:
        jax.config.update("jax_enable_x64", True)
    dtype = _DTYPES[config.precision]
    model = (build_layers if isinstance(config, LayersExperiment) else build_ocean)(config, dtype)
    if config.weights is not None:
        weights.restore(model, config.weights)
    return model


def build_ocean(config: Config, dtype) -> OceanModel:
    """The model of an experiment with the finite-volume core, as configured.  Raises UserError."""
    grid = build_grid_from_config(config.grid, config.bathymetry)
    if not grid.wet.any():
        raise UserError("bathymetry leaves no wet cell; expected an ocean")
    time = config.time
    blueprint = Blueprint(
        config=config,
        core=PrimitiveEquations(
            grid,
            build_numerics(
                grid,
                config.dynamics,
                time.step_seconds,
                real_freshwater=config.surface.freshwater_as == "volume",
                freezing=config.surface.freezing_limit,
            ),
        ),
        forcing=build_forcing(
            config.surface,
            grid,
            equation_of_state=config.dynamics.equation_of_state.kind,
            start_fraction=time.start_fraction,
            calendar=time.calendar,
            dtype=dtype,
        ),
        initial={
            **initial_fields(
                config.initial,
                grid,
                config.dynamics.equation_of_state,
                gravity=config.dynamics.gravity,
                reference_density=config.dynamics.reference_density,
            ),
            **{name: tracer_field(tracer, grid) for name, tracer in config.tracers.items()},
        },
        dtype=dtype,
        physics_steps=time.steps_per_physics_call,
        perturb=perturb,
    )
    closures = {name: closure.build(grid, dtype) for name, closure in config.closures.items()}
    corrections = {}
    for name in ("encoder", "decoder"):
        section = getattr(config, name)
        if section is not None and section.correction is not None:
            corrections[name] = section.correction.build(grid, dtype)
    return OceanModel(blueprint, closures, **corrections)
