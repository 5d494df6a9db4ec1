"""Spread of the fields of layers and of their changes in a truth: scales of losses, and of a network's inputs."""

from __future__ import annotations

import numpy as np

from ocean_gcm.data.layers_truth import LayersTruth
from ocean_gcm.data.statistics import Statistics, VariableStatistics
from ocean_gcm.data.truth import Period, evenly
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.output import record

WINDOWS = 256
"""Pairs of records that are looked at, evenly over the period."""

FIELDS = {"potential_vorticity": "pv", "vorticity": "vorticity", "streamfunction": "psi", "u": "uo", "v": "vo"}
"""Names of the model, and of the output of runs."""


def layers_statistics(truth: LayersTruth, period: Period, model: OceanModel) -> Statistics:
    """Statistics of the fields by layer, of their changes between records, and for closures of their inputs.

    Raises UserError if the period has no two records of one trajectory, or potential vorticity does not vary.
    """
    starts = evenly(truth.starts(period, 2), WINDOWS)
    q = np.asarray(truth.windows(starts, 2).ocean.potential_vorticity, float)
    fields = record(model.grid, model.config, {"potential_vorticity": q})
    variables, scale = {}, {}
    for name, variable in FIELDS.items():
        values = fields[variable]
        change = values[:, 1] - values[:, 0]
        variables[name] = VariableStatistics(*(f(x) for x in (values, change) for f in (_mean, _spread)))
        scale[name] = variables[name].standard_deviation
    if not (variables["potential_vorticity"].tendency_standard_deviation > 0).all():
        raise UserError(f"a layer of {truth.label} does not change; expected a truth that does")
    network = {"scale": _inputs(scale), "output_scale": {}}
    if truth.has_sources:
        source = np.asarray(truth.with_increments("").windows(starts, 1).increments["potential_vorticity"], float)
        network["output_scale"]["source"] = _spread(source).tolist()
    provenance = {"source": truth.label, "records": str(len(period))}
    return Statistics(variables, _depth(model), float(truth.interval), provenance, network)


def source_scales(statistics: Statistics) -> dict[str, np.ndarray]:
    """(nz,) spread of the subgrid source by the name of the field, s-2.  Raises UserError if it is not known."""
    found = statistics.network.get("output_scale", {}).get("source")
    if found is None:
        raise UserError("scale = increment needs a truth with pv_subgrid_source; expected one, or another scale")
    return {"potential_vorticity": np.asarray(found, float)}


def _inputs(spread: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Scales of the inputs of `ocean_gcm.closures.layers.features`."""
    velocity = np.sqrt(0.5 * (spread["u"] ** 2 + spread["v"] ** 2))
    own = {name: spread[name] for name in ("potential_vorticity", "vorticity", "streamfunction")}
    # the mean squares of deformation and vorticity are the same in a periodic box
    more = {"velocity": velocity, "deformation": spread["vorticity"] / np.sqrt(2.0)}
    # as if velocity and potential vorticity were independent
    more["vortex_force"] = velocity * spread["potential_vorticity"]
    return {name: values.tolist() for name, values in {**own, **more}.items()}


def _depth(model: OceanModel) -> np.ndarray:
    """(nz,) depths of the layers' centres at rest, m."""
    thickness = model.core.thickness
    return np.cumsum(thickness) - 0.5 * thickness


def _mean(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -3, 0).reshape(values.shape[-3], -1).mean(1)


def _spread(values: np.ndarray) -> np.ndarray:
    return np.moveaxis(values, -3, 0).reshape(values.shape[-3], -1).std(1)
