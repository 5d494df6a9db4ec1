"""CF output: names, units, coordinates, masks, and the conversion of temperature and salinity."""

import gsw
import numpy as np
import pytest
import xarray as xr

from ocean_gcm.config import config_from_dict
from ocean_gcm.data import output
from ocean_gcm.data.derived import vertical_velocity
from ocean_gcm.data.variables import VARIABLES
from ocean_gcm.grid.build import build_grid_from_config


def configuration(equation="teos10", geometry="sphere"):
    plane = {"x": [0, 8e5], "y": [0, 6e5]} if geometry == "plane" else {"x": [0, 80], "y": [-60, 60]}
    return config_from_dict(
        {
            "name": "small",
            "grid": {"geometry": geometry, "nx": 8, "ny": 6, **plane, "periodic_x": True}
            | {"levels": {"thickness": [100, 300, 600]}},
            "bathymetry": {"kind": "flat", "depth": 1000, "walls": [{"x": plane["x"], "y": [-60, -41]}]},
            "initial": {"kind": "linear"},
            "dynamics": {"equation_of_state": {"kind": equation}},
            "tracers": {"dye": {"kind": "uniform"}},
            "time": {"step": "PT2H"},
        }
    )


def fields_on(grid, records=2):
    random = np.random.default_rng(0)
    shape = (records, *grid.shape)
    return {
        "temperature": random.normal(10, 3, shape) * grid.mask,
        "salinity": random.normal(35, 1, shape) * grid.mask,
        "u": random.normal(0, 0.1, shape) * grid.mask_u,
        "v": random.normal(0, 0.1, shape) * grid.mask_v,
        "sea_surface_height": random.normal(0, 0.3, shape[:1] + shape[2:]) * grid.wet,
        "dye": np.ones(shape),
    }


@pytest.fixture(scope="module")
def case():
    config = configuration()
    grid = build_grid_from_config(config.grid, config.bathymetry)
    fields = fields_on(grid)
    day = 86400.0
    bounds = np.array([[0, 30], [30, 60]]) * day
    return grid, config, fields, output.dataset_from_fields(grid, config, fields, bounds.mean(1), bounds)


def test_every_variable_has_names_units_and_coordinates(case):
    grid, config, _, dataset = case
    for name in [*VARIABLES, "dye"]:
        assert dataset[name].attrs["units"] and dataset[name].attrs["long_name"]
        assert dataset[name].attrs["cell_methods"] == "time: mean"
    assert dataset.thetao.dims == ("time", "lev", "lat", "lon")
    assert dataset.uo.dims == ("time", "lev", "lat", "lon_u")
    assert dataset.vo.dims == ("time", "lev", "lat_v", "lon")
    assert dataset.wo.dims == ("time", "lev_w", "lat", "lon")
    assert dataset.lat.attrs["standard_name"] == "latitude" and dataset.lat.attrs["units"] == "degrees_north"
    assert dataset.lev.attrs["positive"] == "down"
    np.testing.assert_array_equal(dataset.lon_u, np.arange(10, 81, 10))
    np.testing.assert_array_equal(dataset.lat_bnds[0], [-60, -40])
    np.testing.assert_array_equal(dataset.lev_bnds[:, 1], [100, 400, 1000])
    assert str(dataset.time.values[0]) == "0001-01-16 00:00:00"
    assert str(dataset.time_bnds.values[1, 1]) == "0001-03-02 00:00:00"


def test_land_is_nan_and_water_is_not(case):
    grid, _, _, dataset = case
    assert not grid.mask.all()
    for name, mask in [("thetao", grid.mask), ("uo", grid.mask_u), ("vo", grid.mask_v), ("zos", grid.wet)]:
        np.testing.assert_array_equal(np.isfinite(dataset[name].values[0]), mask)


def test_temperature_and_salinity_are_converted(case):
    grid, _, fields, dataset = case
    salinity, temperature = fields["salinity"], fields["temperature"]
    wet = grid.mask
    expected = gsw.pt_from_CT(salinity[:, wet], temperature[:, wet])
    np.testing.assert_allclose(dataset.thetao.values[:, wet], expected, rtol=1e-14)
    np.testing.assert_allclose(dataset.so.values[:, wet], gsw.SP_from_SR(salinity[:, wet]), rtol=1e-14)
    np.testing.assert_array_equal(dataset.tos, dataset.thetao.isel(lev=0))


def test_linear_equation_of_state_changes_nothing():
    config = configuration("linear", "plane")
    grid = build_grid_from_config(config.grid, config.bathymetry)
    fields = fields_on(grid, 1)
    dataset = output.dataset_from_fields(grid, config, fields, np.array([0.0]))
    np.testing.assert_array_equal(dataset.thetao.values[0][grid.mask], fields["temperature"][0][grid.mask])
    assert dataset.thetao.dims == ("time", "lev", "y", "x")
    assert dataset.x.attrs["units"] == "m"
    assert dataset.thetao.attrs["cell_methods"] == "time: point"


def test_series_are_the_weighted_means(case):
    grid, _, fields, dataset = case
    stretch = 1 + fields["sea_surface_height"][0] / np.where(grid.wet, grid.depth, 1)
    volume = grid.volume * stretch
    np.testing.assert_allclose(dataset.volo[0], volume.sum())
    thetao = np.nan_to_num(dataset.thetao.values[0])
    np.testing.assert_allclose(dataset.thetaoga[0], (thetao * volume).sum() / volume.sum())


def test_vertical_velocity_closes_every_cell(case):
    """What flows into a cell from its sides leaves through its upper face."""
    grid, _, fields, _ = case
    u, v = fields["u"], fields["v"]
    w = vertical_velocity(grid, u, v) * grid.geometry.area["T"]
    below = np.concatenate([w[:, 1:], np.zeros_like(w[:, :1])], 1)
    east, north = u * grid.thickness_u * grid.geometry.dy["U"], v * grid.thickness_v * grid.geometry.dx["V"]
    north_before = np.concatenate([np.zeros_like(north[..., :1, :]), north[..., :-1, :]], -2)
    divergence = east - np.roll(east, 1, -1) + north - north_before + w - below
    np.testing.assert_allclose(divergence[:, grid.mask], 0, atol=1e-12 * np.abs(east).max())


def test_dataset_is_written_and_read_by_xarray(case, tmp_path):
    dataset = case[3]
    dataset.to_netcdf(tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc") as again:
        np.testing.assert_array_equal(again.thetao, dataset.thetao)
        assert again.time.values[0] == dataset.time.values[0]
