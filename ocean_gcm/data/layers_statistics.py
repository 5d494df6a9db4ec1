"""Spread of the fields of layers and of their changes in a truth: scales of losses, and of a network's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ocean_gcm.data.layers_truth import LayersTruth
from ocean_gcm.data.statistics import Statistics, VariableStatistics
from ocean_gcm.data.truth import Period, evenly
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.output import record

WINDOWS, BYTES = 256, 256e6
"""Pairs of records that are looked at, evenly over the period: at most so many, and of potential vorticity so much."""

FIELDS = {"potential_vorticity": "pv", "vorticity": "vorticity", "streamfunction": "psi", "u": "uo", "v": "vo"}
"""Names of the model, and of the output of runs."""


def layers_statistics(truth: LayersTruth, period: Period, model: OceanModel, stride: int = 1) -> Statistics:
    """Statistics of the fields by layer, of their changes over `stride` records, and for closures of their inputs.

    Raises UserError if the period has no two such records of one trajectory, or potential vorticity does not vary.
    """
    grid = model.grid
    most = int(np.clip(BYTES // (16 * np.prod(grid.shape)), 1, WINDOWS))
    starts = evenly(truth.starts(period, 2, stride), most)
    q = np.asarray(truth.windows(starts, 2, stride).ocean.potential_vorticity, float)
    fields = record(grid, model.config, {"potential_vorticity": q})
    variables = {}
    for name, variable in FIELDS.items():
        values = fields[variable]
        change = values[:, 1] - values[:, 0]
        variables[name] = VariableStatistics(*(f(x) for x in (values, change) for f in (_mean, _spread)))
    if not (variables["potential_vorticity"].tendency_standard_deviation > 0).all():
        raise UserError(f"a layer of {truth.label} does not change; expected a truth that does")
    fields["uo"] = fields["uo"] - model.core.flow[:, None, None]
    scale = {name: values.tolist() for name, values in _inputs(grid, fields).items()}
    network: dict[str, Any] = {"scale": scale, "output_scale": {}}
    if truth.has_sources:
        source = np.asarray(truth.with_increments("").windows(starts, 1).increments["potential_vorticity"], float)
        network["output_scale"]["source"] = _spread(source).tolist()
    provenance = {"source": truth.label, "records": str(len(period)), "model": model.config.name}
    return Statistics(variables, _depth(model), float(stride * truth.interval), provenance, network)


def source_scales(statistics: Statistics) -> dict[str, np.ndarray]:
    """(nz,) spread of the subgrid source by the name of the field, s-2.  Raises UserError if it is not known."""
    found = statistics.network.get("output_scale", {}).get("source")
    if found is None:
        raise UserError("scale = increment needs a truth with pv_subgrid_source; expected one, or another scale")
    return {"potential_vorticity": np.asarray(found, float)}


def _inputs(grid: PeriodicGrid, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """(nz,) scales of the inputs of `ocean_gcm.closures.layers.features`, root mean squares of a component."""
    q, u, v = fields["pv"], fields["uo"], fields["vo"]
    q_hat = np.fft.rfft2(q)
    q_x, q_y = (np.fft.irfft2(1j * k * q_hat, s=grid.shape[1:]) for k in (grid.k, grid.l))
    return {
        "potential_vorticity": _spread(q),
        "vorticity": _spread(fields["vorticity"]),
        "streamfunction": _spread(fields["psi"]),
        "velocity": _root(0.5 * (u**2 + v**2)),
        # the mean squares of deformation and vorticity are the same in a periodic box
        "deformation": _spread(fields["vorticity"]) / np.sqrt(2.0),
        "vortex_force": _root(0.5 * (u**2 + v**2) * q**2),
        "advection": _root((u * q_x + v * q_y) ** 2),
    }


def _depth(model: OceanModel) -> np.ndarray:
    """(nz,) depths of the layers' centres at rest, m."""
    thickness = model.core.thickness
    return np.cumsum(thickness) - 0.5 * thickness


def _mean(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -3, 0).reshape(values.shape[-3], -1).mean(1)


def _spread(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -3, 0).reshape(values.shape[-3], -1).std(1)


def _root(squares: np.ndarray) -> np.ndarray:
    return np.sqrt(_mean(squares))
