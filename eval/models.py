"""Models as the commands of `eval` take them."""

from __future__ import annotations

from collections.abc import Iterable

import ocean_gcm as og
from ocean_gcm.model import OceanModel


def is_config(path: str) -> bool:
    """Whether a path is that of a configuration, and not of a trained model."""
    return path.endswith((".yaml", ".yml"))


def model_at(path: str, overrides: Iterable[str] = ()) -> OceanModel:
    """Of a configuration, an exported model or a training run, with these keys set.  Raises UserError."""
    return og.build_model(og.load_config(path, overrides)) if is_config(path) else og.load_model(path, overrides)
