"""Forecasts as a user makes them: what they hold, that neither chance nor interruption changes them, dated surfaces."""

import io
import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
import xarray as xr
from dated_stores import dated
from rich.console import Console
from simulated_devices import environment

import ocean_gcm as og
from ocean_gcm.cli import main
from ocean_gcm.forcing.analytic import acc_stress
from ocean_gcm.forecasts import members
from ocean_gcm.forecasts.members import Members
from ocean_gcm.forecasts.store import locked, store_dates
from ocean_gcm.progress import PieceReport
from ocean_gcm.state import Ocean
from ocean_gcm.stochastic.initial import perturb
from ocean_gcm.weights import export_model

STARTS = {"start": "0001-01-04", "every": "P2D", "count": 2}
OPTIONS = {**STARTS, "statistics": ["mean", "std", 0.25, 0.5]}
FIELDS = ("thetao", "so", "uo", "vo", "zos")
HOURS = np.arange(5, 24 * 9, 10.0)  # of winds, two or three of them in a day


@pytest.fixture(scope="module")
def path_of_whole(tmp_path_factory):
    return tmp_path_factory.mktemp("forecasts") / "whole.zarr"


@pytest.fixture(scope="module")
def whole(forecast, path_of_whole):
    """Two forecasts of three members, two days, with statistics."""
    return forecast(path_of_whole, **OPTIONS)[0]


def by_hand(model, states, day, number, seed=0):
    """The ocean of member `number` after two days."""

    @jax.jit
    def run(ocean):
        key = jax.random.key(seed)
        for part in (2 + day, 0, number):  # days and seconds of the start, member
            key = jax.random.fold_in(key, part)
        start = model.encode(ocean, jdt.Timedelta(jnp.int32(2 + day), jnp.int32(0)), key)
        start = jax.tree.map(lambda a: a[0], perturb(model, start, key, members=1))
        return model.unroll(start, steps=8)[0].ocean

    return run(Ocean(**{name: array[day] for name, array in states.items()}, tracers={}))


def test_members_are_those_of_the_model(whole, model, states):
    expected = by_hand(model, states, 3, 2)
    found = whole.isel(init_time=1, member=2, lead=1)
    for name, array, mask in (
        ("thetao", expected.temperature, model.grid.mask),
        ("vo", expected.v, model.grid.mask_v),
        ("zos", expected.sea_surface_height, model.grid.wet),
    ):
        np.testing.assert_allclose(found[name].values[mask], np.asarray(array)[mask], rtol=1e-6, atol=1e-7)
        assert np.isnan(found[name].values[~mask]).all()


def test_members_differ_and_the_store_says_what_they_are(whole, dataset, model):
    assert dict(whole.thetao.sizes) == {"init_time": 2, "member": 3, "lead": 2, "lev": 4, "lat": 8, "lon": 12}
    assert float(whole.thetao.std("member").mean()) > 1e-3
    assert [str(d)[:10] for d in whole.init_time.values] == ["0001-01-04", "0001-01-06"]
    assert (whole.lead.values == np.array([1, 2], "timedelta64[D]")).all()
    assert (whole.finite_members == 3).all()
    for name in ("lat", "lon_u", "lat_v", "lev", "lev_bnds", "areacello", "thkcello"):
        xr.testing.assert_equal(whole[name].drop_vars("lev_w", errors="ignore"), dataset[name])
    assert whole.attrs["model"] == model.config.name and whole.attrs["seed"] == 0


