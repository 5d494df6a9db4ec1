"""The store of a truth that a training makes at its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.data.output import dataset_from_fields, dimensions
from ocean_gcm.data.series import CF_NAMES, CONFIGURATION, PROGNOSTIC
from ocean_gcm.data.truth import INCREMENT
from ocean_gcm.data.variables import TRACER
from ocean_gcm.data.zarr_store import write_whole
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean

_KEY = "configuration_hash"


def is_made(path: Path, key: str) -> bool:
    """Whether the store is there and holds what `key` names."""
    return path.exists() and xr.open_zarr(path, decode_times=False).attrs.get(_KEY) == key


def on_host(ocean: Ocean) -> dict[str, np.ndarray]:
    """The fields of a state, as `write` takes them."""
    fields = {name: getattr(ocean, name) for name in PROGNOSTIC} | ocean.tracers
    return {name: np.asarray(array) for name, array in fields.items()}


def write(
    path: Path,
    key: str,
    model: OceanModel,
    records: Sequence[dict[str, np.ndarray]],
    times: np.ndarray,
    increments: Sequence[dict[str, np.ndarray]] = (),
) -> None:
    """Write states of a model at `times` (s) in one go, with what drew its tracers before each of them (per second).

    Raises UserError if they are not finite.
    """
    config = model.config
    fields = {name: np.stack([record[name] for record in records]) for name in records[0]}
    if not all(np.isfinite(a).all() for a in fields.values()):
        raise UserError(f"the truth that {config.name} simulates is not finite; expected a stable configuration")
    names = [CF_NAMES.get(name, name) for name in fields]
    dataset = dataset_from_fields(model.grid, config, fields, times, names=names)
    dataset = dataset.assign_attrs({_KEY: key, CONFIGURATION: config.to_yaml()})
    for name in increments[0] if increments else ():
        values = np.stack([increment[name] for increment in increments])
        dataset[INCREMENT.format(name)] = (("time", *dimensions(TRACER, model.grid.geometry.spherical)), values)
    write_whole(dataset, path)
