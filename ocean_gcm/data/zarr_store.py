"""A Zarr store that grows along one dimension, record by record, and can be cut back to a given number of records.

Each array is chunked by whole records in time unless other chunks are asked for.  Metadata are consolidated again after
each record, so that a reader never sees half a record, and every chunk is replaced atomically: what was written before
a kill stays readable.
"""

from __future__ import annotations

import shutil
import uuid
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from ocean_gcm.errors import UserError

_CHUNK_BYTES = 4e6
_MOST_RECORDS = 64
_SERIES_RECORDS = 1024


class GrowingStore:
    """A consolidated Zarr store with one unlimited dimension.

    Attributes:
      path: the directory.
      records: number of complete records.
      dimension: along which it grows.
    """

    def __init__(self, path: Path, group: zarr.Group, dimension: str):
        self.path = path
        self.dimension = dimension
        self._group = group
        self._arrays = dict(_growing(group, dimension))
        # arrays resized by a process that was killed in between may have different lengths
        self.records = min((array.shape[0] for array in self._arrays.values()), default=0)

    @classmethod
    def create(
        cls,
        path: Path,
        template: xr.Dataset,
        attributes: Mapping[str, Any],
        dtype: str,
        *,
        dimension: str = "time",
        encoding: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> GrowingStore:
        """A new store with the coordinates, variables and attributes of `template`, which has one or more records,
        but without records.

        Floating-point variables with dimensions besides `dimension` are stored as `dtype`; `encoding` replaces what
        would be chosen for a variable.  It appears under its name only when it is complete; what lies there is
        replaced.  Raises UserError if it cannot be written.
        """
        first = template.isel({dimension: slice(0, 1)}).assign_attrs(**attributes)
        given, encoding = encoding or {}, {}
        for name, variable in first.variables.items():
            if name in given:
                encoding[name] = dict(given[name])
            elif dimension in variable.dims:
                shape = [n for d, n in variable.sizes.items() if d != dimension]
                field = bool(shape) and name != "time_bnds"
                kind = np.dtype(dtype if field else "float64")
                size = int(np.prod(shape, dtype=int)) * kind.itemsize
                steps = int(np.clip(_CHUNK_BYTES // max(size, 1), 1, _MOST_RECORDS if field else _SERIES_RECORDS))
                encoding[name] = {
                    "chunks": (steps, *shape),
                    "dtype": kind.name,
                    "_FillValue": np.nan if field else None,
                }
                if name in (dimension, "time_bnds"):
                    encoding[name].update({k: variable.encoding[k] for k in ("units", "calendar")})
            else:
                encoding[name] = {"_FillValue": np.nan} if variable.dtype.kind == "f" and name in first else {}
                if name in first.coords:
                    encoding[name] = {"_FillValue": None}
        draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # variables that dask holds get their description only
                first.to_zarr(draft, mode="w", encoding=encoding, zarr_format=3, consolidated=True, compute=False)
            cls.open(draft, attributes, dimension).truncate(0)
            if path.exists():
                shutil.rmtree(path)
            draft.rename(path)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise UserError(f"the output {path} could not be written: {error.strerror or error}") from error
        return cls.open(path, attributes, dimension)

    @classmethod
    def open(cls, path: Path, attributes: Mapping[str, Any], dimension: str = "time") -> GrowingStore:
        """An existing store, to append to.

        Raises UserError if there is none, if it cannot be read, or if its attributes differ from `attributes`: then it
        belongs to another configuration.
        """
        try:
            group = zarr.open_group(path, mode="r+", use_consolidated=False)
            store = cls(path, group, dimension)
        except FileNotFoundError:
            raise UserError(f"the output {path} is missing or is no Zarr store") from None
        except OSError as error:
            raise UserError(f"the output {path} cannot be opened for writing: {error.strerror or error}") from error
        except Exception as error:
            raise UserError(f"the output {path} is damaged: {error}") from error
        for name, value in attributes.items():
            found = group.attrs.get(name)
            if found != value:
                raise UserError(
                    f"the output {path} belongs to another configuration ({name} {found!r}, expected {value!r}); "
                    "choose another output directory, or --overwrite to begin anew"
                )
        if not store._arrays:
            raise UserError(f"the output {path} has no variables along {dimension}; it was not written by this program")
        return store

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of one record of each variable along the dimension."""
        return {name: tuple(array.shape[1:]) for name, array in self._arrays.items()}

    @property
    def fixed(self) -> dict[str, np.ndarray]:
        """One-dimensional arrays that do not grow: coordinates, as stored."""
        return {n: a[:] for n, a in self._group.arrays() if n not in self._arrays and a.ndim == 1}

    def truncate(self, records: int) -> None:
        """Forget all but the first `records` records.  Raises UserError if there are fewer."""
        if records > self.records:
            raise UserError(
                f"the output {self.path} holds {self.records} records, the restart follows {records} records"
            )
        try:
            for array in self._arrays.values():
                if array.shape[0] != records:
                    array.resize((records, *array.shape[1:]))
            self._consolidate()
        except OSError as error:
            raise UserError(f"the output {self.path} could not be written: {error.strerror or error}") from error
        self.records = records

    def append(self, dataset: xr.Dataset) -> None:
        """Add the records of `dataset`, which has the variables of the template.  Raises UserError (disk full)."""
        begin, end = self.records, self.records + dataset.sizes[self.dimension]
        try:
            for name, array in self._arrays.items():
                array.resize((end, *array.shape[1:]))
                array[begin:end] = _numbers(dataset[name]).astype(array.dtype)
            self._consolidate()
        except OSError as error:
            raise UserError(f"the output {self.path} could not be written: {error.strerror or error}") from error
        self.records = end

    def reserve(self, records: int) -> None:
        """Room for further records that are written in pieces and count once `commit` has been called.

        A process that is killed in between leaves the store with the records that it had.  Raises UserError.
        """
        try:
            for name, array in self._arrays.items():
                if name != self.dimension:
                    array.resize((self.records + records, *array.shape[1:]))
        except OSError as error:
            raise UserError(f"the output {self.path} could not be written: {error.strerror or error}") from error

    def put(self, name: str, record: int, index: tuple, values: np.ndarray) -> None:
        """Write a piece of the `record`-th of the reserved records.  Raises UserError (disk full)."""
        array = self._arrays[name]
        try:
            array[(self.records + record, *index)] = np.asarray(values, array.dtype)
        except OSError as error:
            raise UserError(f"the output {self.path} could not be written: {error.strerror or error}") from error

    def commit(self, coordinate: xr.DataArray) -> None:
        """The reserved records are complete: `coordinate` gives them their places along the dimension."""
        begin, end = self.records, self.records + coordinate.size
        try:
            array = self._arrays[self.dimension]
            array.resize((end,))
            array[begin:end] = _numbers(coordinate).astype(array.dtype)
            self._consolidate()
        except OSError as error:
            raise UserError(f"the output {self.path} could not be written: {error.strerror or error}") from error
        self.records = end

    def _consolidate(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zarr warns that format 3 does not specify consolidated metadata yet
            zarr.consolidate_metadata(self._group.store)


def write_whole(dataset: xr.Dataset, path: Path) -> None:
    """Write a store in one go, in the place of what was at `path`."""
    draft = path.with_name(f".{path.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in `GrowingStore`
        dataset.to_zarr(draft, mode="w", zarr_format=3, consolidated=True)
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)


def _growing(group: zarr.Group, dimension: str) -> list[tuple[str, zarr.Array]]:
    return [pair for pair in group.arrays() if (pair[1].metadata.dimension_names or (None,))[0] == dimension]


def _numbers(variable: xr.DataArray) -> np.ndarray:
    """Values as stored: dates as numbers."""
    if variable.dtype == object:
        import cftime

        return np.asarray(
            cftime.date2num(variable.values, variable.encoding["units"], variable.encoding["calendar"]), float
        )
    return variable.values
