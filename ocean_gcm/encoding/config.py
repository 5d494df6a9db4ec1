"""The sections `encoder` and `decoder` of a configuration."""

from __future__ import annotations

from typing import Literal

import pydantic

from ocean_gcm.encoding.correction import CorrectionConfig
from ocean_gcm.section import Section


class EncoderConfig(Section):
    """How an analysis becomes a state of the model."""

    reconstruction: Literal["linear", "constant"] = pydantic.Field(
        "linear", description="of fields within the cells of the analysis, linear and limited, or constant; no unit"
    )
    remove_mean_sea_level: bool = pydantic.Field(
        False, description="sea level without its mean over the model's ocean; no unit"
    )
    correction: CorrectionConfig | None = pydantic.Field(
        None, description="a learned correction of the encoded state, zero before training; null: none"
    )


class DecoderConfig(Section):
    """How a state of the model becomes fields like those of an analysis."""

    reconstruction: Literal["linear", "constant"] = pydantic.Field(
        "linear", description="of fields within the cells of the model, linear and limited, or constant; no unit"
    )
    correction: CorrectionConfig | None = pydantic.Field(
        None, description="a learned correction of the state before it is decoded, zero before training; null: none"
    )
