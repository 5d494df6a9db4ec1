"""Forecasts under dated records of the surface: their own window each, anomalies that persist, and what is refused."""

import json

import numpy as np
import pytest
import xarray as xr
from dated_stores import dated

import ocean_gcm as og
from ocean_gcm.cli import main
from ocean_gcm.forcing.analytic import acc_stress
from ocean_gcm.forecasts import members

STARTS = {"start": "0001-01-04", "every": "P2D", "count": 2}
HOURS = np.arange(5, 24 * 9, 10.0)  # two or three of them in a day


@pytest.fixture(scope="module")
def steady(model):
    """The stress of the model's year."""
    return acc_stress(model.grid.geometry.y["T"], 0.1)


@pytest.fixture
def winds(model, tmp_path):
    def write(east, name="winds.zarr"):
        east = np.broadcast_to(east, (len(HOURS), *model.grid.wet.shape))
        data = dated(model.grid, model.config, {"tauuo": east, "tauvo": 0 * east}, HOURS)
        data.to_zarr(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def climatological(forecast, tmp_path_factory):
    return forecast(tmp_path_factory.mktemp("year") / "forecasts.zarr", **STARTS)[0]


def assert_same(a, b):
    for name in ("zos", "uo"):
        np.testing.assert_allclose(a[name], b[name], rtol=1e-6, atol=1e-9)


def test_the_year_as_a_window_changes_nothing(forecast, winds, steady, climatological, tmp_path):
    made, said = forecast(tmp_path / "forecasts.zarr", forcing=winds(steady), **STARTS)
    assert_same(made, climatological)
    assert "wind_stress of small winds (window)" in said
    found = json.loads(made.attrs["forcing"])
    assert found["mode"] == "window" and found["data"] == "small winds" and str(tmp_path) not in str(made.attrs)
    assert json.loads(climatological.attrs["forcing"]) == {"mode": "repeating year"}


def test_every_start_has_its_own_window_and_one_program_serves_all(forecast, winds, steady, climatological, tmp_path):
    store = winds(steady * np.linspace(1, 4, len(HOURS))[:, None, None])
    before = members._advance._cache_size()
    both, _ = forecast(tmp_path / "both.zarr", forcing=store, **STARTS)
    assert members._advance._cache_size() - before <= 1
    alone, _ = forecast(tmp_path / "alone.zarr", forcing=store, **{**STARTS, "start": "0001-01-06", "count": 1})
    xr.testing.assert_equal(both.isel(init_time=1), alone.isel(init_time=0))
    first, second = (float(abs(both.uo - climatological.uo).isel(init_time=n, lead=0).max()) for n in (0, 1))
    assert second > first > 1e-5
    found, _ = forecast(tmp_path / "both.zarr", forcing=store, resume=True, **STARTS)
    xr.testing.assert_identical(found, both)
    with pytest.raises(og.UserError, match="forcing .*window.*, expected .*repeating year"):
        forecast(tmp_path / "both.zarr", resume=True, **STARTS)


def test_nothing_after_the_start_is_read_where_anomalies_persist(forecast, winds, steady, climatological, tmp_path):
    unknown = np.where(HOURS[:, None, None] > 24 * 5, np.nan, 1.0)  # after the second start
    settings = {"path": winds(steady * unknown), "mode": "persisted", "memory": "P3D"}
    made, _ = forecast(tmp_path / "forecasts.zarr", forcing=settings, **STARTS)
    assert_same(made, climatological)  # the anomaly is zero
    with pytest.raises(og.UserError, match="tauuo of .* is missing in .* wet cells at 0001-01-06 "):
        forecast(tmp_path / "window.zarr", forcing=settings["path"], **STARTS)


def test_windows_must_last(forecast, winds, steady, tmp_path):
    with pytest.raises(og.UserError, match="expected some from 0001-01-04 00:00:00 to 0001-01-14"):
        forecast(tmp_path / "forecasts.zarr", forcing=winds(steady), **{**STARTS, "lead": "P10D"})
    assert not (tmp_path / "forecasts.zarr").exists()


def test_options_without_a_store(capsys):
    arguments = ["forecast", "nowhere.yaml", "--initial", "a", "--start", "0001-01-04", "--output", "b"]
    assert main([*arguments, "--forcing-mode", "persisted"]) == 2
    assert "--forcing-mode needs --forcing" in capsys.readouterr().err
