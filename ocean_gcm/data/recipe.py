"""Recipes: which published data become which store, as typed, validated data (YAML in configs/data/)."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import pydantic

from ocean_gcm.clock import Duration
from ocean_gcm.data.quantities import KINDS, PREPARED
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section
from ocean_gcm.validation import Source, suggestion, validated
from ocean_gcm.yaml_tree import dump_tree, file_of, read_kind

_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T\d{2}:\d{2})?")
_DERIVED = ("tos", "sos", "mlotst", "msftbarot", "wo")


def _valid_date(value: Any) -> str:
    """ISO text; YAML may read an unquoted date as a date object."""
    text = value.isoformat() if isinstance(value, datetime.date) else value
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        raise UserError(f"{text!r} is no date; expected YYYY-MM-DD or YYYY-MM-DDTHH:MM")
    return text


Date = Annotated[str, pydantic.BeforeValidator(_valid_date)]


class VariableRecipe(Section):
    """One variable of a source."""

    name: str = pydantic.Field(description="what the source calls it")
    units: str | None = pydantic.Field(None, description="its unit, if the source says none or a wrong one")
    standard_name: str | None = pydantic.Field(
        None, description="its CF name, which tells the kind of temperature or salinity, if the source says none"
    )
    accumulated_over: Duration | None = pydantic.Field(
        None, description="values are sums over this time (J m-2, m) and are divided by it, ISO-8601 duration"
    )
    positive: Literal["down", "up"] | None = pydantic.Field(
        None, description="direction of a flux in the source, if it is not that of its CF name"
    )


def _variable(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class SeaRecipe(Section):
    """Where the values of a source count, if it fills its land."""

    variable: str = pydantic.Field(description="what the source calls a field of (latitude, longitude)")
    at_least: float | None = pydantic.Field(None, description="there is sea where it is at least this, in its unit")
    at_most: float | None = pydantic.Field(None, description="there is sea where it is at most this, in its unit")

    @pydantic.model_validator(mode="after")
    def _one(self):
        if (self.at_least is None) == (self.at_most is None):
            raise UserError("sea needs one of at_least and at_most")
        return self


class SourceRecipe(Section):
    """Files or a store, and what is taken from there."""

    path: str | tuple[str, ...] = pydantic.Field(
        description="NetCDF files (with * and ?), a Zarr store, or gs:// addresses of stores; $NAME is replaced"
    )
    variables: dict[str, Annotated[VariableRecipe, pydantic.BeforeValidator(_variable)]] = pydantic.Field(
        min_length=1, description="by CF name, what the source calls it, or a section that says more"
    )
    sea: SeaRecipe | None = pydantic.Field(None, description="where its values count; null: where there are values")
    credentials: Literal["anonymous", "default"] = pydantic.Field(
        "anonymous", description="for gs:// addresses: none, or those of the environment"
    )

    @pydantic.model_validator(mode="after")
    def _known(self):
        for name, variable in self.variables.items():
            if name not in PREPARED:
                raise UserError(f"variables contains {name!r}; {suggestion(name, PREPARED)}")
            if name in KINDS and variable.standard_name not in (None, *KINDS[name]):
                raise UserError(
                    f"variables.{name}.standard_name is {variable.standard_name!r}; "
                    f"{suggestion(variable.standard_name, KINDS[name])}"
                )
        return self


class TimeRecipe(Section):
    """Which records, and what is refused."""

    start: Date | None = pydantic.Field(None, description="first date, YYYY-MM-DD; null: the source's first")
    end: Date | None = pydantic.Field(None, description="last date, YYYY-MM-DD, which counts; null: the source's last")
    every: int = pydantic.Field(1, ge=1, description="take every so many records (a count)")
    first: Date | None = pydantic.Field(
        None, description="date of the first record of a source without dates; further records follow month by month"
    )
    duplicates: Literal["error", "first", "last"] = pydantic.Field(
        "error", description="of several records of one time: refuse them, or take the first or the last"
    )
    gaps: Literal["error", "allow"] = pydantic.Field(
        "error", description="intervals between records that are longer than the others: refuse or keep them"
    )

    @pydantic.model_validator(mode="after")
    def _ordered(self):
        if self.start is not None and self.end is not None and self.start[:10] > self.end[:10]:
            raise UserError(f"time.start = {self.start} lies after time.end = {self.end}")
        return self


class ModelGrid(Section):
    """The grid of a model; the store has the form of its output."""

    kind: Literal["model"]
    config: str = pydantic.Field(description="configuration of the model, a YAML file")
    overrides: tuple[str, ...] = pydantic.Field((), description="changes of it, such as grid.nx=60")
    derived: tuple[str, ...] = pydantic.Field((), description="CF names of what follows from the state, such as mlotst")
    at_rest: bool = pydantic.Field(
        False,
        description="velocities and sea level that no source gives are zero (m s-1, m), so that a model can start",
    )
    remove_mean_sea_level: bool = pydantic.Field(
        False, description="sea level without its mean over the ocean; no unit"
    )

    @pydantic.field_validator("derived")
    @classmethod
    def _known(cls, derived):
        for name in derived:
            if name not in _DERIVED:
                raise UserError(f"target.derived contains {name!r}; {suggestion(name, _DERIVED)}")
        return derived


class RegularGrid(Section):
    """Cells of equal size in longitude and latitude; all variables at the same points."""

    kind: Literal["lonlat"]
    resolution: float = pydantic.Field(gt=0, le=30, description="size of the cells in degrees")
    longitude: tuple[float, float] = pydantic.Field((0.0, 360.0), description="western and eastern side in degrees")
    latitude: tuple[float, float] = pydantic.Field((-90.0, 90.0), description="southern and northern side in degrees")
    depth: tuple[Annotated[float, pydantic.Field(ge=0)], ...] | None = pydantic.Field(
        None, min_length=1, description="depths in m, ascending; null: those of the source"
    )

    @pydantic.model_validator(mode="after")
    def _whole(self):
        for name, most in (("longitude", 360.0), ("latitude", 180.0)):
            low, high = getattr(self, name)
            number = (high - low) / self.resolution
            if not 0 < high - low <= most + 1e-9:
                raise UserError(f"target.{name} = [{low:g}, {high:g}] must increase by at most {most:g} degrees")
            if abs(number - round(number)) > 1e-6:
                raise UserError(
                    f"target.resolution = {self.resolution:g} does not divide target.{name} = [{low:g}, {high:g}]"
                )
        if not -90 <= self.latitude[0] < self.latitude[1] <= 90:
            raise UserError(f"target.latitude = {list(self.latitude)} must lie between -90 and 90 degrees")
        if self.depth is not None and any(b <= a for a, b in zip(self.depth, self.depth[1:], strict=False)):
            raise UserError(f"target.depth = {list(self.depth)} must ascend")
        return self


class Recipe(Section):
    """What becomes of published data; the keys of a file in configs/data/."""

    name: str = pydantic.Field(description="name of the data")
    description: str = pydantic.Field("", description="what they are, for the reader")
    references: str = pydantic.Field("", description="where they are published, how to cite them, their licence")
    sources: tuple[SourceRecipe, ...] = pydantic.Field(description="where the variables come from")
    time: TimeRecipe = pydantic.Field(TimeRecipe(), description="which records")
    target: Annotated[ModelGrid | RegularGrid, pydantic.Field(discriminator="kind")] = pydantic.Field(
        description="grid to put them on"
    )
    reconstruction: Literal["linear", "constant"] = pydantic.Field(
        "linear", description="of fields within the cells of the source, linear and limited, or constant; no unit"
    )
    record_kind: Literal["snapshot", "mean"] = pydantic.Field(
        "snapshot", description="whether records count as states at their times or as means over intervals"
    )
    missing: Literal["error", "allow"] = pydantic.Field(
        "error", description="water of the first record without a value in a later one: refuse it, or leave it missing"
    )
    memory: float = pydantic.Field(512.0, gt=0, description="working memory in MB, from which blocks are made")
    timeout: float = pydantic.Field(60.0, gt=0, description="seconds after which a request to an address is repeated")
    retries: int = pydantic.Field(
        5, ge=0, description="how often a block that could not be read is tried again (a count)"
    )

    @pydantic.model_validator(mode="after")
    def _once(self):
        if not self.sources:
            raise UserError("sources is empty; expected at least one section with path and variables")
        names = [name for source in self.sources for name in source.variables]
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"the variable {name} comes from two sources; expected one")
        if isinstance(self.target, ModelGrid):
            for name in self.target.derived:
                if name in names:
                    raise UserError(
                        f"target.derived contains {name}, which a source gives as well; expected one of both"
                    )
        return self

    def variables(self) -> dict[str, tuple[SourceRecipe, VariableRecipe]]:
        """Source and variable by CF name."""
        return {name: (source, variable) for source in self.sources for name, variable in source.variables.items()}

    def to_yaml(self) -> str:
        """All keys with their values, defaults included."""
        return dump_tree(self.model_dump(mode="json"))

    def science(self) -> str:
        """What decides the numbers of a store, as YAML: without names and how the work is done."""
        without = {"name", "description", "references", "timeout", "retries"}
        return dump_tree(self.model_dump(mode="json", exclude=without))


def load_recipe(path: str | os.PathLike, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe from a YAML file; `overrides` are texts such as "time.end=2012-12-31".

    Raises UserError, one sentence with the key, the value found and what was expected.
    """
    overrides = list(overrides)
    tree = read_kind("a recipe of data", path, overrides)
    return recipe_from_dict(tree, lambda mistake: file_of(path, mistake, overrides))


def recipe_from_dict(tree: Mapping[str, Any], source: Source = "the recipe") -> Recipe:
    """Validate a tree of keys and values; `source` names it in messages.  Raises UserError."""
    return validated(Recipe, tree, source)
