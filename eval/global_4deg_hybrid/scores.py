"""Errors of free runs against climatologies and profiles."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from eval.observations.matchups import at_season
from eval.observations.samples import Observations
from eval.observations.statistics import box_means
from eval.reference_climatology import Climatology
from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.data.climatology import read_tracer_records
from ocean_gcm.data.run_output import Run
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics import means, summary
from train.config import Region
from train.held_out import within

NAMES = {"temperature": "thetao", "salinity": "so"}
DEEP = 800.0
"""m; the layer in which heat of decades is stored."""

LAYERS = {"0_800m": (0.0, DEEP), "0_300m": (0.0, 300.0), "800_5000m": (DEEP, 1e5)}
YEARS = (1, 2, 5, 10, 20, 30)


def layer_volume(grid: Grid, upper: float, lower: float) -> np.ndarray:
    """(nz, ny, nx) m3 of the water between two depths."""
    faces = grid.levels.faces
    share = np.clip((np.minimum(faces[1:], lower) - np.maximum(faces[:-1], upper)) / np.diff(faces), 0, 1)
    return grid.volume * share[:, None, None]


@dataclasses.dataclass(frozen=True)
class Year:
    """Mean of one year of a run, and its records.

    Attributes:
      number: counted from 1.
      mean: temperature and salinity (nz, ny, nx).
      records: the same with a leading axis of the records, at `times` of the year.
    """

    number: int
    mean: dict[str, np.ndarray]
    records: dict[str, np.ndarray]
    times: np.ndarray
    transports: dict[str, float]


def records_of(run: Run, number: int) -> np.ndarray:
    """Indices of the records that lie in a year, counted from 1."""
    begin, end = run.years(bound=0), run.years(bound=1)
    return np.flatnonzero((begin > number - 1 - 1e-6) & (end < number + 1e-6))


def year_of(run: Run, number: int) -> Year:
    """Raises UserError if the run has no whole year of that number, or no means."""
    if "time_bnds" not in run.dataset:
        raise UserError(f"{run.directory} holds states at moments; expected means (output.kind = mean)")
    begin, end = run.years(bound=0), run.years(bound=1)
    chosen = records_of(run, number)
    length = (end - begin)[chosen].sum()
    if abs(length - 1.0) > 1e-3:
        raise UserError(f"{run.directory} has {length:.3f} of year {number}; expected means of that whole year")
    found = [run.fields(int(record)) for record in chosen]
    mean = run.fields(slice(int(chosen[0]), int(chosen[-1]) + 1))
    names = tuple(NAMES)
    return Year(
        number,
        {name: mean[name] for name in names},
        {name: np.stack([fields[name] for fields in found]) for name in names},
        0.5 * (begin + end)[chosen] - (number - 1),
        summary.closing_transports(run.grid, mean),
    )


def errors_against(mean: dict[str, np.ndarray], known: Climatology, grid: Grid, where: np.ndarray) -> list[dict]:
    """Bias and RMSE by variable and layer, of the columns `where`."""
    rows = []
    for name, variable in NAMES.items():
        observed = getattr(known, name)
        finite = np.isfinite(observed)
        difference = np.where(finite, mean[name] - observed, 0.0)
        for layer, limits in LAYERS.items():
            weights = layer_volume(grid, *limits) * finite * where
            head = {"variable": f"{variable}_{layer}"}
            rows.append({**head, "metric": "rmse", "value": float(means.root_mean_square(difference, weights))})
            rows.append({**head, "metric": "bias", "value": float(means.volume_mean(difference, weights))})
    return rows


def rmse_series(run: Run, known: Climatology) -> pd.DataFrame:
    """Columns year, value: RMSE of the temperature of 0 to 800 m by year."""
    weights = layer_volume(run.grid, 0.0, DEEP)
    last = int(np.floor(run.years(bound=1)[-1] + 1e-6))
    rows = []
    for number in range(1, last + 1):
        difference = year_of_mean(run, number) - known.temperature
        finite = np.isfinite(difference)
        rmse = means.root_mean_square(np.where(finite, difference, 0.0), weights * finite)
        rows.append({"year": number, "value": float(rmse)})
    return pd.DataFrame(rows)


def year_of_mean(run: Run, number: int) -> np.ndarray:
    """(nz, ny, nx) mean temperature of a year."""
    chosen = records_of(run, number)
    return run.fields(slice(int(chosen[0]), int(chosen[-1]) + 1))["temperature"]


def climate_rows(run: Run, levitus: Climatology, woa18: Climatology, held_out: Sequence[Region]) -> list[dict]:
    """Errors of years `YEARS` against both climatologies, in all columns, the held-out ones and the others."""
    inside = within(held_out, run.grid)["temperature"]
    regions = {"all": np.ones_like(inside)}
    if inside.any():
        regions |= {"learned": ~inside, "held_out": inside}
    last, rows = run.years(bound=1)[-1], []
    for number in (n for n in YEARS if n <= last + 1e-6):
        year = year_of(run, number)
        for known in (levitus, woa18):
            for region, where in regions.items():
                for row in errors_against(year.mean, known, run.grid, where):
                    rows.append({"lead": f"{number}y", "against": known.name, "region": region, **row})
        for name, value in year.transports.items():
            rows.append({"lead": f"{number}y", "against": "", "region": "all", "variable": name, "metric": "value",
                         "value": float(value)})  # fmt: skip
    return rows


def profile_rows(
    fields: dict[str, np.ndarray], times: np.ndarray, grid: Grid, profiles: Sequence[Observations], lead: str
) -> list[dict]:
    """Errors of a year's fields at profiles, by layer."""
    rows = []
    for source in profiles:
        for name, variable in NAMES.items():
            if variable not in source.values:
                raise UserError(f"{source.label} has no {variable}; expected profiles of thetao and so")
            difference = at_season(fields[name], times, grid, source) - source.values[variable]
            for layer, limits in {"50_800m": (50.0, DEEP), "800_2000m": (DEEP + 1, 2000.0)}.items():
                rmse, bias, number = box_means(source, difference, *limits)
                head = {"lead": lead, "against": source.label, "region": "all", "variable": f"{variable}_{layer}"}
                rows.append({**head, "metric": "rmse", "value": rmse})
                rows.append({**head, "metric": "bias", "value": bias})
                rows.append({**head, "metric": "number", "value": number})
    return rows


def forecast_rows(path: Path, name: str) -> list[dict]:
    """Errors of the validation of the training of `name`, from its validation.jsonl, by region.

    Raises UserError if there is none.
    """
    if not path.exists():
        raise UserError(f"there is no {path}; expected the directory of the training")
    last, rows = json.loads(path.read_text().splitlines()[-1]), []
    for region, key in {"learned": "rmse", "held_out": "rmse_held_out"}.items():
        for model, suffix in {name: "", "physics": "_untrained", "persistence": "_persistence"}.items():
            for variable, errors in last.get(key + suffix, {}).items():
                for seconds, value in zip(last["lead_seconds"], errors, strict=True):
                    head = {"model": model, "lead": f"{seconds // SECONDS_PER_DAY}d", "against": f"truth of {name}"}
                    keys = {"region": region, "variable": NAMES[variable], "metric": "rmse", "value": value}
                    rows.append({**head, **keys})
    return rows


def monthly_climatology(path: Path, grid: Grid) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Levitus by month on the grid, (12, nz, ny, nx) by name, and the times of the year: what models are trained to."""
    options = {"temperature": "theta", "salinity": "salt", "equation_of_state": "linear"}
    fields, times = read_tracer_records(path, grid, **options)
    return fields, np.asarray(times)
