"""python -m eval climate, end to end on made-up runs whose errors are known."""

import numpy as np
import observation_files as files
import pandas as pd
import pytest
import synthetic_runs as runs
import xarray as xr

from eval.__main__ import main
from eval.climate import comparison, diagnostics, observed
from eval.climate.eddies import eddy_velocities
from ocean_gcm.data.run_output import open_run
from ocean_gcm.errors import UserError


def write_reference(path, grid):
    """The made-up ocean, half a degree warmer, unknown below 2000 m."""
    fields, shallow = runs.made_up_fields(grid), (grid.levels.centres < 2000)[:, None, None]
    at = ("depth", "lat", "lon")
    warmer = np.where(grid.mask & shallow, fields["temperature"] + 0.5, np.nan)
    salinity = np.where(grid.mask & shallow, fields["salinity"], np.nan)
    xr.Dataset(
        {
            "t": (at, warmer, files._attributes("sea_water_potential_temperature", "degC")),
            "s": (at, salinity, files._attributes("sea_water_practical_salinity", "1")),
        },
        {
            "depth": ("depth", grid.levels.centres, {**files._attributes("depth", "m"), "positive": "down"}),
            "lat": ("lat", grid.geometry.y["T"][:, 0], files._attributes("latitude", "degrees_north")),
            "lon": ("lon", grid.geometry.x["T"][0], files._attributes("longitude", "degrees_east")),
        },
    ).to_netcdf(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("climate")
    grid = runs.write_run(folder / "century", runs.GLOBE)
    write_reference(folder / "known.nc", grid)
    references = ["--reference", str(folder / "known.nc"), f"again={folder / 'known.nc'}"]
    options = ["--output", str(folder / "report"), "--last", "2", "--page", str(folder / "page.md")]
    assert main(["climate", str(folder / "century"), *references, *options]) == 0
    return folder


def test_the_table_finds_the_known_difference(folder):
    table = pd.read_csv(folder / "report" / "climate.csv")
    assert list(table.columns[:6]) == ["model", "seed", "variable", "lead", "metric", "value"]
    value = table[table.lead == "3y"].set_index(["variable", "depth", "metric"]).value
    # records 2 and 3 are 0.01 and 0.02 K warmer than the first
    assert value["sst_rmse", "all", "value"] == pytest.approx(0.485, abs=1e-4)
    assert value["sst_bias", "all", "value"] == pytest.approx(-0.485, abs=1e-4)
    assert value["thetao", "0-300 m", "bias"] == pytest.approx(-0.485, abs=1e-4)
    assert value["thetao", "all", "rmse_again"] == pytest.approx(0.485, abs=1e-4)
    assert value["so", "all", "rmse"] == pytest.approx(0.0, abs=1e-5)
    for name in ("amoc_26n", "drake", "heat_transport_atlantic_26n", "census_overlap", "mixed_layer_mean"):
        assert np.isfinite(value[name, "all", "value"])
    yearly = table[(table.metric == "yearly") & (table.variable == "thetaoga")].set_index("lead").value
    assert yearly["3y"] - yearly["1y"] == pytest.approx(0.02, abs=1e-3)
    dataset = xr.open_dataset(folder / "report" / "climate.nc")
    assert "value" in dataset and "yearly" in dataset


def test_every_section_is_measured_or_has_a_reason(folder):
    climate = diagnostics.open_climate(open_run(folder / "century"), 2.0)
    known = observed.read_observed()
    found, absent = diagnostics.straits(climate, known)
    assert {*found, *absent} == {section.name for section in known.sections} and "drake" in found
    assert not set(found) & set(absent)
    assert set(absent.values()) <= {"closed on this grid", "the shores of the section are water on this grid"}


def test_density_and_depth_have_the_same_net_transport(folder):
    climate = diagnostics.open_climate(open_run(folder / "century"), 2.0)
    _, fields = diagnostics.overturning(climate)
    np.testing.assert_allclose(fields["global_density"][-1], fields["global"][-1], atol=1e-6)


def test_eddies_of_the_closures_are_added(tmp_path):
    """Gent-McWilliams: the overturning changes inside, not the net transport; heat goes down its gradient."""
    closures = {"eddies": {"kind": "gent_mcwilliams_redi", "diffusivity": 1000.0}}
    runs.write_run(tmp_path / "run", {**runs.GLOBE, "closures": closures})
    climate = diagnostics.open_climate(open_run(tmp_path / "run"), 1.0)
    added = eddy_velocities(climate)
    assert added.shape == (1, *climate.grid.shape) and np.abs(added).max() > 1e-4
    (_, plain), (_, both) = diagnostics.overturning(climate), diagnostics.overturning(climate, added)
    assert np.abs(both["global"] - plain["global"])[1:-1].max() > 1.0
    np.testing.assert_allclose(both["global"][-1], plain["global"][-1], atol=1e-3)
    (_, plain), (_, both) = (
        diagnostics.meridional_transports(climate),
        diagnostics.meridional_transports(climate, added),
    )
    latitude = climate.grid.geometry.y["V"][:, 0]
    southern = (latitude > -50) & (latitude < -30)
    assert (both["heat_global"] - plain["heat_global"])[southern].sum() < -0.05


def test_the_report_has_all_parts(folder):
    html = (folder / "report" / "index.html").read_text()
    for title in ("Observed and modelled", "Overturning", "Heat and freshwater", "Water masses", "Drift"):
        assert f"<h2>{title}</h2>" in html
    names = {path.stem for path in (folder / "report" / "figures").glob("*.svg")}
    assert {"overturning_density_atlantic", "heat_transport", "census_reference", "barotropic_streamfunction"} <= names
    assert str(folder) not in html
    text = (folder / "page.md").read_text()
    assert "RAPID" in text and "![Barotropic streamfunction](page/barotropic_streamfunction.svg)" in text


def test_distances_to_what_is_observed():
    known = observed.read_observed()
    found = comparison.compare(
        {"amoc_26n": 18.6, "drake": 130.0, "africa_antarctica": 130.0}, {"bering_strait": "x"}, known
    )
    rows = found.set_index("variable")
    assert rows.distance["amoc_26n"] == pytest.approx(1.0)
    assert len(rows.loc[["drake"]]) == 2 and np.isnan(rows.distance["africa_antarctica"])
    assert rows.source["bering_strait"] == "x"
    assert comparison.verdict(found) == "2 of 2 observed quantities are matched within one uncertainty, 2 within two."


def test_observed_values_have_unknown_keys_refused(tmp_path):
    (tmp_path / "o.yaml").write_text("values: [{name: a, title: A, unti: Sv}]\nsections: []\n")
    with pytest.raises(UserError, match="unti"):
        observed.read_observed(tmp_path / "o.yaml")


def test_monthly_records_give_seasons_and_indices(tmp_path):
    """Sea level that swings with the season has the variability of its sine; Nino indices follow the surface."""
    grid = runs.write_run(tmp_path / "run", runs.GLOBE, records=24)
    store = xr.open_zarr(tmp_path / "run" / "output.zarr", decode_times=False).load()
    month = np.arange(24)
    for name in ("time", "time_bnds"):
        store[name] = (store[name].dims, store[name].values / 12.0, store[name].attrs)
    swing = np.sin(2 * np.pi * (month + 0.5) / 12)
    east = np.where(grid.geometry.x["T"] > 180, 1.0, 0.0)
    store["zos"] = (store.zos.dims, swing[:, None, None] * east * np.ones(grid.wet.shape), store.zos.attrs)
    store = store.drop_vars([name for name in ("mlotst",) if name in store])
    for variable in store.variables.values():
        variable.encoding = {}
    store.to_zarr(tmp_path / "month.zarr", mode="w")
    (tmp_path / "run" / "output.zarr").rename(tmp_path / "old.zarr")
    (tmp_path / "month.zarr").rename(tmp_path / "run" / "output.zarr")
    climate = diagnostics.open_climate(open_run(tmp_path / "run"), 2.0)
    numbers, maps = diagnostics.variability(climate)
    share = (climate.area * east).sum() / climate.area.sum()
    expected = np.abs(east - share) / 2**0.5
    np.testing.assert_allclose(maps["sea_level_variability"][grid.wet], expected[grid.wet], rtol=1e-5)
    indices, series = diagnostics.nino_indices(climate)
    assert len(series["nino34"]) == 24
    # warming of 0.01 K a record: two years differ by 0.12 K in each month
    assert indices["nino34_standard_deviation"] == pytest.approx(0.06, abs=1e-5)
    depths, _ = diagnostics.mixed_layer_depths(climate)  # from temperature and salinity
    assert depths["mixed_layer_mean"] > 0


def without(name):
    def change(folder):
        store = xr.open_zarr(folder / "output.zarr", decode_times=False).load().drop_vars(name)
        for variable in store.variables.values():
            variable.encoding = {}
        store.to_zarr(folder / "output.zarr", mode="w")

    return change


MISTAKES = {
    "basin": (runs.GYRE, None, [], "is not a run of a global ocean"),
    "variables": (runs.GLOBE, without("vo"), [], "has no vo; climate diagnostics need thetao, so, uo, vo, zos"),
    "short": (runs.GLOBE, None, ["--last", "10"], "covers 3 years; the final mean is over 10 years"),
    "nothing": (runs.GLOBE, None, ["--last", "0"], "--last is 0; expected a positive number of years"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(tmp_path, name, capsys):
    tree, change, options, sentence = MISTAKES[name]
    runs.write_run(tmp_path / "run", tree)
    if change is not None:
        change(tmp_path / "run")
    arguments = [str(tmp_path / "run"), "--output", str(tmp_path / "out"), *(options or ["--last", "2"])]
    assert main(["climate", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_references_that_are_none(folder, tmp_path, capsys):
    known = xr.open_dataset(folder / "known.nc")
    known.drop_vars("s").to_netcdf(tmp_path / "no_salt.nc")
    dry = known.where(False)
    for name in ("t", "s"):
        dry[name].attrs = known[name].attrs
    dry.to_netcdf(tmp_path / "dry.nc")
    for name, sentence in (
        ("no_salt", "has no variable with the standard name"),
        ("dry", "has no value in the model's"),
    ):
        options = ["--reference", str(tmp_path / f"{name}.nc"), "--output", str(tmp_path / "x"), "--last", "2"]
        assert main(["climate", str(folder / "century"), *options]) == 2
        assert sentence in capsys.readouterr().err
