"""One process at a time at what grows on a disk.

The holder creates a lock file (exclusively, which is atomic on local disks, NFS from version 3 on, Lustre and GPFS),
locks it with flock(2), and writes into it who it is and, from time to time, a sign of life.  The lock of the kernel
dies with its process, so on one machine a file that a killed process left stops nobody.  Not every shared file system
passes such locks on to other machines: a file of another machine is stale only if no sign of life comes for a while.
Signs are compared with each other and not with a clock, since the clocks of two machines differ.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ocean_gcm.errors import UserError

_SECONDS_BETWEEN_SIGNS = 10.0
_SECONDS_WITHOUT_SIGN = 45.0
_SECONDS_WITHOUT_OWNER = 2.0  # between the creation of the file and the first words in it
_TRIES = 20
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@dataclasses.dataclass(frozen=True)
class _Owner:
    """Who a lock file says holds it."""

    machine: str
    process: int
    since: str

    def __str__(self) -> str:
        return f"another process ({self.process} on {self.machine}, since {self.since})"

    @property
    def here(self) -> bool:
        return self.machine == socket.gethostname()


@contextlib.contextmanager
def exclusive(
    lock: Path, what: str, advice: str = "choose another --output", say: Callable[[str], None] = lambda text: None
) -> Iterator[None]:
    """Hold the lock file `lock` (its directory is created); others that ask for it get a `UserError`.

    Args:
      lock: the file; it is there while the lock is held.
      what: is protected, for messages.
      advice: end of the sentence for the others.
      say: called with a sentence before a wait: whether a holder on another machine lives takes 45 s to see.

    Raises UserError if another process holds it, or the file cannot be written.
    """
    me = _Owner(socket.gethostname(), os.getpid(), datetime.datetime.now().astimezone().isoformat(timespec="seconds"))
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _acquired(lock, me, what, advice, say)
    except OSError as error:
        raise UserError(f"{what} cannot be written: {error.strerror or error}") from error
    over = threading.Event()
    signs = threading.Thread(target=_give_signs, args=(descriptor, me, over), daemon=True)
    signs.start()
    try:
        yield
    finally:
        over.set()
        signs.join()
        with contextlib.suppress(OSError):
            if _is(descriptor, lock):
                lock.unlink()
        os.close(descriptor)


def _acquired(lock: Path, me: _Owner, what: str, advice: str, say: Callable[[str], None]) -> int:
    """The descriptor of the lock file, which is ours."""
    for _ in range(_TRIES):
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            if (owner := _living(lock, say)) is not None:
                raise UserError(f"{owner} is writing to {what}; wait until it has ended, or {advice}") from None
            continue
        _flock(descriptor, wait=True)
        if _is(descriptor, lock):
            _write_sign(descriptor, me, 0)
            return descriptor
        os.close(descriptor)  # taken for stale before we had written who we are
    raise UserError(f"other processes compete for {what}; {advice}")


def _living(lock: Path, say: Callable[[str], None]) -> _Owner | str | None:
    """Who holds the lock file; None if nobody does any more, and then the file is gone."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        found = _content(lock)
        owner = _owner(found)
        locked = _flock(descriptor)
        if locked is False:
            return owner or "another process"
        if owner is not None and owner.here:
            if locked is None and _runs(owner.process):
                return owner
        else:
            if locked:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # it may be about to be locked by who has just created it
            if owner is not None:
                say(f"{lock} is there, of {owner}: waiting {_SECONDS_WITHOUT_SIGN:.0f} s for a sign of life from it")
            seconds = _SECONDS_WITHOUT_OWNER if owner is None else _SECONDS_WITHOUT_SIGN
            if _changes(lock, found, seconds) or _flock(descriptor) is False:
                return owner or "another process"
        if _is(descriptor, lock) and _content(lock) == found:
            lock.unlink()
        return None
    finally:
        os.close(descriptor)


def _flock(descriptor: int, wait: bool = False) -> bool | None:
    """Whether the kernel's lock is ours now; None where the file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _changes(lock: Path, before: bytes, seconds: float) -> bool:
    """Whether the file comes to say something else within this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(1.0, seconds / 10))
        if (now := _content(lock)) != before:
            return now != b""  # empty: it has been given back
    return False


def _content(lock: Path) -> bytes:
    """Read through a new descriptor: on NFS that shows what other machines have written."""
    try:
        return lock.read_bytes()
    except FileNotFoundError:
        return b""


def _owner(content: bytes) -> _Owner | None:
    try:
        found = json.loads(content)
        return _Owner(str(found["machine"]), int(found["process"]), str(found["since"]))
    except (ValueError, KeyError, TypeError):
        return None


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # of another user
    return True


def _is(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that has the name now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _write_sign(descriptor: int, owner: _Owner, number: int) -> None:
    text = json.dumps({**dataclasses.asdict(owner), "signs": number})
    os.pwrite(descriptor, text.encode(), 0)
    os.fsync(descriptor)


def _give_signs(descriptor: int, owner: _Owner, over: threading.Event) -> None:
    number = 0
    while not over.wait(_SECONDS_BETWEEN_SIGNS):
        number += 1
        with contextlib.suppress(OSError):  # a full disk ends the program elsewhere
            _write_sign(descriptor, owner, number)
