"""python -m eval observations, end to end on files whose statistics are known."""

import numpy as np
import observation_files as files
import pandas as pd
import pytest
import synthetic_runs as runs
import xarray as xr

from eval.__main__ import main
from eval.observations.evaluation import evaluate
from eval.observations.interpolation import Stencil
from eval.observations.matchups import match
from eval.observations.readers import read_observations
from eval.observations.sources import open_source


def rows_of(folder, label):
    table = pd.read_csv(folder / f"observations_{label}.csv")
    return table[table.region == "all"].set_index(["model", "variable", "depth", "lead", "metric"]).value.sort_index()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class4")
    files.write_forecasts(folder / "forecasts.zarr", offsets=(-0.5, 1.5))
    files.profiles(bias=0.25).to_netcdf(folder / "profiles.nc")
    files.track().to_netcdf(folder / "track.nc")
    files.drifters().to_netcdf(folder / "drifters.nc")
    return folder


@pytest.fixture(scope="module")
def report(folder):
    observations = ["--profiles", f"argo={folder / 'profiles.nc'}", "--tracks", str(folder / "track.nc")]
    output = ["--output", str(folder / "report"), "--page", str(folder / "page.md"), "--draws", "50"]
    assert main(["observations", str(folder / "forecasts.zarr"), *observations, *output]) == 0
    return folder / "report"


def test_forecasts_have_the_known_statistics(report):
    value = rows_of(report, "argo")
    # members -0.5 and 1.5 from the truth: variance 2, mean error 0.25 against the biased observations
    head = ("forecasts", "thetao", "150-200 m", 2.0)
    assert value[*head, "rmse"] == pytest.approx(0.25, abs=1e-4)
    assert value[*head, "spread"] == pytest.approx((1.5 * 2) ** 0.5, abs=1e-4)
    # |-0.75| and |1.25|, minus half of the distance 2
    assert value[*head, "crps"] == pytest.approx(1.0 - 1.0, abs=1e-4)
    # persistence of the first record lacks the warming of 0.3 K a day: on average of the lead in its bin
    bias = value["persistence", "thetao", "150-200 m", 2.0, "bias"]
    assert -0.35 - 0.1 < bias < -0.35 + 0.1
    # 650 m lies below the deepest centre but within its cell: there the value of 500 m holds
    assert value["forecasts", "thetao", "500-700 m", 1.0, "bias"] == pytest.approx(0.25 + 0.005 * 150, abs=1e-4)


def test_sea_level_anomalies_are_about_the_mean_of_the_forecast(report):
    value = rows_of(report, "track")
    for lead in (1.0, 2.0):
        assert value["forecasts", "sla", "all", lead, "bias"] == pytest.approx(0.0, abs=1e-4)
        assert value["forecasts", "sla", "all", lead, "rmse"] == pytest.approx(0.0, abs=1e-4)
    assert value["persistence", "sla", "all", 2.0, "bias"] == pytest.approx(-0.006, abs=1e-3)


def test_the_report_and_the_page(report, folder):
    html = (report / "index.html").read_text()
    assert "Temperature, argo" in html and "Sea level anomaly, track" in html and "http" not in html.split("<svg")[0]
    assert list((report / "figures").glob("argo_thetao_rmse_by_lead.svg"))
    page = (folder / "page.md").read_text()
    assert "![CRPS by lead](page/argo_thetao_crps_by_lead.svg)" in page
    assert (folder / "page.csv").exists() and (folder / "page" / "argo_thetao_crps_by_lead.svg").exists()
    dataset = xr.open_dataset(report / "observations_argo.nc")
    assert {"rmse", "rmse_low", "crps"} <= set(dataset.data_vars) and "lead" in dataset.dims


def test_drifters_meet_velocities_where_these_are(folder):
    """uo on the faces: linear in longitude, read at the places of u."""
    found = evaluate([str(folder / "forecasts.zarr")], [str(folder / "drifters.nc")], draws=0)
    assert set(found.table.variable) <= {"uo", "tos"}  # fewer than LEAST values: no rows
    source, observed = open_source(str(folder / "forecasts.zarr")), read_observations(folder / "drifters.nc", "d")
    stencil = Stencil.of(observed.lon, observed.lat, observed.depth, source.axes["uo"])
    first = next(source.trajectories())
    np.testing.assert_allclose(match(first, observed, stencil, "uo").members[0], 0.001 * observed.lon[:3], rtol=1e-5)


