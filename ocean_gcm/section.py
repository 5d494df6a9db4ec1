"""The base of every part of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import pydantic


class Section(pydantic.BaseModel):
    """Typed, immutable, and closed: unknown keys are errors.  Each field's description gives its unit."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _without_none(value: Any) -> Any:
    return {name: below for name, below in value.items() if below is not None} if isinstance(value, Mapping) else value


Value = TypeVar("Value")
Named = Annotated[dict[str, Value], pydantic.BeforeValidator(_without_none)]
"""Parts by names of the user's choice; one that is null is none, so that a recipe can leave out what its base has."""