def test_statistics_are_those_of_the_members(whole):
    for name in FIELDS:
        members = whole[name].astype(float)
        np.testing.assert_allclose(whole[f"{name}_mean"], members.mean("member"), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(whole[f"{name}_std"], members.std("member", ddof=1), rtol=1e-4, atol=2e-6)
        middle = whole[f"{name}_quantile"].sel(quantile=0.5)
        np.testing.assert_allclose(middle, members.median("member"), rtol=1e-6, atol=1e-9)


class Stop(KeyboardInterrupt):
    pass


def test_an_interrupted_forecast_goes_on_as_if_nothing_had_happened(whole, forecast, tmp_path, monkeypatch):
    path, calls = tmp_path / "forecasts.zarr", []
    update = PieceReport.update

    def interrupted(self, *arguments):
        update(self, *arguments)
        calls.append(arguments)
        if len(calls) == 3:  # after the first lead of the second start
            raise Stop

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(PieceReport, "update", interrupted)
        forecast(path, **OPTIONS)
    with xr.open_zarr(path, chunks=None) as partial:
        assert partial.sizes["init_time"] == 1 and np.isfinite(partial.zos_mean).any()
    assert [str(d)[:10] for d in store_dates(path)] == ["0001-01-04"]
    made, said = forecast(path, resume=True, **OPTIONS)
    assert "1 of 2 starts are complete already" in said
    xr.testing.assert_identical(made, whole)
    again, said = forecast(path, resume=True, **OPTIONS)
    assert "2 of 2" in said
    xr.testing.assert_identical(again, whole)


@pytest.mark.parametrize("core", ["ocean", pytest.param("layers", marks=pytest.mark.slow)])
def test_members_do_not_depend_on_the_devices(core):
    command = [sys.executable, str(Path(__file__).with_name("sharded_members.py")), core]
    done = subprocess.run(command, env=environment(2), capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("equal"), done.stdout + done.stderr


def test_a_member_that_fails_is_missing_and_the_others_are_not(forecast, tmp_path, monkeypatch, whole):
    advance = Members.advance

    def broken(self, group, forcing):
        states = group.states
        ocean = states.ocean
        bad = np.where(np.arange(3) == 1, np.nan, 1.0)[:, None, None]
        ocean = ocean.__class__(**{**vars(ocean), "sea_surface_height": ocean.sea_surface_height * bad})
        states = states.__class__(**{**vars(states), "ocean": ocean})
        return advance(self, group.__class__(states, group.forecasts), forcing)

    monkeypatch.setattr(Members, "advance", broken)
    made, said = forecast(tmp_path / "broken.zarr", start="0001-01-04", statistics=["mean", "std"])
    assert "1 of 3 members from 0001-01-04 00:00:00 became not finite before day 1" in said and said.count("warn") == 1
    assert made.thetao.isel(member=1).isnull().all() and (made.finite_members == 2).all()
    for member in (0, 2):
        np.testing.assert_array_equal(made.thetao[:, member], whole.thetao[:1, member])
    np.testing.assert_allclose(made.thetao_mean, made.thetao.mean("member"), rtol=1e-6)


def test_statistics_alone_of_some_levels_from_the_start_on(forecast, tmp_path, whole):
    options = {"levels": [0, 2], "statistics": ["mean"], "keep_members": False, "with_start": True}
    made, _ = forecast(tmp_path / "means.zarr", **options)
    assert "member" not in made.dims and made.sizes["lead"] == 3 and made.sizes["lev"] == 2
    np.testing.assert_array_equal(made.thetao_mean[0, 1:], whole.thetao_mean[0][:, [0, 2]])
    assert np.isfinite(made.zos_mean[0, 0]).any() and float(abs(made.zos_mean[0, 0] - made.zos_mean[0, 1]).max()) > 0


def test_the_command(model, initial, tmp_path, capsys, whole, monkeypatch):
    export_model(model, tmp_path / "exported")
    monkeypatch.setattr(og, "build_model", lambda config: model, raising=False)  # compiled already
    output = str(tmp_path / "command.zarr")
    arguments = ["forecast", str(tmp_path / "exported"), "--initial", str(initial), "--start", "0001-01-04"]
    arguments += ["--members", "3", "--lead", "P2D", "--output", output]
    assert main(arguments) == 0
    assert "1 starts, 3 members, 2 leads" in capsys.readouterr().out
    with xr.open_zarr(output, chunks=None) as made:
        np.testing.assert_allclose(made.thetao, whole.thetao[:1], rtol=1e-6)
        assert made.attrs["model_fingerprint"] == whole.attrs["model_fingerprint"]
    assert main(arguments) == 2
    assert "exists already; --resume goes on with it" in capsys.readouterr().err
    assert main([*arguments, "--resume", "--seed", "1"]) == 2
    assert "seed 0, expected 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, words",
    [
        ({"start": "0002-01-01"}, "is no record of"),
        ({"start": "0001-02-30"}, "is not a date of the calendar noleap"),
        ({"start": "tomorrow"}, "expected YYYY-MM-DD"),
        ({"count": 2}, "needs --every"),
        ({"count": 0}, "--count is 0"),
        ({"every": "P5D", "count": 3}, "start 3 of 3"),
        ({"every": "soon", "count": 3}, "not an ISO-8601 duration"),
        ({"members": 0}, "--members is 0"),
        ({"lead": "PT5H"}, "--lead = PT5H is not a whole number"),
        ({"lead": "P1D", "save": "P2D"}, "not a multiple of --save"),
        ({"save": "PT0H"}, "--save"),
        ({"variables": ["theta"]}, "did you mean 'thetao'"),
        ({"levels": [9]}, "expected some of 0 to 3"),
        ({"depth": 1.0}, "expected at least 50 m"),
        ({"statistics": ["median"]}, "expected mean, std or quantiles"),
        ({"statistics": [2]}, "expected numbers from 0 to 1"),
        ({"keep_members": False}, "nothing would be kept"),
        ({"perturb": "everything"}, "--perturb"),
        ({"seed": -1}, "--seed is -1"),
        ({"chunk": 0}, "--chunk is 0"),
        ({"grid": "1degree"}, "1degree"),
        ({"grid": "7deg"}, "divides 180"),
        ({"initial": "nowhere.zarr"}, "does not exist"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
    ],
)
def test_bad_input(forecast, tmp_path, options, words):
    with pytest.raises(og.UserError, match=words):
        forecast(tmp_path / "forecasts.zarr", **options)
    assert not (tmp_path / "forecasts.zarr").exists()


def test_missing_values_in_wet_cells_are_refused(forecast, dataset, tmp_path):
    broken = dataset.copy(deep=True)
    broken.thetao[1, 0, 4, 1] = np.nan
    broken.to_zarr(tmp_path / "broken.zarr")
    with pytest.raises(og.UserError, match="thetao of .*broken.zarr is nan in 1 wet cells"):
        forecast(tmp_path / "forecasts.zarr", initial=tmp_path / "broken.zarr")


def test_a_file_in_the_way(forecast, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(og.UserError, match="is no Zarr store"):
        forecast(tmp_path / "file")
    with pytest.raises(og.UserError, match="gs://bucket/forecasts.zarr; expected a directory here"):
        forecast("gs://bucket/forecasts.zarr")


def test_two_processes_do_not_write_one_store(forecast, whole, path_of_whole, tmp_path):
    (tmp_path / "link.zarr").symlink_to(path_of_whole)
    with (
        locked(path_of_whole, print),
        pytest.raises(og.UserError, match="another process .* is writing to the output .*link.zarr; wait"),
    ):
        forecast(tmp_path / "link.zarr", resume=True, **OPTIONS)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"start": "0001-01-05"}, "not the first of the 2 starts"),
        ({"variables": ["thetao"]}, "other variables or another grid: so is 3x2x4x8x12, asked for is absent"),
        ({"levels": [0, 1]}, "3x2x4x8x12, asked for is 3x2x2x8x12"),
        ({"statistics": []}, "so_mean is 2x4x8x12, asked for is absent"),
        ({"members": 2}, "members 3, expected 2"),
        ({"perturb": "noise"}, "perturbed 'initial', expected 'noise'"),
        ({"lead": "P1D"}, "lead_seconds"),
    ],
)
def test_other_forecasts_are_not_mixed_in(forecast, whole, path_of_whole, options, words):
    with pytest.raises(og.UserError, match=words):
        forecast(path_of_whole, resume=True, **{**OPTIONS, **options})


