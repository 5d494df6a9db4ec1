"""A small ocean in a file, in the manner of the observed climatologies."""

import numpy as np
import pytest
import xarray as xr

from ocean_gcm.grid.geometry import sphere
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

NX, NY, THICKNESS = 12, 10, np.array([50.0, 100.0, 200.0])


def sample_geometry(nx=NX, ny=NY):
    return sphere(np.linspace(0, 360, nx + 1), np.linspace(-50, 50, ny + 1), Topology(periodic_x=True))


def sample_depth():
    depth = np.full((NY, NX), 350.0)
    depth[:, 4:6] = 0.0  # a continent
    depth[5, 9] = 150.0  # a shoal
    return depth


def sample_dataset() -> xr.Dataset:
    """Depth, monthly temperature and salinity, stress at western and southern faces, and fluxes; NaN on land."""
    geometry, depth = sample_geometry(), sample_depth()
    lon, lat = geometry.x["T"][0], geometry.y["T"][:, 0]
    centres = np.cumsum(THICKNESS) - 0.5 * THICKNESS
    wet = depth > centres[:, None, None] - 1.0
    month = np.arange(1, 13)
    season = np.cos(2 * np.pi * (month - 8) / 12)[:, None, None, None]
    theta = 25.0 - 0.3 * np.abs(lat)[:, None] + 0.01 * lon - 0.02 * centres[:, None, None] + season
    salt = 35.0 + 0.002 * centres[:, None, None] + 0.01 * lat[:, None] + 0.0 * lon
    at_t, at_tz = ("month", "y", "x"), ("month", "z", "y", "x")
    theta, salt = (np.where(wet, np.broadcast_to(a, (12, 3, NY, NX)), np.nan) for a in (theta, salt))
    stress = 0.1 * np.cos(np.deg2rad(lat))[:, None] + 0.001 * np.arange(NX) + 0.01 * season[:, 0]
    west = np.roll(geometry.x["U"][0], 1) % 360.0
    south = lat - 5.0
    heat = np.where(depth > 0, 50.0 * np.cos(np.deg2rad(4 * lat))[:, None] + 20 * season[:, 0], np.nan)
    return xr.Dataset(
        {
            "bathymetry": (("y", "x"), depth, {"units": "m", "positive": "down"}),
            "theta": (at_tz, theta, {"units": "degC", "standard_name": "sea_water_potential_temperature"}),
            "salt": (at_tz, salt, {"units": "1", "standard_name": "sea_water_practical_salinity"}),
            "sst": (at_t, theta[:, 0], {"units": "degC", "standard_name": "sea_surface_temperature"}),
            "sss": (at_t, salt[:, 0], {"units": "1", "standard_name": "sea_surface_salinity"}),
            "taux": (("month", "y", "xg"), stress, {"units": "N m-2"}),
            "tauy": (("month", "yg", "x"), 0.5 * stress, {"units": "N m-2"}),
            "qnet": (at_t, heat, {"units": "W m-2", "standard_name": "surface_downward_heat_flux_in_sea_water"}),
            "emp": (at_t, 1e-6 * heat, {"units": "kg m-2 s-1", "standard_name": "surface_upward_water_flux"}),
        },
        coords={
            "lon": ("x", lon, {"units": "degrees_east", "standard_name": "longitude"}),
            "lat": ("y", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon_u": ("xg", west, {"units": "degrees_east", "standard_name": "longitude"}),
            "lat_v": ("yg", south, {"units": "degrees_north", "standard_name": "latitude"}),
            "depth": ("z", centres, {"units": "m", "standard_name": "depth", "positive": "down"}),
            "month": ("month", month, {"units": "1"}),
        },
    )


@pytest.fixture
def dataset():
    return sample_dataset()


@pytest.fixture
def geometry():
    return sample_geometry()


@pytest.fixture
def grid():
    return build_grid(sample_geometry(), Levels(THICKNESS), sample_depth())


@pytest.fixture
def write(tmp_path):
    """Writes a dataset to a new NetCDF file and returns its path."""

    def write(dataset: xr.Dataset, name: str = "ocean.nc") -> str:
        path = tmp_path / name
        path.unlink(missing_ok=True)
        dataset.to_netcdf(path)
        return str(path)

    return write
