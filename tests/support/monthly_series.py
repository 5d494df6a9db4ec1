"""Made-up monthly series on a coarse globe, and the files that the study of monthly forecasts reads."""

import numpy as np
import xarray as xr

from eval.monthly.anomalies import FILE, Series, cells_that_count

LAT = np.arange(-45.0, 46.0, 15.0)
LON = np.arange(0.0, 360.0, 15.0)


def ocean_fraction():
    """Water everywhere but on two continents along meridians."""
    fraction = np.ones((len(LAT), len(LON)))
    fraction[:, (LON >= 15) & (LON <= 30)] = 0.0
    fraction[:, (LON >= 285) & (LON <= 300)] = 0.2
    return fraction


def autoregression(shape, factor, rng):
    """(month, ...) of unit variance: x(t + 1) = factor x(t) + noise."""
    values = np.zeros(shape)
    values[0] = rng.standard_normal(shape[1:])
    for n in range(1, shape[0]):
        values[n] = factor * values[n - 1] + np.sqrt(1 - factor**2) * rng.standard_normal(shape[1:])
    return values


def series(values=None, months=396, factor=0.8, seed=0):
    """A `Series` from 1980 on: first-order autoregressions without neighbours, or (month, variable, cell) `values`."""
    wet = cells_that_count(LON, LAT, ocean_fraction())
    if values is None:
        values = autoregression((months, 2, wet.sum()), factor, np.random.default_rng(seed))
    return Series(values, np.datetime64("1980-01") + np.arange(len(values)), LAT, LON, wet)


def dataset(made):
    """The series as the file has it."""
    maps = {
        f"{name}_anom": (("time", "lat", "lon"), made.on_map(made.values)[:, v])
        for v, name in enumerate(["zos", "tos"])
    }
    maps["ocean_fraction"] = (("lat", "lon"), ocean_fraction())
    return xr.Dataset(maps, {"time": made.time.astype("M8[ns]"), "lat": LAT, "lon": LON})


def write_files(folder, made):
    """The series, an index and a climatology of temperature and salinity."""
    dataset(made).to_netcdf(folder / FILE)
    index = np.random.default_rng(1).standard_normal(len(made.time))
    xr.Dataset({"Nino34": ("time", index)}, {"time": made.time.astype("M8[ns]")}).to_netcdf(
        folder / "oras5_indices_1979_2012.nc"
    )
    depth = np.array([0.0, 100.0, 500.0, 1000.0, 4000.0])
    shape = (len(depth), len(LAT), len(LON))
    at = ("depth", "lat", "lon")
    column = np.array([25.0, 18.0, 8.0, 4.0, 2.0])[:, None, None]
    xr.Dataset(
        {
            "thetao": (at, np.broadcast_to(column, shape), {"units": "degC"}),
            "so": (at, np.full(shape, 35.0), {"units": "1"}),
        },
        {
            "depth": ("depth", depth, {"units": "m", "positive": "down", "standard_name": "depth"}),
            "lat": ("lat", LAT, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", LON, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    ).to_netcdf(folder / "woa18_annual_5deg.nc")
