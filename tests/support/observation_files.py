"""Synthetic observations, and forecast stores whose fields are linear in space and time: interpolation is exact."""

import numpy as np
import xarray as xr

LEVELS = np.array([50.0, 200.0, 500.0])
FACES = np.array([0.0, 100.0, 300.0, 700.0])
LON, LAT = np.arange(15.0, 360.0, 30.0), np.arange(-35.0, 40.0, 10.0)
STARTS = np.array(["2010-01-01", "2010-01-11", "2010-01-21"], "datetime64[ns]")
LEADS = np.array([0.0, 1.0, 2.0, 3.0])


def linear(lon, lat, depth, days):
    """degC; days since the start of the first forecast."""
    return 10.0 + 0.01 * lon + 0.1 * lat - 0.005 * depth + 0.3 * days


def forecasts(offsets=(-1.0, 1.0), land=False):
    """Members that are off by `offsets` from `linear`; velocities on the faces of the C-grid."""
    days = ((STARTS - STARTS[0]) / np.timedelta64(1, "D"))[:, None, None, None, None, None]
    lead = LEADS[:, None, None, None]
    place = LON, LAT[:, None], LEVELS[:, None, None]
    off = np.array(offsets)[:, None, None, None, None]
    theta = linear(*place, days + lead) + off
    if land:
        theta = np.where(LON > 180, np.nan, theta)
    dims = ("init_time", "member", "lead", "lev", "lat", "lon")
    height = theta[:, :, :, 0] * 0.01
    east = 0.001 * (LON + 15.0) + 0.0 * theta
    lon_u = LON + 15.0
    return xr.Dataset(
        {
            "thetao": (dims, theta.astype("f4"), {"units": "degC"}),
            "zos": ((*dims[:3], *dims[4:]), height.astype("f4"), {"units": "m"}),
            "uo": ((*dims[:5], "lon_u"), east.astype("f4"), {"units": "m s-1"}),
        },
        {
            "init_time": STARTS,
            "member": np.arange(len(offsets)),
            "lead": ("lead", LEADS, {"units": "days"}),
            "lev": ("lev", LEVELS, {"units": "m", "positive": "down", "bounds": "lev_bnds"}),
            "lev_bnds": (("lev", "bnds"), np.stack([FACES[:-1], FACES[1:]], -1)),
            "lat": ("lat", LAT, {"standard_name": "latitude"}),
            "lon": ("lon", LON, {"standard_name": "longitude"}),
            "lon_u": ("lon_u", lon_u, {"standard_name": "longitude"}),
        },
    )


def write_forecasts(path, **options):
    dataset = forecasts(**options)
    dataset.to_zarr(path, mode="w", encoding={"init_time": {"units": "days since 2010-01-01"}})
    return path


def profiles(number=400, seed=0, bias=0.0, depth=(0.0, 50.0, 150.0, 450.0, 650.0)):
    """Profiles of `linear` plus `bias`, over the time of the forecasts, away from where longitudes begin."""
    random, depth = np.random.default_rng(seed), np.array(depth)
    lon, lat = random.uniform(15, 345, number), random.uniform(-34, 34, number)
    days = random.uniform(0, 24, number)
    values = linear(lon[:, None], lat[:, None], depth, days[:, None]) + bias
    time = STARTS[0] + (days * 86400e9).astype("timedelta64[ns]")
    return xr.Dataset(
        {"thetao": (("profile", "depth"), values, _attributes("sea_water_potential_temperature", "degC"))},
        {
            "lon": ("profile", lon, _attributes("longitude", "degrees_east")),
            "lat": ("profile", lat, _attributes("latitude", "degrees_north")),
            "time": ("profile", time, {"standard_name": "time"}),
            "depth": ("depth", depth, {**_attributes("depth", "m"), "positive": "down"}),
        },
        {"featureType": "profile"},
    )


def drifters():
    """Two drifters as a contiguous ragged array of trajectories, of 3 and 2 positions."""
    time = np.array(["2010-01-01T06", "2010-01-01T12", "2010-01-02", "2010-01-12", "2010-01-13"], "datetime64[ns]")
    return xr.Dataset(
        {
            "ve": ("obs", [0.1, 0.2, 0.3, -0.1, np.nan], _attributes("eastward_sea_water_velocity", "m s-1")),
            "sst": ("obs", [300.15, 301.15, 302.15, 280.0, 281.0], _attributes("sea_surface_temperature", "K")),
            "row_size": ("drifter", [3, 2], {"sample_dimension": "obs"}),
        },
        {
            "lon": ("obs", [-170.0, -169.0, -168.0, 20.0, 21.0], _attributes("longitude", "degrees_east")),
            "lat": ("obs", [0.0, 1.0, 2.0, 30.0, 31.0], _attributes("latitude", "degrees_north")),
            "time": ("obs", time, {"standard_name": "time"}),
            "depth": ("drifter", [15.0, 30.0], {**_attributes("depth", "m"), "positive": "down"}),
        },
        {"featureType": "trajectory"},
    )


def track(number=300, seed=1):
    """Sea level anomalies along a track."""
    random = np.random.default_rng(seed)
    days = np.sort(random.uniform(0, 24, number))
    lon, lat = random.uniform(0, 360, number), random.uniform(-34, 34, number)
    time = STARTS[0] + (days * 86400e9).astype("timedelta64[ns]")
    # the model's anomaly from its mean over the leads of a forecast, 0 to 3 days after a start
    sla = 0.01 * 0.3 * (days % 10 - LEADS.mean())
    return xr.Dataset(
        {"sla": ("time", sla, _attributes("sea_surface_height_above_sea_level", "m"))},
        {
            "time": ("time", time, {"standard_name": "time"}),
            "longitude": ("time", lon, _attributes("longitude", "degrees_east")),
            "latitude": ("time", lat, _attributes("latitude", "degrees_north")),
        },
    )


def _attributes(standard_name, unit):
    return {"standard_name": standard_name, "units": unit}
