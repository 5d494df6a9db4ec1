"""What the data of a recipe are, in a table: axes, units, kinds, times, the first record before and on the target."""

from __future__ import annotations

import dataclasses

import numpy as np
from rich.console import Console
from rich.table import Table

from ocean_gcm.data.plan import Means, Plan, Way, plan
from ocean_gcm.data.quantities import KINDS
from ocean_gcm.data.recipe import Recipe
from ocean_gcm.data.targets import ModelTarget

_KIND = {
    "sea_water_potential_temperature": "potential temperature",
    "sea_water_conservative_temperature": "Conservative Temperature",
    "sea_water_temperature": "in-situ temperature",
    "sea_water_practical_salinity": "practical salinity",
    "sea_water_absolute_salinity": "Absolute Salinity",
    "sea_water_salinity": "practical salinity",
}


@dataclasses.dataclass(frozen=True)
class Found:
    """One variable.

    Attributes:
      name, label: CF name, and variable and file in words.
      grid, times: of the source in words.
      units: of the file and here, in words.
      kind: of temperature and salinity, "" for others.
      lowest, mean, highest: of the first record on the target, the mean by area (and thickness of layers).
      water: part of the target's boxes at the uppermost level that the source knows.
      filled: values of the target that the source does not know, from water around.
      notes: what was found and done.
    """

    name: str
    label: str
    grid: str
    times: str
    units: str
    kind: str
    lowest: float
    mean: float
    highest: float
    water: float
    filled: int
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Survey:
    """A recipe's data and target.

    Attributes:
      name, target: of the recipe, in words.
      records: how many will be written.
      variables: what was found.
    """

    name: str
    target: str
    records: int
    variables: tuple[Found, ...]


def survey(recipe: Recipe) -> Survey:
    """Open, check, read the first record.  Raises UserError as `prepare` would."""
    planned = plan(recipe)
    way = Way.of(planned)
    first = {name: planned.means(name, slice(0, 1)) for name in planned.variables}
    fields = way.fields(slice(0, 1))
    planned.target.dataset(fields, planned.axis.dates[:1], None)  # what it refuses, it refuses now
    found = tuple(_found(planned, way, name, first[name], fields[name][0]) for name in planned.variables)
    return Survey(recipe.name, planned.target.describe(), len(planned), found)


def _found(planned: Plan, way: Way, name: str, first: Means, field: np.ndarray) -> Found:
    variable, columns = planned.variables[name], way.columns[name]
    boxes = planned.target.boxes(name)
    area = boxes.y.lengths[:, None] * boxes.x.lengths
    weight = np.broadcast_to(area, field.shape)
    if field.ndim == 3:
        weight = weight * boxes.z.lengths[:, None, None]
    valid = np.isfinite(field)
    unit = variable.prepared.variable.units
    return Found(
        name=name,
        label=variable.label,
        grid=variable.describe_grid(),
        times=planned.axis.describe(),
        units=unit if variable.units == unit else f"{variable.units} to {unit}",
        kind=_kind(planned, name),
        lowest=float(field[valid].min()),
        mean=float((field[valid] * weight[valid]).sum() / weight[valid].sum()),
        highest=float(field[valid].max()),
        water=float((first.share[0, 0] * area).sum() / area.sum()),
        filled=int((columns.wet & ~columns.known).sum()),
        notes=(*variable.notes, *planned.axis.notes),
    )


def _kind(planned: Plan, name: str) -> str:
    """The kind in the source, and what it becomes if that is another."""
    if name not in KINDS:
        return ""
    usual = KINDS[name][0]
    found = _KIND.get(planned.variables[name].standard_name, "")
    here = f"{found or 'unsaid, taken for ' + _KIND[usual]}"
    text = here if found in ("", _KIND[usual]) else f"{here} to {_KIND[usual]}"
    teos10 = isinstance(planned.target, ModelTarget) and planned.target.equation_of_state == "teos10"
    through = {"thetao": "Conservative Temperature", "so": "Absolute Salinity"}[name]
    return f"{text}, layers in {through}" if teos10 and {"thetao", "so"} <= set(planned.variables) else text


def show(found: Survey, console: Console) -> None:
    """Print a survey."""
    console.print(f"{found.name}: {found.records} record(s) on {found.target}; nothing was written", highlight=False)
    table = Table("", "source", "grid and times", "units and kind", "lowest", "mean", "highest")
    for v in found.variables:
        numbers = [f"{number:.4g}" for number in (v.lowest, v.mean, v.highest)]
        kind = f"{v.units}\n{v.kind}" if v.kind else v.units
        table.add_row(v.name, v.label, f"{v.grid}\n{v.times}", kind, *numbers)
    console.print(table)
    for v in found.variables:
        filled = f"{v.filled} values of the target are unknown to the source: from water around" if v.filled else ""
        for note in (*v.notes, *([filled] if filled else [])):
            console.print(f"{v.name}: {note}", highlight=False)
