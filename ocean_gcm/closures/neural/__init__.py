"""Networks for what is not resolved, on the interface of the classical formulas and to be combined with them.

`NeuralConfig` is the configuration of any of them; `config.build(grid, dtype)` gives the closure.
"""

from ocean_gcm.closures.neural.coefficients import (
    NeuralBackscatterConfig,
    NeuralMesoscaleConfig,
    NeuralVerticalMixingConfig,
)
from ocean_gcm.closures.neural.normalisation import Statistics
from ocean_gcm.closures.neural.tendencies import NeuralTendenciesConfig

NeuralConfig = NeuralTendenciesConfig | NeuralVerticalMixingConfig | NeuralMesoscaleConfig | NeuralBackscatterConfig

__all__ = ["NeuralConfig", "Statistics"]
