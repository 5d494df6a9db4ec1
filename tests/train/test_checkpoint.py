"""Checkpoints of a training: every bit comes back on any devices; what is damaged or does not fit is not taken."""

import dataclasses
import json
import shutil
import subprocess
import sys

import checkpointed
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from checkpointed import CONFIGURATION, PROGRESS, carry_like
from simulated_devices import environment

from ocean_gcm.data import restart
from ocean_gcm.errors import UserError
from train import checkpoint
from train.checkpoint import Checkpoints


def written(directory, *iterations, keep=9, configuration=CONFIGURATION):
    with Checkpoints(directory, keep, configuration) as checkpoints:
        for n in iterations:
            checkpoints.save(carry_like(n), dataclasses.replace(PROGRESS, iteration=n))


def latest(directory, like=None, configuration=CONFIGURATION):
    """(what is found, what was warned of)."""
    sentences = []
    with Checkpoints(directory, 9, configuration) as checkpoints:
        return checkpoints.latest(like or carry_like(0), sentences.append), sentences


def assert_equal(a, b):
    first, second = restart.named_arrays(a), restart.named_arrays(b)
    assert set(first) == set(second)
    for name, array in first.items():
        assert array.dtype == second[name].dtype
        np.testing.assert_array_equal(array, second[name], err_msg=name)


def test_every_bit_comes_back(tmp_path):
    written(tmp_path, 3)
    (carry, progress), warnings = latest(tmp_path)
    assert_equal(carry, carry_like(3))
    assert progress == dataclasses.replace(PROGRESS, iteration=3) and not warnings
    assert isinstance(carry.optimizer[1], optax.ScaleByAdamState)


def test_only_the_latest_are_kept_and_none_is_skipped(tmp_path):
    # each is asked for while the one before is being written
    written(tmp_path, 0, 2, 4, 6, keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{n:012d}" for n in (4, 6)]


def test_nothing_there_is_no_mistake(tmp_path):
    assert latest(tmp_path / "nothing") == (None, [])


def test_a_checkpoint_may_be_written_again(tmp_path):
    written(tmp_path, 2)
    with Checkpoints(tmp_path, 2, CONFIGURATION) as checkpoints:
        checkpoints.save(carry_like(7), dataclasses.replace(PROGRESS, iteration=2, returns=5))
    (carry, progress), _ = latest(tmp_path)
    assert_equal(carry, carry_like(7))
    assert progress.returns == 5


# readers that fail leave threads and objects behind that complain when they are collected
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("damage", ["delete", "empty", "half", "flip"])
def test_damage_never_passes_for_good_numbers(tmp_path, damage):
    written(tmp_path / "good", 1, 2)
    newest = tmp_path / "good" / f"{2:012d}"
    passed_over = set()
    for number, file in enumerate(sorted(p for p in newest.rglob("*") if p.is_file())):
        directory = tmp_path / f"{damage}{number}"
        shutil.copytree(tmp_path / "good", directory)
        victim = directory / newest.name / file.relative_to(newest)
        content = bytearray(victim.read_bytes())
        if damage == "delete":
            victim.unlink()
        else:
            content[len(content) // 2] ^= 0xFF
            victim.write_bytes({"empty": b"", "half": content[: len(content) // 2], "flip": content}[damage])
        (carry, progress), warnings = latest(directory)
        assert_equal(carry, carry_like(progress.iteration))
        assert (progress.iteration, len(warnings)) in ((2, 0), (1, 1))
        if warnings:
            assert newest.name in warnings[0] and warnings[0].endswith("taking the one before")
            passed_over.add(file.relative_to(newest).parts[0])
    assert passed_over == {"_CHECKPOINT_METADATA", "state"}


def test_leftovers_of_a_killed_save_are_cleared(tmp_path):
    written(tmp_path, 1)
    leftover = tmp_path / f"{2:012d}.orbax-checkpoint-tmp"
    shutil.copytree(tmp_path / f"{1:012d}", leftover)
    (_, progress), warnings = latest(tmp_path)
    assert progress.iteration == 1 and not warnings and not leftover.exists()


def test_if_all_are_damaged_it_says_so(tmp_path):
    written(tmp_path, 1)
    shutil.rmtree(tmp_path / f"{1:012d}" / "state")
    with pytest.raises(UserError, match="none of the 1 checkpoints .* is damaged or not complete"):
        latest(tmp_path)


def test_other_formats_are_named(tmp_path, monkeypatch):
    # what the first version of the training program wrote
    arrays = restart.named_arrays(carry_like(1))
    restart.save(tmp_path / "old", restart.Restart(1, arrays, {}, {"iteration": 1, "hash": "0"}))
    with pytest.raises(UserError, match="has the format 'ocean_gcm training 1'; expected 'ocean_gcm training 2'"):
        latest(tmp_path / "old")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", "ocean_gcm training 3")
        written(tmp_path / "new", 1)
    with pytest.raises(UserError, match="has the format 'ocean_gcm training 3'"):
        latest(tmp_path / "new")


def test_metadata_that_were_changed_are_not_believed(tmp_path):
    written(tmp_path, 1, 2)
    path = tmp_path / f"{2:012d}" / "_CHECKPOINT_METADATA"
    tree = json.loads(path.read_text())
    tree["custom_metadata"]["progress"]["iteration"] = 3
    path.write_text(json.dumps(tree))
    (_, progress), warnings = latest(tmp_path)
    assert progress.iteration == 1 and "its metadata are not what was written" in warnings[0]


def test_what_does_not_fit_is_named(tmp_path):
    written(tmp_path, 1)
    carry = carry_like(1)
    other = {**CONFIGURATION, "training": {"seed": 1, "stages": [{"steps": 3}, {"steps": 8}]}}
    with pytest.raises(UserError, match=r"\(training.seed: 0 -> 1 and 1 further keys\)"):
        latest(tmp_path, configuration=other)
    with pytest.raises(UserError, match=r"is of a grid of \[3, 5, 6\] cells, the model has \[3, 5, 7\]"):
        latest(tmp_path, configuration={**CONFIGURATION, "grid": [3, 5, 7]})
    with pytest.raises(UserError, match="holds 'average.weights', which this configuration does not have"):
        latest(tmp_path, dataclasses.replace(carry, average={}))
    more = {**carry.numbers, "bias": jnp.zeros(2)}
    with pytest.raises(UserError, match="lacks 'numbers.bias'"):
        latest(tmp_path, dataclasses.replace(carry, numbers=more))
    with pytest.raises(UserError, match="'numbers.weights' of the checkpoint .* has shape"):
        latest(tmp_path, dataclasses.replace(carry, numbers={"drag": carry.numbers["drag"], "weights": jnp.zeros(2)}))


def test_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file could not be written: .*Not a directory"):
        written(tmp_path / "file", 1)


def test_failure_to_write_shows_at_the_next_save_or_at_the_end(tmp_path):
    with pytest.raises(UserError, match="could not be written"):
        with Checkpoints(tmp_path / "run", 2, CONFIGURATION) as checkpoints:
            shutil.rmtree(tmp_path / "run")
            (tmp_path / "run").write_text("")
            checkpoints.save(carry_like(1), PROGRESS)


def test_other_numbers_of_devices(tmp_path):
    """Written on 8 simulated devices, read there on 8, 2 and 1 of them, and here where there is only one."""
    command = [sys.executable, checkpointed.__file__, str(tmp_path / "run")]
    done = subprocess.run(command, env=environment(8), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    (carry, _), warnings = latest(tmp_path / "run")
    assert not warnings
    assert_equal(carry, carry_like(8))
