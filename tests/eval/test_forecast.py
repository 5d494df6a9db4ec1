"""Scores of forecasts whose quality is known."""

import numpy as np
import pytest
import xarray as xr
from forecast_stores import LEADS, NX, NY, R, forecasts, truth, wet

from eval.__main__ import main
from eval.forecast import baselines
from eval.forecast.evaluation import Settings, evaluate_variable
from eval.forecast.plan import plan_of
from eval.forecast.stores import common_variables, open_forecasts, open_truth
from eval.forecast.tables import Confidence, coarse_ranks, ranks_of, scores_of

STARTS = range(260, 480, 11)
MEMBERS = 8
KINDS = {"good": {}, "narrow": {"spread": 0.5}, "wide": {"spread": 1.8}, "biased": {"bias": 0.4}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("forecasts")
    of = truth()
    of.to_zarr(place / "truth.zarr", consolidated=False)
    for n, (name, settings) in enumerate(KINDS.items()):
        forecasts(of, STARTS, MEMBERS, seed=n + 1, **settings).to_zarr(place / f"{name}.zarr", consolidated=False)
    return place


@pytest.fixture(scope="module")
def scored(folder):
    """(plan, what was found of the temperature, its table)."""
    stores = [open_forecasts(folder / f"{name}.zarr", name) for name in KINDS]
    of = open_truth(folder / "truth.zarr")
    plan = plan_of(stores, of)
    place = common_variables(stores, of, ["thetao"])["thetao"]
    settings = Settings(regions=("all", "west=0,450,0,900"))
    found = evaluate_variable("thetao", place, stores, of, plan, settings)
    return plan, found, scores_of("thetao", found, plan, Confidence(draws=200))


def value(table, model, metric, lead, region="all", depth="all", column="value"):
    rows = table.set_index(["model", "metric", "lead", "region", "depth"]).sort_index()
    return float(rows.loc[(model, metric, lead, region, depth), column])


def test_ensembles_are_diagnosed(scored):
    plan, found, table = scored
    for lead in LEADS:
        ratio = {name: value(table, name, "spread_skill", lead) for name in KINDS}
        assert ratio["good"] == pytest.approx(1.0, abs=0.06)
        assert 0.4 < ratio["narrow"] < 0.6 and 1.5 < ratio["wide"] < 2.0 and ratio["biased"] < 0.97
        assert value(table, "biased", "bias", lead) == pytest.approx(0.4, abs=0.05)
        assert abs(value(table, "good", "bias", lead)) < 0.05
        crps = {name: value(table, name, "crps", lead) for name in KINDS}
        assert min(crps, key=crps.get) == "good"
    flat = np.full(MEMBERS + 1, 1 / (MEMBERS + 1))
    ranks = {name: ranks_of(found.models[name], 3, 0, Confidence(draws=200)) for name in KINDS}
    np.testing.assert_allclose(ranks["good"].shares, flat, atol=0.025)
    assert ranks["good"].inside > 0.6
    ends, middle = (0, -1), slice(3, 6)
    assert ranks["narrow"].shares[[*ends]].min() > 0.2 > 0.1 > ranks["narrow"].shares[middle].max()  # a U
    assert ranks["wide"].shares[[*ends]].max() < 0.06 < 0.13 < ranks["wide"].shares[middle].min()  # a dome
    thirds = ranks["biased"].shares.reshape(3, 3).sum(1)
    assert thirds[0] > thirds[1] + 0.1 > thirds[2] + 0.15  # a slope: the truth is low among members that are too high
    assert ranks["narrow"].inside < 0.3 and ranks["wide"].inside < 0.3
    coarse = ranks_of(coarse_ranks(found.models["narrow"], 3), 3, 0, Confidence(draws=50))
    np.testing.assert_allclose(coarse.shares, ranks["narrow"].shares.reshape(3, 3).sum(1), rtol=1e-6)


def test_baselines_have_the_errors_of_a_red_noise(scored):
    _, _, table = scored
    for lead in LEADS:
        decay = R**lead
        assert value(table, "persistence", "rmse", lead) == pytest.approx((2 - 2 * decay) ** 0.5, rel=0.08)
        assert value(table, "damped", "rmse", lead) == pytest.approx((1 - decay**2) ** 0.5, rel=0.08)
        assert value(table, "climatology", "rmse", lead) == pytest.approx(1.0, rel=0.08)
        # of the normal distribution: 1/sqrt(pi); the single forecasts have their absolute errors
        assert value(table, "climatology", "crps", lead) == pytest.approx(np.pi**-0.5, rel=0.1)
        assert value(table, "damped", "crps", lead) == pytest.approx(value(table, "damped", "mae", lead))
        assert value(table, "good", "acc", lead) == pytest.approx(decay, abs=0.08)
        assert value(table, "good", "crps_below_persistence", lead, column="low") > 0.2
    assert not (table.model.eq("persistence") & table.metric.isin(["spread", "spread_skill"])).any()


def test_extremes(scored):
    """Good forecasts of the warmest tenth have skill that fades, persistence less."""
    _, _, table = scored
    for lead in LEADS:
        skill = {n: value(table, n, "brier_skill_extreme", lead, depth="50 m") for n in ("good", "persistence")}
        assert skill["good"] > max(0.05, skill["persistence"])
    assert value(table, "good", "brier_extreme", 1, depth="50 m") < value(
        table, "good", "brier_extreme", 5, depth="50 m"
    )


def test_scores_by_definition(folder, scored):
    """Loops over cells, members and start dates: averages first, roots last, cells by volume."""
    _, _, table = scored
    of, made = (xr.open_zarr(folder / f"{n}.zarr", consolidated=False).thetao.values for n in ("truth", "good"))
    weights = np.where(wet(), np.array([100.0, 400.0])[:, None, None], 0.0)
    west = np.arange(NX) < 5  # centres at 50, 150, ... 450 km
    lead, k = 3, LEADS.index(3)
    for region, depth, w in (
        ("all", "all", weights),
        ("all", "300 m", weights * np.array([0, 1])[:, None, None]),
        ("west=0,450,0,900", "all", weights * west),
    ):
        square = crps = total = 0.0
        for n, start in enumerate(STARTS):
            for i in np.ndindex(2, NY, NX):
                if w[i] > 0:
                    x, y = made[n, :, k][(slice(None), *i)].astype(float), float(of[start + lead][i])
                    pairs = np.abs(x[:, None] - x).sum() / (MEMBERS * (MEMBERS - 1))
                    square += w[i] * (x.mean() - y) ** 2
                    crps += w[i] * (np.abs(x - y).mean() - pairs / 2)
                    total += w[i]
        name = region.partition("=")[0]
        assert value(table, "good", "rmse", lead, name, depth) == pytest.approx((square / total) ** 0.5, rel=1e-4)
        assert value(table, "good", "crps", lead, name, depth) == pytest.approx(crps / total, rel=1e-4)


def test_start_dates_that_the_truth_does_not_cover(folder):
    """They are left out if asked for, and the others stay what they are."""
    stores, of = [open_forecasts(folder / "good.zarr", "good")], open_truth(folder / "truth.zarr")
    whole = plan_of(stores, of)
    short = type(of)(
        of.label, of.dataset.isel(time=slice(0, 470)), type(of.times)(of.times.dates[:470], of.times.seconds[:470])
    )
    part = plan_of(stores, short, [1, 5], partial=True)
    assert len(whole.starts) == 20 and len(part.starts) == 19 and list(part.leads) == [1.0, 5.0]
    np.testing.assert_array_equal(part.valid, whole.valid[:19, [0, 3]])
    np.testing.assert_array_equal(part.places["good"][1], [0, 3])


def test_annual_cycle_of_a_climatology(tmp_path):
    time = xr.date_range("2001-01-05", periods=6 * 73, freq="5D", use_cftime=True)
    phase = 2 * np.pi * np.arange(6 * 73) * 5 / 365.2425
    x, y = np.arange(4) * 10.0, np.arange(3) * 10.0
    field = 15 + np.cos(phase)[:, None, None] * np.ones((3, 4)) + 0.01 * y[:, None]
    xr.Dataset({"tos": (("time", "lat", "lon"), field)}, {"time": time, "lat": y, "lon": x}).to_netcdf(
        tmp_path / "t.nc"
    )
    of = open_truth(tmp_path / "t.nc")
    records = np.arange(5 * 73)
    assert baselines.harmonics_for(of, records, None) == 2 and baselines.harmonics_for(of, records[:100], None) == 0
    found = baselines.climatology_of(of, "tos", records, 2)
    later = found.mean(of.times.seconds[-73:])[:, 0]
    np.testing.assert_allclose(later, field[-73:], atol=0.03)
    assert np.abs(found.anomalies).max() < 0.03 and found.members(of.times.seconds[:2]).shape == (50, 2, 1, 3, 4)


def refused(capsys, folder, *more, forecasts="good.zarr", truth="truth.zarr"):
    arguments = ["forecast", str(folder / forecasts), "--truth", str(folder / truth), "--output", str(folder / "no")]
    assert main([*arguments, *more]) == 2
    assert not (folder / "no").exists()
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence.startswith("eval: ")
    return sentence


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--baselines", "persistance"], "--baselines has 'persistance'; expected persistence, climatology, damped"),
        (["--variables", "so"], "truth.zarr has no variable so; it holds thetao, zos"),
        (["--leads", "4"], "--leads has 4; expected days among 1, 2, 3, 5"),
        (["--regions", "gulf"], "--regions has 'gulf'; expected NAME=west,east,south,north or one of all, interior"),
        (["--regions", "box=1,2"], "expected four numbers"),
        (["--regions", "box=5000,6000,0,1"], "the region 'box=5000,6000,0,1' of --regions holds no water"),
        (["--climatology", "0008-01-01", "0009-01-01"], "no record from 0008-01-01 to 0009-01-01; it holds 0001-01-01"),
        (["--climatology", "now", "0009-01-01"], "--climatology has 'now'; expected a date YYYY-MM-DD"),
        (["--climatology", "0001-01-01", "0001-01-03", "--baselines", "damped"], "no two records"),
        (["--confidence", "90"], "--confidence is 90; expected a share between 0 and 1"),
        (["--draws", "0"], "--draws is 0"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(capsys, folder, more, expected):
    assert expected in refused(capsys, folder, *more)


def other(folder, name, dataset):
    dataset.to_zarr(folder / name, mode="w", consolidated=False)
    return name


def test_data_that_do_not_fit(capsys, folder):
    """No overlap, a short truth, gaps, missing members and values, other grids, units and calendars."""
    of = xr.open_zarr(
        folder / "truth.zarr", consolidated=False, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)
    )
    good = xr.open_zarr(folder / "good.zarr", consolidated=False).load()
    of = of.load()
    early = other(folder, "early.zarr", of.isel(time=slice(0, 200)))
    assert "have no time in common: the forecasts start from 0001-09-21 to 0002-04-20" in refused(
        capsys, folder, truth=early
    )
    short = other(folder, "short.zarr", of.isel(time=slice(0, 474)))
    sentence = refused(capsys, folder, truth=short)
    assert "short.zarr ends on 0002-04-24, before the forecast of 0002-04-20 at lead 5 days: 1 of 20" in sentence
    assert "--partial" in sentence
    gap = other(folder, "gap.zarr", of.isel(time=np.delete(np.arange(500), 262)))
    assert "gap.zarr has no record for the forecast of 0001-09-21 at lead 2 days: 1 of 20" in refused(
        capsys, folder, truth=gap
    )
    late = other(folder, "late.zarr", of.isel(time=slice(260, None)))
    assert "no record before the first start date 0001-09-21; choose the period" in refused(capsys, folder, truth=late)
    bad = good.copy(deep=True)
    bad.zos[3, 5] = np.nan
    sentence = refused(capsys, folder, forecasts=other(folder, "bad.zarr", bad))
    assert "bad.zarr lacks 1 of 8 members of zos at the start date 0001-10-24 (the first is member 5)" in sentence
    bad = good.copy(deep=True)
    bad.zos[3, 5, 1, 2, 4] = np.nan
    assert (
        "zos of member 5 of bad.zarr is nan in 1 of 79 wet cells at lead 2 days of the start date 0001-10-24"
        in refused(capsys, folder, forecasts=other(folder, "bad.zarr", bad))
    )
    coarse = other(folder, "bad.zarr", good.isel(x=slice(0, 8)))
    assert "bad.zarr lies on another grid than truth.zarr: x has 8 points; expected 10" in refused(
        capsys, folder, forecasts=coarse
    )
    moved = other(folder, "bad.zarr", good.assign_coords(y=good.y + 3e4))
    assert "y[0] is 80000; expected 50000" in refused(capsys, folder, forecasts=moved)
    bad = good.copy()
    bad["zos"].attrs["units"] = "cm"
    assert "zos is in 'cm' in bad.zarr, in 'm' in truth.zarr" in refused(
        capsys, folder, forecasts=other(folder, "bad.zarr", bad)
    )
    assert "truth.zarr has no dimension init_time; expected a forecast store" in refused(
        capsys, folder, forecasts="truth.zarr"
    )
    assert "the truth good.zarr has no records along time" in refused(capsys, folder, truth="good.zarr")
    assert "nothing.zarr does not exist" in refused(capsys, folder, forecasts="nothing.zarr")
    dates = xr.date_range("2001-01-01", periods=500, use_cftime=True)
    assert "has the calendar 360_day; the truth bad.zarr has proleptic_gregorian" in refused(
        capsys, folder, truth=other(folder, "bad.zarr", of.assign_coords(time=dates))
    )
