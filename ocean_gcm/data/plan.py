"""What a recipe amounts to: its variables, their common times, the target, and the way of a record to it."""

from __future__ import annotations

import dataclasses

import dask
import dask.array as da
import numpy as np

from ocean_gcm.data import time_axis
from ocean_gcm.data.climatology import to_model_kinds
from ocean_gcm.data.conservative import CurvilinearMap, HorizontalMap, RectilinearMap
from ocean_gcm.data.gridded import WORKERS, Gridded, gridded
from ocean_gcm.data.opening import open_all, persistently
from ocean_gcm.data.recipe import Recipe
from ocean_gcm.data.targets import Columns, ModelTarget, Target, target_of
from ocean_gcm.data.time_axis import TimeAxis
from ocean_gcm.encoding.remapping import LEAST_SHARE
from ocean_gcm.errors import UserError

_NEED_SALINITY = ("sea_water_conservative_temperature", "sea_water_temperature")
_LEAST = 1e-6
"""Share of a box above which there is water: sums of nothing are exactly 0."""

_LOST = 1e-3
"""Part of a box whose water may be missing in a later record unnoticed: single precision."""


@dataclasses.dataclass(frozen=True, eq=False)
class Means:
    """Records of a variable averaged over target boxes, on the levels of the source.

    Attributes:
      values: (records, levels, ny, nx), NaN where no water is; of a velocity the mean with land at rest.
      share: (records, levels, ny, nx) part of each box that is water of the source.
    """

    values: np.ndarray
    share: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """See `plan`.

    Attributes:
      recipe: what it is made from.
      target: where records go.
      variables: what is read, by CF name.
      axis: the records, with dates of the target.
      maps: horizontal means, by CF name; variables of one grid share theirs.
    """

    recipe: Recipe
    target: Target
    variables: dict[str, Gridded]
    axis: TimeAxis
    maps: dict[str, HorizontalMap]

    def __len__(self) -> int:
        return len(self.axis)

    def means(self, name: str, records: slice) -> Means:
        """Read records and average them over the boxes of the target, in pieces of bounded size.

        Raises UserError for impossible values and for what cannot be read.
        """
        variable, horizontal = self.variables[name], self.maps[name]
        chosen = self.axis.order[records]
        whole = np.array_equal(chosen, np.arange(chosen[0], chosen[0] + len(chosen)))
        lazily = variable.array[slice(chosen[0], chosen[0] + len(chosen)) if whole else chosen]
        ny, nx = horizontal.cover.shape

        def average(chunk: np.ndarray) -> np.ndarray:
            found = np.zeros((2, *chunk.shape[:2], ny, nx), np.float32)
            for at in np.ndindex(chunk.shape[:2]):
                level = variable.converted(chunk[at])
                if np.isfinite(level).any():
                    found[(slice(None), *at)] = horizontal(level)
            return found

        averaged = da.map_blocks(
            average,
            lazily,
            chunks=((2,), *lazily.chunks[:2], (ny,), (nx,)),
            new_axis=0,
            dtype=np.float32,
            meta=np.empty((0,) * 5, np.float32),
        )

        def read() -> np.ndarray:
            with dask.config.set(scheduler="threads", num_workers=WORKERS):
                return averaged.compute(optimize_graph=True)

        try:
            total, share = persistently(read, self.recipe.retries, variable.label)
        except (UserError, KeyboardInterrupt, MemoryError):
            raise
        except Exception as error:  # damaged chunks: each codec raises its own
            raise UserError(f"{variable.label} cannot be read: {' '.join(str(error).split())[:200]}") from error
        levels = variable.orders[0]
        total, share = total[:, levels].astype(float), share[:, levels].astype(float)
        divisor = np.broadcast_to(horizontal.cover, share.shape) if variable.prepared.at_rest else share
        water = share > _LEAST
        return Means(np.divide(total, divisor, out=np.full(total.shape, np.nan), where=water), share)

    def converted(self, found: dict[str, Means]) -> dict[str, np.ndarray]:
        """Values of all variables, temperature and salinity in the kinds of the target."""
        values = {name: means.values for name, means in found.items()}
        t, s = (self.variables.get(name) for name in ("thetao", "so"))
        if t is not None and s is not None:
            values["thetao"], values["so"] = self.target.water(
                values["thetao"], values["so"], (t.standard_name, s.standard_name), t.depth
            )
        elif s is not None:
            names = ("", s.standard_name)
            values["so"] = to_model_kinds(np.zeros_like(values["so"]), values["so"], "linear", names)[1]
        return values


def plan(recipe: Recipe) -> Plan:
    """Open the sources of a recipe, check what can be checked without reading fields, and find the way to the target.

    Raises UserError, one sentence, for whatever does not fit.
    """
    variables: dict[str, Gridded] = {}
    for source in recipe.sources:
        files = open_all(source, recipe)
        variables |= {name: gridded(name, files, recipe) for name in source.variables}
    axes = {name: time_axis.arrange(v.dates, recipe.time, v.label) for name, v in variables.items()}
    time_axis.require_same(axes)
    _require_kinds(variables)
    deep = next((v for v in variables.values() if v.levels is not None), None)
    target = target_of(recipe.target, None if deep is None else deep.depth, None if deep is None else deep.levels)
    if isinstance(target, ModelTarget) and recipe.missing == "allow":
        raise UserError("missing: allow needs target.kind: lonlat; a model needs values in all of its water")
    axis = next(iter(axes.values()))
    if target.calendar is not None:
        axis = time_axis.in_calendar(axis, target.calendar)
    return Plan(recipe, target, variables, axis, _maps(recipe, target, variables))


