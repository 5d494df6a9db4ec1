import shutil
import socket
import subprocess
import sys

import layers_training
import numpy as np
import pytest
import yaml
from simulated_devices import environment
from train_files import PERIODS, lines

import ocean_gcm as og
from ocean_gcm.errors import UserError
from ocean_gcm.weights import named_variables
from train import processes

QUICKLY_COMPILED = "--xla_backend_optimization_level=0"


def command(path, run, *options):
    return [sys.executable, "-m", "train", str(path), "--output", str(run), *options]


def together(path, run, *options, number=2, devices=2):
    """[(exit code, output)] of real processes on this host."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    started = []
    for process in range(number):
        names = {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": str(number), "JAX_PROCESS_ID": str(process)}
        started.append(
            subprocess.Popen(
                command(path, run, "--distributed", *options),
                env=environment(devices, QUICKLY_COMPILED, **names),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    texts = [process.communicate(timeout=1800)[0] for process in started]
    return [(process.returncode, text) for process, text in zip(started, texts, strict=True)]


@pytest.mark.slow
def test_two_processes_equal_one(training, tmp_path):
    """Each reads half of every batch; the grid is cut in two; both take part in the validation."""
    validation = {"leads": ["P1D"], "starts": 1, "every": 2}
    stage = {"steps": 4, "iterations": 3, "learning_rate": 0.05, "batch": 4}
    _, path = training(stages=[stage], mesh={"batch": 2, "x": 2}, validation=validation, periods=PERIODS)
    one, two = tmp_path / "one", tmp_path / "two"
    simulated = environment(4, QUICKLY_COMPILED)
    done = subprocess.run(command(path, one), env=simulated, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-2000:]
    ended = together(path, two)
    assert all(code == 0 for code, _ in ended), "\n\n".join(text[:2000] for _, text in ended)
    for name in ("metrics.jsonl", "validation.jsonl"):
        assert_same(lines(one / name), lines(two / name))
    a, b = (named_variables(og.load_model(run)) for run in (one, two))
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-11)
    # what is wrong for one is told to all
    (code, text), (other, silent) = together(path, two)
    assert code == other == 2
    assert "holds a training already" in text and "the first process stopped" in silent


@pytest.mark.slow
def test_layers_on_processes_and_resumed_on_one_device(tmp_path):
    """An ensemble's forecasts: on 4 x 2 devices of two processes as of one; half of it on a single device."""
    layers_training.write(tmp_path)
    path, (one, two, other) = tmp_path / "training.yaml", (tmp_path / name for name in ("one", "two", "other"))
    tree = layers_training.TRAINING | {
        "model": {"base": "model.yaml", "precision": "float64"},
        "loss": {"terms": {"crps": {"kind": "crps"}}, "variables": {"streamfunction": 1.0}},
        "stages": [layers_training.TRAINING["stages"][0] | {"steps": 2, "batch": 4, "members": 2}],
        "mesh": {"batch": 4, "ensemble": 2},
        "validation": {"leads": ["PT4H"], "starts": 1, "every": 2},
        "checkpoints": {"every": 2, "keep": 9},
    }
    path.write_text(yaml.safe_dump(tree))

    def alone(run, devices, *options):
        simulated = environment(devices, QUICKLY_COMPILED)
        done = subprocess.run(command(path, run, *options), env=simulated, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stderr[-2000:]

    alone(one, 8)
    ended = together(path, two, devices=4)
    assert all(code == 0 for code, _ in ended), "\n\n".join(text[:2000] for _, text in ended)
    shutil.copytree(one, other)
    (latest,) = (other / "checkpoints").glob("*4")
    shutil.rmtree(latest)
    alone(other, 1, "--resume", "--set", "mesh.batch=1", "--set", "mesh.ensemble=1")
    for run in (two, other):
        for name in ("metrics.jsonl", "validation.jsonl"):
            assert_same(lines(one / name), lines(run / name))


def assert_same(first, second):
    """Lines of numbers but for the time that they took."""
    assert len(first) == len(second) > 0
    for a, b in zip(first, second, strict=True):
        a.pop("seconds", None), b.pop("seconds", None)
        assert str(a.keys()) == str(b.keys())
        np.testing.assert_allclose(numbers(b), numbers(a), rtol=1e-11)


def numbers(tree):
    if isinstance(tree, dict):
        return [x for below in tree.values() for x in numbers(below)]
    return [x for below in tree for x in numbers(below)] if isinstance(tree, list) else [tree]


def test_an_environment_that_does_not_say_is_refused(monkeypatch):
    for name in ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    with pytest.raises(UserError, match="JAX_COORDINATOR_ADDRESS is not set; expected all of"):
        processes.join()


def test_alone_a_process_is_the_first():
    assert processes.is_first()
    assert processes.first_alone("test", lambda: 3) == 3
