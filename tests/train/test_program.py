import dataclasses
import json
import shutil

import fsspec
import jax
import numpy as np
import pytest
import storage
import xarray as xr
from train_files import PERIODS, lines

import ocean_gcm as og
from ocean_gcm.data import restart
from ocean_gcm.errors import UserError
from ocean_gcm.weights import named_variables
from train import program
from train.setup import Material, Setup


def assert_equal(a, b):
    first, second = restart.named_arrays(a), restart.named_arrays(b)
    assert set(first) == set(second)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


def test_training_reduces_the_loss_and_finds_the_way(whole):
    carry, directory = whole
    metrics = lines(directory / "metrics.jsonl")
    assert [line["iteration"] for line in metrics] == [1, 2, 3, 4, 5, 6]
    assert metrics[-1]["loss"] < metrics[0]["loss"] and metrics[-1]["skipped"] == 0
    # from 1e-3 towards 2e-3
    drags = [line["parameters"]["closures.drag.linear"] for line in metrics]
    assert 1e-3 < drags[0] < drags[-1] < 2e-3
    (scores,) = lines(directory / "validation.jsonl")
    for name, errors in scores["rmse"].items():
        assert len(errors) == 2 and errors[-1] < scores["rmse_untrained"][name][-1]
        assert errors[-1] < scores["rmse_persistence"][name][-1]
    assert [path.name for path in (directory / "figures").iterdir()] == ["validation_000006.png"]
    assert len(list((directory / "checkpoints").iterdir())) == 2
    assert int(carry.updates) == 6


def test_the_running_mean_is_exported(whole):
    carry, directory = whole
    drag = float(named_variables(og.load_model(directory))["closures.drag.linear"])
    assert drag == pytest.approx(float(np.exp(carry.average["closures.drag.linear"])), rel=1e-12)
    assert drag != pytest.approx(float(np.exp(carry.numbers["closures.drag.linear"])), rel=1e-12)


