"""Which dynamical core a kind of closure is for, to tell a user who mixes them up."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from ocean_gcm.errors import UserError


def kinds(union: Any) -> list[str]:
    """Values of the key `kind` of an annotated union of configurations."""
    members = typing.get_args(typing.get_args(union)[0])
    return [member.model_fields["kind"].default for member in members]


def refuse_others(closures: Any, own: Any, other: Any, core: str) -> None:
    """UserError for a closure whose kind is among those of `other`, the union of the core `core`, only."""
    if not isinstance(closures, Mapping):
        return
    for name, section in closures.items():
        kind = section.get("kind") if isinstance(section, Mapping) else None
        if isinstance(kind, str) and kind in kinds(other) and kind not in kinds(own):
            raise UserError(
                f"closures.{name} is of the kind {kind}, a closure of the core {core}; expected one of: "
                f"{', '.join(sorted(kinds(own)))}"
            )
