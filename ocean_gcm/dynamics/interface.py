"""What a model wants of a dynamical core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jax
import numpy as np


class Core(Protocol):
    """Equations, their numerics and their grid.  All that is static; its arrays live in the model.

    Attributes:
      grid: with `shape`, (nz, ny, nx).
      time_step: s.
      diagnostics: type of what a step reports, with `zero(dtype)`, `+` and `over(mesh axes)`.

    `fields` are the core's own (`ocean_gcm.state.Ocean`, `Layers`), `static` what `static` returns, `surface` what the
    model's forcing is at a moment.
    """

    grid: Any
    time_step: float
    diagnostics: type

    def part(self, mesh_y: int, mesh_x: int) -> Core:
        """The same for the steps of one of `mesh_y` times `mesh_x` equal parts of the grid, inside `jax.shard_map`.

        Raises UserError if the grid cannot be cut so.
        """

    def arrays(self, dtype) -> dict[str, jax.Array]:
        """Static arrays by name, on the device."""

    def static(self, arrays: Mapping[str, jax.Array]) -> Any:
        """What steps need of these; called once per compiled program, outside of its time loop."""

    def fields(self, given: Mapping[str, np.ndarray], dtype) -> Any:
        """Fields of arrays on the host by name; what is not given is zero."""

    def cleaned(self, arrays: Mapping[str, jax.Array], fields: Any, dtype) -> Any:
        """The fields in the type `dtype`, without what the grid cannot hold."""

    def first_stepper(self, fields: Any, tendency: Callable[[], Any]) -> Any:
        """The memory of the time stepping at a start; `tendency` computes the core's `tendency` of the fields."""

    def tendency(self, static: Any, fields: Any) -> Any:
        """What a first step needs of the past."""

    def prepare(self, static: Any, fields: Any) -> Any:
        """What closures and the step both need of a state."""

    def columns(self, static: Any, prepared: Any, surface: Any, interval: float) -> Any:
        """What closures may look at; `interval` is the time in s for which their effects are held."""

    def advance(self, static: Any, prepared: Any, stepper: Any, effects: Any, surface: Any) -> tuple[Any, Any, Any]:
        """(fields, stepper, diagnostics) one time step later."""
