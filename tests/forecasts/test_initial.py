"""Where forecasts begin: states as they are, analyses through the encoder, and what is refused."""

import numpy as np
import pytest
import xarray as xr
from encoding_cases import analysis

import ocean_gcm as og
from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.initial import OtherGrid, OwnGrid, open_initial


def test_states_on_the_grid_are_taken_exactly(model, states, initial):
    data = open_initial(initial, model)
    assert isinstance(data, OwnGrid) and len(data.dates) == 8
    ocean = data.ocean(3)
    for name, array in states.items():
        np.testing.assert_array_equal(getattr(ocean, name), array[3], err_msg=name)


def test_states_may_have_another_calendar(model, dataset, states, tmp_path):
    days = xr.date_range("2019-01-02", periods=8, freq="D", calendar="standard", use_cftime=True)
    dataset.assign_coords(time=days).to_zarr(tmp_path / "real.zarr")
    data = open_initial(tmp_path / "real.zarr", model)
    assert data.dates[0].calendar == "standard"
    np.testing.assert_array_equal(data.ocean(0).temperature, states["temperature"][0])


def test_of_a_run_the_store_with_states(model, dataset, states, tmp_path):
    (tmp_path / "config.yaml").write_text(model.config.to_yaml())
    dataset[["zos"]].to_zarr(tmp_path / "snapshots.zarr")
    with pytest.raises(UserError, match="has no output with uo, vo"):
        open_initial(tmp_path, model)
    dataset.to_zarr(tmp_path / "output.zarr")
    np.testing.assert_array_equal(open_initial(tmp_path, model).ocean(2).v, states["v"][2])


def records(number=3):
    one = analysis()
    series = xr.concat([one.assign(thetao=one.thetao + 0.1 * n) for n in range(number)], "time")
    for name in one.data_vars:
        series[name].attrs = one[name].attrs
    return series.assign_coords(time=xr.date_range("2019-01-02T12:00", periods=number, freq="7D"))


def test_analyses_go_through_the_encoder(model, tmp_path, forecast):
    series = records()
    path = tmp_path / "analyses.nc"
    series.to_netcdf(path)
    data = open_initial(path, model)
    assert isinstance(data, OtherGrid)
    first, second = data.ocean(0), data.ocean(1)
    np.testing.assert_allclose((second.temperature - first.temperature)[model.grid.mask], 0.1, atol=1e-9)
    level = series.thetao[0, 1].interp(lat=8.0, lon=225.0)
    np.testing.assert_allclose(first.temperature[0, 4, 7], level, atol=1.0)
    assert np.abs(first.u).max() > 0.05
    made, _ = forecast(tmp_path / "f.zarr", initial=path, start="2019-01-02", every="P7D", count=2)
    assert made.init_time.dtype.kind == "M" and str(made.init_time.values[1])[:13] == "2019-01-09T12"
    assert np.isfinite(made.thetao.values[..., model.grid.mask]).all()
    broken = series.copy(deep=True)
    broken.thetao[1, 0, 7, 2] = np.nan
    broken.to_netcdf(tmp_path / "broken.nc")
    with pytest.raises(UserError, match="missing at 1 points that had values"):
        forecast(tmp_path / "g.zarr", initial=tmp_path / "broken.nc", start="2019-01-02", every="P7D", count=2)


def test_states_without_velocity_begin_at_rest(model, dataset, states, tmp_path):
    dataset.drop_vars(["uo", "vo"]).to_zarr(tmp_path / "resting.zarr")
    ocean = open_initial(tmp_path / "resting.zarr", model, encode=True).ocean(1)
    assert not np.asarray(ocean.u).any()
    np.testing.assert_allclose(ocean.temperature, states["temperature"][1], atol=1e-5)


def test_what_is_refused(model, dataset, tmp_path):
    def refused(changed, words, name):
        changed.to_zarr(tmp_path / name)
        with pytest.raises(UserError, match=words):
            open_initial(tmp_path / name, model)

    refused(dataset.isel(lon=slice(0, 6), lon_u=slice(0, 6)), "6 cells along lon; expected 12; --encode takes", "half")
    refused(dataset.drop_vars("uo"), "has no variable uo; .*--encode forecasts begin at rest", "no_velocity")
    refused(dataset.drop_vars("time"), "has no units such as", "no_dates")
    refused(dataset.isel(time=[1, 0]), "do not ascend", "backwards")
    refused(dataset.isel(time=0, drop=True), "no records along time", "no_time")
    with pytest.raises(og.UserError, match="does not exist"):
        open_initial(tmp_path / "nowhere", model)
