"""The study of the observed hybrid on made-up runs: known differences come out, the page has every table."""

import json

import numpy as np
import pandas as pd
import pytest
import synthetic_runs as runs
import xarray as xr

from eval.global_4deg_hybrid.__main__ import main
from eval.global_4deg_hybrid.scores import layer_volume

REGIONS = "held_out: [[180, 220, 20, 40]]\n"
ERRORS = {"temperature": [0.1, 0.2], "salinity": [0.01, 0.02]}


def climatology(grid, offset):
    """The made-up ocean plus `offset`, with the names of both climatologies."""
    fields = runs.made_up_fields(grid)
    theta, salt = (np.where(grid.mask, fields[name], np.nan) for name in ("temperature", "salinity"))
    at, months = ("depth", "lat", "lon"), np.ones((12, 1, 1, 1))
    monthly = ("month", *at)
    unit = {"units": "degC"}
    geometry = grid.geometry
    return xr.Dataset(
        {
            "theta_annual": (at, theta + offset, unit),
            "thetao": (at, theta + offset, unit),
            "theta": (monthly, months * (theta + offset), unit),
            "salt_annual": (at, salt, {"units": "1"}),
            "so": (at, salt, {"units": "1"}),
            "salt": (monthly, months * salt, {"units": "1"}),
        },
        {
            "depth": ("depth", grid.levels.centres, {"units": "m", "positive": "down", "standard_name": "depth"}),
            "lat": ("lat", geometry.y["T"][:, 0], {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", geometry.x["T"][0], {"units": "degrees_east", "standard_name": "longitude"}),
            "month": ("month", np.arange(1, 13)),
        },
    )


def write_profiles(path, grid):
    """The made-up ocean, a degree warmer, at the middles of some columns."""
    fields, depth = runs.made_up_fields(grid), np.array([50.0, 300.0, 1000.0])
    columns = np.argwhere(grid.mask[2])[::40]
    take = lambda name, offset: np.stack(  # noqa: E731
        [np.interp(depth, grid.levels.centres, fields[name][:, j, i]) + offset for j, i in columns]
    )
    at = ("profile", "depth")
    x, y = (np.array([table["T"][j, i] for j, i in columns]) for table in (grid.geometry.x, grid.geometry.y))
    time = np.full(len(columns), np.datetime64("1990-03-01", "ns"))
    xr.Dataset(
        {
            "thetao": (at, take("temperature", 1.0), {"units": "degC"}),
            "so": (at, take("salinity", 0.0), {"units": "1"}),
        },
        {
            "lon": ("profile", x),
            "lat": ("profile", y),
            "time": ("profile", time),
            "depth": ("depth", depth, {"units": "m"}),
        },
    ).to_netcdf(path)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hybrid")
    grid = runs.write_run(folder / "physics", runs.GLOBE, records=2)
    runs.write_run(folder / "hybrid", runs.GLOBE, records=2)
    climatology(grid, -0.5).to_netcdf(folder / "global_4deg.nc")
    climatology(grid, 0.25).to_netcdf(folder / "woa18_annual_5deg.nc")
    for name in ("wod2001_profiles.nc", "argo_profiles.nc"):
        write_profiles(folder / name, grid)
    (folder / "trained").mkdir()
    (folder / "trained" / "training.yaml").write_text(REGIONS)
    kinds = [region + model for region in ("rmse", "rmse_held_out") for model in ("", "_untrained", "_persistence")]
    validation = {"lead_seconds": [5 * 86400, 90 * 86400], **dict.fromkeys(kinds, ERRORS)}
    (folder / "trained" / "validation.jsonl").write_text(json.dumps(validation) + "\n")
    arguments = [f"{name}={folder / name}" for name in ("physics", "hybrid")]
    options = ["--data", str(folder), "--output", str(folder / "results"), "--trained", f"hybrid={folder / 'trained'}"]
    assert main([*arguments, *options]) == 0
    return folder / "results"


def test_known_differences(results):
    table = pd.read_csv(results / "global_4deg_hybrid.csv")
    assert list(table.columns[:6]) == ["model", "seed", "variable", "lead", "metric", "value"]

    def value(**keys):
        found = table
        for key, wanted in keys.items():
            found = found[found[key] == wanted]
        assert len(found) == 1
        return found.value.iloc[0]

    keys = {"model": "hybrid", "lead": "2y", "region": "all"}
    # the second record is 0.01 K warmer than the made-up ocean
    assert value(**keys, variable="thetao_0_800m", metric="rmse", against="Levitus") == pytest.approx(0.51, abs=1e-5)
    assert value(**keys, variable="thetao_0_800m", metric="bias", against="WOA18") == pytest.approx(-0.24, abs=1e-5)
    assert value(**keys, variable="so_0_300m", metric="rmse", against="Levitus") == pytest.approx(0.0, abs=1e-5)
    keys = {"variable": "thetao_50_800m", "against": "Argo"}
    assert value(**keys, model="physics", metric="bias", lead="1y") == pytest.approx(-1.0, abs=1e-5)
    keys = {"model": "physics", "lead": "90d", "region": "held_out", "variable": "so"}
    assert value(**keys) == pytest.approx(0.02)
    assert value(variable="heat_budget", model="hybrid") == pytest.approx(1e-14)


def test_the_page_has_tables_and_figures(results):
    text = (results / "global_4deg_hybrid.md").read_text()
    assert "0 % less (goal 25 %, **missed**)" in text
    for heading in (
        "| in the regions | `physics` |",
        "| largest Atlantic overturning (Sv) |",
        "WOD 2001",
        "800 to 2000 m",
    ):
        assert heading in text
    for image in sorted((results / "global_4deg_hybrid").glob("*.png")):
        assert f"(global_4deg_hybrid/{image.name})" in text and image.stat().st_size < 150_000


def test_layers_share_cells():
    grid = runs.build_grid_from_config(
        runs.config_from_dict(runs.GLOBE).grid, runs.config_from_dict(runs.GLOBE).bathymetry
    )
    whole = sum(layer_volume(grid, *limits) for limits in ((0.0, 800.0), (800.0, 1e5)))
    np.testing.assert_allclose(whole, grid.volume)
    # a third of the layer from 500 to 2000 m lies above 800 m, by its part of the layer
    np.testing.assert_allclose(layer_volume(grid, 0.0, 800.0)[2], 0.2 * grid.volume[2])


def test_mistakes(tmp_path, capsys):
    assert main(["physics=a", "--data", ".", "--trained", "hybrid=."]) == 2
    assert "expected physics and hybrid among the runs" in capsys.readouterr().err
    runs.write_run(tmp_path / "run", runs.GLOBE, means=False)
    arguments = [f"physics={tmp_path / 'none'}", f"hybrid={tmp_path / 'run'}"]
    assert main([*arguments, "--data", str(tmp_path), "--trained", f"hybrid={tmp_path}"]) == 2
    assert "is not a run directory" in capsys.readouterr().err
