"""A fine run as a coarse truth: form, numbers, provenance, bounded memory, mistakes."""

import gsw
import numpy as np
import pytest
import xarray as xr
import yaml
from synthetic_runs import CHANNEL, GLOBE, GYRE, write_run

from ocean_gcm import cli
from ocean_gcm.config import config_from_dict
from ocean_gcm.data import coarsen as module
from ocean_gcm.data import output
from ocean_gcm.data.coarsen import coarsen
from ocean_gcm.data.output import SALINITY_RATIO
from ocean_gcm.data.series import open_series
from ocean_gcm.errors import UserError
from ocean_gcm.grid.build import build_grid_from_config

TEOS10 = {**GYRE, "dynamics": {}, "output": {"precision": "float64"}}


def read(path):
    with xr.open_zarr(path, chunks=None, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as dataset:
        return dataset.load()


@pytest.fixture(scope="module")
def gyre(tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "gyre"
    write_run(directory, {**GYRE, "output": {"precision": "float64"}}, records=5, means=False)
    return directory


@pytest.mark.parametrize("tree", [GYRE, CHANNEL, GLOBE], ids=lambda tree: tree["name"])
@pytest.mark.parametrize("means", [False, True])
def test_form_is_that_of_a_run_on_the_coarse_grid(tmp_path, tree, means):
    factor = 5 if tree is GLOBE else 4
    write_run(tmp_path / "fine", tree, means=means)
    coarse_tree = {**tree, "grid": {**tree["grid"], "nx": tree["grid"]["nx"] // factor, "ny": 20 // factor}}
    write_run(tmp_path / "coarse", coarse_tree, means=means)
    made = coarsen(tmp_path / "fine", tmp_path / "truth.zarr", factor)
    truth, run = read(tmp_path / "truth.zarr"), read(tmp_path / "coarse" / "output.zarr")
    assert made["records"] == 3 and made["shape"] == tuple(truth["thetao"].shape[1:])
    # transports through straits depend on the mask: what is left is common to all runs
    named = {n for n in run.variables if run[n].ndim or n in run.coords}
    series = {n for n in named if run[n].dims == ("time",)} - {"time"}
    assert named - series <= set(truth.variables)
    for name in sorted(named - series):
        assert truth[name].dims == run[name].dims and truth[name].attrs == run[name].attrs, name
    for name in [*run.coords, "areacello", *(["time_bnds"] if means else [])]:
        if run[name].dtype == object:
            assert (truth[name].values == run[name].values).all(), name
        else:
            np.testing.assert_allclose(truth[name].values, run[name].values, rtol=1e-12, atol=1e-8, err_msg=name)
    wet = np.isfinite(truth["thkcello"].values)
    assert (np.isfinite(truth["thetao"].values) == wet).all() and not wet.all() == (tree is GLOBE)


def test_heat_salt_and_volume_are_those_of_the_run(gyre, tmp_path):
    coarsen(gyre, tmp_path / "t.zarr", 4, layers=2)
    truth, run = read(tmp_path / "t.zarr"), read(gyre / "output.zarr")
    for name in ("thetaoga", "soga", "zosga", "volo"):
        np.testing.assert_allclose(truth[name], run[name], rtol=1e-13, err_msg=name)


def test_teos10_conserves_conservative_temperature(tmp_path):
    grid = write_run(tmp_path / "fine", TEOS10, means=False)
    coarsen(tmp_path / "fine", tmp_path / "t.zarr", 4)
    truth, run = read(tmp_path / "t.zarr"), read(tmp_path / "fine" / "output.zarr")

    def heat(dataset):
        absolute = dataset["so"].values * SALINITY_RATIO
        stretching = 1.0 + dataset["zos"] / dataset["deptho"]
        volume = (dataset["thkcello"] * dataset["areacello"] * stretching).transpose("time", "lev", "y", "x").values
        return np.nansum(gsw.CT_from_pt(absolute, dataset["thetao"].values) * volume, (1, 2, 3))

    assert np.isfinite(truth["thetao"].values).all() and grid.mask.all()
    np.testing.assert_allclose(heat(truth), heat(run), rtol=1e-9)  # gsw inverts to 1e-12 degC or so


def test_streaming_equals_all_at_once(gyre, tmp_path, monkeypatch):
    coarsen(gyre, tmp_path / "once.zarr", 4)
    monkeypatch.setattr(module, "_WORKING_BYTES", 1.0)
    seen = []
    coarsen(gyre, tmp_path / "one_by_one.zarr", 4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 5) for n in range(1, 6)]
    xr.testing.assert_identical(read(tmp_path / "once.zarr"), read(tmp_path / "one_by_one.zarr"))


def test_factor_one_copies_and_twice_by_two_is_once_by_four(gyre, tmp_path):
    coarsen(gyre, tmp_path / "same.zarr", 1)
    xr.testing.assert_allclose(read(tmp_path / "same.zarr"), read(gyre / "output.zarr"), rtol=1e-13)
    coarsen(gyre, tmp_path / "two.zarr", 2)
    coarsen(tmp_path / "two.zarr", tmp_path / "two_two.zarr", 2)
    coarsen(gyre, tmp_path / "four.zarr", 4)
    twice, once = read(tmp_path / "two_two.zarr"), read(tmp_path / "four.zarr")
    for name in ("thetao", "so", "uo", "vo", "zos"):
        np.testing.assert_allclose(twice[name], once[name], rtol=1e-12, atol=1e-14, err_msg=name)


def test_netcdf_in_place_of_zarr(gyre, tmp_path):
    read(gyre / "output.zarr").to_netcdf(tmp_path / "fine.nc")
    (tmp_path / "config.yaml").write_text((gyre / "config.yaml").read_text())
    coarsen(gyre, tmp_path / "a.zarr", 4)
    coarsen(tmp_path / "fine.nc", tmp_path / "b.zarr", 4)
    xr.testing.assert_identical(read(tmp_path / "a.zarr"), read(tmp_path / "b.zarr"))


def test_provenance(gyre, tmp_path):
    coarsen(gyre, tmp_path / "t.zarr", 4, layers=3, wet_fraction=0.6)
    attrs = read(tmp_path / "t.zarr").attrs
    fine = config_from_dict(yaml.safe_load(attrs["fine_configuration"]))
    coarse = config_from_dict(yaml.safe_load(attrs["configuration"]))
    assert fine.hash == open_series(gyre).config.hash == attrs["fine_configuration_hash"]
    assert (coarse.grid.nx, coarse.grid.ny, coarse.grid.levels.thickness) == (6, 5, (1500.0, 1500.0))
    assert (attrs["coarsening_factor"], attrs["coarsening_layers"], attrs["coarsening_wet_fraction"]) == (4, 3, 0.6)
    assert attrs["ocean_gcm_version"] and attrs["ocean_gcm_commit"] and attrs["record_kind"] == "snapshot"


def test_chosen_variables_only(gyre, tmp_path):
    coarsen(gyre, tmp_path / "t.zarr", 4, variables=["zos", "wo", "tos"])
    truth = read(tmp_path / "t.zarr")
    assert {"zos", "wo", "tos"} <= set(truth) and not {"thetao", "uo"} & set(truth)


def test_a_model_can_have_the_grid_from_the_depths_of_the_truth(tmp_path):
    """Real coasts: the truth's own deptho as bathymetry gives its mask and its bottom cells."""
    write_run(tmp_path / "fine", GLOBE, means=False)
    coarsen(tmp_path / "fine", tmp_path / "first.zarr", 5)
    tree = {**GLOBE, "grid": {**GLOBE["grid"], "nx": 9, "ny": 4}}
    tree["bathymetry"] = {"kind": "file", "path": str(tmp_path / "first.zarr"), "variable": "deptho"}
    config = config_from_dict(tree)
    coarsen(tmp_path / "fine", tmp_path / "second.zarr", 5, config=config)
    first, second = read(tmp_path / "first.zarr"), read(tmp_path / "second.zarr")
    np.testing.assert_allclose(second["thkcello"], first["thkcello"], rtol=1e-12)
    thickness = build_grid_from_config(config.grid, config.bathymetry).thickness
    np.testing.assert_allclose(np.nan_to_num(second["thkcello"].values), thickness, rtol=1e-12)


COARSE = {**GYRE, "grid": {**GYRE["grid"], "nx": 6, "ny": 5}}


def changed(**keys):
    grid = {**COARSE["grid"], **{k: v for k, v in keys.items() if k in COARSE["grid"] or k == "periodic_x"}}
    return {**COARSE, **{k: v for k, v in keys.items() if k not in grid}, "grid": grid}


WALL = {"kind": "flat", "depth": 3000, "walls": [{"x": [0, 1e6], "y": [0, 5e5]}]}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"nx": 8}, "6 cells along x; expected 8"),
        ({"x": [0, 2.5e6]}, "lies on another grid: x"),
        ({"levels": {"number": 3, "depth": 3000}}, "6 levels; expected 3"),
        ({"levels": {"number": 6, "depth": 3300}}, "lev_bnds"),
        ({"bathymetry": WALL}, "another mask than the grid: 12 cells differ"),
        ({"periodic_x": True}, "grid.periodic_x = False"),
        ({"time": {"step": "PT1H", "calendar": "360_day"}}, "time.calendar = noleap"),
    ],
    ids=str,
)
def test_a_configuration_that_does_not_agree(gyre, tmp_path, keys, words):
    with pytest.raises(UserError, match=words):
        coarsen(gyre, tmp_path / "t.zarr", 4, config=config_from_dict(changed(**keys)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{run}", "--factor", "5"], "--factor is 5; expected a divisor"),
        (["{run}", "--factor", "0"], "--factor is 0"),
        (["{run}", "--factor", "4", "--levels", "4"], "--levels is 4"),
        (["{run}", "--factor", "4", "--variables", "tetao"], "did you mean 'thetao'"),
        (["{run}", "--factor", "4", "--wet-fraction", "50"], "from 0 to 1"),
        (["{run}", "--factor", "4", "--config", "nothing.yaml"], "no configuration nothing.yaml"),
        (["{run}x", "--factor", "4"], "does not exist"),
        (["{run}/summary.json", "--factor", "4"], "cannot be read as a NetCDF file"),
    ],
    ids=str,
)
def test_mistakes_are_one_line(gyre, tmp_path, capsys, arguments, words):
    arguments = [a.format(run=gyre) for a in arguments]
    assert cli.main(["coarsen", *arguments, "--output", str(tmp_path / "t.zarr")]) == 2
    printed = capsys.readouterr().err
    assert words in printed and printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == []  # nothing half made


