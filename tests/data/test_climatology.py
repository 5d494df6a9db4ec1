"""Tracers and surface fields from a file."""

import gsw
import numpy as np
import pytest
import xarray as xr

from ocean_gcm.data import climatology, units
from ocean_gcm.errors import UserError
from ocean_gcm.grid.geometry import sphere
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology


def tracers(path, grid, **keywords):
    keywords = {"temperature": "theta", "salinity": "salt", "equation_of_state": "linear", **keywords}
    return climatology.read_tracers(path, grid, **keywords)


def test_own_values_on_own_grid(dataset, grid, write):
    out = tracers(write(dataset), grid, record=3)
    np.testing.assert_allclose(out["temperature"], np.nan_to_num(dataset.theta[3]), atol=1e-13)
    np.testing.assert_allclose(out["salinity"], np.nan_to_num(dataset.salt[3]), atol=1e-13)
    mean = tracers(write(dataset), grid)
    np.testing.assert_allclose(mean["temperature"], np.nan_to_num(dataset.theta.mean("month")), atol=1e-12)


def test_conservative_temperature_and_absolute_salinity(dataset, grid, write):
    out = tracers(write(dataset), grid, record=0, equation_of_state="teos10")
    absolute = dataset.salt[0].values * 35.16504 / 35
    wet = grid.mask
    np.testing.assert_allclose(out["salinity"][wet], absolute[wet], rtol=1e-13)
    np.testing.assert_allclose(
        out["temperature"][wet], gsw.CT_from_pt(absolute, dataset.theta[0].values)[wet], rtol=1e-13
    )
    assert (out["temperature"][~wet] == 0).all()


def test_what_is_conservative_and_absolute_already_stays(dataset, grid, write):
    dataset.theta.attrs["standard_name"] = "sea_water_conservative_temperature"
    dataset.salt.attrs["standard_name"] = "sea_water_absolute_salinity"
    path = write(dataset)
    out = tracers(path, grid, record=0, equation_of_state="teos10")
    np.testing.assert_allclose(out["temperature"], np.nan_to_num(dataset.theta[0]), atol=1e-13)
    linear = tracers(path, grid, record=0)
    wet = grid.mask
    np.testing.assert_allclose(linear["salinity"][wet], dataset.salt[0].values[wet] * 35 / 35.16504, rtol=1e-13)


def test_in_situ_temperature_becomes_potential(dataset, grid, write):
    dataset.theta.attrs["standard_name"] = "sea_water_temperature"
    out = tracers(write(dataset), grid, record=0)
    difference = np.nan_to_num(dataset.theta[0]) - out["temperature"]
    assert 0.02 < difference[2][grid.mask[2]].mean() < 0.08  # some 0.04 K at 250 m
    assert (np.abs(difference[0]) < 0.01).all()


def test_kelvin(dataset, grid, write):
    expected = tracers(write(dataset), grid)
    with xr.set_options(keep_attrs=True):
        dataset["theta"] = (dataset.theta + 273.15).assign_attrs(units="K")
    np.testing.assert_allclose(tracers(write(dataset), grid)["temperature"], expected["temperature"], atol=1e-10)


def test_other_levels_and_grid(dataset, write):
    geometry = sphere(np.linspace(0, 360, 24), np.linspace(-45, 45, 16), Topology(periodic_x=True))
    depth = np.full(geometry.shape, 300.0)
    depth[:, 7:12] = 0.0
    grid = build_grid(geometry, Levels(np.full(10, 30.0)), depth)
    out = tracers(write(dataset), grid, missing="nearest")
    lon, lat = geometry.x["T"], geometry.y["T"]
    expected = 25.0 - 0.3 * np.abs(lat) + 0.01 * lon - 0.02 * np.maximum(grid.levels.centres, 25.0)[:, None, None]
    inside = grid.mask & (lon > 15) & (lon < 340) & (np.abs(lat) > 10)
    inside &= ((lon < 100) | (lon > 185)) & ((lat > 20) | (lat < -10)) & (grid.levels.centres < 250)[:, None, None]
    assert inside.sum() > 500
    np.testing.assert_allclose(out["temperature"][inside], expected[inside], atol=1e-9)
    assert out["salinity"][grid.mask].min() > 34 and np.isfinite(out["temperature"]).all()


