"""`ocean-gcm statistics`: one file with the scales of losses and the normalisation of networks, from a truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.build import build_model
from ocean_gcm.data.layers_statistics import layers_statistics
from ocean_gcm.data.layers_truth import open_layers_truth
from ocean_gcm.data.statistics import (
    DEFAULT_VARIABLES,
    PIECE_BYTES,
    NoVariance,
    Statistics,
    VariableStatistics,
    compute_statistics,
)
from ocean_gcm.data.truth import INCREMENT, open_truth
from ocean_gcm.errors import UserError
from ocean_gcm.experiment import Experiment
from ocean_gcm.grid.grid import Grid
from ocean_gcm.input_statistics import measure_inputs
from ocean_gcm.metrics.loss import LAYERS_VARIABLES
from ocean_gcm.metrics.moments import Moments
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment
from ocean_gcm.validation import suggestion

SMALLEST_INCREMENT = 0.005
"""Smallest scale of a level's increments, as a share of the largest: the abyss lacks little and keeps what is added."""

STATES = 24
"""States from which the inputs of networks are measured, evenly over the period."""


def measure_truth(
    config: Experiment,
    path: str | Path,
    *,
    lead: float | None = None,
    period: tuple[float | str, float | str] = (0.0, 0.8),
    variables: Iterable[str] | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Statistics:
    """Statistics of a truth on the grid of a model, for losses and (`network`) for its learned closures.

    Args:
      config: of the model; its closures play no part.
      path: the truth, as `open_truth` takes it.
      lead: time over which changes are taken, s, a multiple of the interval of the records; default: that interval.
      period: beginning and end, shares of the records (of layers trajectories) or dates: what is learned from.
      variables: the model's names; default: all of temperature, salinity, u, v, sea_surface_height that vary, or all of
        `LAYERS_VARIABLES`.
      say: gets a sentence for each variable that is left out.

    Raises UserError for a truth that does not fit the model.
    """
    # files that the closures name may be those that are to be made
    model = build_model(config.model_copy(update={"closures": {}, "weights": None}))
    if isinstance(config, LayersExperiment):
        return _of_layers(model, path, lead, period, variables)
    truth = open_truth(path, model)
    chosen = truth.split({"period": period})["period"]
    data = truth.series.dataset.isel(time=slice(chosen.begin, chosen.end))
    found: dict[str, Statistics] = {}
    for name in variables or DEFAULT_VARIABLES:
        try:
            found[name] = compute_statistics(
                data,
                model.grid,
                lead=truth.interval if lead is None else lead,
                variables=[name],
                provenance={"source": str(path), "model": config.name},
            )
        except NoVariance:
            if variables is not None:
                raise
            say(f"{name} does not vary and is left out")
    if not found:
        raise UserError(f"nothing varies in {path}; expected a truth with two or more different records")
    first = next(iter(found.values()))
    statistics = dataclasses.replace(first, variables={name: s.variables[name] for name, s in found.items()})
    states = (truth.window(int(start), 1).at(0) for start in chosen.spread(STATES, 1))
    measured = measure_inputs(model, states)
    names = {name: INCREMENT.format(name) for name in ("temperature", "salinity")}
    held = {name: data[variable] for name, variable in names.items() if variable in data}
    lacks = spread_of_increments(held, model.grid, SMALLEST_INCREMENT)
    scales = {**output_scales(statistics), **{name: spread.tolist() for name, spread in lacks.items()}}
    network = {"mean": dict(measured.mean), "scale": dict(measured.scale), "output_scale": scales}
    return dataclasses.replace(statistics, network=network)


def _of_layers(
    model: OceanModel,
    path: str | Path,
    lead: float | None,
    period: tuple[float | str, float | str],
    variables: Iterable[str] | None,
) -> Statistics:
    """`measure_truth` of layers, whose period is a share of the trajectories."""
    for name in variables or ():
        if name not in LAYERS_VARIABLES:
            raise UserError(f"--variables contains {name!r}; of layers {suggestion(name, LAYERS_VARIABLES)}")
    truth = open_layers_truth(path, model)
    stride = 1 if lead is None else truth.stride(round(lead), "--lead")
    found = layers_statistics(truth, truth.split({"period": period})["period"], model, stride)
    chosen = {name: found.variables[name] for name in variables or found.variables}
    return dataclasses.replace(found, variables=chosen)


def output_scales(statistics: Statistics) -> dict[str, list[float]]:
    r"""Scales of a network's tendencies by output and level: \(\sigma(X_{t+\tau} - X_t) / \tau\) of the truth.

    At least a twentieth of that of the most variable level.  Levels without water get the largest one.
    """
    scales = statistics.scales("tendency")
    result = {}
    if "u" in scales and "v" in scales:
        result["velocity"] = np.sqrt(0.5 * (scales["u"] ** 2 + scales["v"] ** 2))
    result.update({name: scales[name] for name in ("temperature", "salinity") if name in scales})
    filled = {name: np.where(np.isfinite(x), x, np.nanmax(x)) for name, x in result.items()}
    return {name: (x / statistics.lead).tolist() for name, x in filled.items()}


def spread_of_increments(
    increments: Mapping[str, np.ndarray | xr.DataArray], grid: Grid, smallest: float
) -> dict[str, np.ndarray]:
    """(nz,) spread of (time, nz, ny, nx) by tracer, weighted by area: what a model lacks, per second.

    At least `smallest` times the largest; levels without water get the largest one.
    """
    weights, result = grid.geometry.area["T"] * grid.mask, {}
    piece = max(1, int(PIECE_BYTES // (8 * weights.size)))
    for name, array in increments.items():
        moments = Moments.empty(len(weights))
        for start in range(0, len(array), piece):
            moments = moments + Moments.of(np.asarray(array[start : start + piece]), weights)
        spread = moments.variance**0.5
        largest = np.nanmax(spread)
        result[name] = np.maximum(np.where(np.isfinite(spread), spread, largest), smallest * largest)
    return result


def table(statistics: Statistics) -> list[tuple[str, ...]]:
    """Rows (variable, mean, spread, spread of the change) of the uppermost level, for the reader."""

    def row(name: str, s: VariableStatistics) -> tuple[str, ...]:
        return (name, *(f"{x[0]:.4g}" for x in (s.mean, s.standard_deviation, s.tendency_standard_deviation)))

    return [row(name, s) for name, s in statistics.variables.items()]
