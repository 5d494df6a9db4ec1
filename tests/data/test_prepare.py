"""Published data on the grid of a model and on longitudes and latitudes, in blocks that can be taken up again."""

import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from encoding_cases import small_model
from published import NAMES, model_file, recipe, regular, series

import ocean_gcm as og
from ocean_gcm.data.plan import Way, plan
from ocean_gcm.data.prepare import peak_bytes, prepare
from ocean_gcm.data.survey import survey
from ocean_gcm.data.truth import open_truth
from ocean_gcm.errors import UserError

RECORDS = 6


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a series in one file and in daily ones, and the configuration of a model."""
    directory = tmp_path_factory.mktemp("published")
    data = series(RECORDS)
    data.to_netcdf(directory / "series.nc")
    for day in range(RECORDS):
        data.isel(time=slice(day, day + 1)).to_netcdf(directory / f"daily_{day}.nc")
    model_file(directory)
    return directory


@pytest.fixture(scope="module")
def model_target(place):
    return {"kind": "model", "config": str(place / "small.yaml")}


@pytest.fixture(scope="module")
def prepared(place, model_target):
    """What `prepare` writes for the model."""
    path = place / "model.zarr"
    prepare(recipe(place / "series.nc", model_target), path)
    return path


@pytest.fixture(scope="module")
def on_cells(place):
    """What it writes for longitudes and latitudes."""
    prepare(recipe(place / "series.nc", regular(20)), place / "cells.zarr")
    return read(place / "cells.zarr")


def read(path):
    with xr.open_zarr(path, chunks=None, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as dataset:
        return dataset.load()


def assert_same(found, expected, tolerance=0.0):
    for name in NAMES:
        np.testing.assert_allclose(found[name], expected[name], atol=tolerance, rtol=0, err_msg=name)


def test_a_model_starts_from_it_as_from_its_encoder(place, prepared):
    """The same numbers as `Encoder` gives from the same record, and states for `open_truth`."""
    model = small_model()
    truth = open_truth(prepared, model)
    assert len(truth) == RECORDS and str(truth.dates[0]) == "2011-02-25 00:00:00" and truth.interval == 86400
    first = series(RECORDS).isel(time=0, drop=True)
    ocean = og.Encoder.for_dataset(first, model)(first).ocean
    fields = truth.fields(0)
    for name in ("temperature", "salinity", "u", "v", "sea_surface_height"):
        np.testing.assert_allclose(fields[name], np.asarray(getattr(ocean, name)), atol=3e-5, err_msg=name)
    state = model.initial_state(fields=fields)
    assert np.isfinite(np.asarray(state.ocean.temperature)).all()


def test_a_model_at_rest_from_temperature_and_salinity_alone(place, model_target, prepared, tmp_path):
    source = {"path": str(place / "series.nc"), "variables": {"thetao": "thetao", "so": "so"}}
    period = {"end": "2011-02-26"}
    prepare(recipe("", {**model_target, "at_rest": True}, sources=[source], time=period), tmp_path / "rest.zarr")
    found, expected = read(tmp_path / "rest.zarr"), read(prepared).isel(time=slice(0, 2))
    np.testing.assert_array_equal(found.thetao, expected.thetao)
    assert (found.uo == 0).sum() == expected.uo.notnull().sum() and (found.zos == 0).any()
    assert not np.asarray(open_truth(tmp_path / "rest.zarr", small_model()).fields(1)["v"]).any()


def test_the_store_has_the_form_of_an_output(prepared):
    found = read(prepared)
    assert found.thetao.dims == ("time", "lev", "lat", "lon") and found.uo.dims == ("time", "lev", "lat", "lon_u")
    assert {"thkcello", "areacello", "deptho", "lev_bnds", "lat_bnds"} <= set(found.variables)
    assert found.thetao.attrs["cell_methods"] == "time: point" and "tosga" in found
    assert found.attrs["record_kind"] == "snapshot" and "sources:" in found.attrs["recipe"]
    assert found.time.values[0].calendar == "noleap"
    assert (found.thetao.isel(time=1) - found.thetao.isel(time=0)).mean() == pytest.approx(0.01, abs=1e-4)


def test_cells_of_longitude_and_latitude(on_cells):
    assert on_cells.thetao.dims == on_cells.uo.dims == ("time", "depth", "lat", "lon")
    assert on_cells.uo.attrs["standard_name"] == "eastward_sea_water_velocity"
    source = series(1).isel(time=0)
    np.testing.assert_allclose(on_cells.depth, source.depth)
    # the same heat per level, where both have only water
    lat = (source.lat > -60) & (source.lat < -40)
    fine = source.thetao.isel(depth=0).where(lat).weighted(np.cos(np.deg2rad(source.lat))).mean()
    coarse = on_cells.thetao.isel(time=0, depth=0, lat=0).mean()
    assert float(coarse) == pytest.approx(float(fine), abs=0.05)
    assert np.isnan(on_cells.thetao.sel(lat=10, lon=90, depth=5.0)).all()


def kelvin(data):
    data["thetao"] = (data.thetao + 273.15).assign_attrs(units="K")
    return data


def kilograms(data):
    data["so"] = (data.so / 1000).assign_attrs(units="kg/kg")
    return data


def centimetres(data):
    data["zos"] = (data.zos * 100).assign_attrs(units="cm")
    return data


def upward(data):
    return data.assign_coords(depth=("depth", -data.depth.values, {"units": "m", "positive": "up"}))


HARMLESS = {
    "kelvin": kelvin,
    "kg/kg": kilograms,
    "cm": centimetres,
    "upward": upward,
    "bottom first": lambda data: data.isel(depth=slice(None, None, -1)),
    "north first": lambda data: data.isel(lat=slice(None, None, -1)),
    "western longitudes": lambda data: data.assign_coords(
        lon=("lon", (data.lon.values + 180) % 360 - 180, data.lon.attrs)
    ).sortby("lon"),
    "transposed": lambda data: data.transpose("lon", "depth", "lat", "time"),
    "unsorted": lambda data: data.isel(time=[3, 1, 0, 2, 5, 4]),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_however_it_is_written(name, on_cells, tmp_path):
    data = HARMLESS[name](series(RECORDS))
    data.to_netcdf(tmp_path / "other.nc")
    prepare(recipe(tmp_path / "other.nc", regular(20)), tmp_path / "other.zarr")
    assert_same(read(tmp_path / "other.zarr"), on_cells, 2e-5)


def test_one_file_or_many_one_source_or_several(place, on_cells, tmp_path):
    sources = [
        {"path": str(place / "daily_*.nc"), "variables": {"thetao": "thetao", "zos": "zos"}},
        {"path": [str(place / f"daily_{day}.nc") for day in range(RECORDS)], "variables": {"so": "so"}},
        {"path": str(place / "series.nc"), "variables": {"uo": "uo", "vo": "vo"}},
    ]
    prepare(recipe("", regular(20), sources=sources), tmp_path / "many.zarr")
    assert_same(read(tmp_path / "many.zarr"), on_cells)


def test_a_curvilinear_grid(on_cells, tmp_path):
    """The same points with two-dimensional coordinates: cells are polygons."""
    data = series(RECORDS)
    lon, lat = np.meshgrid(data.lon, data.lat)
    data = data.rename(lon="i", lat="j").drop_vars(["i", "j"])
    data = data.assign_coords(nav_lon=(("j", "i"), lon), nav_lat=(("j", "i"), lat))
    data["uo"].attrs["standard_name"] = "sea_water_x_velocity"
    data.to_netcdf(tmp_path / "curvilinear.nc")
    settings = recipe(tmp_path / "curvilinear.nc", regular(20))
    with pytest.raises(UserError, match="'uo'.*curvilinear grid.*Expected 'eastward_sea_water_velocity'"):
        plan(settings)
    tracers = {"thetao": "thetao", "so": "so", "zos": "zos"}
    settings = recipe("", regular(20), sources=[{"path": str(tmp_path / "curvilinear.nc"), "variables": tracers}])
    prepare(settings, tmp_path / "out.zarr")
    found = read(tmp_path / "out.zarr")
    for name, tolerance in (("thetao", 0.5), ("so", 0.15), ("zos", 0.05)):
        difference = (found[name] - on_cells[name]).isel(time=0).values
        assert np.nanmax(np.abs(difference)) < tolerance and np.isfinite(difference).sum() > 50, name


def test_what_was_stopped_goes_on(place, on_cells, tmp_path):
    settings, said = recipe(place / "series.nc", regular(20), memory=1.0), []

    def stop(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(settings, tmp_path / "out.zarr", progress=stop, say=said.append)
    draft = tmp_path / ".out.zarr.part"
    assert not (tmp_path / "out.zarr").exists() and draft.exists() and "stopped after 4 of 6" in said[0]
    # killed in the middle of the last block: some arrays longer than others, some values not there
    group = zarr.open_group(draft, mode="r+", use_consolidated=False)
    group["thetao"][-1] = 99.0
    group["so"].resize((3, *group["so"].shape[1:]))
    made = prepare(settings, tmp_path / "out.zarr")
    assert made["resumed"] and not draft.exists()
    expected = read_settings(settings, tmp_path / "once.zarr")
    xr.testing.assert_identical(read(tmp_path / "out.zarr"), expected)
    assert_same(expected, on_cells)


def read_settings(settings, path):
    prepare(settings, path)
    return read(path)


def test_what_another_recipe_left_is_kept(place, tmp_path):
    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(recipe(place / "series.nc", regular(20)), tmp_path / "out.zarr", progress=stop)
    other = recipe(place / "series.nc", regular(20), reconstruction="constant")
    with pytest.raises(UserError, match="belongs to another configuration"):
        prepare(other, tmp_path / "out.zarr")
    prepare(other, tmp_path / "out.zarr", overwrite=True)
    with pytest.raises(UserError, match="exists; --overwrite"):
        prepare(other, tmp_path / "out.zarr")


def test_blocks_are_bounded_whatever_the_length(place, tmp_path):
    """Neither chunks nor blocks grow with the number of records, and they shrink with the memory that is allowed."""
    first = series(2)
    for day in range(12):
        stored = first.isel(time=slice(0, 1)).assign_coords(time=("time", [float(day)], first.time.attrs))
        stored.to_netcdf(tmp_path / f"day_{day:03}.nc")
    peaks = {}
    for files, memory in (("day_00[0-4].nc", 1.0), ("day_*.nc", 1.0), ("day_*.nc", 4.0)):
        planned = plan(recipe(tmp_path / files, regular(20), memory=memory))
        peaks[files, memory] = peak_bytes(planned)
        chunks = [v.array.chunks for v in planned.variables.values()]
        assert max(8 * np.prod([max(sizes) for sizes in c]) for c in chunks) < memory * 1e6
    assert peaks["day_00[0-4].nc", 1.0] == peaks["day_*.nc", 1.0] < 2e6
    assert peaks["day_*.nc", 4.0] > peaks["day_*.nc", 1.0]


def test_land_that_the_source_fills(tmp_path, on_cells):
    data = series(RECORDS)
    data["ocean"] = (("lat", "lon"), data.zos.isel(time=0).notnull().values.astype(float))
    data["zos"] = data.zos.fillna(7.0).assign_attrs(data.zos.attrs)
    data.to_netcdf(tmp_path / "filled.nc")
    source = {"path": str(tmp_path / "filled.nc"), "variables": {"zos": "zos"}}
    sea = {"variable": "ocean", "at_least": 0.5}
    prepare(recipe("", regular(20), sources=[{**source, "sea": sea}]), tmp_path / "out.zarr")
    np.testing.assert_array_equal(read(tmp_path / "out.zarr").zos, on_cells.zos)


def test_means_and_derived_fields(place, model_target, tmp_path):
    target = {**model_target, "derived": ["tos"], "remove_mean_sea_level": True}
    prepare(recipe(place / "series.nc", target, record_kind="mean"), tmp_path / "out.zarr")
    found = read(tmp_path / "out.zarr")
    np.testing.assert_array_equal(found.tos, found.thetao.isel(lev=0))
    assert str(found.time_bnds.values[0, 0]) == "2011-02-24 12:00:00"
    assert abs(float((found.zos * found.areacello).sum(["lat", "lon"])[0] / found.areacello.sum())) < 1e-6


def test_water_that_comes_and_goes(place, tmp_path):
    data = series(RECORDS)
    data["zos"][3, 5:9, 10:14] = np.nan
    data.to_netcdf(tmp_path / "gone.nc")
    with pytest.raises(UserError, match=r"'zos' of gone.nc is missing on 2011-02-28 in water.* E, .* N; expected"):
        prepare(recipe(tmp_path / "gone.nc", regular(20)), tmp_path / "out.zarr")
    shutil.rmtree(tmp_path / ".out.zarr.part", ignore_errors=True)
    prepare(recipe(tmp_path / "gone.nc", regular(20), missing="allow"), tmp_path / "out.zarr")
    missing = np.isnan(read(tmp_path / "out.zarr").zos).sum(["lat", "lon"]).values
    assert missing[3] > missing[2] == missing[4]


def test_survey_says_what_prepare_writes(place, model_target, prepared):
    found = survey(recipe(place / "series.nc", model_target))
    assert found.records == RECORDS and "12 x 8 x 4 cells" in found.target
    by_name = {v.name: v for v in found.variables}
    first = read(prepared).isel(time=0)
    assert by_name["thetao"].highest == pytest.approx(float(first.thetao.max()), abs=1e-5)
    assert by_name["thetao"].kind.startswith("unsaid, taken for potential temperature")
    assert "20 x 14" in by_name["zos"].grid and "7 levels 5 to 800 m" in by_name["so"].grid


def test_in_situ_temperature_and_absolute_salinity(tmp_path):
    """In-situ temperature of a level is warmed by its pressure; kinds are told by the standard name."""
    import gsw

    data = series(1)
    potential = series(1)
    pressure = gsw.p_from_z(-data.depth.values[:, None, None], data.lat.values[:, None])
    absolute = data.so * (35.16504 / 35)
    data["thetao"] = (data.thetao.dims, gsw.t_from_CT(absolute, gsw.CT_from_pt(absolute, data.thetao), pressure).values)
    data["thetao"].attrs = {"units": "degC", "standard_name": "sea_water_temperature"}
    data["so"] = absolute.assign_attrs(units="g kg-1", standard_name="sea_water_absolute_salinity")
    for name, dataset in (("other", data), ("potential", potential)):
        dataset.to_netcdf(tmp_path / f"{name}.nc")
        source = {"path": str(tmp_path / f"{name}.nc"), "variables": {"thetao": "thetao", "so": "so"}}
        prepare(recipe("", regular(20), sources=[source]), tmp_path / f"{name}.zarr")
    one, two = (read(tmp_path / f"{name}.zarr") for name in ("other", "potential"))
    np.testing.assert_allclose(one.thetao, two.thetao, atol=2e-3)
    np.testing.assert_allclose(one.so, two.so, atol=1e-4)
    alone = {"path": str(tmp_path / "other.nc"), "variables": {"thetao": "thetao"}}
    with pytest.raises(UserError, match="sea_water_temperature; potential temperature needs the salinity"):
        Way.of(plan(recipe("", regular(20), sources=[alone])))
