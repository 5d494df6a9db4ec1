"""Observed values as data: observed.yaml, validated."""

from __future__ import annotations

from pathlib import Path

import pydantic

from ocean_gcm.section import Section as Keys
from ocean_gcm.validation import validated
from ocean_gcm.yaml_tree import read_tree

FILE = Path(__file__).parent / "observed.yaml"


class Observation(Keys):
    """One estimate."""

    value: float
    uncertainty: float = pydantic.Field(gt=0)
    source: str

    def distance(self, model: float) -> float:
        """How many uncertainties the model is off."""
        return (model - self.value) / self.uncertainty


class Quantity(Keys):
    """A number of the climate and what is known of it."""

    name: str
    title: str
    unit: str = "Sv"
    observed: tuple[Observation, ...] = ()


class Strait(Quantity):
    """A section; `points` are longitude and latitude in degrees, on land at both ends."""

    positive: str
    points: tuple[tuple[float, float], ...]


class Observed(Keys):
    """All of the file."""

    values: tuple[Quantity, ...]
    sections: tuple[Strait, ...]

    def of(self, name: str) -> Quantity | None:
        return next((q for q in (*self.values, *self.sections) if q.name == name), None)


def read_observed(path: Path = FILE) -> Observed:
    """Raises UserError for a file with unknown or missing keys."""
    return validated(Observed, read_tree(path), str(path))
