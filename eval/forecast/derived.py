"""Quantities that neither forecasts nor truth need to hold: geostrophic currents and the depth of the mixed layer.

They are added to both sides by the same formulas, and computed when a piece of them is read.
"""

from __future__ import annotations

from collections.abc import Sequence

import gsw
import numpy as np
import xarray as xr
import yaml

from eval.forecast.geometry import place_of
from ocean_gcm.data.output import SALINITY_RATIO
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.geostrophy import geostrophic_velocity, sphere
from ocean_gcm.metrics.mixed_layer import mixed_layer_depth

NEEDS = {"ugos": ("zos",), "vgos": ("zos",), "mlotst": ("thetao", "so")}
"""By name: surface geostrophic velocities along x and y (m s-1), mixed layer depth (m); and what they are made of."""
_PIECE = 8  # records or members that are computed at once


def with_derived(dataset: xr.Dataset, names: Sequence[str], label: str, truth: xr.Dataset) -> xr.Dataset:
    """The data set with the derived variables `names`, lazily.

    truth: says what the grid is, of the forecasts as well: where a plane goes around, and how it rotates.

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
        found[name] = make(dataset, name, label, truth)
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


def _geostrophic(dataset: xr.Dataset, name: str, label: str, truth: xr.Dataset) -> xr.DataArray:
    zos = dataset["zos"]
    place = place_of(truth, "zos", zos.dims[-2:], "the truth")
    coriolis = coriolis_of(truth)
    if place.spherical:
        dx, dy, f = sphere(place.y, place.x)
    elif coriolis is None:
        raise UserError(f"the truth lies on a plane and names no f0; {name} of --derived needs the Coriolis parameter")
    else:
        dx = np.broadcast_to(_steps(place.x, place.x_edges), place.area.shape)
        dy = np.broadcast_to(_steps(place.y, place.y_edges)[:, None], place.area.shape)
        f = np.broadcast_to(coriolis[0] + coriolis[1] * place.y[:, None], place.area.shape)
    component = 0 if name == "ugos" else 1

    def make(sea_level):
        around = {"periodic_x": place.periodic_x, "periodic_y": place.periodic_y}
        return geostrophic_velocity(sea_level, dx, dy, f, **around)[component].astype(np.float32)

    return lazily(make, [_pieces(zos, 2)], 2, 2, {"units": "m s-1", "long_name": "surface geostrophic velocity"})


def _steps(centres: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Distance from each centre to the next; from the last one to the first beyond it, in case they are neighbours."""
    return np.diff(centres, append=centres[0] + edges[-1] - edges[0])


def _mixed_layer(dataset: xr.Dataset, name: str, label: str, truth: xr.Dataset) -> xr.DataArray:
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
