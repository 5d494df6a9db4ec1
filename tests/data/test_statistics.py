"""Statistics of a truth: numbers, files, and mistakes."""

import json

import numpy as np
import pytest
import xarray as xr
from island_grid import channel, island

from ocean_gcm.data import statistics
from ocean_gcm.data.statistics import compute_statistics, read_statistics
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.loss import LossConfig, build_loss

RECORDS = 12
DAY = 86400.0
DIMENSIONS = {
    "thetao": ("lev", "lat", "lon"),
    "so": ("lev", "lat", "lon"),
    "uo": ("lev", "lat", "lon_u"),
    "vo": ("lev", "lat_v", "lon"),
    "zos": ("lat", "lon"),
}


def masks(grid):
    return {"thetao": grid.mask, "so": grid.mask, "uo": grid.mask_u, "vo": grid.mask_v, "zos": grid.wet}


def series(grid, seed=0) -> xr.Dataset:
    """Noise that grows with depth, half a day apart, land as NaN."""
    random = np.random.default_rng(seed)
    variables = {}
    for name, mask in masks(grid).items():
        size = (1.0 + np.arange(mask.shape[0])[:, None, None]) if mask.ndim == 3 else 0.1
        field = size * (2.0 + random.normal(size=(RECORDS, *mask.shape)))
        variables[name] = (("time", *DIMENSIONS[name]), np.where(mask, field, np.nan).astype(np.float32))
    times = np.datetime64("2001-01-01", "ns") + np.arange(RECORDS) * np.timedelta64(12, "h")
    return xr.Dataset(variables, {"time": times}, {"title": "noise"})


def test_numbers_by_definition():
    grid, data = island(), series(island())
    found = compute_statistics(data, grid, lead=DAY)
    for name, cf_name, place in (("temperature", "thetao", "T"), ("v", "vo", "V"), ("sea_surface_height", "zos", "T")):
        mask = masks(grid)[cf_name].reshape(-1, *grid.shape[1:])
        values = data[cf_name].values.astype(float).reshape(RECORDS, *mask.shape)
        for k in range(len(mask)):
            area = np.broadcast_to(grid.geometry.area[place], (RECORDS, *grid.shape[1:]))[:, mask[k]]
            for field, kind in ((values[:, k], ""), (values[2:, k] - values[:-2, k], "tendency_")):
                field, share = field[:, mask[k]], area[: len(field)]
                mean = np.average(field, weights=share)
                spread = np.average((field - mean) ** 2, weights=share) ** 0.5
                statistics_ = found.variables[name]
                assert getattr(statistics_, f"{kind}mean")[k] == pytest.approx(mean, rel=1e-6, abs=1e-7)
                assert getattr(statistics_, f"{kind}standard_deviation")[k] == pytest.approx(spread, rel=1e-6)
    assert found.provenance["records"] == "12" and found.provenance["title"] == "noise"


def test_pieces_and_files_give_the_same(tmp_path, monkeypatch):
    """Read from Zarr and NetCDF, three records at once: the numbers of one pass over the data in memory."""
    grid, data = island(), series(island())
    whole = compute_statistics(data, grid, lead=DAY)
    monkeypatch.setattr(statistics, "PIECE_BYTES", 3 * 8 * np.prod(grid.shape))
    data.to_zarr(tmp_path / "truth.zarr", zarr_format=3)
    data.to_netcdf(tmp_path / "truth.nc")
    for source in (data, tmp_path / "truth.zarr", tmp_path / "truth.nc"):
        pieces = compute_statistics(source, grid, lead=DAY)
        for name, expected in whole.variables.items():
            for kind in ("mean", "standard_deviation", "tendency_mean", "tendency_standard_deviation"):
                found = getattr(pieces.variables[name], kind)
                np.testing.assert_allclose(found, getattr(expected, kind), rtol=1e-10, atol=1e-12)
        assert pieces.provenance["first_time"][:10] == whole.provenance["first_time"][:10] == "2001-01-01"


