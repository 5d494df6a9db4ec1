"""Exported models: what comes back is what went out, and what does not fit is refused."""

import io
import shutil

import fsspec
import jax
import numpy as np
import pytest

import ocean_gcm as og
from ocean_gcm import cli, weights
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
    refused("has the format 'ocean_gcm model 0'; expected 'ocean_gcm model 1'")
    rewrite(model_directory, format=None)
    refused("damaged or not complete")
    with pytest.raises(UserError, match="holds no exported model"):
        og.load_model(tmp_path / "none")


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
