"""Configurations: what is read, and that every mistake gets its sentence."""

import copy
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minimal_config import MINIMAL

from ocean_gcm.config import Config, config_from_dict, load_config
from ocean_gcm.errors import UserError
from ocean_gcm.experiment import differences
from ocean_gcm.yaml_tree import dump_tree, read_tree

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def changed(**values):
    """MINIMAL with some values, keys written grid__nx=3; None deletes."""
    tree = copy.deepcopy(MINIMAL)
    for path, value in values.items():
        *above, key = path.split("__")
        here = tree
        for name in above:
            here = here.setdefault(name, {})
        here[key] = value
    return tree


@pytest.fixture(autouse=True)
def data_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("OCEAN_GCM_DATA", str(tmp_path))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configurations_load(path):
    config = load_config(path)
    assert config.name == path.stem
    assert config.description


def test_there_are_shipped_configurations():
    assert {path.stem for path in CONFIGS} >= {"global_4deg", "global_4deg_observed", "double_gyre", "acc_channel"}


def test_resolved_configuration_is_read_back(tmp_path):
    config = config_from_dict(MINIMAL)
    path = tmp_path / "config.yaml"
    path.write_text(config.model_copy(update={"provenance": {"jax": "1"}}).to_yaml())
    again = load_config(path)
    assert again.science() == config.science()
    assert again.hash == config.hash


@given(st.from_regex(r"[0-9a-f]{5,40}|[0-9.]{0,3}[eE][0-9]{1,3}", fullmatch=True))
def test_texts_stay_texts(tmp_path_factory, commit):
    """A commit that begins like a number (549698850e8055...) is none."""
    tree = {"commit": commit, "number": 1e-5}
    path = tmp_path_factory.mktemp("texts") / "tree.yaml"
    path.write_text(dump_tree(tree))
    assert read_tree(path) == tree


def test_hash_knows_what_decides_the_numbers():
    config = config_from_dict(MINIMAL)
    same = changed(name="other", description="x", time__duration="P20D", output__directory="/somewhere")
    assert config_from_dict(same).hash == config.hash
    other = config_from_dict(changed(time__step="PT1H"))
    assert other.hash != config.hash
    assert differences(config, other) == ["time.step: PT2H -> PT1H"]


def test_overrides(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    overrides = ["grid.nx=60", "closures.drag.linear=2e-3", "grid.x=[0, 90]", "bathymetry={kind: flat, depth: 500}"]
    config = load_config(path, [*overrides, "surface.freshwater_as=volume"])
    assert config.grid.nx == 60 and config.grid.x == (0, 90)
    assert config.closures["drag"].linear == 2e-3
    assert config.bathymetry.depth == 500


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"grid__nxx": 3}, ["grid.nxx", "'nx'"]),
        ({"gird": {}}, ["gird", "'grid'"]),
        ({"bathymetry__dpth": 3}, ["bathymetry.dpth", "'depth'"]),
        ({"bathymetry__kind": "flatt"}, ["bathymetry.kind", "'flatt'", "'flat'"]),
        ({"bathymetry": {}}, ["bathymetry.kind", "flat"]),
        ({"bathymetry": "flat"}, ["bathymetry", "'flat'", "section"]),
        ({"closures__drag__kind": "drag"}, ["closures.drag.kind", "'drag'", "bottom_drag"]),
        ({"closures__drag__lineer": 1}, ["closures.drag.lineer", "'linear'"]),
        ({"output__snapshots": {"interval": "P1D", "variabels": []}}, ["output.snapshots.variabels", "'variables'"]),
        ({"grid__nx": "many"}, ["grid.nx", "'many'", "integer"]),
        ({"grid__nx": 0}, ["grid.nx", "0", "greater"]),
        ({"grid__nx": 10**9}, ["grid", "cells", "at most"]),
        ({"grid__nx": 2}, ["grid.nx", "2", "at least"]),
        ({"grid__levels": {"number": 3, "depth": 1e300}}, ["grid.levels", "1e+300", "at most"]),
        ({"grid__y": [60, -60]}, ["grid", "y", "increase"]),
        ({"grid__y": [-60, float("nan")]}, ["grid.y", "nan", "finite"]),
        ({"time__step": 7200}, ["time.step", "7200", "ISO-8601"]),
        ({"time__step": "2H"}, ["time.step", "'2H'", "ISO-8601"]),
        ({"time__start": "0001-02-30"}, ["time.start", "0001-02-30"]),
        ({"time__calendar": "julian"}, ["time.calendar", "'julian'", "noleap"]),
        ({"output__interval": "PT3H"}, ["output.interval", "PT3H", "time.step", "PT2H"]),
        ({"output__variables": ["thetoa"]}, ["output.variables", "'thetoa'", "'thetao'"]),
        ({"name": "a/b"}, ["name", "'a/b'"]),
        ({"initial": {"kind": "file", "path": "${NO_SUCH}/x.nc"}}, ["initial.path", "NO_SUCH", "not set"]),
        ({"dynamics__momentum_advection": "weno"}, ["dynamics.momentum_advection", "'weno'", "'weno5'"]),
        ({"tracers__u": {"kind": "uniform"}}, ["tracers.u"]),
    ],
    ids=str,
)
def test_mistakes_are_named(values, words):
    with pytest.raises(UserError) as caught:
        config_from_dict(changed(**values))
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", ["YAML", "line"]),
        ("name: a\nname: b\n", ["'name'", "twice", "line 2"]),
        ("- a\n- b\n", ["list", "keys and values"]),
        ("", ["empty", "keys and values"]),
        ("a: 0001-99-99 12:00:00\n", ["unknown key 'a'"]),
        ("\x00", ["YAML"]),
    ],
)
def test_broken_files_are_named(tmp_path, text, words):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_config(path)
    for word in [*words, str(path)]:
        assert word in str(caught.value), str(caught.value)


