"""The configuration of any closure, told apart by `kind`: `config.build(grid, dtype)` gives the closure."""

from typing import Annotated

import pydantic

from ocean_gcm.closures.classical import ClassicalConfig
from ocean_gcm.closures.neural import NeuralConfig
from ocean_gcm.stochastic.perturbed import PerturbedConfig

ClosureConfig = Annotated[ClassicalConfig | NeuralConfig | PerturbedConfig, pydantic.Field(discriminator="kind")]

# what is perturbed may be of any kind, also of those listed here only
PerturbedConfig.model_rebuild(_types_namespace={"ClosureConfig": ClosureConfig})

__all__ = ["ClosureConfig"]
