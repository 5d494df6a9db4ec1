"""Recipes that begin with others."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from minimal_config import MINIMAL

from ocean_gcm.config import load_config
from ocean_gcm.data.recipe import load_recipe
from ocean_gcm.errors import UserError
from ocean_gcm.yaml_tree import BASE, file_of, merged, read_tree

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture
def write(tmp_path):
    """Function (file name, tree) -> its path, below a directory of its own."""

    def written(name, tree):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    written("plain.yaml", MINIMAL)
    return written


def test_sections_are_merged_and_all_else_is_replaced(write):
    path = write("more.yaml", {"base": "plain.yaml", "grid": {"nx": 16, "x": [0, 160]}, "time": {"step": "PT1H"}})
    expected = copy.deepcopy(MINIMAL)
    expected["grid"].update(nx=16, x=[0, 160])
    expected["time"]["step"] = "PT1H"
    assert read_tree(path) == expected
    assert read_tree(path, ["grid.nx=20", "time.step=PT3H"])["grid"]["nx"] == 20
    assert BASE not in yaml.safe_load(load_config(path).to_yaml())


def test_chains_over_directories(write):
    write("first/a.yaml", {"base": "../plain.yaml", "grid": {"nx": 9}, "seed": 1})
    write("second/b.yaml", {"base": "../first/a.yaml", "seed": 2})
    config = load_config(write("c.yaml", {"base": "second/b.yaml", "name": "c"}))
    assert (config.name, config.seed, config.grid.nx, config.grid.ny) == ("c", 2, 9, 6)


def test_a_base_may_be_named_by_a_variable(write, monkeypatch):
    path = write("more/more.yaml", {"base": "$RECIPES/plain.yaml", "seed": 3})
    with pytest.raises(UserError, match="needs the environment variable RECIPES"):
        load_config(path)
    monkeypatch.setenv("RECIPES", str(path.parents[1]))
    assert load_config(path).seed == 3


def test_a_section_of_another_kind_takes_the_place(write):
    drag = {"kind": "harmonic_viscosity", "viscosity": 1e3}
    changes = {"closures": {"drag": drag}, "initial": {"kind": "exponential", "scale": 500.0}}
    config = load_config(write("more.yaml", {"base": "plain.yaml", **changes}))
    assert config.closures["drag"].kind == "harmonic_viscosity" and config.initial.scale == 500.0
    same = load_config(write("same.yaml", {"base": "plain.yaml", "closures": {"drag": {"quadratic": 1e-3}}}))
    assert (same.closures["drag"].linear, same.closures["drag"].quadratic) == (1e-3, 1e-3)


def test_what_a_base_has_is_left_out(write):
    """A closure that is null is none, in a file and by --set; a section whose base is null begins with nothing."""
    write("two.yaml", {"base": "plain.yaml", "closures": {"more": {"kind": "background_mixing"}}})
    assert set(load_config(write("a.yaml", {"base": "two.yaml", "closures": {"drag": None}})).closures) == {"more"}
    assert set(load_config(write("b.yaml", {"base": "two.yaml"}), ["closures.more=null"]).closures) == {"drag"}
    assert not load_config(write("c.yaml", {"base": "two.yaml", "closures": {"base": None}})).closures
    levels = {"base": None, "number": 4, "depth": 1000}
    assert load_config(write("d.yaml", {"base": "two.yaml", "grid": {"levels": levels}})).grid.levels.number == 4
    with pytest.raises(UserError, match="give either thickness or number"):
        load_config(write("e.yaml", {"base": "two.yaml", "grid": {"levels": {"number": 4, "depth": 1000}}}))


def test_sections_begin_with_files_of_their_own(write):
    """The section `model` of a training; one that names a file takes the place of that of the base."""
    write("model.yaml", {"base": "plain.yaml", "seed": 5})
    write("parts/recipe.yaml", {"model": {"base": "../model.yaml", "grid": {"nx": 9}}, "seed": 1})
    more = read_tree(write("more.yaml", {"base": "parts/recipe.yaml", "model": {"grid": {"ny": 7}}}))
    assert more["seed"] == 1 and more["model"]["seed"] == 5
    assert (more["model"]["grid"]["nx"], more["model"]["grid"]["ny"]) == (9, 7)
    other = read_tree(write("other.yaml", {"base": "parts/recipe.yaml", "model": {"base": "plain.yaml"}}))
    assert other["model"] == MINIMAL
    named = read_tree(write("named.yaml", {"closures": {"base": {"kind": "bottom_drag"}}}))
    assert named == {"closures": {"base": {"kind": "bottom_drag"}}}  # a closure of that name


def test_paths_of_a_base_count_from_there(write, tmp_path):
    truth = {"path": "truth.zarr", "other": "${DATA}/x.nc"}
    write("far/recipe.yaml", {"truth": truth, "start": "gs://bucket/run", "here": "x"})
    path = write("near.yaml", {"base": "far/recipe.yaml", "here": "y"})
    found = read_tree(path, paths=("truth.path", "truth.other", "start", "here", "absent.key"))
    assert (tmp_path / found["truth"]["path"]).resolve() == tmp_path / "far" / "truth.zarr"
    assert (found["truth"]["other"], found["start"], found["here"]) == ("${DATA}/x.nc", "gs://bucket/run", "y")


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("palin.yaml", "more.yaml: base is palin.yaml; there is no configuration .*did you mean .*plain.yaml"),
        (3, "more.yaml: base is 3; expected a YAML file"),
        ("gs://bucket/plain.yaml", "more.yaml: base is 'gs://bucket/plain.yaml'; expected a YAML file"),
        ("more.yaml", "more.yaml: base is more.yaml, which leads back"),
        (
            "round.yaml",
            "round.yaml: base is more.yaml, which leads back .*: .*more.yaml -> .*round.yaml -> .*more.yaml",
        ),
        ("broken.yaml", "broken.yaml: not valid YAML"),
    ],
)
def test_bases_that_cannot_be(write, tmp_path, base, words):
    write("round.yaml", {"base": "more.yaml"})
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(UserError, match=words):
        read_tree(write("more.yaml", {"base": base}))


@pytest.mark.parametrize(
    ("below", "above", "file", "words"),
    [
        ({"grid": {"nxx": 3}}, {"seed": 1}, "below.yaml", "unknown key 'grid.nxx'"),
        ({"seed": 1}, {"grid": {"nxx": 3}}, "above.yaml", "unknown key 'grid.nxx'"),
        ({"grid": {"nx": 2}}, {}, "below.yaml", "grid.nx is 2"),
        ({"grid": {"nx": 9}}, {"grid": {"nx": 2}}, "above.yaml", "grid.nx is 2"),
        ({"bathymetry": {"kind": "bowl"}}, {}, "below.yaml", "bathymetry.kind is 'bowl'"),
        ({}, {"closures": {"drag": {"lineer": 1}}}, "above.yaml", "unknown key 'closures.drag.lineer'"),
        ({"initial": {"kind": "file", "path": "${NO_SUCH}/x"}}, {}, "below.yaml", "initial.path: "),
    ],
)
def test_mistakes_name_the_file_where_the_key_stands(write, below, above, file, words):
    write("below.yaml", {"base": "plain.yaml", **below})
    path = write("above.yaml", {"base": "below.yaml", **above})
    with pytest.raises(UserError) as caught:
        load_config(path)
    assert re.match(rf"{path.parent}/{file}: {re.escape(words)}", str(caught.value)), caught.value


def test_file_of_a_section_with_a_base(write):
    path = write("training.yaml", {"model": {"base": "plain.yaml", "grid": {"ny": 3}}, "stages": [{"steps": 1}]})
    expected = {"model: grid.nx is 2": "plain", "model: grid.ny is 2": "training", "stages[0].steps is 0": "training"}
    for mistake, name in {**expected, "the key 'stage' is missing": "training", "": "training"}.items():
        assert file_of(path, mistake) == str(path.with_stem(name)), mistake
    assert file_of(path, "model: grid.nx is 2", ["seed=1", "model.grid.nx=2"]) == str(path)


def test_recipes_of_data_have_bases_too(tmp_path, write):
    path = write("mine.yaml", {"base": str(CONFIGS / "data" / "glorys12.yaml"), "description": "mine"})
    assert load_recipe(path).description == "mine"


LEAVES = st.none() | st.integers() | st.lists(st.integers(), max_size=2)
TREES = st.recursive(LEAVES, lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3), max_leaves=8)
SECTIONS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=3)


@given(SECTIONS, SECTIONS)
def test_merging(a, b):
    kept = copy.deepcopy((a, b))
    both = merged(a, b)
    assert merged(a, {}) == a and merged({}, a) == a and merged(a, a) == a and merged(both, b) == both
    assert list(both) == [*a, *(key for key in b if key not in a)]
    for key, value in both.items():
        sections = isinstance(a.get(key), dict) and isinstance(b.get(key), dict)
        assert value == (merged(a[key], b[key]) if sections else b[key] if key in b else a[key])
    assert (a, b) == kept


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_shipped_recipes_are_read_in_one_place_or_two(path):
    """No recipe needs a third file to be understood, that of the model apart."""
    own = yaml.safe_load(path.read_text())
    if isinstance(own.get(BASE), str):
        assert BASE not in yaml.safe_load((path.parent / own[BASE]).read_text())
    if BASE in own.get("model", {}):
        assert BASE not in yaml.safe_load((path.parent / own["model"][BASE]).read_text())


def test_files_of_another_kind_are_named():
    from ocean_gcm.data.recipe import load_recipe
    from train.config import load_train_config

    experiment, training, recipe = "configs/qg_jet.yaml", "configs/train/gyre_recovery.yaml", "configs/data/woa18.yaml"
    for load, path, message in (
        (load_config, training, "is a training, which python -m train takes; expected an experiment"),
        (load_config, recipe, "is a recipe of data, which ocean-gcm data prepare takes; expected an experiment"),
        (load_train_config, experiment, "is an experiment, which ocean-gcm simulate takes; expected a training"),
        (load_recipe, training, "is a training, which python -m train takes; expected a recipe of data"),
    ):
        with pytest.raises(UserError, match=f"{path} {message}"):
            load(path)
