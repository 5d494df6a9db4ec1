"""The base of every part of a configuration."""

from __future__ import annotations

import pydantic


class Section(pydantic.BaseModel):
    """Typed, immutable, and closed: unknown keys are errors.  Each field's description gives its unit."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
