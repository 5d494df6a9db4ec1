"""A truth of layers: potential vorticity of one or several trajectories on a model's grid, and its subgrid source.

A store has `pv` (trajectory, time, layer, y, x) in s-1, without the background's, `time` in seconds since the start of
the trajectories, and, if closures are to be learned a priori, `pv_subgrid_source` in s-2 with the same dimensions: what
a coarse model lacks.  The output of a run of layers with snapshots of `pv` is a truth of one trajectory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.data.paths import store_of
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.data.truth import Period, Window, Windowed, split_records
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Layers

PV, SOURCE = "pv", "pv_subgrid_source"
DIMENSIONS = ("trajectory", "time", "layer", "y", "x")
_OF_A_RUN = ("time", "lev", "y", "x")


@dataclasses.dataclass(frozen=True, eq=False)
class LayersTruth(Windowed):
    """See `open_layers_truth`.  Records are counted through the trajectories, one behind the other.

    Attributes:
      label: for messages.
      dataset: `pv`, `pv_subgrid_source` or not, with `DIMENSIONS`, read when asked for.
      dtype: of the model.
      times: (time,) whole seconds of the records of each trajectory.
      interval: seconds between records.
      sources: whether windows hold the subgrid source.
      cache: arrays by name, if they were read at once.
    """

    label: str
    dataset: xr.Dataset
    dtype: np.dtype
    times: np.ndarray
    interval: int
    sources: bool = False
    cache: Mapping[str, np.ndarray] | None = None

    def __len__(self) -> int:
        return self.trajectories * len(self.times)

    @property
    def trajectories(self) -> int:
        return self.dataset.sizes["trajectory"]

    @property
    def has_sources(self) -> bool:
        """Whether it holds the subgrid source."""
        return SOURCE in self.dataset

    @property
    def numbers(self) -> np.ndarray | None:
        """(trajectory,) of the trajectories, where they have numbers; None for the one history of a run."""
        return self.dataset["trajectory"].values if "trajectory" in self.dataset.coords else None

    def in_memory(self) -> LayersTruth:
        """The same truth with all fields read at once."""
        names = [name for name in (PV, SOURCE) if name in self.dataset]
        found = {name: self._checked(name, self.dataset[name].values, 0) for name in names}
        return dataclasses.replace(self, cache=found)

    def with_increments(self, key: str) -> LayersTruth:
        """The same truth, its windows with the subgrid source.  Raises UserError, which names `key`, without one."""
        if not self.has_sources:
            raise UserError(f"{key} needs a truth with {SOURCE}, which {self.label} has not")
        return dataclasses.replace(self, sources=True)

    def starts(self, period: Period, records: int, stride: int = 1) -> np.ndarray:
        """First records of the windows of a period, each within one trajectory.  Raises UserError if there are none."""
        first = np.arange(period.begin, period.end)
        last = first + (records - 1) * stride
        length = len(self.times)
        found = first[(last < period.end) & (first // length == last // length)]
        if not len(found):
            raise UserError(
                f"a forecast needs {(records - 1) * stride + 1} records of one trajectory, those of {self.label} have "
                f"{length}, the period {len(period)}; expected shorter forecasts or a longer truth"
            )
        return found

    def window(self, start: int, records: int, stride: int = 1) -> Window:
        """`records` states from record `start` on, `stride` records apart, with a leading axis of time.

        Raises UserError where the window leaves its trajectory.
        """
        trajectory, first = divmod(int(start), len(self.times))
        last = first + (records - 1) * stride
        if records < 1 or stride < 1 or not 0 <= trajectory < self.trajectories or last >= len(self.times):
            raise UserError(
                f"a window of {records} records from {start} on, {stride} apart, does not lie in one of the "
                f"{self.trajectories} trajectories of {len(self.times)} records of {self.label}"
            )
        chosen = slice(first, last + 1, stride)
        days, seconds = np.divmod(self.times[chosen], SECONDS_PER_DAY)
        increments = {"potential_vorticity": self._read(SOURCE, trajectory, chosen)} if self.sources else {}
        q = Layers(self._read(PV, trajectory, chosen))
        return Window(q, days.astype(np.int32), seconds.astype(np.int32), increments)

    def split(self, parts: Mapping[str, float | Sequence[str | float]]) -> dict[str, Period]:
        """Periods by name: shares of the trajectories if there are several, of the records of a single one.

        Raises UserError for dates, for periods that overlap or are empty, and for fractions beyond 1.
        """
        several = self.trajectories > 1
        unit, number = (len(self.times), self.trajectories) if several else (1, len(self.times))

        def boundary(moment: str | float, name: str) -> int:
            if isinstance(moment, str) or not 0 <= moment <= 1:
                raise UserError(f"the period {name} contains {moment!r}; expected shares of the truth from 0 to 1")
            return round(moment * number) * unit

        return split_records(parts, len(self), boundary, self.label)

    def _read(self, name: str, trajectory: int, chosen: slice) -> np.ndarray:
        if self.cache is not None:
            return self.cache[name][trajectory, chosen]
        values = self.dataset[name].isel(trajectory=trajectory, time=chosen).values
        return self._checked(name, values, trajectory)

    def _checked(self, name: str, values: np.ndarray, trajectory: int) -> np.ndarray:
        if not np.isfinite(values).all():
            raise UserError(f"{name} of {self.label} is not finite in trajectory {trajectory} or behind it")
        return np.asarray(values, self.dtype)


def open_layers_truth(path: str | Path, model: OceanModel) -> LayersTruth:
    """A truth on the grid of a model of layers: a store of trajectories, or a run (its directory or output.zarr).

    Reads nothing but coordinates until fields are asked for.

    Raises UserError for data on another grid, at irregular times or times that are no whole seconds, of means, or
    without `pv`.
    """
    where = store_of(path)
    label, dataset = str(where), open_dataset(where)
    if PV not in dataset:
        raise UserError(f"{label} has no variable {PV}; it holds {', '.join(map(str, dataset.data_vars)) or 'none'}")
    if "mean" in str(dataset[PV].attrs.get("cell_methods", "")):
        raise UserError(f"{label} holds means over intervals; expected states at moments (output.kind = snapshot)")
    if dataset[PV].dims == _OF_A_RUN:
        dataset = dataset[[PV]].rename(lev="layer").expand_dims("trajectory")
    elif "trajectory" in dataset.dims and "trajectory" not in dataset.coords:
        dataset = dataset.assign_coords(trajectory=np.arange(dataset.sizes["trajectory"]))
    for name in (PV, SOURCE):
        if name in dataset and dataset[name].dims != DIMENSIONS:
            raise UserError(f"{name} of {label} has the dimensions {dataset[name].dims}; expected {DIMENSIONS}")
    dataset = dataset[[name for name in (PV, SOURCE) if name in dataset]]
    _require_grid(dataset, model, label)
    times, interval = _times(dataset["time"], label)
    return LayersTruth(label, dataset, np.dtype(model.dtype), times, interval)


def _require_grid(dataset: xr.Dataset, model: OceanModel, label: str) -> None:
    shape = dataset[PV].shape[2:]
    if shape != model.grid.shape:
        raise UserError(f"{label} has a grid of {shape} cells; expected {model.grid.shape}, the model's")
    # where the first cell lies makes no difference in a periodic box
    for name, width in zip("yx", model.grid.spacing, strict=True):
        if name not in dataset.coords or not np.allclose(np.diff(dataset[name]), width, rtol=1e-4):
            raise UserError(f"{label} has other cells along {name}; expected a coordinate with steps of {width:.6g} m")


def _times(time: xr.DataArray, label: str) -> tuple[np.ndarray, int]:
    """Whole seconds of the records, and of the interval between them."""
    values = np.asarray(time.values, float)
    unit = str(time.attrs.get("units", "s"))
    exact = values * SECONDS_PER_DAY if unit.startswith("days since") else values
    seconds = np.round(exact).astype(np.int64)
    if not (unit.startswith("days since") or unit == "s" or unit.startswith("seconds")):
        raise UserError(f"the times of {label} are in {unit!r}; expected seconds (s)")
    if not len(seconds) or (np.abs(exact - seconds) > 1e-3).any():
        raise UserError(f"the times of {label} are {values[:3]} and so on; expected whole seconds")
    steps = np.diff(seconds)
    if len(steps) and ((steps != steps[0]).any() or steps[0] <= 0):
        raise UserError(f"the records of {label} are not evenly spaced: {sorted(set(steps.tolist()))[:4]} s apart")
    return seconds, int(steps[0]) if len(steps) else 0
