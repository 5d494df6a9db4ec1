"""States on other grids: masks, contents, and the way there and back."""

import types

import jax
import numpy as np
import pytest
import xarray as xr

import ocean_gcm as og
from ocean_gcm.data.output import dataset_from_fields
from ocean_gcm.errors import UserError
from ocean_gcm.grid.geometry import plane
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology


@pytest.fixture(scope="module")
def state(dataset, model):
    return og.Encoder.for_dataset(dataset, model)(dataset)


def decoded(model, state, **grid):
    return og.Decoder.for_grid(model, **grid)(state)


@pytest.fixture(scope="module")
def there(model, state):
    """On the cells of the model itself."""
    fields = {name: np.zeros((1, *model.grid.shape)) for name in ("temperature", "salinity")}
    own = dataset_from_fields(model.grid, model.config, fields, np.zeros(1), names=("thetao", "so"))
    own = own.where(xr.DataArray(model.grid.mask, dims=("lev", "lat", "lon")))
    return og.Decoder.for_dataset(own + 1.0, model)(state)


def test_on_the_cells_of_the_model_tracers_and_sea_level_are_those_of_the_state(model, state, there):
    grid = model.grid
    expected = {"thetao": state.ocean.temperature, "so": state.ocean.salinity}
    thick = grid.thickness >= 0.5 * grid.levels.thickness[:, None, None]  # thinner ones are land
    for name, array in expected.items():
        np.testing.assert_allclose(there[name].values[thick], np.asarray(array)[thick], rtol=1e-12)
        assert np.isnan(there[name].values[~thick]).all()
    np.testing.assert_allclose(there.zos.values[grid.wet], np.asarray(state.ocean.sea_surface_height)[grid.wet])
    assert there.thetao.dims == ("depth", "lat", "lon")
    assert there.uo.attrs["standard_name"] == "eastward_sea_water_velocity" and there.uo.attrs["units"] == "m s-1"


def test_way_there_and_back(model, state, there):
    """Tracers return where the cell was known; velocities, from faces to centres and back, are smoothed."""
    back = og.Encoder.for_dataset(there, model)(there).ocean
    grid = model.grid
    thick = grid.thickness >= 0.5 * grid.levels.thickness[:, None, None]
    for name in ("temperature", "salinity"):
        np.testing.assert_allclose(getattr(back, name)[thick], getattr(state.ocean, name)[thick], rtol=1e-10)
        assert np.abs(np.asarray(getattr(back, name) - getattr(state.ocean, name)))[grid.mask].mean() < 0.05
    np.testing.assert_allclose(back.sea_surface_height, state.ocean.sea_surface_height, atol=1e-12)
    inside = grid.mask_u & np.roll(grid.mask_u, 1, -1) & np.roll(grid.mask_u, -1, -1)
    u, there_u = np.asarray(back.u), np.asarray(state.ocean.u)
    assert np.abs(u - there_u)[inside].mean() < 0.15 * np.abs(there_u[inside]).mean()


def test_heat_is_kept_on_a_finer_grid_and_land_is_missing(model, state):
    nx, ny = model.grid.shape[2], model.grid.shape[1]
    lon, lat = ((np.arange(2 * n) + 0.5) * size / (2 * n) + start for n, size, start in ((nx, 360, 0), (ny, 128, -64)))
    depth = np.arange(25.0, 1000.0, 50.0)
    fine = decoded(model, state, longitude=lon, latitude=lat, depth=depth)
    wet = np.isfinite(fine.thetao.values)
    assert 0.5 < wet.mean() < 1.0
    edges = np.sin(np.deg2rad(np.linspace(-64, 64, 2 * ny + 1)))
    radius_squared = model.grid.geometry.area["T"].sum() / (2 * np.pi * (edges[-1] - edges[0]))
    area = radius_squared * np.diff(edges)[:, None] * 2 * np.pi / (2 * nx)
    flat = model.grid.depth == 1000.0  # columns without a partial cell
    columns = np.kron(flat, np.ones((2, 2), bool))
    found = (np.where(wet & columns, fine.thetao.values, 0) * 50.0 * area).sum()
    expected = (np.asarray(state.ocean.temperature) * model.grid.volume * flat).sum()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_leading_axes_become_dimensions_with_times(model, state, dataset):
    decoder = og.Decoder.for_dataset(dataset, model)
    states = jax.tree.map(lambda a: np.stack([a, a, a]), state)
    found = decoder(states)
    assert found.thetao.dims == ("time", "depth", "lat", "lon") and found.sizes["time"] == 3
    assert found.time.values[0].strftime("%Y-%m-%d") == "0001-01-01"
    np.testing.assert_array_equal(found.lat, dataset.lat)
    members = decoder(states, dims=("member",))
    assert members.zos.dims == ("member", "lat", "lon") and "time" not in members.coords
    np.testing.assert_array_equal(members.thetao[1], found.thetao[1])
    with pytest.raises(UserError, match="expected 1 names"):
        decoder(states, dims=("member", "time"))


