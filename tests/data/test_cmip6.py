"""CMIP6 as models publish it: a store per variable, regular and curvilinear grids, lev and olevel, three calendars."""

import numpy as np
import pytest
import xarray as xr
from published import model_file, recipe, regular, series

from ocean_gcm.data.plan import Way, plan
from ocean_gcm.data.recipe import load_recipe
from ocean_gcm.data.survey import survey

CF = {
    "thetao": ("degC", "sea_water_potential_temperature"),
    "so": ("0.001", "sea_water_salinity"),
    "uo": ("m s-1", "sea_water_x_velocity"),
    "vo": ("m s-1", "sea_water_y_velocity"),
    "zos": ("m", "sea_surface_height_above_geoid"),
}
FACES = np.array([0.0, 10.0, 50.0, 110.0, 200.0, 400.0, 700.0, 1000.0])
DEPTH = np.array([5.0, 30.0, 80.0, 150.0, 300.0, 550.0, 800.0])  # the lowest is not in the middle


def described(data, depth, calendar, unit="m", bounds="lev_bnds"):
    """Fields of (time, depth, ...) in the words of CMIP6."""
    scale = {"m": 1.0, "centimeters": 100.0}[unit]
    attrs = {"units": unit, "positive": "down", "axis": "Z", "bounds": bounds, "standard_name": "depth"}
    starts = np.array([0.0, 31.0, 59.0, 90.0]) if calendar != "360_day" else 30.0 * np.arange(4)
    times = {"units": "days since 2001-01-01", "calendar": calendar, "bounds": "time_bnds", "standard_name": "time"}
    data = data.rename(depth=depth).assign_coords(
        {
            depth: (depth, scale * DEPTH, attrs),
            bounds: ((depth, "bnds"), scale * np.stack([FACES[:-1], FACES[1:]], -1)),
            "time": ("time", 0.5 * (starts[1:] + starts[:-1]), times),
            "time_bnds": (("time", "bnds"), np.stack([starts[:-1], starts[1:]], -1)),
        }
    )
    for name in data.data_vars:
        unit, standard = CF[name]
        data[name].attrs = {"units": unit, "standard_name": standard, "cell_methods": "area: mean where sea time: mean"}
    return data


def test_a_regular_grid(tmp_path, request):
    """The recipe of GFDL-CM4 on stores of its form: noleap, axes with bounds, missing values 1e20."""
    data = described(series(3), "lev", "noleap")
    for axis, size in (("lat", 140 / 14), ("lon", 360 / 20)):
        data[axis].attrs["bounds"] = f"{axis}_bnds"
        sides = np.stack([data[axis] - size / 2, data[axis] + size / 2], -1)
        data = data.assign_coords({f"{axis}_bnds": ((axis, "bnds"), sides)})
    overrides = [f"target={{kind: model, config: {model_file(tmp_path)}}}"]
    for place, name in enumerate(CF):
        store = tmp_path / name / "gr" / "v20180701"
        one = data.drop_vars([other for other in CF if other != name])
        encoding = {name: {"_FillValue": 1e20, "dtype": "float32"}}
        one.to_zarr(store, zarr_format=2, consolidated=True, encoding=encoding)
        overrides.append(f"sources.{place}.path={store}")
    settings = load_recipe(request.config.rootpath / "configs" / "data" / "cmip6.yaml", overrides)
    found = {v.name: v for v in survey(settings).variables}
    assert set(found) == set(CF) and "noleap" in found["so"].times
    for name in ("thetao", "so", "zos"):
        source = series(3)[name].isel(time=0).values
        assert np.nanmin(source) - 2e-3 <= found[name].lowest < found[name].highest <= np.nanmax(source) + 2e-3
    np.testing.assert_allclose(plan(settings).variables["so"].levels.edges, FACES)


def warmth(lon, lat):
    """degC at the depths `DEPTH`."""
    lon, lat = np.deg2rad(lon), np.deg2rad(lat)
    return 20 * np.exp(-DEPTH / 600)[:, None, None] + np.cos(lon) * np.cos(lat) + 5 * np.sin(lat)


def bent(u, v):
    """Longitude and latitude of lines that run obliquely."""
    return u + 12 * np.sin(np.deg2rad(2 * v)), v + 4 * np.cos(np.deg2rad(2 * u)) * np.cos(np.deg2rad(v))


MODELS = {  # rows, columns; latitude, longitude; their bounds; depth, its unit and bounds; calendar
    "IPSL-CM6A-LR": "y x nav_lat nav_lon bounds_nav_lat bounds_nav_lon olevel m olevel_bounds gregorian",
    "UKESM1-0-LL": "j i latitude longitude vertices_latitude vertices_longitude lev m lev_bnds 360_day",
    "CESM2": "nlat nlon lat lon lat_bnds lon_bnds lev centimeters lev_bnds noleap",
}


@pytest.mark.parametrize("model", MODELS)
def test_native_grids(model, tmp_path):
    """Cells are the polygons of the vertices that the model gives, layers those of its bounds."""
    *rows, lat_name, lon_name, lat_corners, lon_corners, depth, unit, bounds, calendar = MODELS[model].split()
    u, v = np.linspace(0, 360, 37), np.linspace(-86, 86, 29)
    lon, lat = bent(*np.meshgrid(0.5 * (u[1:] + u[:-1]), 0.5 * (v[1:] + v[:-1])))
    lon_c, lat_c = (np.stack([c[:-1, :-1], c[:-1, 1:], c[1:, 1:], c[1:, :-1]], -1) for c in bent(*np.meshgrid(u, v)))
    values = warmth(lon, lat) + np.zeros((3, 1, 1, 1))
    values[..., 8:12, 20:24] = np.nan
    if model == "CESM2":  # nor are there coordinates on land
        lat[8:12, 20:24] = lon[8:12, 20:24] = np.nan
    east, north = (
        {"standard_name": n, "units": u} for n, u in (("longitude", "degrees_east"), ("latitude", "degrees"))
    )
    data = xr.Dataset(
        {"thetao": (("time", "depth", *rows), values), "so": (("time", "depth", *rows), 0 * values + 35)},
        {
            lat_name: (rows, lat, north | {"bounds": lat_corners}),
            lon_name: (rows, lon % 360, east | {"bounds": lon_corners}),
            lat_corners: ((*rows, "vertices"), lat_c),
            lon_corners: ((*rows, "vertices"), lon_c % 360),
        },
    )
    described(data, depth, calendar, unit, bounds).to_netcdf(tmp_path / "Omon.nc")
    both = [{"path": str(tmp_path / "Omon.nc"), "variables": {"thetao": "thetao", "so": "so"}}]
    planned = plan(recipe("", regular(20), sources=both))
    assert planned.axis.calendar == {"gregorian": "proleptic_gregorian"}.get(calendar, calendar)
    np.testing.assert_allclose(planned.variables["thetao"].levels.edges, FACES)
    found = Way.of(planned).fields(slice(0, 1))["thetao"][0]
    lon, lat = np.meshgrid(np.arange(10, 360, 20.0), np.arange(-50, 60, 20.0))
    difference = np.abs(found - warmth(lon, lat))
    coast = (lon > 180) & (lon < 260) & (lat < 0)
    assert np.isnan(found).mean() < 0.05 and difference[:, ~coast].max() < 0.1 and np.nanmax(difference) < 0.5