def test_progress_says_how_long(monkeypatch):
    monkeypatch.setattr("ocean_gcm.progress._SECONDS_BETWEEN_LINES", 0.0)
    text = io.StringIO()
    with PieceReport(Console(file=text, width=200), 4, "leads") as report:
        report.update(1, "from 0001-01-04 to day 1")
    assert "1 of 4 leads, from 0001-01-04 to day 1  " in text.getvalue() and text.getvalue().endswith("left\n")


@pytest.fixture(scope="module")
def steady(model):
    """The stress of the model's year."""
    return acc_stress(model.grid.geometry.y["T"], 0.1)


@pytest.fixture
def winds(model, tmp_path, monkeypatch):
    """Function that writes a store of winds; members begin with the program that is compiled already.

    What acts at the start matters to learned encoders only, and this model has none.
    """
    begin = Members.begin
    monkeypatch.setattr(Members, "begin", lambda self, starts, _, *places: begin(self, starts, model.forcing, *places))

    def write(east, name="winds.zarr"):
        east = np.broadcast_to(east, (len(HOURS), *model.grid.wet.shape))
        data = dated(model.grid, model.config, {"tauuo": east, "tauvo": 0 * east}, HOURS)
        data.to_zarr(tmp_path / name)
        return tmp_path / name

    return write


