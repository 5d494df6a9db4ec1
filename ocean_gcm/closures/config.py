"""The configuration of any closure: `config.build(grid, dtype)` gives it."""

from typing import Annotated

import pydantic

from ocean_gcm.closures import classical
from ocean_gcm.stochastic.perturbed import PerturbedConfig

ClosureConfig = Annotated[classical.ClosureConfig | PerturbedConfig, pydantic.Field(discriminator="kind")]

# what is perturbed may be of any kind, also of those listed here only
PerturbedConfig.model_rebuild(_types_namespace={"ClosureConfig": ClosureConfig})

__all__ = ["ClosureConfig"]
