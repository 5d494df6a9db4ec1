"""The store of forecasts: (init_time, member, lead, ...), one start after another, resumable."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import xarray as xr

from ocean_gcm.data.paths import expand
from ocean_gcm.data.zarr_store import GrowingStore
from ocean_gcm.errors import UserError
from ocean_gcm.exclusive import exclusive
from ocean_gcm.forecasts.statistics import CELL_METHODS, Statistics

DIMENSION = "init_time"
FINITE = "finite_members"
TRAJECTORY = "trajectory"
IDENTITY = ("model_fingerprint", "seed", "members", "perturbed", "lead_seconds", "forcing")
"""Attributes in which a store must agree with the forecasts that are to be added."""

Starts = tuple[np.ndarray, np.ndarray | None]
"""cftime dates of the starts, and the numbers of their trajectories where the initial data have several."""

_CHUNK_BYTES = 16e6
_COUNTS = 64  # starts in a chunk of small arrays


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """The form of a store.

    Attributes:
      fields: one entry of every variable, coordinates, and what does not change (`Kept.layout`).
      names: of the variables.
      members: how many there are.
      leads: (leads,) seconds.
      statistics: of the members.
      keep_members: whether the members themselves are kept.
      units, calendar: of the starts.
      trajectories: whether starts lie in several trajectories.
      dtype: of the fields.
    """

    fields: xr.Dataset
    names: tuple[str, ...]
    members: int
    leads: np.ndarray
    statistics: Statistics
    keep_members: bool
    units: str
    calendar: str
    trajectories: bool = False
    dtype: str = "float32"

    def init_times(self, dates: np.ndarray) -> xr.DataArray:
        """The coordinate of starts, cftime dates."""
        attrs = {"standard_name": "forecast_reference_time", "long_name": "start of the forecast"}
        array = xr.DataArray(np.asarray(dates, object), dims=DIMENSION, name=DIMENSION, attrs=attrs)
        array.encoding.update(units=self.units, calendar=self.calendar, dtype="float64")
        return array

    def template(self, dates: np.ndarray) -> tuple[xr.Dataset, dict[str, dict[str, Any]]]:
        """A data set without values that describes the store, and how its variables are stored."""
        variables, encoding = {}, {}
        for name in self.names:
            field = self.fields[name]
            if self.keep_members:
                self._describe(variables, encoding, name, (("member", self.members),), field, field.attrs)
            for suffix in self.statistics.suffixes:
                attrs = {**field.attrs, "cell_methods": CELL_METHODS[suffix]}
                attrs["long_name"] = f"{field.attrs['long_name']}, {suffix} of the members"
                lead = (("quantile", len(self.statistics.quantiles)),) if suffix == "quantile" else ()
                self._describe(variables, encoding, f"{name}_{suffix}", lead, field, attrs)
        counts = dask.array.zeros((1, len(self.leads)), dtype="int32")
        attrs = {"long_name": "members that are finite; the others are NaN", "units": "1"}
        variables[FINITE] = ((DIMENSION, "lead"), counts, attrs)
        encoding[FINITE] = {"chunks": (_COUNTS, len(self.leads)), "dtype": "int32", "_FillValue": None}
        coordinates = {DIMENSION: self.init_times(dates[:1]), "lead": self._lead()}
        encoding[DIMENSION] = {"chunks": (1024,), "dtype": "float64", "_FillValue": None} | {
            "units": self.units,
            "calendar": self.calendar,
        }
        encoding["lead"] = {"dtype": "float64", "units": "days", "_FillValue": None}
        if self.trajectories:
            attrs = {"long_name": "trajectory of the initial data", "units": "1"}
            coordinates[TRAJECTORY] = (DIMENSION, np.zeros(1, np.int32), attrs)
            encoding[TRAJECTORY] = {"chunks": (1024,), "dtype": "int32", "_FillValue": None}
        if self.keep_members:
            attrs = {"standard_name": "realization", "long_name": "number of the member", "units": "1"}
            coordinates["member"] = ("member", np.arange(self.members, dtype=np.int32), attrs)
        if self.statistics.quantiles:
            attrs = {"long_name": "quantile of the members", "units": "1"}
            coordinates["quantile"] = ("quantile", np.array(self.statistics.quantiles), attrs)
        static = self.fields.drop_vars(self.names)
        return static.assign(variables).assign_coords(coordinates), encoding

    def _lead(self) -> xr.Variable:
        attrs = {"standard_name": "forecast_period", "long_name": "time since the start of the forecast"}
        return xr.Variable("lead", self.leads.astype("timedelta64[s]").astype("timedelta64[ns]"), attrs)

    def _describe(self, variables, encoding, name, lead, field, attrs) -> None:
        """One variable, in chunks of one start and one lead, with as many members and levels as are no more than
        some megabytes."""
        own = tuple(n for _, n in lead)
        space = list(field.shape)
        plane = int(np.prod(space[-2:])) * np.dtype(self.dtype).itemsize
        if len(space) == 3:
            space[0] = int(np.clip(_CHUNK_BYTES // plane, 1, space[0]))
        size = plane * (space[0] if len(space) == 3 else 1)
        several = tuple(int(np.clip(_CHUNK_BYTES // size, 1, n)) for n in own)
        chunks = (1, *several, 1, *space)
        shape = (1, *own, len(self.leads), *field.shape)
        dims = (DIMENSION, *(d for d, _ in lead), "lead", *field.dims)
        variables[name] = (dims, dask.array.full(shape, np.nan, dtype=self.dtype, chunks=chunks), dict(attrs))
        encoding[name] = {"chunks": chunks, "dtype": self.dtype, "_FillValue": np.float32(np.nan)}


class ForecastStore:
    """Writes forecasts start by start; one that was interrupted does not count.

    Attributes:
      store: what lies on the disk.
      layout: its form.
    """

    def __init__(self, store: GrowingStore, layout: Layout):
        self.store, self.layout = store, layout

    @classmethod
    def begin(cls, path: Path, layout: Layout, starts: Starts, attributes: Mapping[str, Any]) -> ForecastStore:
        """A new store without forecasts; replaces what is there.  Raises UserError if it cannot be written."""
        template, encoding = layout.template(starts[0])
        store = GrowingStore.create(path, template, attributes, layout.dtype, dimension=DIMENSION, encoding=encoding)
        return cls(store, layout)

    @classmethod
    def resume(cls, path: Path, layout: Layout, starts: Starts, attributes: Mapping[str, Any]) -> ForecastStore:
        """The store that is there, cut back to its complete forecasts.

        Raises UserError if it cannot be read, is one of other forecasts (the attributes `IDENTITY` or the variables
        differ), or has other starts than the first of `starts`.
        """
        dates, numbers = starts
        store = GrowingStore.open(path, {name: attributes[name] for name in IDENTITY}, DIMENSION)
        wanted = layout.template(dates)[0]
        shapes = {name: v.shape[1:] for name, v in wanted.variables.items() if v.dims[:1] == (DIMENSION,)}
        if (found := store.shapes) != shapes:
            name = next(n for n in sorted({**found, **shapes}) if found.get(n) != shapes.get(n))
            raise UserError(
                f"the output {path} has other variables or another grid: {name} is {_text(found.get(name))}, asked for "
                f"is {_text(shapes.get(name))}; choose another --output, or --overwrite to begin anew"
            )
        places = store.fixed
        for name, coordinate in wanted.coords.items():
            if name in places and name != "lead" and not np.array_equal(places[name], coordinate.values):
                raise UserError(
                    f"the output {path} has other points along {name} than are asked for; choose another --output, or "
                    "--overwrite to begin anew"
                )
        store.truncate(store.records)
        there = store_dates(path) if store.records else np.array([])
        if (
            len(there) > len(dates)
            or any(a != b for a, b in zip(there, dates, strict=False))
            or (numbers is not None and not np.array_equal(store_trajectories(path), numbers[: len(there)]))
        ):
            raise UserError(
                f"the output {path} holds {len(there)} forecasts from {there[0]} to {there[-1]}, which are not the "
                f"first of the {len(dates)} starts asked for; choose another --output"
            )
        return cls(store, layout)

    @property
    def complete(self) -> int:
        """Number of starts whose forecasts are there."""
        return self.store.records

    def write(self, record: int, lead: int, fields: Mapping[str, np.ndarray], finite: np.ndarray) -> None:
        """One lead of one of the reserved starts.

        Args:
          record: counted from the first that is not complete.
          lead: its number.
          fields: CF variables (member, ...) of all members.
          finite: (member,) whether a member is; one that is not is written as NaN.
        """
        for name in self.layout.names:
            array = fields[name]
            if self.layout.keep_members:
                values = array
                if not finite.all():
                    values = array.copy()
                    values[~finite] = np.nan
                self.store.put(name, record, (slice(None), lead), values)
            for suffix, values in self.layout.statistics.of(array, finite).items():
                index = (slice(None), lead) if suffix == "quantile" else (lead,)
                self.store.put(f"{name}_{suffix}", record, index, values)

    def commit(self, dates: np.ndarray, counts: np.ndarray, trajectories: np.ndarray | None = None) -> None:
        """The forecasts of the reserved starts are complete; `counts` (starts, leads) of finite members."""
        for record, numbers in enumerate(counts):
            self.store.put(FINITE, record, (), numbers)
            if trajectories is not None:
                self.store.put(TRAJECTORY, record, (), trajectories[record])
        self.store.commit(self.layout.init_times(dates))


def _text(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else "x".join(map(str, shape)) or "a number"


def locked(path: Path, say: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
    """Keeps other processes from writing the store; the lock file lies beside it, under a hidden name.

    Raises UserError as `ocean_gcm.exclusive.exclusive` does.
    """
    real = Path(os.path.realpath(path))  # one lock for all names of a store
    return exclusive(real.with_name(f".{real.name}.lock"), f"the output {path}", say=say)


def output_place(output: str | os.PathLike, resume: bool, overwrite: bool) -> Path:
    """Where the store lies or will lie.  Raises UserError if something is there that the options do not allow for."""
    if "://" in str(output):
        raise UserError(f"--output is {str(output)}; expected a directory here (copy the store when it is complete)")
    path = Path(output)
    if resume and overwrite:
        raise UserError("--resume and --overwrite exclude each other; give one of them")
    if path.is_file() or (path.exists() and not (path / "zarr.json").exists() and any(path.iterdir())):
        raise UserError(f"--output {path} is no Zarr store; expected a new name or a store of forecasts")
    if path.exists() and not (resume or overwrite):
        raise UserError(f"{path} exists already; --resume goes on with it, --overwrite replaces it")
    return path


@contextlib.contextmanager
def writing(
    path: Path,
    layout: Layout,
    starts: Starts,
    attributes: Mapping[str, Any],
    *,
    resume: bool,
    overwrite: bool,
    say: Callable[[str], None],
) -> Iterator[ForecastStore]:
    """The store at a place that `output_place` allowed, new or gone on with, while no other process may write it.

    Raises UserError as `ForecastStore.begin` and `resume` do, and if another process writes it or has written it.
    """
    with locked(path, say):
        output_place(path, resume, overwrite)  # nobody has written it in the meantime
        opened = ForecastStore.resume if path.exists() and not overwrite else ForecastStore.begin
        yield opened(path, layout, starts, attributes)


def open_stored(path: str | os.PathLike, **options: Any) -> xr.Dataset:
    """A store of forecasts; `options` of `xarray.open_zarr`.  Raises UserError for anything else."""
    where = expand(path)
    if isinstance(where, Path) and not where.exists():
        raise UserError(f"{path} does not exist; expected a store of forecasts")
    try:
        forecasts = xr.open_zarr(where, **options)
    except Exception as error:  # every backend raises its own
        raise UserError(f"{path} cannot be read as a Zarr store: {' '.join(str(error).split())[:200]}") from error
    if not {DIMENSION, "lead"} <= set(forecasts.dims):
        raise UserError(f"{path} is no store of forecasts: it has no dimensions {DIMENSION} and lead")
    return forecasts


def store_dates(path: Path) -> np.ndarray:
    """cftime dates of the starts in a store."""
    with xr.open_zarr(path, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True), chunks=None) as dataset:
        return dataset[DIMENSION].values


def store_trajectories(path: Path) -> np.ndarray:
    """Numbers of the trajectories of the starts in a store."""
    with xr.open_zarr(path, decode_times=False, chunks=None) as dataset:
        return dataset[TRAJECTORY].values
