"""What is wrong with published data or with a recipe is said in one sentence that names it."""

import numpy as np
import pytest
import xarray as xr
import yaml
from encoding_cases import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st
from published import NAMES, model_file, recipe, regular, series

from ocean_gcm.cli import main
from ocean_gcm.data.plan import Way, plan
from ocean_gcm.data.prepare import prepare
from ocean_gcm.data.recipe import load_recipe, recipe_from_dict
from ocean_gcm.errors import UserError


def with_attributes(name, **attributes):
    def change(data):
        data[name].attrs.update(attributes)
        return data

    return change


def with_values(name, value):
    def change(data):
        data[name][(0,) * data[name].ndim] = value
        return data

    return change


def zero_land(data):
    for name in ("thetao", "so"):
        data[name] = data[name].fillna(0.0).assign_attrs(data[name].attrs)
    return data


def without(name, *attributes):
    def change(data):
        for attribute in attributes:
            data[name].attrs.pop(attribute, None)
        return data

    return change


BROKEN = {
    "no variable": (lambda data: data.drop_vars("so"), "no variable 'so'"),
    "misspelt": (lambda data: data.rename(thetao="theta_o"), "no variable 'thetao'; did you mean 'theta_o'"),
    "no units": (without("thetao", "units"), "'thetao' of ocean.nc has no units; expected degC"),
    "Kelvin called degC": (
        lambda data: data.assign(thetao=(data.thetao + 273.15).assign_attrs(units="degC")),
        "mislabelled",
    ),
    "strange units": (with_attributes("uo", units="knots"), "has the units 'knots'; expected m s-1"),
    "a fill value": (with_values("zos", 9.97e36), "contains the value 9.97e\\+36 m"),
    "infinite": (with_values("so", np.inf), "infinite"),
    "zero on land": (zero_land, "are both 0 in .* boxes: is 0 the file's land"),
    "no depth": (lambda data: data.isel(depth=0, drop=True), "'thetao' of ocean.nc has no depth axis"),
    "depth of sea level": (
        lambda data: data.assign(zos=data.thetao.assign_attrs(units="m") * 0.01),
        "'zos' of ocean.nc has 7 depths; expected a field of the surface",
    ),
    "swapped axes": (
        lambda data: data.assign_coords(lat=("lat", 2 * data.lat.values, data.lat.attrs)),
        "latitudes from -130 to 130: expected degrees north",
    ),
    "longitudes that turn back": (
        lambda data: data.assign_coords(lon=("lon", np.where(np.arange(20) == 9, 3.0, data.lon), data.lon.attrs)),
        "not monotone",
    ),
    "no time": (lambda data: data.isel(time=0, drop=True), "without dates"),
    "a gap": (lambda data: data.isel(time=[0, 1, 3, 4]), "a gap of 2 days after 2011-02-26"),
    "a day twice": (lambda data: data.isel(time=[0, 1, 1, 2]), "there already, the first of 2011-02-26"),
    "months since": (with_attributes("time", units="months since 2000-01-01"), "cannot be decoded"),
    "text": (lambda data: data.assign(so=data.so.astype(str)), "holds .* values; expected numbers"),
    "a region": (lambda data: data.isel(lon=slice(0, 8)), "knows .*% of the ocean of small; expected at least 50%"),
    "no land of its own": (lambda data: data.assign(thetao=data.thetao * np.nan), "knows 0% of the ocean"),
}


@pytest.fixture(scope="module")
def model_target(tmp_path_factory):
    return {"kind": "model", "config": model_file(tmp_path_factory.mktemp("model"))}


def refused(action, words):
    with pytest.raises(UserError, match=words) as error:
        action()
    sentence = str(error.value)
    assert "\n" not in sentence and len(sentence) < 450, sentence


@pytest.mark.parametrize("name", BROKEN)
def test_broken_data(name, model_target, tmp_path):
    change, words = BROKEN[name]
    change(series(5)).to_netcdf(tmp_path / "ocean.nc")
    refused(lambda: Way.of(plan(recipe(tmp_path / "ocean.nc", model_target))), words)


def test_files_that_do_not_belong_together(tmp_path):
    series(2).to_netcdf(tmp_path / "a_1.nc")
    series(2, start="2011-02-27", nlon=24).to_netcdf(tmp_path / "a_2.nc")
    refused(
        lambda: plan(recipe(tmp_path / "a_*.nc", regular())), "of a_2.nc has 24 points along lon; the first file has 20"
    )
    (tmp_path / "c").mkdir()
    series(2).to_netcdf(tmp_path / "c" / "a_1.nc")
    series(2, start="2011-02-27", west=5.0).to_netcdf(tmp_path / "c" / "a_2.nc")
    refused(lambda: plan(recipe(tmp_path / "c" / "a_*.nc", regular())), "other points along lon than the first file")
    sources = [
        {"path": str(tmp_path / "a_1.nc"), "variables": {"thetao": "thetao"}},
        {"path": str(tmp_path / "a_2.nc"), "variables": {"so": "so"}},
    ]
    refused(lambda: plan(recipe("", regular(), sources=sources)), "thetao and so have records of different times")
    refused(lambda: plan(recipe(tmp_path / "b_*.nc", regular())), "no file fits '.*b_\\*.nc'")
    refused(lambda: plan(recipe(tmp_path / "b.nc", regular())), "does not exist")
    (tmp_path / "b.nc").write_text("no NetCDF")
    refused(lambda: plan(recipe(tmp_path / "b.nc", regular())), "b.nc cannot be read as a NetCDF file")


