"""The configuration of any closure, classical or learned, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated

import pydantic

from ocean_gcm.closures.classical import ClassicalConfig
from ocean_gcm.closures.neural import NeuralConfig

ClosureConfig = Annotated[ClassicalConfig | NeuralConfig, pydantic.Field(discriminator="kind")]