def test_depths_without_bounds_are_places(model):
    """The state at rest is linear in depth: so are its values at uneven depths, between the middles of its cells."""
    start = model.initial_state()
    depth = np.array([60.0, 130.0, 180.0, 220.0, 380.0, 420.0])
    found = og.Decoder.for_grid(model, longitude=[15.0], latitude=[8.0], depth=depth)(start)
    np.testing.assert_allclose(found.thetao.values[1:5, 0, 0], 20.0 - 0.01 * depth[1:5], atol=1e-9)
    assert "depth_bnds" not in found and "lat_bnds" in found


def test_longitudes_and_latitudes_stay_as_the_data_set_has_them(model, state, dataset):
    west = (dataset.lon.values + 180) % 360 - 180
    turned = dataset.assign_coords(lon=("lon", west, dataset.lon.attrs)).sortby("lon").isel(lat=slice(None, None, -1))
    there, straight = (og.Decoder.for_dataset(d, model)(state) for d in (turned, dataset))
    np.testing.assert_array_equal(there.lon, turned.lon)
    np.testing.assert_array_equal(there.lat, turned.lat)
    back = there.sortby("lat").assign_coords(lon=there.lon % 360).sortby("lon")
    for name in ("thetao", "uo", "zos"):
        np.testing.assert_allclose(back[name], straight[name], atol=1e-12)
    assert ((there.lon_bnds[:, 0] < there.lon) & (there.lon < there.lon_bnds[:, 1])).all()
    assert ((there.lat_bnds[:, 0] < there.lat) & (there.lat < there.lat_bnds[:, 1])).all()


def test_a_plane_that_repeats_is_said_to(model):
    around = Topology(periodic_x=True)
    channel = Grid(
        plane(1e4 * np.arange(9), 1e4 * np.arange(7), around), Levels(np.array([50.0])), np.full((1, 6, 8), 50.0)
    )
    decoder = og.Decoder.for_grid(
        types.SimpleNamespace(grid=channel, dtype=model.dtype, config=model.config),
        longitude=5e3 * (np.arange(16) + 0.5), latitude=1e4 * (np.arange(6) + 0.5), depth=[25.0],
    )  # fmt: skip
    found = decoder.described({"sea_surface_height": np.zeros((6, 16))}, ())
    assert found.x.attrs["period"] == 8e4 and "period" not in found.y.attrs


def test_a_grid_must_ascend(model):
    with pytest.raises(UserError, match=r"latitude is \[10. *5.\]; expected ascending numbers"):
        og.Decoder.for_grid(model, longitude=[0, 10], latitude=[10, 5], depth=[5.0])


def test_layers_know_no_analyses(dataset):
    layers = og.build_model(og.load_config("configs/qg_eddy.yaml", overrides=["grid.nx=16"]))
    for build in (og.Encoder.for_dataset, og.Decoder.for_dataset):
        with pytest.raises(UserError, match="an analysis needs the core finite_volume; the configuration qg_eddy has"):
            build(dataset, layers)
    with pytest.raises(UserError, match="a decoder needs the core finite_volume"):
        og.Decoder.for_grid(layers, longitude=[0.0], latitude=[0.0], depth=[0.0])
