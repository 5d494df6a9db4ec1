"""Analyses and climatologies as published, where OCEAN_GCM_DATA names their directory."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import ocean_gcm as og

pytestmark = pytest.mark.skipif(
    not os.environ.get("OCEAN_GCM_DATA"), reason="OCEAN_GCM_DATA is not set: the observed data are not here"
)


def path(name):
    return Path(os.environ["OCEAN_GCM_DATA"]) / name


@pytest.fixture(scope="module")
def model():
    return og.build_model(og.load_config(Path(__file__).parents[2] / "configs" / "global_4deg_observed.yaml"))


def assert_inside(array, mask, values):
    inside = np.asarray(array)[mask]
    assert np.isfinite(inside).all()
    assert np.nanmin(values) - 1e-3 <= inside.min() and inside.max() <= np.nanmax(values) + 1e-3


@pytest.mark.parametrize(
    "file, names, largest",
    [
        ("woa18_annual_5deg.nc", None, 1.2),
        ("global_2p8deg.nc", {"temperature": "theta_annual", "salinity": "salt_annual"}, 2.0),
    ],
)
def test_climatologies_on_the_4_degree_ocean(model, file, names, largest):
    """33 levels of 5 degrees, 15 of 2.8: within their own values, and near the climatology of the model's own grid."""
    encoder = og.Encoder.for_dataset(path(file), model, names)
    arrays = encoder.arrays(path(file))
    ocean, grid = encoder(arrays).ocean, model.grid
    for name in ("temperature", "salinity"):
        assert_inside(getattr(ocean, name), grid.mask, arrays[name][encoder.analysis.wet[name]])
    error = (np.asarray(ocean.temperature) - model.blueprint.initial["temperature"]) * grid.mask
    rmse = np.sqrt((error**2 * grid.volume).sum((1, 2)) / grid.volume.sum((1, 2)))
    assert rmse.max() < largest and rmse[8:].max() < 0.15, rmse
    assert not np.asarray(ocean.u).any()


def test_glorys_on_a_regional_grid_and_back():
    """A day of 12 levels and a third of a degree, south of Iceland, across the meridian of Greenwich."""
    tree = {
        "name": "iceland",
        "grid": {"geometry": "sphere", "nx": 22, "ny": 20, "x": [-16, 6], "y": [48, 68]}
        | {"levels": {"number": 10, "depth": 4500, "surface_thickness": 20}},
        "bathymetry": {"kind": "file", "path": str(path("etopo_third_degree.nc")), "variable": "z", "fill_lakes": True},
        "initial": {"kind": "linear"},
        "time": {"step": "PT1H", "duration": "P1D"},
    }
    with xr.open_dataset(path("etopo_third_degree.nc"), decode_times=False) as file:
        tree["bathymetry"]["variable"] = next(iter(file.data_vars))
    model = og.build_model(og.config.config_from_dict(tree))
    name = path("glorys12_northeast_atlantic_20210629.nc")
    encoder = og.Encoder.for_dataset(name, model)
    arrays, state = encoder.arrays(name), encoder(name)
    grid, wet = model.grid, encoder.analysis.wet
    for field in ("temperature", "salinity"):
        assert_inside(getattr(state.ocean, field), grid.mask, arrays[field][wet[field]])
    assert_inside(state.ocean.sea_surface_height, grid.wet, arrays["sea_surface_height"][wet["sea_surface_height"]])
    assert_inside(state.ocean.u, grid.mask_u, arrays["u"])
    back = og.Decoder.for_dataset(name, model)(state)
    with xr.open_dataset(name) as given:
        given = given.isel(time=0)
        assert back.thetao.shape == given.thetao.shape
        error = (back.thetao - given.thetao).isel(depth=slice(0, 8)).values
        # means over 20 m of a stratified summer
        assert np.sqrt(np.nanmean(error**2)) < 0.5 and abs(np.nanmean(error)) < 0.2
        both = np.isfinite(back.zos.values) & np.isfinite(given.zos.values)
        assert np.corrcoef(back.zos.values[both], given.zos.values[both])[0, 1] > 0.95
