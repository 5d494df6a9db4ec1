"""The monthly series of sea level and sea surface temperature: reading, cells that count, years that are known.

Everything that a forecast learns comes from a `Sample`: its anomalies are departures from the mean annual cycle of the
months that are known, and its starts are months whose memory and targets are all known.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import xarray as xr

from ocean_gcm.data.reading import open_dataset
from ocean_gcm.errors import UserError
from ocean_gcm.metrics import basins

FILE = "godas_ersst_anomalies_5deg_1980_2012.nc"
VARIABLES = ("zos", "tos")
UNITS = {"zos": "m", "tos": "K"}
LEADS = 12
"""Months that forecasts go ahead."""
MEMORY = 12
"""Months up to and with the start that a forecast may see."""
_INNER_SEAS = ((255.0, 290.0, 50.0, 66.0), (9.0, 31.0, 53.0, 67.0))
"""Hudson Bay and the Baltic (west, east, south, north); the Mediterranean and the Black Sea come from `basins`."""
_MOST_POLEWARD = 57.5  # the row at 60N holds sea ice and lies at the edge of GODAS


@dataclasses.dataclass(frozen=True)
class Series:
    """Monthly anomalies of VARIABLES at the cells of a grid that are water.

    Attributes:
      values: (month, variable, cell) m and K, as in the file.
      time: (month,) datetime64[M].
      lat, lon: (ny,), (nx,) degrees, nx cells around the globe.
      wet: (ny, nx) True for the cells that count; `cell` runs over them by rows.
    """

    values: np.ndarray
    time: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    wet: np.ndarray

    @property
    def season(self) -> np.ndarray:
        """(month,) 0 for January to 11."""
        return self.time.astype(int) % 12

    @property
    def weights(self) -> np.ndarray:
        """(cell,) shares in the area of the water."""
        area = np.cos(np.radians(self.cell_lat))
        return area / area.sum()

    @property
    def cell_lat(self) -> np.ndarray:
        return np.broadcast_to(self.lat[:, None], self.wet.shape)[self.wet]

    @property
    def cell_lon(self) -> np.ndarray:
        return np.broadcast_to(self.lon, self.wet.shape)[self.wet]

    def on_map(self, cells: np.ndarray) -> np.ndarray:
        """(..., cell) -> (..., ny, nx) with NaN elsewhere."""
        out = np.full((*cells.shape[:-1], *self.wet.shape), np.nan)
        out[..., self.wet] = cells
        return out

    def months(self, first: str, last: str) -> np.ndarray:
        """(month,) True from `first` to `last` (inclusive), each like 1980-01.

        Raises UserError if the series does not reach from the one to the other.
        """
        ends = [np.datetime64(text, "M") for text in (first, last)]
        if not (self.time[0] <= ends[0] <= ends[1] <= self.time[-1]):
            raise UserError(
                f"the period {first} to {last} does not lie within the series, {self.time[0]} to {self.time[-1]}"
            )
        return (self.time >= ends[0]) & (self.time <= ends[1])


def read_series(folder: Path) -> Series:
    """The series of FILE in `folder`.

    Raises UserError if a variable is missing, months are missing or twice there, the grid is not whole in longitude, or
    a cell of water has no value.
    """
    path = folder / FILE
    with open_dataset(path) as raw:
        names = {name: f"{name}_anom" for name in VARIABLES}
        for name in (*names.values(), "ocean_fraction", "lat", "lon", "time"):
            if name not in raw.variables:
                raise UserError(f"{FILE} has no variable {name!r}; it has {', '.join(map(str, raw.variables))}")
        data = xr.decode_cf(raw).load()
    lat, lon, time = data.lat.values.astype(float), data.lon.values.astype(float), data.time.values.astype("M8[M]")
    steps = np.diff(time.astype(int))
    if (steps != 1).any():
        at = int(np.flatnonzero(steps != 1)[0])
        raise UserError(f"{FILE}: {time[at]} is followed by {time[at + 1]}; expected every month once")
    step = np.diff(lon)
    if not np.allclose(step, 360.0 / len(lon)):
        raise UserError(
            f"{FILE} has {len(lon)} longitudes from {lon[0]:g} to {lon[-1]:g}; expected equal steps around the globe"
        )
    wet = cells_that_count(lon, lat, data.ocean_fraction.transpose("lat", "lon").values)
    values = np.stack([data[name].transpose("time", "lat", "lon").values[:, wet] for name in names.values()], 1)
    if not np.isfinite(values).all():
        month, variable, cell = np.argwhere(~np.isfinite(values))[0]
        j, i = np.argwhere(wet)[cell]
        raise UserError(
            f"{FILE}: {names[VARIABLES[variable]]} has no value in {time[month]} at {lat[j]:g}N {lon[i]:g}E, which is "
            "water; expected a number in each cell with ocean_fraction >= 0.5"
        )
    return Series(values.astype(float), time, lat, lon, wet)


def cells_that_count(lon: np.ndarray, lat: np.ndarray, ocean_fraction: np.ndarray) -> np.ndarray:
    """(ny, nx) True for water of the open ocean: at least half a cell, no inner sea, no row beyond 57.5 degrees."""
    x, y = np.meshgrid(lon, lat)
    code = basins.basins(x, y)
    wet = (ocean_fraction >= 0.5) & ~np.isin(code, (basins.LAND, basins.MEDITERRANEAN)) & (np.abs(y) < _MOST_POLEWARD)
    for west, east, south, north in _INNER_SEAS:
        wet &= ~((x > west) & (x < east) & (y > south) & (y < north))
    return wet


@dataclasses.dataclass(frozen=True)
class Sample:
    """What a forecast may learn from, and the starts of forecasts.

    Attributes:
      series: the whole series.
      known: (month,) True for the months that statistics may use.
      anomalies: (month, variable, cell) departures from the mean annual cycle of the known months.
      starts: indices of the months that a training may start from: MEMORY months up to the start and LEADS months after
        it are known.
      held_out: starts whose targets are all unknown.
    """

    series: Series
    known: np.ndarray
    anomalies: np.ndarray
    starts: np.ndarray
    held_out: np.ndarray

    @property
    def scales(self) -> np.ndarray:
        """(variable,) root mean square anomaly of the known months over the area."""
        return np.sqrt((self.anomalies[self.known] ** 2 @ self.series.weights).mean(0))

    def targets(self, starts: np.ndarray) -> np.ndarray:
        """(start, lead, variable, cell) what came 1 to LEADS months after."""
        return self.anomalies[np.asarray(starts)[:, None] + np.arange(1, LEADS + 1)]


def sample(series: Series, known: np.ndarray, within: np.ndarray | None = None) -> Sample:
    """The sample of `known` months; starts outside of `within` (all months by default) are none.

    The mean of each calendar month over the known ones is taken off, so that what the source knew of other years when
    it took off its own mean is undone.
    """
    within = np.ones_like(known) if within is None else within
    cycle = np.stack([series.values[known & (series.season == m)].mean(0) for m in range(12)])
    anomalies = series.values - cycle[series.season]
    starts, held_out = [], []
    for start in np.flatnonzero(within[: len(known) - LEADS])[: len(known)]:
        ahead = slice(start + 1, start + LEADS + 1)
        if start < MEMORY - 1 or not within[ahead].all():
            continue
        if known[start - MEMORY + 1 : start + LEADS + 1].all():
            starts.append(start)
        elif not known[ahead].any():
            held_out.append(start)
    return Sample(series, known, anomalies, np.array(starts, int), np.array(held_out, int))


def folds(series: Series, training: np.ndarray, number: int) -> list[Sample]:
    """Samples of the training months with one of `number` blocks of years held out in each."""
    months = np.flatnonzero(training)
    found = []
    for block in np.array_split(months, number):
        known = training.copy()
        known[block] = False
        found.append(sample(series, known, training))
    return found


REGIONS = ("global", "tropical_pacific", "extratropics")


def region_weights(series: Series) -> np.ndarray:
    """(region, cell) shares of area of REGIONS, each with the sum 1.

    The tropical Pacific reaches to 20 degrees from 120E to 70W within the basin; the extratropics lie poleward of 20.
    """
    lat, lon, area = series.cell_lat, series.cell_lon, series.weights
    pacific = basins.basins(lon, lat) == basins.PACIFIC
    inside = np.stack([lat < 90, pacific & (np.abs(lat) <= 20) & (lon >= 120), np.abs(lat) > 20])
    weights = inside * area
    return weights / weights.sum(1, keepdims=True)


def nino34_weights(series: Series) -> np.ndarray:
    """(cell,) shares of the cells in 5S to 5N, 170W to 120W, by the part of each cell that lies inside."""

    def share(centre, width, low, high):
        return np.clip(np.minimum(centre + width / 2, high) - np.maximum(centre - width / 2, low), 0, None) / width

    step_y, step_x = np.diff(series.lat)[0], np.diff(series.lon)[0]
    part = share(series.cell_lat, step_y, -5.0, 5.0) * share(series.cell_lon, step_x, 190.0, 240.0)
    weights = part * np.cos(np.radians(series.cell_lat))
    return weights / weights.sum()


def read_nino34(folder: Path, series: Series) -> np.ndarray:
    """(month,) Nino3.4 of ORAS5 (K) at the months of the series, NaN where the file has none."""
    path = folder / "oras5_indices_1979_2012.nc"
    with open_dataset(path) as raw:
        if "Nino34" not in raw.variables:
            raise UserError(f"{path.name} has no variable 'Nino34'; it has {', '.join(map(str, raw.data_vars))}")
        data = xr.decode_cf(raw)["Nino34"].load()
    known = dict(zip(data.time.values.astype("M8[M]"), data.values.astype(float), strict=True))
    return np.array([known.get(month, np.nan) for month in series.time])
