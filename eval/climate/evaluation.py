"""All of a run's climate: numbers, fields, tables and the report."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from eval.climate import comparison, diagnostics, observed
from eval.climate.diagnostics import Climate
from eval.climate.reference import Reference, error_rows, open_reference
from eval.report.scores import write_scores
from ocean_gcm.data.run_output import open_run
from ocean_gcm.progress import PieceReport

UNITS = {
    "amoc": "Sv", "antarctic": "Sv", "heat_transport": "PW", "freshwater_transport": "Sv", "heat_content": "ZJ",
    "heat_uptake": "W m-2", "heat_budget": "ZJ", "mixed_layer": "m", "sea_level": "m", "eddy_kinetic": "m2 s-2",
    "nino": "degC", "volume": "1e15 m3", "census": "1",
}  # fmt: skip
SERIES = {
    "amoc_26n": "Sv",
    "amoc_max": "Sv",
    "drake_passage": "Sv",
    "thetaoga": "degC",
    "soga": "1e-3",
    "tosga": "degC",
}


WITH_EDDIES = "_with_eddies"
"""Ending of names: resolved flow and closures' eddies together."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
      climate, observed: what was compared.
      reference, others: climatologies; the first is that of figures, of the census and of the surface.
      numbers: by variable.
      fields: maps, sections and curves by name, for figures.
      series: (time,) by name, of all records.
      errors: table of `reference.error_rows`, empty without a reference.
      comparison: table of `comparison.compare`.
    """

    climate: Climate
    observed: observed.Observed
    reference: Reference | None
    others: list[Reference]
    numbers: dict[str, float]
    fields: dict[str, np.ndarray]
    series: dict[str, np.ndarray]
    errors: pd.DataFrame
    comparison: pd.DataFrame


def evaluate(directory: Path, references: Sequence[str], last_years: float, eddies: bool = False) -> Evaluation:
    """Compute everything; with `eddies` also the transports of the resolved flow and the closures' eddies together.

    Raises UserError as `open_climate`, `open_reference` and `eddy_velocities` do.
    """
    climate = diagnostics.open_climate(open_run(directory), last_years)
    known = observed.read_observed()
    compared, *others = [open_reference(text, climate) for text in references] or [None]
    pair = None if compared is None else (compared.climatology.temperature, compared.climatology.salinity)
    numbers: dict[str, float] = {}
    fields: dict[str, np.ndarray] = {}
    series = {name: climate.run.dataset[name].values for name in SERIES if name in climate.run.dataset}
    by_transports = (diagnostics.overturning, diagnostics.meridional_transports)
    census = functools.partial(diagnostics.census, reference=pair)
    with PieceReport(Console(stderr=True), 5 + 2 * eddies, "diagnostics") as report:
        for diagnose in (*by_transports, diagnostics.mixed_layer_depths, diagnostics.variability, census):
            found, arrays = diagnose(climate)
            numbers.update(found)
            fields.update(arrays)
            report.advance()
        if eddies:
            from eval.climate.eddies import eddy_velocities  # builds the model: takes JAX

            added = eddy_velocities(climate)
            for diagnose in by_transports:
                found, arrays = diagnose(climate, added)
                numbers.update({f"{name}{WITH_EDDIES}": value for name, value in found.items()})
                fields.update({f"{name}{WITH_EDDIES}": array for name, array in arrays.items()})
                report.advance()
    for found, arrays in (diagnostics.heat(climate), diagnostics.nino_indices(climate)):
        numbers.update(found)
        series.update(arrays)
    through, absent = diagnostics.straits(climate, known)
    numbers.update(through)
    errors = pd.DataFrame() if compared is None else error_rows(climate, compared)
    for other in others:
        rows = error_rows(climate, other)
        rows = rows[rows.metric != "value"]
        errors = pd.concat([errors, rows.assign(metric=rows.metric + f"_{other.climatology.name}")])
    numbers = {name: float(value) for name, value in numbers.items()}
    return Evaluation(
        climate, known, compared, others, numbers, fields, series, errors, comparison.compare(numbers, absent, known)
    )


def unit_of(evaluation: Evaluation, name: str) -> str:
    quantity = evaluation.observed.of(name)
    if quantity is not None:
        return quantity.unit
    if name.endswith("relative_residual"):
        return "1"
    if name.endswith("standard_deviation"):
        return "K"
    return next((unit for start, unit in UNITS.items() if name.startswith(start)), "1")


def table(evaluation: Evaluation, model: str) -> pd.DataFrame:
    """Rows of the CSV: final values with the metric `value`, errors by layer, and yearly means (metric `yearly`)."""
    climate = evaluation.climate
    end = f"{climate.years[-1]:.4g}y"
    rows = [
        {"variable": name, "depth": "all", "lead": end, "metric": "value", "value": value,
         "unit": unit_of(evaluation, name)}
        for name, value in evaluation.numbers.items()
    ]  # fmt: skip
    rows += [{**row, "lead": end} for row in evaluation.errors.to_dict("records")]
    for name, unit in SERIES.items():
        if name in evaluation.series:
            for year, value in yearly(climate, evaluation.series[name]):
                rows.append({"variable": name, "depth": "all", "lead": f"{year}y", "metric": "yearly",
                             "value": value, "unit": unit})  # fmt: skip
    return pd.DataFrame(rows).assign(model=model, seed=int(climate.run.config.get("seed", 0)))


def yearly(climate: Climate, values: np.ndarray) -> list[tuple[int, float]]:
    """(year, mean) of the whole years of a series, each record by the part of it that lies in the year."""
    begin, end = climate.run.years(bound=0), climate.years
    if "time_bnds" not in climate.run.dataset:  # states at moments
        begin = end - np.append(np.diff(end), np.diff(end)[-1:]) if len(end) > 1 else end - 1.0
    found = []
    for year in range(1, int(np.floor(end[-1] + 1e-6)) + 1):
        share = np.clip(np.minimum(end, year) - np.maximum(begin, year - 1), 0.0, None)
        if share.sum() > 0.9:
            found.append((year, float((share * values).sum() / share.sum())))
    return found


def write(evaluation: Evaluation, output: Path, model: str) -> None:
    """climate.csv and .nc, comparison.csv.  Raises UserError if they cannot be written."""
    write_scores(output, table(evaluation, model), "climate", {"title": f"Climate of {evaluation.climate.run.name}"})
    evaluation.comparison.to_csv(output / "comparison.csv", index=False, float_format="%.5g")
