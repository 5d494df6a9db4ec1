"""Runs at addresses: what is written there, what is taken from there, and what is said when it fails."""

import dataclasses

import fsspec
import jax
import numpy as np
import pytest
import storage
from checkpointed import CONFIGURATION, PROGRESS, carry_like

import ocean_gcm as og
from ocean_gcm.errors import UserError
from train.checkpoint import Checkpoints
from train.run_place import open_place


@pytest.fixture(scope="module")
def cloud():
    """(bucket, faults) of an emulator."""
    with pytest.MonkeyPatch.context() as patch, storage.emulator(patch) as running:
        yield running


def files(address):
    """Names below an address."""
    start = len(address.removeprefix("gs://")) + 1
    return sorted(name[start:] for name in fsspec.filesystem("gs").find(address))


def test_a_directory_is_its_own_place(tmp_path):
    with open_place(tmp_path / "run", resume=False) as place:
        assert place.files.path == tmp_path / "run" and place.checkpoints == str(tmp_path / "run" / "checkpoints")
        with pytest.raises(UserError, match="is writing to the run directory"), open_place(tmp_path / "run", True):
            pass


def test_files_go_and_come_back(cloud):
    bucket, _ = cloud
    with open_place(f"{bucket}/files", resume=False) as place:
        (place.files.path / "model").mkdir()
        (place.files.path / "model" / "model.yaml").write_text("name: x")
        (place.files.path / ".metrics.jsonl.part").write_text("half")
        metrics = place.files.path / "metrics.jsonl"
        metrics.write_text("1\n")
        place.publish()
        metrics.write_text("1\n2\n")
    assert files(f"{bucket}/files") == ["metrics.jsonl", "model/model.yaml"]
    with fsspec.open(f"{bucket}/files/checkpoints/000000000002/state/d/1", "wb") as file:
        file.write(b"large")
    with open_place(f"{bucket}/files", resume=True) as place:
        assert (place.files.path / "metrics.jsonl").read_text() == "1\n2\n"
        assert (place.files.path / "model" / "model.yaml").read_text() == "name: x"
        assert not (place.files.path / "checkpoints").exists()


def test_only_what_has_changed_is_copied(cloud):
    bucket, _ = cloud
    with open_place(f"{bucket}/changes", resume=False) as place:
        (place.files.path / "training.yaml").write_text("seed: 0")
        place.publish()
        fsspec.filesystem("gs").rm(f"{bucket}/changes/training.yaml")
        (place.files.path / "metrics.jsonl").write_text("1\n")
    assert files(f"{bucket}/changes") == ["metrics.jsonl"]


def test_checkpoints_through_faults(cloud):
    bucket, faults = cloud
    faults.waiting, hit = ["503", None, None, None, "cut", None, None, None] * 2, faults.hit
    with Checkpoints(f"{bucket}/run/checkpoints", 2, CONFIGURATION) as checkpoints:
        for n in (2, 4, 6):
            checkpoints.save(carry_like(n), dataclasses.replace(PROGRESS, iteration=n))
        checkpoints.wait()
        carry, progress = checkpoints.latest(carry_like(0), print)
    assert faults.hit == hit + 4 and progress.iteration == 6
    faults.waiting = []
    for a, b in zip(jax.tree.leaves(carry), jax.tree.leaves(carry_like(6)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {name.split("/")[0] for name in files(f"{bucket}/run/checkpoints")} == {f"{n:012d}" for n in (4, 6)}


def test_half_written_checkpoint_is_no_checkpoint(cloud):
    bucket, _ = cloud
    with Checkpoints(f"{bucket}/half/checkpoints", 3, CONFIGURATION) as checkpoints:
        for n in (2, 4):
            checkpoints.save(carry_like(n), dataclasses.replace(PROGRESS, iteration=n))
    # nothing can be renamed there: the last object to be written says that all others are
    fsspec.filesystem("gs").rm(f"{bucket}/half/checkpoints/{4:012d}/commit_success.txt")
    warnings = []
    with Checkpoints(f"{bucket}/half/checkpoints", 3, CONFIGURATION) as checkpoints:
        _, progress = checkpoints.latest(carry_like(0), warnings.append)
    assert progress.iteration == 2 and not warnings


def test_missing_bucket_is_named(cloud):
    with pytest.raises(UserError, match="the run gs://nowhere/run could not be written"):
        with open_place("gs://nowhere/run", resume=False) as place:
            (place.files.path / "training.yaml").write_text("seed: 0")
    with pytest.raises(UserError, match="gs://nowhere/run holds no exported model"):
        og.load_model("gs://nowhere/run")
