"""A training that is killed (SIGKILL) and resumed ends with the bits of one that was left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import killed_training
import numpy as np
import pytest
from train_files import PERIODS, lines

STAGE = {"steps": 4, "iterations": 8, "learning_rate": 0.05, "batch": 2}


@pytest.fixture(scope="module")
def start(training, tmp_path_factory):
    """Function (run directory, how it ends) -> the process.  All share what they compile."""
    cache = tmp_path_factory.mktemp("compiled")
    _, path = training(stages=[STAGE], periods=PERIODS)
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }

    def process(directory, *how):
        command = [sys.executable, killed_training.__file__, str(path), str(directory), *how]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return process


def variables(directory):
    with np.load(directory / "model" / "variables.npz") as file:
        return dict(file)


@pytest.mark.slow
def test_killed_twice_and_resumed_equals_an_uninterrupted_run(start, tmp_path):
    undisturbed = start(tmp_path / "whole", "never")
    assert undisturbed.wait(600) == 0, undisturbed.stdout.read()

    run, metrics = tmp_path / "run", tmp_path / "run" / "metrics.jsonl"
    first = start(run, "wait", "4")
    while first.poll() is None and not (run / "waiting").exists():
        time.sleep(0.01)
    first.kill()
    assert first.wait(60) == -signal.SIGKILL
    assert len(lines(metrics)) == 3

    second = start(run, "save", "6")
    assert second.wait(600) == -signal.SIGKILL
    assert "going on at iteration 2" in second.stdout.read()
    left = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert left[:2] == [f"{2:012d}", f"{4:012d}"] and "tmp" in left[2]

    third = start(run, "never")
    assert third.wait(600) == 0
    assert "going on at iteration 4" in third.stdout.read()
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [f"{6:012d}", f"{8:012d}"]
    whole, again = variables(tmp_path / "whole"), variables(run)
    assert whole["closures.drag.linear"] != 1e-3
    for name, array in whole.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)
    straight, stitched = lines(tmp_path / "whole" / "metrics.jsonl"), lines(metrics)
    assert len(straight) == 8
    for a, b in zip(straight, stitched, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}
