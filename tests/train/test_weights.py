"""Exported models: what comes back is what went out, and what does not fit is refused."""

import copy
import io
import shutil

import fsspec
import jax
import numpy as np
import pytest
from tiny_run import TREE

import ocean_gcm as og
from ocean_gcm import cli, weights
from ocean_gcm.config import config_from_dict
from ocean_gcm.errors import UserError
from train.setup import Setup


@pytest.fixture(scope="module")
def run(training, tmp_path_factory):
    """A model whose numbers have moved, and a directory like that of a training which holds it."""
    configuration, path = training()
    setup = Setup.build(configuration, path.parent)
    trained = setup.trained({name: x + 0.1 for name, x in setup.numbers.items()})
    directory = tmp_path_factory.mktemp("runs") / "run"
    weights.export_model(trained, directory / "model")
    return trained, directory


@pytest.fixture
def model_directory(run, tmp_path):
    return shutil.copytree(run[1] / "model", tmp_path / "model")


def rewrite(directory, **changes):
    """Set arrays of the stored variables, or with None leave them out."""
    path = directory / weights.VARIABLES
    with np.load(path) as file:
        arrays = {**file, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def test_loaded_model_steps_like_the_trained_one(run):
    trained, directory = run
    loaded = og.load_model(directory)
    for name, array in weights.named_variables(trained).items():
        np.testing.assert_array_equal(array, weights.named_variables(loaded)[name], err_msg=name)
    a, b = (model.step(model.initial_state())[0] for model in (trained, loaded))
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


def test_load_from_an_address(model_directory):
    for name in (weights.CONFIG, weights.VARIABLES):
        with fsspec.open(f"memory://bucket/run/model/{name}", "wb") as file:
            file.write((model_directory / name).read_bytes())
    here, there = og.load_model(model_directory), og.load_model("memory://bucket/run")
    for name, array in weights.named_variables(here).items():
        np.testing.assert_array_equal(array, weights.named_variables(there)[name])


def test_simulate_takes_a_trained_model_and_resumes_with_its_weights(run, tmp_path):
    output = tmp_path / "run"
    settings = ("output.interval=P1D", "output.snapshots=null", "output.restart_interval=P1D")
    overrides = [word for setting in settings for word in ("--set", setting)]
    command = ["simulate", str(run[1]), "--duration", "P1D", "--output", str(output), "--no-figures", *overrides]
    assert cli.main(command) == 0
    config = og.load_config(output / "config.yaml")
    built = weights.named_variables(og.build_model(config))["closures.drag.linear"]
    assert built == weights.named_variables(og.load_model(run[1]))["closures.drag.linear"] != 1e-3


def test_refusals(model_directory, tmp_path):
    def refused(match, overrides=()):
        with pytest.raises(UserError, match=match):
            og.load_model(model_directory, overrides)

    refused("is of a grid of", ["grid.nx=8"])
    refused("holds 'closures.background.viscosity', its configuration not", ["closures.background.viscosity=null"])
    refused("lacks the variable 'closures.drag.quadratic'", ["closures.drag.quadratic=1e-3"])
    rewrite(model_directory, **{"closures.drag.linear": np.zeros(3)})
    refused("has the shape")
    rewrite(model_directory, format=np.asarray("ocean_gcm model 0"))
    refused("has the format 'ocean_gcm model 0'; expected 'ocean_gcm model 2'")
    rewrite(model_directory, format=None)
    refused("damaged or not complete")
    with pytest.raises(UserError, match="holds no exported model"):
        og.load_model(tmp_path / "none")


def test_a_trained_number_that_is_set_holds(run, model_directory):
    name, kept = "closures.drag.linear", "closures.background.viscosity"
    trained = weights.named_variables(run[0])
    found = weights.named_variables(og.load_model(model_directory, [f"{name}=5e-3"]))
    assert found[name] == 5e-3 != trained[name] and found[kept] == trained[kept]
    config = weights.load_model_config(model_directory, ["closures.drag={kind: bottom_drag, linear: 5.0e-3}"])
    weights.export_model(og.build_model(config), model_directory / "again")
    assert weights.named_variables(og.load_model(model_directory / "again"))[name] == 5e-3
    # also the number that training began with
    assert weights.named_variables(og.load_model(model_directory, [f"{name}=1e-3"]))[name] == 1e-3
    assert weights.load_model_config(model_directory).closures["drag"].linear == float(trained[name]) != 1e-3


def test_numbers_beyond_the_bounds_of_the_configuration_are_among_the_variables_alone(run, tmp_path):
    model = og.load_model(run[1])
    model.closures["drag"].linear[...] = -1e-3
    weights.export_model(model, tmp_path)
    assert weights.load_model_config(tmp_path).closures["drag"].linear > 0
    assert weights.named_variables(og.load_model(tmp_path))["closures.drag.linear"] == -1e-3


def test_amplitudes_of_noise_of_older_models_are_as_configured(tmp_path):
    """Before they could be trained they were numbers of the configuration alone."""
    learned = {"random": {"length": 1e6}, "features": ["mask"], "network": {"width": 2, "blocks": 0}}
    noise = {"kind": "neural_tendencies", **learned, "random_amplitude": {"speed": 0.2}}
    correction = {**learned, "random_amplitude": {"power": 0.75}}
    tree = {**copy.deepcopy(TREE), "encoder": {"correction": correction}}
    tree["closures"]["noise"] = noise
    model = og.build_model(config_from_dict(tree))
    model.closures["noise"].random.time[...] *= 0.5
    weights.export_model(model, tmp_path)
    old = {name: None for name in weights.named_variables(model) if ".random_amplitude." in name}
    assert sorted(old) == [
        f"{owner}.random_amplitude.{number}" for owner in ("closures.noise", "encoder") for number in ("power", "speed")
    ]
    rewrite(tmp_path, **old)
    with pytest.raises(UserError, match="lacks the variable 'closures.noise.random_amplitude"):
        og.load_model(tmp_path)
    rewrite(tmp_path, format=np.asarray("ocean_gcm model 1"))
    changes = ["closures.noise.random_amplitude.speed=0.3", "encoder.correction.random.time=P1D"]
    for overrides, expected in (((), [0.2, 0.5, 0.75]), (changes, [0.3, 0.5, 0.75])):
        found = weights.named_variables(og.load_model(tmp_path, overrides))
        amplitudes = [found[name] for name in (*sorted(old)[1::-1], "encoder.random_amplitude.power")]
        np.testing.assert_allclose(amplitudes, expected, rtol=1e-6)
        assert found["closures.noise.random.time"] == 5 * 86400
        assert found["encoder.random.time"] == (1 if overrides else 10) * 86400


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_truncated_files_are_refused(model_directory, share):
    path = model_directory / weights.VARIABLES
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="damaged or not complete"):
        og.load_model(model_directory)


def test_pickles_are_not_read(model_directory):
    buffer = io.BytesIO()
    np.savez(buffer, format=np.array([object()]), grid_shape=np.zeros(3))
    (model_directory / weights.VARIABLES).write_bytes(buffer.getvalue())
    with pytest.raises(UserError, match="damaged"):
        og.load_model(model_directory)
