"""Calibrations of several variables and leads as one NetCDF file."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.calibration import Calibration

FORMAT = 1
_LONG_NAMES = {
    "bias": "truth minus mean of the members in hindcasts",
    "factor": "spread of calibrated members over spread of members",
    "spread": "root mean square spread of hindcasts",
    "exponent": "power of spread over its root mean square that the factor is multiplied by",
    "members": "standardized departures of members",
    "observed": "standardized departures of the truth of the same probability",
}
_UNITLESS = ("factor", "exponent", "members", "observed")


@dataclasses.dataclass(frozen=True, eq=False)
class Calibrations:
    """Of the forecasts of one model.

    Attributes:
      leads: (lead,) whole seconds.
      variables: by name, one for each lead.
      dims: of each variable in space, with or without a level.
      coordinates: of these dimensions.
      units: of the variables.
      attributes: "model", "model_fingerprint", "hindcasts" (their number), "period", "members".
    """

    leads: np.ndarray
    variables: Mapping[str, Sequence[Calibration]]
    dims: Mapping[str, tuple[str, ...]]
    coordinates: Mapping[str, xr.DataArray]
    units: Mapping[str, str]
    attributes: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits of its numbers."""
        digest = hashlib.sha256(np.ascontiguousarray(self.leads).tobytes())
        for name in sorted(self.variables):
            for one in self.variables[name]:
                for field in dataclasses.fields(one):
                    digest.update(np.ascontiguousarray(getattr(one, field.name), np.float32).tobytes())
        return digest.hexdigest()[:8]

    def dataset(self) -> xr.Dataset:
        """As it is stored: VARIABLE_bias (lead, level, y, x) and so on, float32."""
        fields = {}
        for name, by_lead in self.variables.items():
            space = self.dims[name]
            level = space[:-2]
            shapes = dict.fromkeys(("bias", "factor", "spread"), space)
            shapes |= {"exponent": level} | dict.fromkeys(("members", "observed"), (*level, f"{name}_node"))
            for part, dims in shapes.items():
                values = np.stack([getattr(one, part) for one in by_lead]).astype(np.float32)
                values = values if level else values[:, 0]
                attrs = {"long_name": _LONG_NAMES[part], "units": "1" if part in _UNITLESS else self.units[name]}
                fields[f"{name}_{part}"] = (("lead", *dims), values, attrs)
        lead = ("lead", self.leads / 86400.0, {"long_name": "time since the start of the forecast", "units": "days"})
        attributes = {"Conventions": "CF-1.10", "calibration_format": FORMAT, **self.attributes}
        return xr.Dataset(fields, {"lead": lead, **self.coordinates}, attributes)

    def write(self, path: str | os.PathLike) -> None:
        """To a NetCDF file, which appears when it is complete.  Raises UserError if it cannot be written."""
        path = Path(path)
        draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.dataset().to_netcdf(draft)
            draft.replace(path)
        except OSError as error:
            raise UserError(f"the calibration {path} could not be written: {error.strerror or error}") from error
        finally:
            draft.unlink(missing_ok=True)


def read_calibrations(path: str | os.PathLike) -> Calibrations:
    """From a file of `Calibrations.write`.  Raises UserError for anything else."""
    if not Path(path).is_file():
        raise UserError(f"the calibration {path} does not exist; expected a file of `python -m eval calibration`")
    try:
        with xr.open_dataset(path, decode_timedelta=False) as opened:
            stored = opened.load()
    except Exception as error:  # every backend raises its own
        raise UserError(f"the calibration {path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if stored.attrs.get("calibration_format") != FORMAT:
        raise UserError(f"{path} is no calibration; expected a file of `python -m eval calibration`")
    names = [str(name).removesuffix("_bias") for name in stored.data_vars if str(name).endswith("_bias")]
    parts = [field.name for field in dataclasses.fields(Calibration)]
    variables, dims = {}, {}
    for name in names:
        dims[name] = stored[f"{name}_bias"].dims[1:]
        arrays = {part: stored[f"{name}_{part}"].values for part in parts}
        if len(dims[name]) == 2:
            arrays = {part: values[:, None] for part, values in arrays.items()}
        by_lead = range(stored.sizes["lead"])
        variables[name] = [Calibration(**{part: arrays[part][k] for part in parts}) for k in by_lead]
    space = {dim for each in dims.values() for dim in each}
    coordinates = {dim: stored[dim] for dim in space if dim in stored.coords}
    units = {name: str(stored[f"{name}_bias"].attrs.get("units", "1")) for name in names}
    leads = np.round(stored["lead"].values * 86400).astype(np.int64)
    return Calibrations(leads, variables, dims, coordinates, units, dict(stored.attrs))