def test_missing_files_are_named(tmp_path):
    (tmp_path / "double_gyre.yaml").write_text("")
    with pytest.raises(UserError, match=r"did you mean .*double_gyre.yaml"):
        load_config(tmp_path / "duoble_gyre.yaml")
    with pytest.raises(UserError, match="directory"):
        load_config(tmp_path)


@pytest.mark.parametrize("override", ["grid.nx", "=3", "grid..nx=3", "name.x=3", "grid.nx=[", "nope=1"])
def test_broken_overrides_are_named(tmp_path, override):
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    with pytest.raises(UserError):
        load_config(path, [override])


def paths_of(tree, prefix=()):
    for key, value in tree.items():
        yield (*prefix, key)
        if isinstance(value, dict):
            yield from paths_of(value, (*prefix, key))


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(string.printable, max_size=12),
    st.lists(st.one_of(st.integers(-5, 5), st.text(max_size=3), st.none()), max_size=4),
    st.dictionaries(st.sampled_from(["kind", "x", "depth", "path", "nx"]), st.integers(-3, 3), max_size=3),
    st.dictionaries(st.integers(), st.integers(), min_size=1, max_size=2),
    st.sampled_from(["flat", "earth", "linear", "P0D", "PT1S", "P1Y", "1e400", "${NOPE}/x", "~", "sphere", "plane"]),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_broken_configurations_get_a_sentence(data):
    tree = copy.deepcopy(MINIMAL)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(paths_of(tree), key=str)))
        here = tree
        for key in path[:-1]:
            here = here[key]
        action = data.draw(st.sampled_from(["replace", "delete", "add", "rename"]))
        if action == "replace":
            here[path[-1]] = data.draw(values)
        elif action == "add":
            here[data.draw(st.text(string.ascii_lowercase, min_size=1, max_size=6))] = data.draw(values)
        elif action == "rename":
            here[str(path[-1])[::-1]] = here.pop(path[-1])
        else:
            del here[path[-1]]
        if not tree:
            break
    try:
        config = config_from_dict(tree)
    except UserError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert isinstance(config, Config)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError):
        load_config(path)


def test_every_key_says_what_it_is():
    """Every field of every section has a description, and the schema can be made."""
    schema = Config.model_json_schema()
    lacking = [
        f"{name}.{key}"
        for name, section in schema["$defs"].items()
        for key, field in section.get("properties", {}).items()
        if key != "kind" and "description" not in field
    ]
    assert not lacking