def test_targets_that_cannot_be(model_target, tmp_path):
    series(2).to_netcdf(tmp_path / "ocean.nc")
    path = tmp_path / "ocean.nc"
    elsewhere = {"kind": "lonlat", "resolution": 5, "longitude": [70, 80], "latitude": [70, 80]}
    refused(lambda: Way.of(plan(recipe(path, elsewhere))), "has no water in cells of 5 degree")
    late = {**model_target, "overrides": ["time.start=2015-01-01"]}
    refused(
        lambda: prepare(recipe(path, late), tmp_path / "o.zarr"), "begin on 2011-02-25, before time.start = 2015-01-01"
    )
    plane = {**SMALL, "grid": {**SMALL["grid"], "geometry": "plane", "x": [0, 1e6], "y": [0, 1e6]}}
    (tmp_path / "plane.yaml").write_text(yaml.safe_dump(plane))
    refused(lambda: plan(recipe(path, {"kind": "model", "config": str(tmp_path / "plane.yaml")})), "has a plane")
    refused(lambda: plan(recipe(path, {"kind": "model", "config": str(tmp_path / "none.yaml")})), "no configuration")
    refused(lambda: plan(recipe(path, model_target, missing="allow")), "missing: allow needs target.kind: lonlat")
    refused(lambda: prepare(recipe(path, regular()), "gs://bucket/o.zarr"), "expected a directory here")
    (tmp_path / "file").write_text("")
    refused(lambda: prepare(recipe(path, regular(20)), tmp_path / "file" / "o.zarr"), "cannot be written")
    derived = {**model_target, "derived": ["mlotst"]}
    only = [{"path": str(path), "variables": {"zos": "zos"}}]
    refused(
        lambda: prepare(recipe("", derived, sources=only), tmp_path / "o.zarr"),
        "'mlotst', which cannot be made from zos",
    )


TREE = {
    "name": "x",
    "sources": [{"path": "a.nc", "variables": {"thetao": "t"}}],
    "target": {"kind": "lonlat", "resolution": 5},
}
RECIPES = {
    "unknown key": ({"taget": 1}, "unknown key 'taget'; did you mean 'target'"),
    "unknown variable": (
        {"sources": [{"path": "a.nc", "variables": {"tetao": "t"}}]},
        "variables contains 'tetao'; did you mean 'thetao'",
    ),
    "no source": ({"sources": []}, "sources is empty"),
    "twice": ({"sources": TREE["sources"] * 2}, "thetao comes from two sources"),
    "kind of temperature": (
        {"sources": [{"path": "a.nc", "variables": {"thetao": {"name": "t", "standard_name": "warmth"}}}]},
        "variables.thetao.standard_name is 'warmth'",
    ),
    "no kind of target": ({"target": {"resolution": 5}}, "the key 'target.kind' is missing"),
    "cells that do not fit": ({"target": {"kind": "lonlat", "resolution": 7}}, "resolution = 7 does not divide"),
    "depths": ({"target": {"kind": "lonlat", "resolution": 5, "depth": [10, 5]}}, "must ascend"),
    "dates": ({"time": {"start": "1.1.2000"}}, "'1.1.2000' is no date"),
    "period": ({"time": {"start": "2001-01-01", "end": "2000-01-01"}}, "lies after"),
    "sea": (
        {"sources": [{**TREE["sources"][0], "sea": {"variable": "m"}}]},
        "sea needs one of at_least and at_most",
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_broken_recipes(name):
    changes, words = RECIPES[name]
    refused(lambda: recipe_from_dict({**TREE, **changes}), words)


@settings(max_examples=40)
@given(
    key=st.sampled_from(["time", "target", "sources", "memory", "name", "record_kind"]),
    value=st.one_of(
        st.none(),
        st.text(max_size=5),
        st.integers(),
        st.lists(st.integers(), max_size=2),
        st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    ),
)
def test_any_nonsense_is_refused_in_one_sentence_or_valid(key, value):
    try:
        recipe_from_dict({**TREE, key: value})
    except UserError as error:
        assert "\n" not in str(error) or "\n" in str(value)


def test_the_command(tmp_path, capsys):
    series(2).to_netcdf(tmp_path / "ocean.nc")
    tree = {**TREE, "sources": [{"path": str(tmp_path / "ocean.nc"), "variables": {name: name for name in NAMES}}]}
    tree["target"] = regular(20)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(tree))
    assert main(["data", "check", str(tmp_path / "recipe.yaml"), "--set", "time.end=2011-02-25"]) == 0
    assert "x: 1 record(s) on cells of 20 degree(s)" in capsys.readouterr().out
    assert main(["data", "prepare", str(tmp_path / "recipe.yaml"), "--output", str(tmp_path / "o.zarr")]) == 0
    assert "2 records" in capsys.readouterr().out
    with xr.open_zarr(tmp_path / "o.zarr") as written:
        assert written.sizes["time"] == 2
    assert main(["data", "prepare", str(tmp_path / "recipe.yaml"), "--output", str(tmp_path / "o.zarr")]) == 2
    assert "exists; --overwrite" in capsys.readouterr().err


def test_every_recipe_of_the_project_is_valid(request):
    recipes = sorted((request.config.rootpath / "configs" / "data").glob("*.yaml"))
    assert len(recipes) >= 10
    for path in recipes:
        found = load_recipe(path)
        assert found.references and found.description, path