def _require_kinds(variables: dict[str, Gridded]) -> None:
    t, s = (variables.get(name) for name in ("thetao", "so"))
    if t is not None and s is None and t.standard_name in _NEED_SALINITY:
        raise UserError(
            f"{t.label} is {t.standard_name}; potential temperature needs the salinity as well: expected so "
            "in the recipe"
        )
    if t is not None and s is not None and (len(t.depth) != len(s.depth) or not np.allclose(t.depth, s.depth)):
        raise UserError(f"{t.label} and {s.label} have different depths; expected one grid for both")


def _maps(recipe: Recipe, target: Target, variables: dict[str, Gridded]) -> dict[str, HorizontalMap]:
    found: list[tuple[Gridded, tuple, HorizontalMap]] = []
    maps = {}
    for name, variable in variables.items():
        boxes = target.boxes(name)
        wanted = (boxes.x, boxes.y)
        same = next((m for v, w, m in found if _same_grid(v, variable) and _same_boxes(w, wanted)), None)
        if same is None:
            if variable.curvilinear:
                same = CurvilinearMap.build(variable.horizontal, wanted)
            else:
                linear = recipe.reconstruction == "linear"
                same = RectilinearMap.build(variable.horizontal, wanted, linear=linear)
            found.append((variable, wanted, same))
        maps[name] = same
    return maps


def _same_grid(a: Gridded, b: Gridded) -> bool:
    if a.curvilinear or b.curvilinear:
        return a.curvilinear and b.curvilinear and np.array_equal(a.horizontal, b.horizontal, equal_nan=True)
    return _same_boxes(a.horizontal, b.horizontal)


def _same_boxes(a: tuple, b: tuple) -> bool:
    return all(np.array_equal(one.edges, other.edges) for one, other in zip(a, b, strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class Way:
    """From records of the sources to records of the target, after the first one was seen.

    Attributes:
      plan: what is read, and where it goes.
      shares: (levels, ny, nx) part of each box that was water in the first record, by CF name.
      columns: what follows the means, by CF name.
    """

    plan: Plan
    shares: dict[str, np.ndarray]
    columns: dict[str, Columns]

    @classmethod
    def of(cls, plan: Plan) -> Way:
        """Reads the first record.  Raises UserError if it has no water where the target has some, or 0 for land."""
        first = {name: plan.means(name, slice(0, 1)) for name in plan.variables}
        _refuse_zero_land(plan, first)
        shares = {name: means.share[0] for name, means in first.items()}
        if {"thetao", "so"} <= set(shares):
            shares["thetao"] = shares["so"] = np.minimum(shares["thetao"], shares["so"])
        columns = {}
        for name, variable in plan.variables.items():
            wet = shares[name] > _LEAST
            counts = shares[name]
            if variable.prepared.at_rest:
                counts = np.broadcast_to(plan.maps[name].cover, wet.shape)
            columns[name] = plan.target.columns(name, variable.levels, counts, wet, variable.label)
        return cls(plan, shares, columns)

    def fields(self, records: slice) -> dict[str, np.ndarray]:
        """(records, ...) arrays by CF name on the target, NaN on land.

        Raises UserError for impossible values, and for water of the first record that is missing, unless the recipe
        allows it.
        """
        found = {name: self.plan.means(name, records) for name in self.plan.variables}
        allowed = self.plan.recipe.missing == "allow"
        if not allowed:
            for name, means in found.items():
                self._refuse_missing(name, means, records)
        values = {name: self.columns[name](array) for name, array in self.plan.converted(found).items()}
        if allowed:
            for name, means in found.items():
                there = self.columns[name]((means.share >= 0.5 * self.shares[name]).astype(float))
                values[name] = np.where(there < 0.5, np.nan, values[name])
        return values

    def _refuse_missing(self, name: str, means: Means, records: slice) -> None:
        lost = (means.share < self.shares[name] - _LOST) & (self.shares[name] > LEAST_SHARE)
        if not lost.any():
            return
        record, k, j, i = np.argwhere(lost)[0]
        boxes = self.plan.target.boxes(name)
        south = np.rad2deg(np.arcsin(np.clip(boxes.y.edges[j : j + 2], -1, 1)))
        variable = self.plan.variables[name]
        depth = "" if variable.depth is None else f", {variable.depth[k]:g} m"
        raise UserError(
            f"{variable.label} is missing on {self.plan.axis.dates[records][record]:%Y-%m-%d} in water that the first "
            f"record has, near {0.5 * (boxes.x.edges[i] + boxes.x.edges[i + 1]):g} E, {south.mean():g} N{depth}; "
            "expected a value there (missing: allow leaves it missing, target.kind: lonlat only)"
        )


def _refuse_zero_land(plan: Plan, first: dict[str, Means]) -> None:
    if not {"thetao", "so"} <= set(first):
        return
    both = (first["thetao"].values == 0) & (first["so"].values == 0)
    if both.any():
        raise UserError(
            f"{plan.variables['so'].label} and the temperature are both 0 in {int(both.sum())} boxes: is 0 the file's "
            "land?  Expected missing values there"
        )
