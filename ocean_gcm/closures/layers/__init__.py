"""Closures of cores of layers: what a coarse grid does not resolve of quasi-geostrophic turbulence.

`LayersClosureConfig` is the configuration of any of them; `config.build(grid, dtype)` gives the closure.
"""

from typing import Annotated

import pydantic

from ocean_gcm.closures.layers.eddy_viscosity import DynamicSmagorinskyConfig, LeithConfig, SmagorinskyConfig
from ocean_gcm.closures.layers.hyperviscosity import HyperviscosityConfig, JansenHeldConfig
from ocean_gcm.closures.layers.neural_source import NeuralSourceConfig
from ocean_gcm.closures.layers.zanna_bolton import ZannaBoltonConfig

LayersClosureConfig = Annotated[
    SmagorinskyConfig
    | DynamicSmagorinskyConfig
    | LeithConfig
    | HyperviscosityConfig
    | JansenHeldConfig
    | ZannaBoltonConfig
    | NeuralSourceConfig,
    pydantic.Field(discriminator="kind"),
]

__all__ = ["LayersClosureConfig"]