def climatology(grid):
    """The made-up ocean of the runs as twelve months of a file."""
    fields = runs.made_up_fields(grid)
    values = np.broadcast_to(np.where(grid.mask, fields["temperature"] + 0.5, np.nan), (12, *grid.shape))
    kind = files._attributes("sea_water_potential_temperature", "degC")
    return xr.Dataset(
        {"theta": (("month", "depth", "lat", "lon"), values, kind)},
        {
            "month": ("month", np.arange(1, 13)),
            "depth": ("depth", grid.levels.centres, {**files._attributes("depth", "m"), "positive": "down"}),
            "lat": ("lat", grid.geometry.y["T"][:, 0], files._attributes("latitude", "degrees_north")),
            "lon": ("lon", grid.geometry.x["T"][0], files._attributes("longitude", "degrees_east")),
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    grid = runs.write_run(folder / "century", runs.GLOBE)
    climatology(grid).to_netcdf(folder / "known.nc")
    columns = np.argwhere(grid.mask[2])[::7]
    depth = np.array([50.0, 250.0, 1150.0])
    theta = runs.made_up_fields(grid)["temperature"]
    values = np.stack([np.interp(depth, grid.levels.centres, theta[:, j, i]) for j, i in columns])
    made = files.profiles(number=len(columns), depth=depth)
    made.thetao[:] = values
    x, y = (np.array([table["T"][j, i] for j, i in columns]) for table in (grid.geometry.x, grid.geometry.y))
    made = made.assign_coords(lon=("profile", x, made.lon.attrs), lat=("profile", y, made.lat.attrs))
    made.to_netcdf(folder / "profiles.nc")
    return folder


def test_a_year_of_a_run_and_a_climatology_by_season(run):
    sources = [f"physics={run / 'century'}", f"known={run / 'known.nc'}"]
    options = ["--profiles", str(run / "profiles.nc"), "--output", str(run / "report"), "--draws", "20"]
    assert (
        main(["observations", *sources, *options, "--repeat-year", "last", "--climatology", f"k={run / 'known.nc'}"])
        == 0
    )
    table = pd.read_csv(run / "report" / "observations_profiles.csv")
    value = table[table.region == "all"].set_index(["model", "depth", "metric"]).value
    # the third record is 0.02 K warmer than the made-up ocean, the file half a degree
    assert value["physics", "all", "bias"] == pytest.approx(0.02, abs=1e-4)
    assert value["known", "1000-1500 m", "rmse"] == pytest.approx(0.5, abs=1e-4)
    assert value["physics", "1000-1500 m", "box_rmse"] == pytest.approx(0.02, abs=1e-4)
    assert value["physics", "all", "skill_against_climatology"] == pytest.approx(1 - (0.02 / 0.5) ** 2, abs=1e-4)
    second = [*sources[:1], *options[:2], "--output", str(run / "second"), "--repeat-year", "2", "--draws", "0"]
    assert main(["observations", *second]) == 0
    table = pd.read_csv(run / "second" / "observations_profiles.csv")
    rows = table[(table.region == "all") & (table.depth == "all") & (table.metric == "bias")]
    assert rows.value.iloc[0] == pytest.approx(0.01, abs=1e-4)


MISTAKES = {
    "no overlap": (["century"], [], "no observation of profiles lies within the time of century: observations of 2010"),
    "no such year": (["century"], ["--repeat-year", "9"], "century has no records of year 9; it covers"),
    "no year": (["century"], ["--repeat-year", "first"], "--repeat-year is 'first'; expected 'last' or the number"),
    "two of one name": (["a=century", "a=known.nc"], ["--repeat-year", "last"], "two sources have one name"),
    "layers": (["century"], ["--layers", "100,50"], "--layers is '100,50'; expected two or more ascending depths"),
    "no source": (["nothing"], [], "does not exist"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(run, name, capsys):
    sources, options, sentence = MISTAKES[name]
    texts = [f"{label}{mark}{run / path}" for label, mark, path in (t.rpartition("=") for t in sources)]
    code = main(["observations", *texts, "--profiles", str(run / "profiles.nc"), "--output", str(run / "x"), *options])
    error = capsys.readouterr().err
    assert code == 2 and sentence in error and error.count("\n") == 1


def test_no_observations_at_all(run, capsys):
    assert main(["observations", str(run / "century"), "--output", str(run / "x")]) == 2
    assert "there are no observations; give --profiles" in capsys.readouterr().err


def test_observations_on_land_only(folder, tmp_path, capsys):
    files.write_forecasts(tmp_path / "half.zarr", land=True)
    made = files.profiles(number=50)
    made.assign_coords(lon=("profile", np.full(50, 300.0), made.lon.attrs)).to_netcdf(tmp_path / "dry.nc")
    options = ["--profiles", str(tmp_path / "dry.nc"), "--output", str(tmp_path / "x")]
    assert main(["observations", str(tmp_path / "half.zarr"), *options]) == 2
    assert "all lie on land, below the sea floor or outside" in capsys.readouterr().err


def test_missing_members_are_named(folder, tmp_path, capsys):
    store = files.forecasts(offsets=(-1.0, 0.0, 1.0))
    store.thetao[1, 2] = np.nan
    store.to_zarr(tmp_path / "two.zarr")
    options = ["--profiles", str(folder / "profiles.nc"), "--output", str(tmp_path / "x"), "--draws", "0"]
    assert main(["observations", str(tmp_path / "two.zarr"), *options]) == 2
    assert "has no values of member 2 in the forecast of 2010-01-11 (1 of 3" in capsys.readouterr().err


def test_observations_beyond_the_grid_and_other_variables(folder, tmp_path, capsys):
    made = files.profiles(number=50)
    made.assign_coords(lat=("profile", np.full(50, 70.0), made.lat.attrs)).to_netcdf(tmp_path / "north.nc")
    renamed = made.rename(thetao="so")
    renamed["so"].attrs.update(standard_name="sea_water_practical_salinity", units="1")
    (renamed * 0 + 35).assign(so=(renamed.so * 0 + 35).assign_attrs(renamed.so.attrs)).to_netcdf(tmp_path / "salt.nc")
    for name, sentence in (
        ("north", "lies on the grid of forecasts: observations at"),
        ("salt", "no variable of salt"),
    ):
        options = ["--profiles", str(tmp_path / f"{name}.nc"), "--output", str(tmp_path / "x")]
        assert main(["observations", str(folder / "forecasts.zarr"), *options]) == 2
        assert sentence in capsys.readouterr().err


def test_a_plane_is_refused(tmp_path, folder, capsys):
    runs.write_run(tmp_path / "gyre", runs.GYRE)
    options = ["--profiles", str(folder / "profiles.nc"), "--output", str(tmp_path / "x")]
    assert main(["observations", str(tmp_path / "gyre"), *options]) == 2
    assert (
        "which is no latitude; observations are compared on grids of longitude and latitude" in capsys.readouterr().err
    )