def test_command_line_and_overwriting(gyre, tmp_path, capsys):
    command = ["coarsen", str(gyre), "--factor", "4", "--output", str(tmp_path / "t.zarr")]
    assert cli.main(command) == 0 and "5 records of 6 x 5 x 6 cells" in capsys.readouterr().out
    assert cli.main(command) == 2 and "--overwrite" in capsys.readouterr().err
    assert cli.main([*command, "--overwrite"]) == 0


def damaged(gyre, tmp_path, change):
    change(read(gyre / "output.zarr")).to_zarr(tmp_path / "output.zarr")
    (tmp_path / "config.yaml").write_text((gyre / "config.yaml").read_text())
    return tmp_path


def with_nan(dataset):
    dataset["thetao"].values[2, 1, 3, 4] = np.nan
    return dataset


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_nan, "thetao of .* is nan in 1 wet cells at 0004-01-01"),
        (lambda d: d.drop_vars("thkcello"), "thkcello"),
        (lambda d: d.drop_vars("x_u"), "no coordinate x_u"),
        (lambda d: d.assign_coords(x=d.x + 3.0e4), "lies on another grid: x"),
        (lambda d: d.isel(time=slice(0)), "no records"),
        (lambda d: d.drop_vars("time"), "no units|cannot be read|time axis"),
        (lambda d: d.assign(uo=d.uo.rename(x_u="x_w")), "dimensions"),
        (lambda d: d.isel(lev=slice(3)), "3 levels; expected 6"),
    ],
    ids=["nan", "thkcello", "x_u", "shifted", "empty", "no time", "dimensions", "levels"],
)
def test_data_that_cannot_be_used(gyre, tmp_path, change, words):
    run = damaged(gyre, tmp_path, change)
    with pytest.raises(UserError, match=words):
        coarsen(run, tmp_path / "t.zarr", 4)


def test_a_variable_that_cannot_be_made_and_data_without_configuration(gyre, tmp_path):
    run = damaged(gyre, tmp_path, lambda d: d.drop_vars(["uo", "vo"]))
    with pytest.raises(UserError, match="'wo' cannot be made from .*temperature"):
        coarsen(run, tmp_path / "t.zarr", 4, variables=["wo"])
    with pytest.raises(UserError, match="neither config.yaml"):
        (tmp_path / "config.yaml").unlink()
        coarsen(tmp_path / "output.zarr", tmp_path / "t.zarr", 4)


def test_only_a_writable_place(gyre, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be written"):
        coarsen(gyre, tmp_path / "file" / "t.zarr", 4)


def test_derived_variables_are_those_of_the_coarse_fields(gyre, tmp_path):
    coarsen(gyre, tmp_path / "t.zarr", 4)
    series = open_series(tmp_path / "t.zarr")
    fields = series.fields(slice(0, 2), series.available)
    expected = output.record(series.grid, series.config, fields, ["msftbarot"])["msftbarot"]
    np.testing.assert_allclose(series.dataset["msftbarot"].values[:2], expected, rtol=1e-12)