def test_water_is_never_colder_than_freezing(dataset, grid, write):
    with xr.set_options(keep_attrs=True):
        dataset["theta"] = np.maximum(dataset.theta - 22.0, -5.0)
    out = tracers(write(dataset), grid, record=0)["temperature"][grid.mask]
    assert -2.0 < out.min() < -1.85


def test_nearest_fills_what_is_missing(dataset, grid, write):
    dataset["theta"][:, :, 3, 8] = np.nan
    dataset["theta"][:, 2] = np.nan
    path = write(dataset)
    with pytest.raises(
        UserError, match="is missing at .* wet points of the grid, first at longitude 255, latitude -15"
    ):
        tracers(path, grid)
    out = tracers(path, grid, missing="nearest")["temperature"]
    assert np.isin(out[0, 3, 8], out[0, 2:5, 7:10].ravel()) and out[0, 3, 8] > 0
    np.testing.assert_allclose(out[2][grid.mask[2]], out[1][grid.mask[2]])


def test_fluxes_point_into_the_ocean(dataset, grid, write):
    path, wet = write(dataset), grid.wet
    heat, times, _ = climatology.read_surface(path, "qnet", grid, units.HEAT_FLUX)
    np.testing.assert_allclose(heat[:, wet], dataset.qnet.values[:, wet])
    water, _, _ = climatology.read_surface(path, "emp", grid, units.WATER_FLUX)
    np.testing.assert_allclose(water[:, wet], -dataset.emp.values[:, wet])
    assert len(times) == 12 and times[0] == pytest.approx(0.5 / 12)
    assert (heat[:, ~wet] == 0).all()


def test_direction_of_a_flux_must_be_known(dataset, grid, write):
    del dataset.qnet.attrs["standard_name"]
    path = write(dataset)
    with pytest.raises(UserError, match="positive into or out of the ocean"):
        climatology.read_surface(path, "qnet", grid, units.HEAT_FLUX)
    down, _, _ = climatology.read_surface(path, "qnet", grid, units.HEAT_FLUX, downward=True)
    up, _, _ = climatology.read_surface(path, "qnet", grid, units.HEAT_FLUX, downward=False)
    np.testing.assert_array_equal(down, -up)
    with pytest.raises(UserError, match="expected them to agree"):
        climatology.read_surface(path, "emp", grid, units.WATER_FLUX, downward=True)


def test_stress_of_western_and_southern_faces_lands_on_eastern_and_northern_ones(dataset, grid, write):
    path = write(dataset)
    x, _, _ = climatology.read_surface(path, "taux", grid, units.STRESS, place="U")
    y, _, _ = climatology.read_surface(path, "tauy", grid, units.STRESS, place="V")
    np.testing.assert_array_equal(x, np.where(grid.mask_u[0], np.roll(dataset.taux, -1, -1), 0.0))
    north = np.roll(dataset.tauy, -1, -2)
    np.testing.assert_array_equal(y, np.where(grid.mask_v[0], north, 0.0))


def test_zarr_store(dataset, grid, tmp_path, write):
    dataset.to_zarr(tmp_path / "ocean.zarr", consolidated=False)
    out = tracers(tmp_path / "ocean.zarr", grid)
    np.testing.assert_array_equal(out["temperature"], tracers(write(dataset), grid)["temperature"])


def test_all_records_with_their_times(dataset, grid, write):
    path = write(dataset)
    records, times = climatology.read_tracer_records(path, grid, temperature="theta", salinity="salt")
    assert records["temperature"].shape == (12, *grid.shape) and times[0] == pytest.approx(0.5 / 12)
    one = climatology.read_tracers(path, grid, temperature="theta", salinity="salt", record=7)
    for name, field in one.items():
        np.testing.assert_array_equal(records[name][7], field)
    with pytest.raises(UserError, match="has one record; expected the records of a year"):
        climatology.read_tracer_records(
            write(dataset.isel(month=[0]), "one.nc"), grid, temperature="theta", salinity="salt"
        )
