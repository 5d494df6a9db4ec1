"""Events of TensorBoard can be read back, also those of a run that was stopped and goes on."""

import io
import struct
import sys

import pytest
from rich.console import Console

from train.config import StageConfig
from train.report import Bar, TensorBoard


def events(directory):
    """[(step, tag, value)] of all files in the order of writing; what a later start declares void is left out."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = []
    for path in sorted(directory.glob("events.out.tfevents.*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            # length, its checksum, the event, its checksum
            (length,) = struct.unpack_from("<Q", content, at)
            event = event_pb2.Event.FromString(content[at + 12 : at + 12 + length])
            at += 16 + length
            if event.session_log.status == event_pb2.SessionLog.SessionStatus.Value("START"):
                found = [seen for seen in found if seen[0] < event.step]
            found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
    return found


def test_events_can_be_read_back(tmp_path):
    board = TensorBoard(tmp_path, 0)
    for iteration in (1, 2, 3):
        board.write(iteration, {"loss": 1.0 / iteration, "parts/u": 2.0})
    board.close()
    seen = events(tmp_path)
    assert [(step, tag) for step, tag, _ in seen] == [(n, tag) for n in (1, 2, 3) for tag in ("loss", "parts/u")]
    assert [value for _, tag, value in seen if tag == "loss"] == pytest.approx([1.0, 0.5, 1.0 / 3.0])


def test_what_comes_again_takes_the_place_of_what_was(tmp_path):
    board = TensorBoard(tmp_path, 0)
    for iteration in (1, 2, 3):
        board.write(iteration, {"loss": float(iteration)})
    board.flush()
    again = TensorBoard(tmp_path, 2)
    again.write(3, {"loss": 33.0})
    again.close()
    board.close()
    assert [(step, value) for step, _, value in events(tmp_path)] == [(1, 1.0), (2, 2.0), (3, 33.0)]


def test_without_the_package_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    board = TensorBoard(tmp_path / "none", 0)
    board.write(1, {"loss": 1.0})
    board.flush()
    board.close()
    assert not (tmp_path / "none").exists()


def stage(iterations, steps):
    return StageConfig(steps=steps, iterations=iterations, learning_rate=1e-3, batch=2, members=2)


def test_lines_of_a_log_tell_the_time_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("ocean_gcm.progress.time.monotonic", lambda: now[0])
    text = io.StringIO()
    with Bar(Console(file=text, width=120), 10, [stage(30, steps=3)]) as bar:
        bar.compiling(0)
        for iteration in range(11, 21):
            now[0] += 4.0
            bar.update(iteration, 0, 0.5)
    assert text.getvalue().splitlines() == [
        "stage 0  compiling",
        "iteration 18 of 30  stage 0  loss 0.5  0.25 per second  0:00:48 left",
    ]


def test_time_left_counts_what_later_stages_cost(monkeypatch):
    """Iterations of one second, then, after a compilation that does not count, of thirty where ten were expected."""
    now = [0.0]
    monkeypatch.setattr("ocean_gcm.progress.time.monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=200)
    with Bar(console, 0, [stage(10, steps=3), stage(10, steps=30)]) as bar:
        for iteration in range(20):
            number = iteration // 10
            if iteration in (0, 10):
                now[0] += 100.0
                bar.compiling(number)
            now[0] += (1.0, 30.0)[number] + (40.0 if iteration in (0, 10) else 0.0)
            bar.update(iteration + 1, number, 0.5)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "stage 0  compiling"
    assert lines[1] == "iteration 1 of 20  stage 0  loss 0.5  unknown left"
    assert lines[2] == "stage 1  compiling"
    assert lines[3] == "iteration 11 of 20  stage 1  loss 0.5  0:01:30 left"  # as for three steps, ten times as long
    assert lines[4] == "iteration 12 of 20  stage 1  loss 0.5  0.0333 per second  0:04:00 left"
    assert lines[-1] == "iteration 20 of 20  stage 1  loss 0.5  0.0333 per second  0:00:00 left"