def test_resume_equals_an_uninterrupted_run_after_a_kill_while_saving(whole, training, quietly, tmp_path, monkeypatch):
    configuration = training(periods=PERIODS)
    write, directory = program.JsonLines.write, tmp_path / "run"

    def stop(self, line):
        if line["iteration"] == 6:
            raise KeyboardInterrupt
        write(self, line)

    with monkeypatch.context() as patch:
        patch.setattr(program.JsonLines, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            quietly(configuration, directory)
    # what a kill amid of writing leaves where nothing can be renamed: a directory that lacks its last file
    saved = directory / "checkpoints"
    shutil.copytree(saved / f"{4:012d}", saved / f"{5:012d}")
    (saved / f"{5:012d}" / "_CHECKPOINT_METADATA").unlink()
    carry, printed = quietly(configuration, directory, resume=True)
    assert "not complete" in printed and "going on at iteration 4" in printed
    assert_equal(carry, whole[0])
    assert [line["iteration"] for line in lines(directory / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]


def test_updates_that_are_not_finite_are_skipped_and_lead_back(training, quietly, tmp_path, monkeypatch):
    batches, spoilt = Material.batches, {3: 3}

    def with_nan(self, first):
        for iteration, batch in enumerate(batches(self, first), first):
            if spoilt.get(iteration, 0) > 0:
                spoilt[iteration] -= 1
                batch = dataclasses.replace(batch, truth=jax.tree.map(lambda a: a * np.nan, batch.truth))
            yield batch

    monkeypatch.setattr(Material, "batches", with_nan)
    # from 3 back to the checkpoint at 2, three times
    configuration = training(periods=PERIODS, recovery={"skips": 1, "factor": 0.5, "most": 4})
    carry, printed = quietly(configuration, tmp_path / "run")
    assert printed.count("back to iteration 2") == 3
    last = lines(tmp_path / "run" / "metrics.jsonl")[-1]
    stage = configuration[0].stages[0]
    assert last["learning_rate"] == pytest.approx(stage.rate(5) / 8)
    assert all(np.isfinite(x) for x in carry.numbers.values())

    spoilt.update({2: 1})
    configuration = training(periods=PERIODS, recovery={"skips": 2})
    carry, printed = quietly(configuration, tmp_path / "skipped")
    assert "back to" not in printed and (int(carry.skipped), int(carry.updates)) == (1, 5)
    before, after = (line["parameters"] for line in lines(tmp_path / "skipped" / "metrics.jsonl")[1:3])
    assert before == after

    spoilt.update({0: 9})
    with pytest.raises(UserError, match="after 2 returns to a checkpoint"):
        quietly(training(periods=PERIODS, recovery={"skips": 1, "most": 2}), tmp_path / "hopeless")


def test_a_training_begins_with_the_weights_of_another(whole, training, tmp_path):
    """What both have is taken, by path; what only the new one has is as configured."""
    more = {"more": {"kind": "horizontal_diffusion", "diffusivity": 77.0}}
    config, path = training(start=str(whole[1]), model={"base": "model.yaml", "closures": more})
    setup = Setup.build(config, path.parent)
    trained = named_variables(og.load_model(whole[1]))
    begun = named_variables(setup.model)
    assert begun["closures.drag.linear"] == trained["closures.drag.linear"] != 1e-3
    assert begun["closures.more.diffusivity"] == 77.0
    config, path = training(start=str(tmp_path))
    with pytest.raises(UserError, match="there is no exported model"):
        Setup.build(config, path.parent)


def test_local_scales_are_those_of_the_training_period(whole, training, tmp_path):
    loss = {"terms": {"error": {"kind": "squared_error"}}, "variables": {"u": 1.0, "sea_surface_height": 1.0}}
    truth, found = {"path": str(whole[1] / "truth.zarr")}, {}
    for power in (0.0, 1.0):
        config, path = training(
            periods=PERIODS, truth=truth, loss={**loss, "local_scale": power, "smallest_scale": 0.01}
        )
        material = Material.prepare(Setup.build(config, path.parent), path.parent, tmp_path, str)
        scales = material.loss(config.stages[0], config.loss_of(0)).inverse_scales
        found[power] = {name: np.asarray(a) for name, a in scales.items()}
    period = material.periods["train"]
    height = xr.open_zarr(whole[1] / "truth.zarr")["zos"].values[period.begin : period.end]
    spread = np.sqrt((np.diff(height, axis=0) ** 2).mean(0))
    wet = np.isfinite(spread) & (spread > 0.1 * np.nanmax(spread))
    ratio = (found[1.0]["sea_surface_height"] / found[0.0]["sea_surface_height"])[0]
    product = (ratio * spread)[wet]
    np.testing.assert_allclose(product, product.mean(), rtol=1e-5)

    material.local_spread.pop("u")
    with pytest.raises(UserError, match="local_scale is 1, but the truth holds no u"):
        material.loss(config.stages[0], config.loss_of(0))


def test_another_training_is_not_overwritten(whole, training, quietly):
    configuration = training(periods=PERIODS)
    with pytest.raises(UserError, match="holds a training already"):
        quietly(configuration, whole[1])
    kept = (whole[1] / "training.yaml").read_text()
    for changes, message in (
        ({"seed": 4}, r"another configuration \(training.seed: 3 -> 4\)"),
        (
            {"model": {"base": "model.yaml", "grid": {"nx": 7}}},
            r"a grid of \[3, 5, 6\] cells, the model has",
        ),
    ):
        with pytest.raises(UserError, match=message):
            quietly(training(periods=PERIODS, **changes), whole[1], resume=True)
    assert (whole[1] / "training.yaml").read_text() == kept


def test_run_at_an_address_is_resumed_elsewhere_over_a_bad_line(whole, training, quietly, tmp_path, monkeypatch):
    configuration = training(periods=PERIODS)
    write = program.JsonLines.write

    def stop(self, line):
        if line["iteration"] == 6:
            raise KeyboardInterrupt
        write(self, line)

    with storage.emulator(monkeypatch) as (bucket, faults):
        faults.waiting = ["503", None, "cut", None, None] * 4
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(program.JsonLines, "write", stop)
            quietly(configuration, f"{bucket}/run")
        assert faults.hit == 8
        with pytest.raises(UserError, match=f"{bucket}/run holds a training already"):
            quietly(configuration, f"{bucket}/run")
        # nothing of the first part is left on this machine
        carry, printed = quietly(configuration, f"{bucket}/run", resume=True)
        assert "going on at iteration 4" in printed and f"the trained model is in {bucket}/run" in printed
        assert_equal(carry, whole[0])
        text = fsspec.filesystem("gs").cat_file(f"{bucket}/run/metrics.jsonl").decode()
        assert [json.loads(line)["iteration"] for line in text.splitlines()] == [1, 2, 3, 4, 5, 6]
        faults.waiting = ["cut", "503"]
        there, here = (named_variables(og.load_model(run)) for run in (f"{bucket}/run", whole[1]))
    assert faults.hit == 10
    for name, array in here.items():
        np.testing.assert_array_equal(there[name], array, err_msg=name)


def test_a_simulation_is_not_touched(training, quietly, tmp_path):
    (tmp_path / "config.yaml").write_text("name: mine\n")
    for resume in (False, True):
        with pytest.raises(UserError, match="holds a simulation; expected another --output"):
            quietly(training(), tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_missing_truth_shows_before_anything_else(training, tmp_path):
    with pytest.raises(UserError, match="truth.zarr does not exist"):
        program.check(*training(truth={"path": "truth.zarr"}))


def test_command(training, tmp_path, capsys):
    from train.__main__ import main

    _, path = training(periods=PERIODS)
    assert main([str(path), "--output", str(tmp_path / "run"), "--dry-run"]) == 0
    assert "2 numbers in 2 parameters of tiny, 6 iterations" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()
    assert main([str(path), "--output", str(tmp_path / "run"), "--set", "stages.0.stepz=3"]) == 2
    assert "stepz" in capsys.readouterr().err
