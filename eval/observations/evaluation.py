"""Sources beside observations: one table of statistics, and mean differences by place."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from eval.observations import statistics
from eval.observations.interpolation import Stencil
from eval.observations.matchups import match, require_overlap
from eval.observations.readers import VARIABLES, read_observations
from eval.observations.samples import LAYERS, Observations, layer_names, layer_of, regions
from eval.observations.sources import Source, Trajectory, open_source
from eval.observations.statistics import Sums
from eval.report.scores import write_scores
from ocean_gcm.errors import UserError
from ocean_gcm.progress import PieceReport

PERSISTENCE = "persistence"
UPPER = 300.0
"""m; mean differences by place are taken down to here."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
      sources, observations: what was compared; the first source is the one that is judged.
      models: names of the rows: the sources, and persistence of a forecast.
      table: columns against, model, variable, region, depth, lead, metric, value, low, high, unit.
      maps: by (observations, variable), model -> (box,) mean difference of the upper `UPPER` m, NaN in empty boxes.
      layers: edges in m.
    """

    sources: list[Source]
    observations: list[Observations]
    models: list[str]
    table: pd.DataFrame
    maps: dict[tuple[str, str], dict[str, np.ndarray]]
    layers: tuple[float, ...]


def evaluate(
    sources: Sequence[str],
    paths: Sequence[str],
    *,
    climatology: str | None = None,
    repeat_year: str | None = None,
    any_year: bool = False,
    layers: Sequence[float] = LAYERS,
    draws: int = 500,
) -> Evaluation:
    """Compare sources (PATH or LABEL=PATH) with files of observations (likewise).

    All sources are judged at the same observations: those that every one of them has a value for.

    Raises UserError for files that cannot be read, for observations outside of the time or the place of the first
    source, and for sources without a variable that was observed.
    """
    opened = [open_source(text, repeat_year, any_year) for text in sources]
    known = None if climatology is None else open_source(climatology, "last")
    if known is not None and known.kind != "year":
        raise UserError(f"--climatology {climatology} holds {known.kind}; expected the means of a year")
    every = [*opened, *([known] if known is not None else [])]
    labels = [source.label for source in every]
    if len(set(labels)) < len(labels):
        raise UserError(f"two sources have one name ({', '.join(labels)}); expected names of their own: NAME=PATH")
    observed = [_read(text) for text in paths]
    tables, maps = [], {}
    for one in observed:
        require_overlap(opened[0], one)
        variables = [v for v in one.values if all(v in source.axes for source in every)]
        if not variables:
            held = {source.label: ", ".join(source.axes) for source in every}
            raise UserError(
                f"no variable of {one.label} ({', '.join(one.values)}) is in all sources: "
                + "; ".join(f"{label} has {names}" for label, names in held.items())
            )
        for variable in variables:
            comparison = _Comparison(every, known, one, variable, tuple(layers))
            comparison.run()
            tables.append(comparison.table(draws).assign(against=one.label, variable=variable))
            maps[one.label, variable] = comparison.maps()
    table = pd.concat(tables, ignore_index=True)
    table["unit"] = [_unit(v, m) for v, m in zip(table.variable, table.metric, strict=True)]
    return Evaluation(every, observed, list(dict.fromkeys(table.model)), table, maps, tuple(layers))


def _read(text: str) -> Observations:
    label, separator, path = text.partition("=")
    return read_observations(path if separator else text, label if separator else Path(text).stem)


def _unit(variable: str, metric: str) -> str:
    plain = ("number", "correlation", "anomaly_correlation", "skill_against_climatology", "spread_skill")
    return "1" if metric in plain else VARIABLES[variable].unit


class _Comparison:
    """All sources at the observations of one variable."""

    def __init__(
        self,
        sources: Sequence[Source],
        climatology: Source | None,
        observations: Observations,
        variable: str,
        layers: tuple[float, ...],
    ):
        self.sources, self.climatology, self.variable, self.layers = sources, climatology, variable, layers
        self.judged = sources[0]
        kept = np.isfinite(observations.values[variable]) & (layer_of(observations.depth, layers) >= 0)
        self.observations = observations.at(kept)
        self.observed = self.observations.values[variable].astype(float)
        self.layer = layer_of(self.observations.depth, layers)
        self.regions = regions(self.observations.lon, self.observations.lat)
        self.box, boxes = statistics.boxes(self.observations.lon, self.observations.lat)
        self.stencils = {s.label: self._stencil(s) for s in sources}
        if not self.stencils[self.judged.label].inside.any():
            raise UserError(
                f"no observation of {observations.label} lies on the grid of {self.judged.label}: {self._extent()}"
            )
        self.forecasts = self.judged.kind == "forecasts"
        first = next(self.judged.trajectories())
        self.leads = [""] if first.leads is None else [float(lead) for lead in first.leads]
        units = sum(1 for _ in self.judged.trajectories()) if self.forecasts else boxes
        shape = units, len(self.regions), len(layers) - 1, len(self.leads)
        members = {s.label: s.members for s in sources} | ({PERSISTENCE: 1} if self.forecasts else {})
        self.sums = {label: Sums.empty(shape, number) for label, number in members.items()}
        self.differences = {label: np.zeros((boxes, 2)) for label in members}

    def _stencil(self, source: Source) -> Stencil:
        axes, observations = source.axes[self.variable], self.observations
        return Stencil.of(observations.lon, observations.lat, observations.depth, axes)

    def _extent(self) -> str:
        axes, o = self.judged.axes[self.variable], self.observations
        return (
            f"observations at {o.lon.min():.1f} to {o.lon.max():.1f} E and {o.lat.min():.1f} to {o.lat.max():.1f} N, "
            f"the grid at {axes.lon.min():.1f} to {axes.lon.max():.1f} E and {axes.lat.min():.1f} to "
            f"{axes.lat.max():.1f} N"
        )

    def run(self) -> None:
        """Match every start of the judged source."""
        fixed = {s.label: self._everywhere(s) for s in self.sources[1:] if s.kind != "forecasts"}
        others = [s for s in self.sources[1:] if s.kind == "forecasts"]
        matched = 0
        stencil, starts = self.stencils[self.judged.label], len(next(iter(self.sums.values())).values)
        for number, trajectory in enumerate(self._followed(starts)):
            found = match(trajectory, self.observations, stencil, self.variable)
            _require_members(self.judged.label, trajectory.start, found.members)
            members = {self.judged.label: found.members}
            if self.forecasts:
                members[PERSISTENCE] = found.first.mean(0, keepdims=True)
            for label, values in fixed.items():
                members[label] = values[:, found.index]
            for source in others:
                members[source.label] = self._same_start(source, trajectory, found.index)
            matched += self._add(number, found.index, found.record, members)
        if matched == 0:
            raise UserError(
                f"no value of {self.variable} of {self.observations.label} has a counterpart in "
                f"{' and '.join(s.label for s in self.sources)}: all lie on land, below the sea floor or outside of "
                f"the grid or the time; {self._extent()}"
            )

    def _followed(self, starts: int) -> Iterator[Trajectory]:
        """The judged source's trajectories; of forecasts with a report of progress."""
        if not self.forecasts:
            yield from self.judged.trajectories()
            return
        with PieceReport(Console(stderr=True), starts, f"starts of {self.variable}") as progress:
            for trajectory in self.judged.trajectories():
                yield trajectory
                progress.advance()

    def _everywhere(self, source: Source) -> np.ndarray:
        """(member, n) of a source without starts, NaN outside of its time."""
        out = np.full((source.members, len(self.observations)), np.nan)
        for trajectory in source.trajectories():
            found = match(trajectory, self.observations, self.stencils[source.label], self.variable)
            out[:, found.index] = found.members
        return out

    def _same_start(self, source: Source, trajectory, index: np.ndarray) -> np.ndarray:
        out = np.full((source.members, len(index)), np.nan)
        for other in source.trajectories():
            if other.start == trajectory.start:
                chosen = self.observations.at(index)
                found = match(other, chosen, self.stencils[source.label].at(index), self.variable)
                out[:, found.index] = found.members
        return out

    def _add(self, number: int, index: np.ndarray, record: np.ndarray, members: dict[str, np.ndarray]) -> int:
        """Sums over what all have; returns how many observations these are."""
        common = np.all([np.isfinite(values).all(0) for values in members.values()], 0)
        index, record = index[common], record[common]
        if len(index) == 0:
            return 0
        known = None if self.climatology is None else members[self.climatology.label][0, common]
        unit = np.full(len(index), number) if self.forecasts else self.box[index]
        lead = record if self.forecasts else np.zeros(len(index), int)
        masks = [mask[index] for mask in self.regions.values()]
        upper = self.observations.depth[index] <= UPPER
        for label, values in members.items():
            found = statistics.terms(values[:, common], self.observed[index], known)
            self.sums[label].add(found, unit, masks, self.layer[index], lead)
            for column, term in enumerate(found[:2]):
                size = len(self.differences[label])
                self.differences[label][:, column] += np.bincount(self.box[index][upper], term[upper], minlength=size)
        return len(index)

    def table(self, draws: int) -> pd.DataFrame:
        weights = None if self.forecasts else statistics.box_weights()
        found = pd.concat([
            statistics.table(
                sums, list(self.regions), layer_names(self.layers), self.leads,
                climatology=self.climatology is not None, weights=weights, draws=draws,
            ).assign(model=label)
            for label, sums in self.sums.items()
        ])  # fmt: skip
        single = all(sums.members == 1 for sums in self.sums.values())
        return found[found.metric != "crps"] if single else found

    def maps(self) -> dict[str, np.ndarray]:
        return {
            label: np.where(sums[:, 0] > 0, sums[:, 1] / np.maximum(sums[:, 0], 1), np.nan)
            for label, sums in self.differences.items()
        }


