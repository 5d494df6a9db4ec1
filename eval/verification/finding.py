"""The form of what is measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Finding:
    """One number.

    Attributes:
      variant: which run of the case.
      quantity, unit: what is measured.
      value: what was found.
      at_most, at_least: what is asked for; None where the number is only reported.
    """

    variant: str
    quantity: str
    unit: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether the value is what was asked for; None where nothing was."""
        if self.at_most is None and self.at_least is None:
            return None
        above = self.at_most is None or self.value <= self.at_most
        return bool(above and (self.at_least is None or self.value >= self.at_least))


def orders(errors: Sequence[float]) -> list[float]:
    """Orders of convergence between runs of which each has twice the resolution of the one before."""
    return [float(np.log2(coarse / fine)) for coarse, fine in zip(errors, errors[1:], strict=False)]
