"""Formulas for what is not resolved: one file per scheme, each with its configuration.

`ClosureConfig` is the configuration of any of them; `config.build(grid, dtype)` gives the closure.
`ocean_gcm.closures.config.ClosureConfig` has the learned ones beside them.
"""

from typing import Annotated

import pydantic

from ocean_gcm.closures.classical.background_mixing import BackgroundMixingConfig
from ocean_gcm.closures.classical.bottom_drag import BottomDragConfig
from ocean_gcm.closures.classical.convective_adjustment import ConvectiveAdjustmentConfig
from ocean_gcm.closures.classical.flow_viscosity import LeithConfig, SmagorinskyConfig
from ocean_gcm.closures.classical.gent_mcwilliams_redi import GentMcWilliamsRediConfig
from ocean_gcm.closures.classical.horizontal_diffusion import HorizontalDiffusionConfig
from ocean_gcm.closures.classical.lateral_viscosity import BiharmonicViscosityConfig, HarmonicViscosityConfig
from ocean_gcm.closures.classical.richardson_mixing import RichardsonMixingConfig

ClassicalConfig = (
    HarmonicViscosityConfig
    | BiharmonicViscosityConfig
    | SmagorinskyConfig
    | LeithConfig
    | BottomDragConfig
    | BackgroundMixingConfig
    | RichardsonMixingConfig
    | ConvectiveAdjustmentConfig
    | GentMcWilliamsRediConfig
    | HorizontalDiffusionConfig
)

ClosureConfig = Annotated[ClassicalConfig, pydantic.Field(discriminator="kind")]

__all__ = ["ClassicalConfig", "ClosureConfig"]
