"""A model beside profiles of temperature and salinity: interpolated to the place, depth and day of the year of each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.data.reading import open_dataset
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid

_SECONDS_PER_YEAR = 365.25 * 86400.0
NAMES = {"temperature": "thetao", "salinity": "so"}


@dataclasses.dataclass(frozen=True)
class Profiles:
    """Profiles on common depths.

    Attributes:
      label: what messages and tables call them.
      lon, lat: (profile,) degrees.
      year_fraction: (profile,) time of the year in [0, 1).
      depth: (depth,) m.
      values: temperature (potential, degC) and salinity (practical), (profile, depth), NaN where missing.
    """

    label: str
    lon: np.ndarray
    lat: np.ndarray
    year_fraction: np.ndarray
    depth: np.ndarray
    values: dict[str, np.ndarray]


def read_profiles(path: Path, label: str) -> Profiles:
    """From a file with the dimensions (profile, depth).  Raises UserError for one without the variables."""
    with open_dataset(path) as raw:
        for name in ("lon", "lat", "time", "depth", *NAMES.values()):
            if name not in raw.variables:
                raise UserError(
                    f"{path} has no variable {name}; expected lon, lat, time, depth, thetao, so of profiles"
                )
        data = xr.decode_cf(raw).load()
    start = data.time.dt.floor("D").values.astype("datetime64[Y]").astype("datetime64[ns]")
    elapsed = (data.time.values - start) / np.timedelta64(1, "s")
    values = {name: data[variable].transpose("profile", "depth").values for name, variable in NAMES.items()}
    fraction = np.minimum(elapsed / _SECONDS_PER_YEAR, 1 - 1e-9)
    return Profiles(label, data.lon.values % 360.0, data.lat.values, fraction, data.depth.values.astype(float), values)


@dataclasses.dataclass(frozen=True)
class Places:
    """The four columns of a longitude-latitude grid around each profile.

    Attributes:
      columns: (4, profile) flat indices of columns (ny nx).
      weights: (4, profile) bilinear, before dry cells are left out.
    """

    columns: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, profiles: Profiles, grid: Grid) -> Places:
        """Raises UserError unless the grid is global in longitude."""
        if not (grid.geometry.spherical and grid.topology.periodic_x):
            raise UserError("profiles are compared on a sphere that is closed in longitude; the run has another grid")
        lon, lat = grid.geometry.x["T"][0], grid.geometry.y["T"][:, 0]
        nx = len(lon)
        east = (profiles.lon - lon[0]) % 360.0 / (360.0 / nx)
        north = np.clip(np.interp(profiles.lat, lat, np.arange(len(lat))), 0, len(lat) - 1)
        i, j = np.floor(east).astype(int), np.minimum(np.floor(north).astype(int), len(lat) - 2)
        fx, fy = east - i, north - j
        columns, weights = [], []
        for dj, wy in ((0, 1 - fy), (1, fy)):
            for di, wx in ((0, 1 - fx), (1, fx)):
                columns.append((j + dj) * nx + (i + di) % nx)
                weights.append(wy * wx)
        return cls(np.stack(columns), np.stack(weights))


def at_profiles(fields: np.ndarray, times: np.ndarray, places: Places, profiles: Profiles, grid: Grid) -> np.ndarray:
    """(profile, depth) of fields (time, nz, ny, nx) of a year that repeats; NaN where the grid knows nothing.

    Bilinear between wet cells, linear in depth between the centres of levels (the uppermost one holds up to the
    surface), linear between `times`, ascending fractions of the year.
    """
    depth_index = np.interp(profiles.depth, grid.levels.centres, np.arange(len(grid.levels.centres)))
    upper = np.minimum(np.floor(depth_index).astype(int), len(grid.levels.centres) - 2)
    share = depth_index - upper
    beyond = profiles.depth > grid.levels.faces[-1]
    wet = grid.mask.reshape(len(grid.mask), -1)
    nearer = np.searchsorted(times, profiles.year_fraction) % len(times)
    before = (nearer - 1) % len(times)
    gap = (times[nearer] - times[before]) % 1.0
    gap = np.where(gap > 0, gap, 1.0)  # of one record
    later = (profiles.year_fraction - times[before]) % 1.0 / gap
    flat = fields.reshape(*fields.shape[:2], -1)
    result = np.full((len(profiles.lon), len(profiles.depth)), np.nan)
    for d in range(len(profiles.depth)):
        if beyond[d]:
            continue
        total, weight = 0.0, 0.0
        for column, w in zip(places.columns, places.weights, strict=True):
            value, known = 0.0, True
            for level, part in ((upper[d], 1 - share[d]), (upper[d] + 1, share[d])):
                if part > 0:
                    known = known & wet[level, column]
                    a, b = flat[before, level, column], flat[nearer, level, column]
                    value = value + part * (a + later * (b - a))
            total, weight = total + w * known * value, weight + w * known
        # less than half of the water around: the place is not one of the grid's
        result[:, d] = np.where(weight > 0.5, total / np.maximum(weight, 1e-9), np.nan)
    return result


def box_means(profiles: Profiles, difference: np.ndarray, shallow: float, deep: float, size: float = 5.0):
    """(rmse, bias, number): of the boxes of `size` degrees and each depth, whose mean difference is taken first.

    Profiles crowd where ships and floats were; boxes of equal angles, weighted by area, do not.
    """
    chosen = (profiles.depth >= shallow) & (profiles.depth <= deep)
    d = difference[:, chosen]
    box = (profiles.lat // size).astype(int) * 1000 + (profiles.lon // size).astype(int)
    boxes, index = np.unique(box, return_inverse=True)
    known = np.isfinite(d)
    sums = np.zeros((len(boxes), d.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, index, np.where(known, d, 0.0))
    np.add.at(counts, index, known)
    area = np.cos(np.radians((boxes // 1000 + 0.5) * size))[:, None] * (counts > 0)
    # layers between the depths count by their thickness
    weights = area * np.gradient(profiles.depth)[chosen]
    mean = sums / np.maximum(counts, 1)
    total = weights.sum() or np.nan
    return float(((weights * mean**2).sum() / total) ** 0.5), float((weights * mean).sum() / total), int(known.sum())
