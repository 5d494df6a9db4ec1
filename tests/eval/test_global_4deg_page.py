import csv

import numpy as np
import pytest
import synthetic_runs as runs
import xarray as xr

from eval import global_4deg


def write_climatology(path, grid, names, with_surface: bool):
    """The made-up ocean, half a degree warmer."""
    fields = runs.made_up_fields(grid)
    geometry = grid.geometry
    coordinates = {
        "depth": ("depth", grid.levels.centres, {"units": "m", "positive": "down", "standard_name": "depth"}),
        "lat": ("lat", geometry.y["T"][:, 0], {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("lon", geometry.x["T"][0], {"units": "degrees_east", "standard_name": "longitude"}),
    }
    warmer = np.where(grid.mask, fields["temperature"] + 0.5, np.nan)
    variables = {
        names[0]: (("depth", "lat", "lon"), warmer, {"units": "degC"}),
        names[1]: (("depth", "lat", "lon"), np.where(grid.mask, fields["salinity"], np.nan), {"units": "1"}),
    }
    if with_surface:
        coordinates["month"] = ("month", np.arange(1, 13))
        for name, source in (("sst", warmer[0]), ("sss", np.where(grid.wet, fields["salinity"][0], np.nan))):
            variables[name] = (("month", "lat", "lon"), np.broadcast_to(source, (12, *source.shape)), {"units": "1"})
    xr.Dataset(variables, coordinates).to_netcdf(path)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    grid = runs.write_run(folder / "run", runs.GLOBE)
    write_climatology(folder / "reference.nc", grid, ("theta_annual", "salt_annual"), True)
    write_climatology(folder / "woa.nc", grid, ("thetao", "so"), False)
    arguments = [
        str(folder / "run"),
        "--reference",
        str(folder / "reference.nc"),
        "--independent",
        str(folder / "woa.nc"),
    ]
    picture = folder / "picture.png"
    options = ["--output", str(folder / "results"), "--last", "2", "--picture", str(picture)]
    assert global_4deg.main([*arguments, *options]) == 0
    assert picture.stat().st_size < 150_000
    return folder / "results"


def test_the_table_finds_the_known_difference(page):
    with (page / "global_4deg.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:6] == ["model", "seed", "variable", "lead", "metric", "value"]
    found = {(row["variable"], row["metric"], row["lead"]): float(row["value"]) for row in rows}
    # records 2 and 3 are 0.01 and 0.02 K warmer than the first
    assert found["temperature", "bias_levitus", "3y"] == pytest.approx(0.015 - 0.5, abs=1e-4)
    assert found["temperature", "rmse_woa18", "3y"] == pytest.approx(0.485, abs=1e-4)
    assert found["salinity", "rmse_levitus", "3y"] == pytest.approx(0.0, abs=1e-5)
    assert found["sst_bias", "value", "3y"] == pytest.approx(-0.48, abs=1e-4)
    assert found["temperature", "drift_from_first_record", "3y"] == pytest.approx(0.02, abs=1e-3)
    assert ("drake", "value", "1y") in found


def test_the_page_shows_every_figure(page):
    text = (page / "global_4deg.md").read_text()
    images = sorted((page / "global_4deg").glob("*.png"))
    assert len(images) == 8
    for image in images:
        assert f"(global_4deg/{image.name})" in text
        assert image.stat().st_size < 150_000
    assert "| **no** |" in text  # three years are no hundred


def test_a_basin_is_refused(tmp_path, capsys):
    runs.write_run(tmp_path / "run", runs.GYRE)
    assert global_4deg.main([str(tmp_path / "run"), "--reference", "none.nc", "--independent", "none.nc"]) == 2
    assert "not a run of a global ocean" in capsys.readouterr().err
