"""A small ocean with a continent, an island and partial bottom cells, and analyses of it on other grids."""

import copy

import numpy as np
import xarray as xr
from tiny_run import TREE

from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict

SMALL = {
    **TREE,
    "name": "small",
    "grid": {"geometry": "sphere", "nx": 12, "ny": 8, "x": [0, 360], "y": [-64, 64], "periodic_x": True}
    | {"levels": {"thickness": [100, 200, 300, 400]}},
    "bathymetry": {"kind": "seamount", "depth": 1000, "height": 1200, "width": 4e6, "centre": [200, 10]}
    | {"walls": [{"x": [60, 120], "y": [-40, 64]}]},
    "initial": {"kind": "linear"},
}


def small_model(**changes):
    return build_model(config_from_dict({**copy.deepcopy(SMALL), **changes}))


def analysis(nlon=20, nlat=14, depth=(5.0, 30.0, 80.0, 150.0, 300.0, 550.0, 800.0), west=0.0, sides=(-70.0, 70.0)):
    """Fields of latitude, longitude and depth at rest with a coast and a floor of their own; NaN on land."""
    depth = np.asarray(depth)
    lon = west + (np.arange(nlon) + 0.5) * 360.0 / nlon
    lat = np.linspace(*sides, nlat + 1)
    lat = 0.5 * (lat[1:] + lat[:-1])
    turn = np.deg2rad(lon)
    shape = (len(depth), nlat, nlon)
    theta = np.broadcast_to(
        2 + 18 * np.exp(-depth / 600)[:, None, None] - 0.1 * np.abs(lat)[:, None] + np.cos(turn), shape
    )
    salt = np.broadcast_to(35 + 0.001 * depth[:, None, None] + 0.01 * lat[:, None] + 0.1 * np.sin(turn), shape)
    east = np.broadcast_to(0.1 * np.cos(np.deg2rad(lat))[:, None] * np.exp(-depth / 500)[:, None, None], shape)
    level = np.broadcast_to(0.3 * np.sin(turn) * np.cos(np.deg2rad(lat))[:, None] + 0.7, shape[1:])
    around = np.mod(lon, 360.0)
    land = (around > 70) & (around < 130) & (lat[:, None] > -35)
    floor = np.where(np.abs(lat)[:, None] > 50, 600.0, 5000.0)
    dry = land | (depth[:, None, None] > floor)
    fields = {
        "thetao": (("depth", "lat", "lon"), np.where(dry, np.nan, theta), {"units": "degC"}),
        "so": (("depth", "lat", "lon"), np.where(dry, np.nan, salt), {"units": "1e-3"}),
        "uo": (("depth", "lat", "lon"), np.where(dry, np.nan, east), {"units": "m s-1"}),
        "vo": (("depth", "lat", "lon"), np.where(dry, np.nan, 0.5 * east), {"units": "m s-1"}),
        "zos": (("lat", "lon"), np.where(dry[0], np.nan, level), {"units": "m"}),
    }
    coordinates = {
        "depth": ("depth", depth, {"units": "m", "positive": "down"}),
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    return xr.Dataset(fields, coordinates)
