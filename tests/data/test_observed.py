"""The observed climatologies themselves, where OCEAN_GCM_DATA names their directory."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ocean_gcm.config import load_config
from ocean_gcm.data import bathymetry, climatology, units
from ocean_gcm.forcing.build import build_forcing
from ocean_gcm.grid.build import build_grid_from_config
from ocean_gcm.initial import initial_fields

pytestmark = pytest.mark.skipif(
    not os.environ.get("OCEAN_GCM_DATA"), reason="OCEAN_GCM_DATA is not set: the observed data are not here"
)
CONFIG = Path(__file__).parents[2] / "configs" / "global_4deg_observed.yaml"


def path(name):
    return "${OCEAN_GCM_DATA}/" + name


@pytest.fixture(scope="module")
def config():
    return load_config(CONFIG)


@pytest.fixture(scope="module")
def grid(config):
    return build_grid_from_config(config.grid, config.bathymetry)


@pytest.fixture(scope="module")
def forcing(config, grid):
    return build_forcing(config.surface, grid, equation_of_state="teos10", dtype=np.float64)


@pytest.fixture(scope="module")
def source():
    with xr.open_dataset(os.path.expandvars(path("global_4deg.nc"))) as dataset:
        yield dataset.load()


def zonal_mean(field, mask):
    weight = mask.sum(-1)
    return np.where(weight > 0, (np.asarray(field).mean(0) * mask).sum(-1) / np.maximum(weight, 1), np.nan)


def test_every_wet_column_of_the_source_is_wet(grid, source):
    np.testing.assert_array_equal(grid.wet, source.mask == 1)
    volume = (source.hfac_c * source.dz * source.area).sum()
    assert abs(grid.volume.sum() / float(volume) - 1) < 1e-3


def test_stress_moves_from_western_and_southern_to_eastern_and_northern_faces(forcing, grid, source):
    expected = np.where(grid.mask_u[0], np.roll(source.taux.values, -1, -1), 0.0)
    np.testing.assert_array_equal(forcing.stress_x, expected)
    expected = np.where(grid.mask_v[0], np.roll(source.tauy.values, -1, -2), 0.0)
    np.testing.assert_array_equal(forcing.stress_y, expected)


def test_trades_blow_westward_and_westerlies_eastward(forcing, grid):
    latitude, stress = grid.geometry.y["T"][:, 0], zonal_mean(forcing.stress_x, grid.mask_u[0])
    assert 0.15 < np.nanmax(stress[(latitude < -40) & (latitude > -60)]) < 0.25
    assert -0.08 < np.nanmin(stress[np.abs(latitude) < 25]) < -0.05
    assert 0.05 < np.nanmax(stress[(latitude > 35) & (latitude < 55)]) < 0.15


def test_heat_enters_in_the_tropics_and_in_summer(forcing, grid):
    latitude, heat = grid.geometry.y["T"][:, 0], np.asarray(forcing.heat_flux)
    assert zonal_mean(heat, grid.wet)[np.abs(latitude) < 4].min() > 20
    north = (latitude > 30) & (latitude < 60)
    assert heat[6][north][grid.wet[north]].mean() > 100 and heat[0][north][grid.wet[north]].mean() < -100
    assert forcing.record_times[0] == 0.5 / 12


def test_heat_flux_agrees_with_an_independent_climatology(forcing, grid):
    ships, _, _ = climatology.read_surface(
        path("heat_budget_esbensen_kushnir_4x5deg.nc"), "hfds", grid, units.HEAT_FLUX, missing="nearest"
    )
    wet = grid.wet
    assert np.corrcoef(ships[:, wet].ravel(), np.asarray(forcing.heat_flux)[:, wet].ravel())[0, 1] > 0.8


def test_rain_falls_in_the_itcz_and_water_leaves_the_subtropics(forcing, grid):
    latitude, water = grid.geometry.y["T"][:, 0], zonal_mean(forcing.freshwater_flux, grid.wet)
    assert np.nanmax(water[(latitude > 2) & (latitude < 10)]) > 1e-5
    assert np.nanmin(water[np.abs(latitude + 20) < 6]) < -1e-5


def test_fluxes_balance_over_the_year(forcing, grid):
    area = np.where(grid.wet, grid.geometry.area["T"], 0.0)
    for flux in (forcing.heat_flux, forcing.freshwater_flux):
        mean = np.asarray(flux).mean(0)
        assert abs((mean * area).sum()) < 1e-12 * (abs(mean) * area).sum()


def test_targets_and_start_are_not_colder_than_freezing(config, forcing, grid, source):
    assert np.asarray(forcing.sst)[:, grid.wet].min() > -2.0
    assert float(source.sst.min()) < -4.0  # as it stands in the source
    start = initial_fields(config.initial, grid, config.dynamics.equation_of_state)
    assert -2.0 < start["temperature"][grid.mask].min() < -1.7
    mean = (start["temperature"] * grid.volume).sum() / grid.volume.sum()
    assert 3.4 < mean < 3.8
    assert start["salinity"][grid.mask].min() > 25


def test_another_climatology_on_this_grid_is_close(config, grid):
    woa = climatology.read_tracers(
        path("woa18_annual_5deg.nc"), grid, temperature="thetao", salinity="so", missing="nearest"
    )
    start = initial_fields(config.initial, grid, config.dynamics.equation_of_state)
    weight = grid.volume / grid.volume.sum()
    assert np.sqrt((weight * (woa["temperature"] - start["temperature"]) ** 2).sum()) < 0.8
    assert np.sqrt((weight * (woa["salinity"] - start["salinity"]) ** 2).sum()) < 0.2


def test_relief_of_another_resolution(grid):
    depth = bathymetry.read(path("etopo_third_degree.nc"), "topo", grid.geometry)
    assert 5000 < depth.max() < 8000
    both = (depth > 0) & grid.wet
    assert both.sum() / grid.wet.sum() > 0.95
    assert np.corrcoef(depth[both], grid.depth[both])[0, 1] > 0.85
