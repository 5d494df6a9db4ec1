"""Mean and spread by variable and depth of a truth, and of its changes over a lead: the scales of losses and inputs.

Weighted with the areas of the wet cells, over all records; read in pieces, so that a series may be of any length.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import xarray as xr

from ocean_gcm.data.paths import expand
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.data.variables import MODEL_FIELDS, VARIABLES
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics.moments import Moments
from ocean_gcm.validation import suggestion

FORMAT = "ocean_gcm statistics 1"
DEFAULT_VARIABLES = ("temperature", "salinity", "u", "v", "sea_surface_height")
FARTHEST = 5.0
"""Spreads by which the mean of a state over a level may differ from that of all states."""

PIECE_BYTES = 64e6
"""Bytes of a variable, in float64, that are read at once."""

_KINDS = ("mean", "standard_deviation", "tendency_mean", "tendency_standard_deviation")


@dataclasses.dataclass(frozen=True)
class VariableStatistics:
    """Of one variable, (nz,) each and (1,) for a surface field, in its unit; NaN at levels without water.

    Attributes:
      mean, standard_deviation: over area and time, of each level.
      tendency_mean, tendency_standard_deviation: of the change over the lead.
    """

    mean: np.ndarray
    standard_deviation: np.ndarray
    tendency_mean: np.ndarray
    tendency_standard_deviation: np.ndarray


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Statistics by variable.

    Attributes:
      variables: by the model's names (temperature, salinity, u, v, sea_surface_height, tracers).
      depth: (nz,) depths of the levels' centres, m.
      lead: time over which changes are taken, s.
      provenance: where the numbers come from: source, records, first and last time, missing values, and what the
        caller adds.
      network: means and scales of a network's inputs and scales of its outputs, as `ocean_gcm.closures.neural` reads
        them; {} without.
    """

    variables: Mapping[str, VariableStatistics]
    depth: np.ndarray
    lead: float
    provenance: Mapping[str, str]
    network: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def scales(self, kind: str = "tendency", smallest: float = 0.05) -> dict[str, np.ndarray]:
        """By variable (nz,): the spread of changes (`tendency`) or of the fields (`standard_deviation`).

        A level's scale is at least `smallest` times the variable's largest: a quiet abyss would otherwise count most.
        """
        name = {"tendency": "tendency_standard_deviation", "standard_deviation": "standard_deviation"}[kind]
        out = {}
        for variable, statistics in self.variables.items():
            spread = getattr(statistics, name)
            out[variable] = np.maximum(spread, smallest * np.nanmax(spread))
        return out

    def require_grid(self, grid: Grid) -> None:
        """Raises UserError unless the levels are those of `grid`."""
        require_levels(self.depth, grid, f"the statistics of {self.provenance.get('source', 'a data set')}")

    def require_data(self, fields: Mapping[str, np.ndarray], grid: Grid, label: str) -> None:
        """Raises UserError if these cannot be statistics of the data that `fields`, a state by name, is of.

        Its mean over each level must lie within a few of the spreads over area and time.
        """
        for name, s in self.variables.items():
            if name not in fields:
                continue
            weights = _area(name, grid)
            values = np.asarray(fields[name], float).reshape(weights.shape)
            area = weights.sum((-2, -1))
            mean = (weights * values).sum((-2, -1)) / np.where(area > 0, area, 1.0)
            far = (area > 0) & ~(np.abs(mean - s.mean) <= FARTHEST * s.standard_deviation)
            if far.any():
                level = int(np.argmax(far))
                raise UserError(
                    f"the statistics of {self.provenance.get('source', 'a data set')} are those of other data: "
                    f"{name} of level {level} has a mean of {s.mean[level]:.4g} and a spread of "
                    f"{s.standard_deviation[level]:.4g} there, a mean of {mean[level]:.4g} in {label}"
                )

    def write(self, path: str | os.PathLike) -> None:
        """To JSON (.json) or NetCDF (.nc), replaced in one go.  Raises UserError if that fails."""
        path = Path(expand(path))
        draft = path.with_name(f".{path.name}.part")
        try:
            if _is_json(path):
                draft.write_text(json.dumps(self._tree(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
            else:
                self.to_dataset().to_netcdf(draft)
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise UserError(f"the statistics {path} could not be written: {error.strerror or error}") from error

    def _tree(self) -> dict[str, Any]:
        def numbers(array):
            return [float(x) if np.isfinite(x) else None for x in array]

        variables = {
            name: {kind: numbers(getattr(statistics, kind)) for kind in _KINDS}
            for name, statistics in self.variables.items()
        }
        head = {"format": FORMAT, "lead": self.lead, "depth": numbers(self.depth)}
        return {**head, "variables": variables, "provenance": dict(self.provenance), "network": dict(self.network)}

    def to_dataset(self) -> xr.Dataset:
        """Variables named temperature_mean and so on, along lev."""
        variables = {}
        for name, statistics in self.variables.items():
            unit = MODEL_FIELDS[name].units if name in MODEL_FIELDS else "1"
            for kind in _KINDS:
                array = getattr(statistics, kind)
                dims = ("lev",) if array.size == self.depth.size and name != "sea_surface_height" else ("surface",)
                variables[f"{name}_{kind}"] = (dims, array, {"units": unit})
        depth = {"units": "m", "positive": "down", "standard_name": "depth"}
        texts = {name: json.dumps(dict(getattr(self, name))) for name in ("provenance", "network")}
        attributes = {"format": FORMAT, "lead": self.lead, **texts}
        return xr.Dataset(variables, {"lev": ("lev", self.depth, depth)}, attributes)


class NoVariance(UserError):
    """A variable is the same everywhere and always."""


def require_levels(depth: np.ndarray, grid: Grid, label: str) -> None:
    """Raises UserError unless `depth`, of the centres in m, is that of the levels of `grid`."""
    levels = grid.levels.centres
    if depth.shape != levels.shape or not np.allclose(depth, levels, rtol=1e-4, atol=1e-2):
        raise UserError(
            f"{label} have {_levels(depth)}, the grid has {_levels(levels)}; expected statistics of data on the "
            "model's levels"
        )


def read_statistics(path: str | os.PathLike) -> Statistics:
    """What `Statistics.write` wrote.  Raises UserError if the file is missing, damaged or something else."""
    path = Path(expand(path))
    if not path.exists():
        raise UserError(f"the statistics {path} do not exist")
    try:
        return _from_tree(json.loads(path.read_text(encoding="utf-8")) if _is_json(path) else _netcdf_tree(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} holds no statistics that can be read ({error}); expected {FORMAT!r}") from error


def computed_once(path: Path, compute: Callable[[], Statistics]) -> Statistics:
    """The statistics in a file, which are computed and written where it does not exist."""
    if path.exists():
        return read_statistics(path)
    found = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    found.write(path)
    return found


def compute_statistics(
    data: xr.Dataset | str | os.PathLike,
    grid: Grid,
    *,
    lead: float,
    variables: Iterable[str] = DEFAULT_VARIABLES,
    provenance: Mapping[str, str] | None = None,
) -> Statistics:
    """Statistics of a series on the model's grid.

    Args:
      data: a data set, or a NetCDF file or Zarr store, with variables (time, lev, y, x) or (time, y, x) under the
        model's names or CF names (temperature or thetao), in the model's units; NaN is missing.
      grid: of the model; its wet cells count, each place of the C-grid with its own areas.
      lead: time over which changes are taken, s; a multiple of the interval of the records.
      variables: the model's names.
      provenance: more to keep with the numbers.

    Raises UserError if a variable is missing, has other dimensions, holds no finite value at a level with water or does
    not vary, and if the lead does not fit the times of the records.
    """
    if not isinstance(data, xr.Dataset):
        with open_dataset(data) as dataset:
            more = {"source": str(data), **(provenance or {})}
            return compute_statistics(dataset, grid, lead=lead, variables=variables, provenance=more)
    label = (provenance or {}).get("source", "the data set")
    seconds, first, last = _times(data, label)
    lag = _lag(seconds, lead, label)
    results, missing = {}, {}
    for name in variables:
        array = _variable(data, name, grid, label)
        results[name], missing[name] = _of_variable(array, name, grid, lag, f"{name} of {label}")
    known = {
        "source": label,
        "title": str(data.attrs.get("title", "")),
        "records": str(len(seconds)),
        "first_time": first,
        "last_time": last,
        "missing": ", ".join(f"{name} {share:.2%}" for name, share in missing.items() if share) or "none",
    }
    return Statistics(results, np.asarray(grid.levels.centres, float), float(lead), {**known, **(provenance or {})})


def _of_variable(array: xr.DataArray, name: str, grid: Grid, lag: int, label: str):
    """(VariableStatistics, share of missing values in wet cells)."""
    weights = _area(name, grid)
    fields = tendencies = Moments.empty(len(weights))
    records, finite = array.sizes["time"], 0
    piece = max(1, int(PIECE_BYTES // (8 * weights.size)))
    for start in range(0, records, piece):
        # records of the next piece that the changes of this one end at are read twice
        values = np.asarray(array[start : start + piece + lag].values, float).reshape(-1, *weights.shape)
        fields = fields + Moments.of(values[:piece], weights)
        finite += np.count_nonzero(np.isfinite(values[:piece]) & (weights > 0))
        if len(values) > lag:
            tendencies = tendencies + Moments.of((values[lag:] - values[:-lag])[:piece], weights)
    _require_values(fields, weights, label)
    _require_values(tendencies, weights, f"the change of {label}")
    kind = array.dtype if np.issubdtype(array.dtype, np.floating) else np.float64
    rounding = 4 * float(np.finfo(kind).eps) * np.abs(fields.mean)
    _require_spread(fields, rounding, label)
    _require_spread(tendencies, rounding, f"the change of {label}")
    wet = weights.sum((-2, -1)) > 0
    numbers = (
        np.where(wet, x, np.nan) for x in (fields.mean, fields.variance**0.5, tendencies.mean, tendencies.variance**0.5)
    )
    share = 1.0 - finite / (records * np.count_nonzero(weights))
    return VariableStatistics(*numbers), share


def _require_values(moments: Moments, weights: np.ndarray, label: str) -> None:
    dry = (moments.weight == 0) & (weights.sum((-2, -1)) > 0)
    if dry.any():
        where = "in all wet cells" if moments.weight.sum() == 0 else f"in all wet cells of level {int(np.argmax(dry))}"
        raise UserError(f"{label} is NaN {where}; expected finite values")


def _require_spread(moments: Moments, rounding: np.ndarray, label: str) -> None:
    wet = moments.weight > 0
    if not (moments.variance[wet] ** 0.5 > rounding[wet]).any():
        raise NoVariance(
            f"{label} does not vary (it is {moments.mean[wet][0]:g} throughout the uppermost level); expected a "
            "variable with variance: leave it out"
        )


def _area(name: str, grid: Grid) -> np.ndarray:
    """(nz, ny, nx) m2 of the wet cells, (1, ny, nx) for a surface field."""
    place = MODEL_FIELDS[name].place if name in MODEL_FIELDS else "T"
    mask = {"U": grid.mask_u, "V": grid.mask_v}.get(place, grid.mask)
    if name in MODEL_FIELDS and not MODEL_FIELDS[name].levels:
        mask = mask[:1]
    return grid.geometry.area[place] * mask


def _variable(data: xr.Dataset, name: str, grid: Grid, label: str) -> xr.DataArray:
    cf_name = next((cf for cf, v in VARIABLES.items() if v is MODEL_FIELDS.get(name)), name)
    found = next((candidate for candidate in (name, cf_name) if candidate in data), None)
    if found is None:
        raise UserError(f"{label} has no variable {name!r} (or {cf_name!r}); {suggestion(name, map(str, data))}")
    array = data[found]
    levels = name not in MODEL_FIELDS or MODEL_FIELDS[name].levels
    shape = grid.shape if levels else grid.shape[1:]
    if array.dims[:1] != ("time",) or array.shape[1:] != shape:
        raise UserError(
            f"{found!r} of {label} has the dimensions {dict(array.sizes)}; expected time and then {shape}, the grid"
        )
    return array


def _times(data: xr.Dataset, label: str) -> tuple[np.ndarray, str, str]:
    """Seconds since the first record, and the first and last date as texts."""
    if "time" not in data.coords or data.sizes["time"] < 2:
        raise UserError(f"{label} has no time axis of two or more records")
    time = data["time"]
    values = time.values
    if np.issubdtype(values.dtype, np.number) and " since " in str(time.attrs.get("units", "")):
        calendar = str(time.attrs.get("calendar", "standard"))
        values = np.asarray(cftime.num2date(values, time.attrs["units"], calendar))
    if np.issubdtype(values.dtype, np.datetime64):
        seconds = (values - values[0]) / np.timedelta64(1, "s")
    elif values.dtype == object:
        seconds = np.array([(date - values[0]).total_seconds() for date in values])
    else:
        raise UserError(f"the times of {label} are {values.dtype} without a unit; expected dates")
    return seconds.astype(float), str(values[0]), str(values[-1])


def _lag(seconds: np.ndarray, lead: float, label: str) -> int:
    """Records that the lead takes."""
    interval = np.diff(seconds)
    if not np.allclose(interval, interval[0], rtol=1e-6) or interval[0] <= 0:
        at = int(np.argmax(np.abs(interval - interval[0])))
        raise UserError(
            f"the records of {label} are not evenly spaced: {interval[0]:g} s apart at first, {interval[at]:g} s after "
            f"record {at}"
        )
    lag = round(lead / interval[0])
    if lag < 1 or abs(lag * interval[0] - lead) > 1e-6 * lead or lag >= len(seconds):
        raise UserError(
            f"the lead is {lead:g} s; expected a multiple of {interval[0]:g} s, the interval of the records of "
            f"{label}, shorter than all {len(seconds)} of them"
        )
    return lag


def _levels(depth: np.ndarray) -> str:
    return f"{depth.size} levels down to {depth[-1]:g} m"


def _is_json(path: Path) -> bool:
    if path.suffix not in (".json", ".nc"):
        raise UserError(f"the statistics {path} have the suffix {path.suffix!r}; expected .json or .nc")
    return path.suffix == ".json"


def _netcdf_tree(path: Path) -> dict[str, Any]:
    with open_dataset(path) as data:
        data = data.load()
    head = {"format": data.attrs["format"], "lead": data.attrs["lead"], "depth": data["lev"].values}
    names = [str(key).removesuffix("_tendency_mean") for key in data if str(key).endswith("_tendency_mean")]
    variables = {name: {kind: data[f"{name}_{kind}"].values for kind in _KINDS} for name in names}
    texts = {name: json.loads(data.attrs.get(name, "{}")) for name in ("provenance", "network")}
    return {**head, "variables": variables, **texts}


def _from_tree(tree: dict[str, Any]) -> Statistics:
    if tree["format"] != FORMAT:
        raise ValueError(f"its format is {tree['format']!r}")

    def array(numbers):
        return np.array([np.nan if x is None else x for x in numbers], float)

    variables = {
        name: VariableStatistics(**{kind: array(values[kind]) for kind in _KINDS})
        for name, values in tree["variables"].items()
    }
    network = tree.get("network", {})
    return Statistics(variables, array(tree["depth"]), float(tree["lead"]), tree["provenance"], network)
