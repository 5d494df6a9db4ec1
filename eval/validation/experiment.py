"""What all validation cases share: running a small case and the form of what is measured."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

import ocean_gcm as og
from ocean_gcm.config import config_from_dict
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One number of a case.

    Attributes:
      variant: which run of the case, e.g. the advection scheme.
      quantity, unit: what is measured.
      measured: its value in the model.
      theory: its value in the known solution; None where there is none.
      bound: largest relative error that is accepted; None where the number is only reported.
    """

    variant: str
    quantity: str
    unit: str
    measured: float
    theory: float | None = None
    bound: float | None = None

    @property
    def error(self) -> float | None:
        """Relative error, or None without a theory."""
        return None if self.theory is None else self.measured / self.theory - 1.0

    @property
    def passed(self) -> bool | None:
        """Whether the error keeps its bound; None where there is no bound."""
        return None if self.bound is None else abs(self.error) <= self.bound


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A case after its runs.

    Attributes:
      measurements: what was measured.
      series: arrays for the figure, by name.
      seconds: CPU time of all runs, compilation included.
    """

    measurements: tuple[Measurement, ...]
    series: Mapping[str, np.ndarray]
    seconds: float

    def find(self, quantity: str, variant: str | None = None) -> Measurement:
        """The measurement of a quantity (of a variant); raises StopIteration if there is none."""
        return next(m for m in self.measurements if m.quantity == quantity and variant in (None, m.variant))


@dataclasses.dataclass(frozen=True)
class History:
    """States of a run on the host.

    Attributes:
      model: what ran.
      time: (records,) s, beginning with 0.
      ocean: fields with a leading record axis.
      seconds: CPU time, compilation included.
    """

    model: OceanModel
    time: np.ndarray
    ocean: Ocean
    seconds: float


def run(
    tree: Mapping[str, Any],
    steps: int,
    save_every: int,
    fields: Callable[[OceanModel], Mapping[str, np.ndarray]] | None = None,
) -> History:
    """Run the configuration `tree` and keep the state at the start and after every `save_every` steps.

    `fields` makes initial fields (by the names of `Ocean`) which replace those of the configuration.
    """
    began = time.process_time()
    model = og.build_model(config_from_dict(tree))
    state = model.initial_state(fields=fields(model) if fields else None)
    _, trajectory = model.unroll(state, steps=steps, save_every=save_every)
    first, rest = jax.device_get((state.ocean, trajectory.states.ocean))
    ocean = jax.tree.map(lambda a, b: np.concatenate([a[None], b]), first, rest)
    times = np.arange(steps // save_every + 1) * save_every * model.time_step
    return History(model, times, ocean, time.process_time() - began)


def linear_density(expansion: float = 2.0e-4, reference_temperature: float = 10.0) -> dict[str, Any]:
    """Section of the linear equation of state."""
    return {"kind": "linear", "thermal_expansion": expansion, "reference_temperature": reference_temperature}