def assert_same(a, b):
    for name in ("zos", "uo"):
        np.testing.assert_allclose(a[name], b[name], rtol=1e-6, atol=1e-9)


def test_the_year_as_a_window_changes_nothing(forecast, winds, steady, whole, tmp_path):
    made, said = forecast(tmp_path / "forecasts.zarr", forcing=winds(steady), **STARTS)
    assert_same(made, whole)
    assert "wind_stress of small winds (window)" in said
    found = json.loads(made.attrs["forcing"])
    assert found["mode"] == "window" and found["data"] == "small winds" and str(tmp_path) not in str(made.attrs)
    assert json.loads(whole.attrs["forcing"]) == {"mode": "repeating year"}


def test_every_start_has_its_own_window_and_one_program_serves_all(forecast, winds, steady, whole, tmp_path):
    store = winds(steady * np.linspace(1, 4, len(HOURS))[:, None, None])
    before = members._advance._cache_size()
    both, _ = forecast(tmp_path / "both.zarr", forcing=store, **STARTS)
    assert members._advance._cache_size() - before <= 1
    alone, _ = forecast(tmp_path / "alone.zarr", forcing=store, **{**STARTS, "start": "0001-01-06", "count": 1})
    xr.testing.assert_equal(both.isel(init_time=1), alone.isel(init_time=0))
    first, second = (float(abs(both.uo - whole.uo).isel(init_time=n, lead=0).max()) for n in (0, 1))
    assert second > first > 1e-5
    found, _ = forecast(tmp_path / "both.zarr", forcing=store, resume=True, **STARTS)
    xr.testing.assert_identical(found, both)
    with pytest.raises(og.UserError, match="forcing .*window.*, expected .*repeating year"):
        forecast(tmp_path / "both.zarr", resume=True, **STARTS)


def test_nothing_after_the_start_is_read_where_anomalies_persist(forecast, winds, steady, whole, tmp_path):
    unknown = np.where(HOURS[:, None, None] > 24 * 5, np.nan, 1.0)  # after the second start
    settings = {"path": winds(steady * unknown), "mode": "persisted", "memory": "P3D"}
    made, _ = forecast(tmp_path / "forecasts.zarr", forcing=settings, **STARTS)
    assert_same(made, whole)  # the anomaly is zero
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
