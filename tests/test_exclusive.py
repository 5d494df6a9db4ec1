"""Locks of what grows on a disk: one holder, and none that is dead."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest

from ocean_gcm import exclusive as module
from ocean_gcm.errors import UserError
from ocean_gcm.exclusive import exclusive

HOLD = """
import sys, pathlib
from ocean_gcm.exclusive import exclusive
with exclusive(pathlib.Path(sys.argv[1]), "the store"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SECONDS_WITHOUT_SIGN", 0.2)
    monkeypatch.setattr(module, "_SECONDS_WITHOUT_OWNER", 0.05)
    return tmp_path / "new" / ".store.lock"


@pytest.fixture
def no_flock(monkeypatch):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)


def left_behind(lock, **owner):
    lock.parent.mkdir()
    owner = {"machine": "elsewhere", "process": 7, "since": "yesterday", **owner}
    lock.write_text(json.dumps(owner))


def taken(lock):
    said = []
    with exclusive(lock, "the store", say=said.append):
        assert json.loads(lock.read_text())["process"] == os.getpid()
        with pytest.raises(UserError, match=rf"process \({os.getpid()} on .*\) is writing to the store; .*--output"):
            exclusive(lock, "the store").__enter__()
    assert not lock.exists()
    return said


def test_one_at_a_time(lock):
    assert taken(lock) == taken(lock) == []


def test_a_killed_holder_stops_nobody(lock):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=rf"another process \({holder.pid} on "):
        exclusive(lock, "the store").__enter__()
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert lock.exists()
    assert taken(lock) == []


def test_another_machine_must_give_signs_of_life(lock, monkeypatch):
    left_behind(lock)
    assert "waiting" in taken(lock)[0]
    # a holder whose kernel locks are not seen here, but whose signs are
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_SIGNS", 0.02)
    with exclusive(lock, "the store"), monkeypatch.context() as patch:
        patch.setattr(module.socket, "gethostname", lambda: "here")
        patch.setattr(fcntl, "flock", lambda *_: None)
        with pytest.raises(UserError, match="is writing to the store"):
            exclusive(lock, "the store").__enter__()


def test_a_file_system_without_locks(lock, no_flock):
    taken(lock)
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock.parent.rmdir()
    left_behind(lock, machine=module.socket.gethostname(), process=dead.pid)
    assert taken(lock) == []


def test_an_empty_file_is_nobodys(lock):
    lock.parent.mkdir()
    lock.touch()
    assert taken(lock) == []


def test_a_place_that_cannot_be_written(lock):
    lock.parent.write_text("")
    with pytest.raises(UserError, match="the store cannot be written: "):
        exclusive(lock, "the store").__enter__()
