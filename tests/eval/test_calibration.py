"""From hindcasts to calibrated forecasts, through the commands."""

import numpy as np
import pytest
import xarray as xr
from forecast_stores import LEADS, forecasts, truth

from eval.__main__ import main
from ocean_gcm import calibrate_forecasts
from ocean_gcm.cli import main as ocean_gcm
from ocean_gcm.forecasts.calibration_file import read_calibrations

HINDCASTS, STARTS = range(10, 380, 9), range(400, 490, 6)
MEMBERS = 12


def stored(made, path, fingerprint="0123456789abcdef", **more):
    """With what `ocean-gcm forecast` says about a store."""
    attributes = {"model": "red noise", "model_fingerprint": fingerprint, "seed": 0, "members": made.sizes["member"]}
    attributes |= {"perturbed": "initial", "lead_seconds": [86400 * n for n in LEADS], "forcing": "null"}
    made = made.assign_attrs(attributes).assign(more)
    for name in made.data_vars:
        made[name].attrs["long_name"] = str(name)
    made.to_zarr(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forecasts of half the spread and a bias."""
    place, of = tmp_path_factory.mktemp("calibration"), truth()
    of.to_zarr(place / "truth.zarr")
    fault = {"spread": 0.5, "bias": 0.4}
    stored(forecasts(of, HINDCASTS, MEMBERS, seed=1, **fault), place / "hindcasts.zarr")
    made = forecasts(of, STARTS, MEMBERS, seed=2, **fault)
    made["thetao"][1, 3] = made["zos"][1, 3] = np.nan  # a member that was lost
    stored(made, place / "forecasts.zarr", thetao_mean=made["thetao"].mean("member"))
    assert main(["calibration", *words(place), "--output", str(place / "calibration.nc")]) == 0
    return place


def words(place, hindcasts="hindcasts"):
    return [str(place / f"{hindcasts}.zarr"), "--truth", str(place / "truth.zarr")]


def calibrated(place, name, forecasts="forecasts", **options):
    return calibrate_forecasts(place / f"{forecasts}.zarr", place / "calibration.nc", place / name, **options)


def test_calibrated_forecasts_are_reliable(folder, capsys):
    arguments = [str(folder / "forecasts.zarr"), "--calibration", str(folder / "calibration.nc")]
    assert ocean_gcm(["calibrate", *arguments, "--output", str(folder / "commanded.zarr")]) == 0
    assert "15 starts, 12 members, 4 leads, calibrated" in capsys.readouterr().out
    made, of = xr.open_zarr(folder / "commanded.zarr"), xr.open_zarr(folder / "truth.zarr")
    before = xr.open_zarr(folder / "forecasts.zarr")
    assert made.attrs["model_fingerprint"].startswith("0123456789abcdef+") and made.attrs["seed"] == 0
    for name in ("thetao", "zos"):
        assert made[name].dims == before[name].dims and made[name].attrs["units"] == before[name].attrs["units"]
        for lead, days in enumerate(LEADS):
            valid = of[name].values[np.array(STARTS) + days]
            ratios, biases = [], []
            for store in (before, made):
                members = store[name].values[:, :, lead]
                error = np.nanmean(members, 1) - valid
                spread = (MEMBERS + 1) / MEMBERS * np.nanmean(np.nanvar(members, 1, ddof=1))
                ratios.append((spread / np.nanmean(error**2)) ** 0.5)
                biases.append(np.nanmean(error))
            assert ratios[0] < 0.55 and ratios[1] == pytest.approx(1.0, abs=0.1)
            assert biases[0] > 0.3 and abs(biases[1]) < 0.12
    np.testing.assert_array_equal(np.isnan(made.thetao.values), np.isnan(before.thetao.values))
    np.testing.assert_allclose(made.thetao_mean.values[2], made.thetao.values[2].mean(0), rtol=1e-5)
    np.testing.assert_array_equal(made.init_time.values, before.init_time.values)


def test_calibrations_are_read_as_they_were_written(folder):
    found = read_calibrations(folder / "calibration.nc")
    stored = xr.open_dataset(folder / "calibration.nc", decode_timedelta=False)
    assert list(stored.lead.values) == list(LEADS) and found.attributes["hindcasts"] == len(HINDCASTS)
    assert found.dims == {"thetao": ("lev", "y", "x"), "zos": ("y", "x")}
    np.testing.assert_array_equal(found.variables["zos"][2].factor[0], stored.zos_factor.values[2])
    np.testing.assert_array_equal(found.variables["thetao"][1].observed, stored.thetao_observed.values[1])
    assert stored.thetao_bias.attrs["units"] == "degC" and stored.thetao_factor.attrs["units"] == "1"
    again = folder / "again.nc"
    found.write(again)
    xr.testing.assert_identical(xr.open_dataset(again), xr.open_dataset(folder / "calibration.nc"))


def test_the_start_stays(folder, tmp_path):
    before = xr.open_zarr(folder / "forecasts.zarr", decode_timedelta=False).isel(init_time=[0]).load()
    start = before.isel(lead=[0]).assign_coords(lead=[0.0])
    made = xr.concat([start, before.isel(lead=[1])], "lead", data_vars="minimal").drop_vars("thetao_mean")
    made.lead.attrs["units"] = "days"
    for name in made.variables:
        made[name].encoding = {}
    made.assign_attrs(lead_seconds=[0, 86400 * LEADS[1]]).to_zarr(tmp_path / "made.zarr")
    after = calibrate_forecasts(tmp_path / "made.zarr", folder / "calibration.nc", tmp_path / "out.zarr").load()
    np.testing.assert_array_equal(after.zos.values[:, :, 0], made.zos.values[:, :, 0])
    assert np.nanmax(np.abs(after.zos.values[:, :, 1] - made.zos.values[:, :, 1])) > 0.01


def test_an_interrupted_calibration_goes_on(folder, monkeypatch):
    import ocean_gcm.forecasts.calibrate as module

    whole = calibrated(folder, "whole.zarr").load()
    calls, real = [], module.calibrate

    def stops(*arguments):
        calls.append(0)
        if len(calls) > 30:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "calibrate", stops)
    with pytest.raises(KeyboardInterrupt):
        calibrated(folder, "parts.zarr")
    assert xr.open_zarr(folder / "parts.zarr").sizes["init_time"] == 3
    monkeypatch.setattr(module, "calibrate", real)
    xr.testing.assert_identical(calibrated(folder, "parts.zarr", resume=True).load(), whole)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda made: (made, "fedcba9876543210"), "was learned from hindcasts of red noise"),
        (lambda made: (made.isel(x=slice(0, 5)), None), "lies on another grid"),
        (lambda made: (made.assign_coords(y=made.y + 3e4), None), "other points along y"),
        (lambda made: (made.isel(member=0, drop=True), None), "has no members; expected a store"),
        (lambda made: (made.rename(zos="tos"), None), "has no variable tos; it holds zos, thetao"),
    ],
)
def test_forecasts_that_a_calibration_does_not_fit(folder, tmp_path, change, sentence):
    made, fingerprint = change(forecasts(truth(), STARTS[:2], 4))
    made = made if "member" in made.dims else made.assign_attrs(members=1)
    other = tmp_path / "other.zarr"
    if "member" in made.dims:
        stored(made, other, **({"fingerprint": fingerprint} if fingerprint else {}))
    else:
        made.to_zarr(other)
    with pytest.raises(Exception, match=sentence):
        calibrate_forecasts(other, folder / "calibration.nc", tmp_path / "out.zarr")
    assert not (tmp_path / "out.zarr").exists()


def test_what_else_goes_wrong(folder, tmp_path, capsys):
    def says(arguments, program=main):
        assert program([str(a) for a in arguments]) == 2
        return capsys.readouterr().err

    few = stored(forecasts(truth(), range(10, 70, 10), MEMBERS), tmp_path / "few.zarr")
    learn = ["calibration", few, "--truth", folder / "truth.zarr", "--output", tmp_path / "c.nc"]
    assert "6 start dates of 12 members; expected at least 8 of 5" in says(learn)
    learn[1] = folder / "hindcasts.zarr"
    assert "--neighbours is -1" in says([*learn, "--neighbours", -1])
    assert "no variable so" in says([*learn, "--variables", "so"])
    assert not (tmp_path / "c.nc").exists()
    assert main([str(a) for a in [*learn, "--leads", 1, 3, "--variables", "zos"]]) == 0
    apply = [
        "calibrate",
        folder / "forecasts.zarr",
        "--calibration",
        tmp_path / "c.nc",
        "--output",
        tmp_path / "o.zarr",
    ]
    assert "has no variable thetao" in says(apply, ocean_gcm)
    assert "has a lead of 2 days" in says([*apply, "--variables", "zos"], ocean_gcm)
    same = [*apply[:-1], folder / "forecasts.zarr", "--overwrite"]
    assert "the store that is calibrated; expected another one" in says(same, ocean_gcm)
    apply[3] = folder / "truth.zarr"
    assert "expected a file of" in says(apply, ocean_gcm)
    apply[3] = folder / "calibration.nc"
    (tmp_path / "o.zarr").mkdir()
    (tmp_path / "o.zarr" / "mine").write_text("")
    assert "is no Zarr store" in says(apply, ocean_gcm)
