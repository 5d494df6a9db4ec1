"""Quantities that neither forecasts nor truth need to hold: geostrophic currents and the depth of the mixed layer.

They are added to both sides by the same formulas, and computed when a piece of them is read.
"""

from __future__ import annotations

from collections.abc import Sequence

import gsw
import numpy as np
import xarray as xr
import yaml

from ocean_gcm.data.output import SALINITY_RATIO
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.geostrophy import geostrophic_velocity, sphere
from ocean_gcm.metrics.mixed_layer import mixed_layer_depth

NEEDS = {"ugos": ("zos",), "vgos": ("zos",), "mlotst": ("thetao", "so")}
"""By name: surface geostrophic velocities along x and y (m s-1), mixed layer depth (m); and what they are made of."""
_PIECE = 8  # records or members that are computed at once


def with_derived(
    dataset: xr.Dataset, names: Sequence[str], label: str, coriolis: tuple[float, float] | None
) -> xr.Dataset:
    """The data set with the derived variables `names`, lazily.

    coriolis: (f0, beta) in s-1 and m-1 s-1 of a plane, see `coriolis_of`; on the sphere it is not used.

    Raises UserError for a name that is not known, and for a data set without what it is made of.
    """
    found = {}
    for name in names:
        if name not in NEEDS:
            raise UserError(f"--derived has {name!r}; expected {', '.join(NEEDS)}")
        for needed in NEEDS[name]:
            if needed not in dataset:
                raise UserError(f"{label} has no variable {needed}; {name} of --derived is made of it")
        make = _mixed_layer if name == "mlotst" else _geostrophic
        found[name] = make(dataset, name, label, coriolis)
    return dataset.assign(found)


def coriolis_of(dataset: xr.Dataset) -> tuple[float, float] | None:
    """(f0, beta) of the configuration that coarsened data and forecasts carry, None if there is none."""
    grid = yaml.safe_load(dataset.attrs.get("configuration", "")) or {}
    grid = grid.get("grid", {})
    return (float(grid["f0"]), float(grid.get("beta") or 0.0)) if grid.get("f0") is not None else None


def _pieces(array: xr.DataArray, whole: int) -> xr.DataArray:
    """In chunks that leave the last `whole` dimensions uncut."""
    outer = {name: _PIECE if name in ("time", "member") else 1 for name in array.dims[:-whole]}
    return array.chunk({**outer, **dict.fromkeys(array.dims[-whole:], -1)})


def _geostrophic(dataset: xr.Dataset, name: str, label: str, coriolis) -> xr.DataArray:
    zos = dataset["zos"]
    y, x = (np.asarray(dataset[d].values, float) for d in zos.dims[-2:])
    spherical = zos.dims[-2].startswith("lat")
    if spherical:
        dx, dy, f = sphere(y, x)
    elif coriolis is None:
        raise UserError(f"{label} lies on a plane and names no f0; {name} of --derived needs the Coriolis parameter")
    else:
        dx, dy = (np.broadcast_to(_steps(c), (len(y), len(x))) for c in (x, y[:, None]))
        f = np.broadcast_to(coriolis[0] + coriolis[1] * y[:, None], dx.shape)
    periodic = spherical and abs(x[-1] - x[0] + (x[1] - x[0]) - 360.0) < 1e-3
    component = 0 if name == "ugos" else 1

    def make(sea_level):
        return geostrophic_velocity(sea_level, dx, dy, f, periodic_x=periodic)[component].astype(np.float32)

    return lazily(make, [_pieces(zos, 2)], 2, 2, {"units": "m s-1", "long_name": "surface geostrophic velocity"})


def _steps(centres: np.ndarray) -> np.ndarray:
    """Distance from each centre to the next along the first axis."""
    return np.diff(centres, axis=0, append=2 * centres[-1:] - centres[-2:-1])


def _mixed_layer(dataset: xr.Dataset, name: str, label: str, coriolis) -> xr.DataArray:
    depth = np.asarray(dataset[dataset["thetao"].dims[-3]].values, float)

    def make(temperature, salinity):
        absolute = np.maximum(np.asarray(salinity, float) * SALINITY_RATIO, 0.0)
        density = gsw.sigma0(absolute, gsw.CT_from_pt(absolute, np.asarray(temperature, float)))
        columns = density.reshape(-1, *density.shape[-3:])
        found = np.stack([mixed_layer_depth(one, depth, np.isfinite(one)) for one in columns])
        return found.reshape(*density.shape[:-3], *density.shape[-2:]).astype(np.float32)

    parts = [_pieces(dataset[needed], 3) for needed in NEEDS["mlotst"]]
    return lazily(make, parts, 3, 2, {"units": "m", "long_name": "mixed layer depth (0.03 kg m-3)"})


def lazily(make, arrays: list[xr.DataArray], taken: int, left: int, attributes: dict) -> xr.DataArray:
    """`make` of arrays in chunks that leave the last `taken` dimensions uncut, piece by piece when they are read; its
    result has the last `left` of these."""
    core = list(arrays[0].dims[-taken:])
    found = xr.apply_ufunc(
        make, *arrays, input_core_dims=[core] * len(arrays), output_core_dims=[core[-left:]], dask="parallelized",
        output_dtypes=[np.float32],
    )  # fmt: skip
    return found.assign_attrs(attributes)