@pytest.mark.parametrize("name", ["statistics.json", "statistics.nc"])
def test_written_and_read(tmp_path, name):
    """Every number comes back to the last bit, dry levels and provenance too."""
    grid, data = island(), series(island())
    written = compute_statistics(data, grid, lead=DAY, variables=("temperature", "sea_surface_height"),
                                 provenance={"commit": "abc"})  # fmt: skip
    written.variables["temperature"].mean[2] = np.nan
    written.write(tmp_path / name)
    read = read_statistics(tmp_path / name)
    assert read.lead == DAY and dict(read.provenance) == dict(written.provenance) and read.provenance["commit"] == "abc"
    np.testing.assert_array_equal(read.depth, written.depth)
    assert list(read.variables) == list(written.variables)
    for variable, expected in written.variables.items():
        for kind in ("mean", "standard_deviation", "tendency_mean", "tendency_standard_deviation"):
            np.testing.assert_array_equal(getattr(read.variables[variable], kind), getattr(expected, kind))
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_scales_have_a_floor_and_make_a_loss():
    grid = island()
    found = compute_statistics(series(grid), grid, lead=DAY)
    spread = found.variables["u"].tendency_standard_deviation
    np.testing.assert_allclose(found.scales("tendency", 0.5)["u"], np.maximum(spread, 0.5 * spread.max()))
    assert found.scales("tendency", 0.5)["u"][0] > spread[0]
    np.testing.assert_array_equal(
        found.scales("standard_deviation", 1e-3)["u"], found.variables["u"].standard_deviation
    )
    config = LossConfig.model_validate({"terms": {"error": {"kind": "squared_error"}}})
    loss = build_loss(config, grid, found.scales(config.scale, config.smallest_scale), [DAY])
    np.testing.assert_allclose(loss.inverse_scales["u"][:, 0, 0], 1 / spread, rtol=1e-6)
    found.require_grid(grid)


def changed(name, change):
    data = series(island())
    data[name] = change(data[name])
    return data


MISTAKES = [
    (lambda: series(island()).drop_vars("so"), {}, r"no variable 'salinity' \(or 'so'\)"),
    (lambda: changed("so", lambda a: a * np.nan), {}, "salinity of the data set is NaN in all wet cells"),
    (lambda: changed("so", lambda a: a.where(np.arange(3)[None, :, None, None] != 1)), {}, "wet cells of level 1"),
    (lambda: changed("so", lambda a: a * 0 + 35.1), {}, "salinity of the data set does not vary .it is 35.1"),
    (
        lambda: changed("uo", lambda a: a.copy(data=a.values[[0] * RECORDS])),
        {},
        "the change of u of the data set does not vary",
    ),
    (lambda: series(island()).isel(lev=slice(2)), {}, "has the dimensions .* expected time and then"),
    (lambda: series(island()), {"lead": 1.25 * DAY}, "the lead is 108000 s; expected a multiple of 43200 s"),
    (lambda: series(island()), {"lead": 9 * DAY}, "shorter than all 12"),
    (lambda: series(island()).isel(time=[0, 1, 3, 4]), {}, "not evenly spaced: 43200 s apart at first, 86400 s"),
    (lambda: series(island()).isel(time=[0]), {}, "no time axis of two or more records"),
    (lambda: series(island()).assign_coords(time=np.arange(12)), {}, "without a unit; expected dates"),
]


@pytest.mark.parametrize("make, keys, message", MISTAKES)
def test_mistakes(make, keys, message):
    with pytest.raises(UserError, match=message):
        compute_statistics(make(), island(), **{"lead": DAY, **keys})


def test_mistakes_with_files(tmp_path):
    found = compute_statistics(series(island()), island(), lead=DAY, variables=("temperature",))
    with pytest.raises(UserError, match="expected .json or .nc"):
        found.write(tmp_path / "statistics.txt")
    with pytest.raises(UserError, match="could not be written"):
        found.write(tmp_path / "nowhere" / "statistics.json")
    with pytest.raises(UserError, match="do not exist"):
        read_statistics(tmp_path / "statistics.json")
    found.write(tmp_path / "statistics.json")
    tree = json.loads((tmp_path / "statistics.json").read_text())
    for text in ("{", "[]", json.dumps({**tree, "format": "other"}), json.dumps({**tree, "variables": {"u": {}}})):
        (tmp_path / "statistics.json").write_text(text)
        with pytest.raises(UserError, match="holds no statistics that can be read"):
            read_statistics(tmp_path / "statistics.json")
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(UserError, match="holds no statistics that can be read"):
        read_statistics(tmp_path / "other.nc")
    deeper = found.to_dataset().assign_coords(lev=found.depth * 2)
    deeper.to_netcdf(tmp_path / "deeper.nc")
    with pytest.raises(UserError, match="3 levels down to 1400 m, the grid has 3 levels down to 700 m"):
        read_statistics(tmp_path / "deeper.nc").require_grid(channel())