def _require_members(label: str, start: str, members: np.ndarray) -> None:
    """Raises UserError if some members have no value where others have."""
    empty = ~np.isfinite(members).any(1)
    if empty.any() and not empty.all():
        numbers = ", ".join(map(str, np.flatnonzero(empty)[:5]))
        raise UserError(
            f"{label} has no values of member {numbers} in the forecast of {start} ({int(empty.sum())} of {len(empty)} "
            "members are missing); an ensemble is judged with all of its members"
        )


def write_csv(found: Evaluation, path: Path, seed: int = 0) -> None:
    """One CSV: the whole ocean by layer, and regions over all layers.  Raises UserError if it cannot be written."""
    first = [
        "model",
        "seed",
        "variable",
        "lead",
        "metric",
        "value",
        "low",
        "high",
        "against",
        "region",
        "depth",
        "unit",
    ]
    rows = found.table[(found.table.region == "all") | (found.table.depth == statistics.ALL)]
    try:
        rows.assign(seed=seed)[first].to_csv(path, index=False, float_format="%.5g")
    except OSError as error:
        raise UserError(f"the table {path} could not be written: {error.strerror or error}") from error


def write(found: Evaluation, output: Path, seed: int = 0) -> None:
    """observations_LABEL.csv and .nc of each file of observations.  Raises UserError if they cannot be written."""
    for one in found.observations:
        part = found.table[found.table.against == one.label].assign(seed=seed)
        write_scores(output, part, f"observations_{one.label}", {"title": f"Class 4 statistics against {one.label}"})
