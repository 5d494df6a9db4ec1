"""One stream of output of a running simulation: means over intervals or states at their ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ocean_gcm.data.zarr_store import GrowingStore
from ocean_gcm.experiment import Experiment


class Stream:
    """Collects what the model reports and appends a record to its store whenever an interval is complete.

    Attributes:
      interval: steps per record.
      kind: "mean" or "snapshot".
      records: number of records of whole intervals; a last one of a shorter interval is not counted.
    """

    def __init__(
        self, path: Path, grid: Any, config: Experiment, form: Any, kind: str, interval: int, names: tuple[str, ...]
    ):
        self.path, self.kind, self.interval = path, kind, interval
        self.records = 0
        self._grid, self._config, self._form, self._names = grid, config, form, names
        self._step_seconds = config.time.step_seconds
        self._attributes = {"configuration_hash": config.hash, "record_kind": kind}
        self._store: GrowingStore | None = None
        self._sums: dict[str, np.ndarray] = {}
        self._steps = 0

    @property
    def needs_mean(self) -> bool:
        return self.kind == "mean"

    def begin(self, state: Any) -> None:
        """A new store; a stream of snapshots begins with the initial state."""
        first = self._dataset(self._form.fields_of(state.ocean), 0, 1)
        static = self._form.static_dataset(self._grid, self._config)
        template = static.merge(first, combine_attrs="override")
        self._store = GrowingStore.create(self.path, template, self._attributes, self._config.output.precision)
        if self.kind == "snapshot":
            self._store.append(first)
            self.records = 1

    def restore(self, records: int, host: Mapping[str, np.ndarray], steps: int) -> None:
        """Go on after `records` whole records with the sums over the `steps` steps since then."""
        self._store = GrowingStore.open(self.path, self._attributes)
        self._store.truncate(records)
        self.records = records
        prefix = f"{self.path.name}:"
        self._sums = {name[len(prefix) :]: array for name, array in host.items() if name.startswith(prefix)}
        self._steps = steps

    def carried(self) -> tuple[dict[str, np.ndarray], int]:
        """Sums over the interval that is not complete yet, for a restart, and the number of their steps."""
        return {f"{self.path.name}:{name}": array for name, array in self._sums.items()}, self._steps

    def add(self, mean: Any, steps: int) -> None:
        """Account for a mean over `steps` steps."""
        if not self.needs_mean:
            return
        for name, array in self._form.fields_of(mean).items():
            weighted = array.astype(np.float64) * steps
            self._sums[name] = self._sums[name] + weighted if name in self._sums else weighted
        self._steps += steps

    def flush(self, step: int, state: Any) -> None:
        """Append a record if an interval ends at `step`."""
        if step % self.interval == 0:
            self._append(step, state)
            self.records += 1
            self._sums, self._steps = {}, 0

    def close(self, step: int, state: Any) -> None:
        """Append what there is of a last, shorter interval; a run that goes on later replaces that record."""
        if step % self.interval:
            self._append(step, state)

    def _append(self, step: int, state: Any) -> None:
        if self.kind == "snapshot":
            self._store.append(self._dataset(self._form.fields_of(state.ocean), step, 0))
            return
        dtype = jax.tree.leaves(state.ocean)[0].dtype
        fields = {name: (total / self._steps).astype(dtype) for name, total in self._sums.items()}
        self._store.append(self._dataset(fields, step, self._steps))

    def _dataset(self, fields: Mapping[str, np.ndarray], step: int, steps: int):
        end = step * self._step_seconds
        begin = end - steps * self._step_seconds
        mean = self.kind == "mean"
        return self._form.records(
            self._grid,
            self._config,
            {name: array[None] for name, array in fields.items()},
            np.array([0.5 * (begin + end) if mean else end]),
            np.array([[begin, end]]) if mean else None,
            self._names,
        )


def streams(run, grid: Any, config: Experiment, form: Any) -> list[Stream]:
    """The streams that a configuration asks for, in the run directory `run`; `form` is that of the core."""
    settings, steps = config.output, config.time.require_whole_steps
    interval = steps("output.interval", settings.interval)
    found = [Stream(run.output, grid, config, form, settings.kind, interval, settings.variables)]
    if settings.snapshots is not None:
        interval = steps("output.snapshots.interval", settings.snapshots.interval)
        found.append(Stream(run.snapshots, grid, config, form, "snapshot", interval, settings.snapshots.variables))
    return found
