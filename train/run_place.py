"""Where a training run lies: a directory, or a gs:// address with a directory here that stands in for it.

At an address, checkpoints are written there directly; all other files (metrics, figures, the exported model, a
simulated truth) are small, begin in the directory here and are copied before every checkpoint.  A run that goes on
takes them from there, so it may do so on another machine.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec

from ocean_gcm.data.paths import expand
from ocean_gcm.data.restart import reason
from ocean_gcm.errors import UserError
from ocean_gcm.run_directory import RunDirectory
from train.processes import is_first

CHECKPOINTS = "checkpoints"


class RunPlace:
    """A run's files.

    Attributes:
      name: what the user called it.
      files: the directory on this machine.
      checkpoints: directory or address of the checkpoints.
    """

    def __init__(self, name: str, files: RunDirectory, address: str | None = None):
        self.name, self.files, self._address = name, files, address
        self.checkpoints = f"{address or os.fspath(files.path)}/{CHECKPOINTS}"
        self._published: dict[str, tuple[int, int]] = {}

    def publish(self) -> None:
        """Copy what has changed to the address; nothing for a directory, or in other processes than the first.

        Raises UserError if that fails.
        """
        if self._address is None or not is_first():
            return
        changed = self._changed()
        # the configuration of a model after its variables, or a reader may find it alone
        for last in (False, True):
            contents = {name: self.files.path / name for name in changed if name.endswith(".yaml") == last}
            with self._access("written") as (file_system, root):
                file_system.pipe({f"{root}/{name}": path.read_bytes() for name, path in contents.items()})

    def _changed(self) -> list[str]:
        """Names of files that have changed since the last call."""
        names = []
        for path in (p for p in self.files.path.rglob("*") if p.is_file()):
            name, stat = path.relative_to(self.files.path).as_posix(), path.stat()
            stamp = stat.st_mtime_ns, stat.st_size
            if self._published.get(name) != stamp and not path.name.endswith(".part"):
                self._published[name] = stamp
                names.append(name)
        return names

    def fetch(self) -> None:
        """Take what lies at the address, without the checkpoints; nothing for a directory.

        Raises UserError if that fails.
        """
        if self._address is None:
            return
        with self._access("read") as (file_system, root):
            for found in file_system.find(root):
                name = found[len(root) :].strip("/")
                if name.startswith(f"{CHECKPOINTS}/") or found.endswith("/"):
                    continue
                path = self.files.path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file_system.cat_file(found))
        self._changed()

    @contextlib.contextmanager
    def _access(self, action: str) -> Iterator[tuple[Any, str]]:
        try:
            file_system, root = fsspec.core.url_to_fs(self._address)
            yield file_system, root.rstrip("/")
        except Exception as error:  # every kind of storage has its own
            raise UserError(f"the run {self.name} could not be {action}: {reason(error)}") from error


@contextlib.contextmanager
def open_place(directory: str | os.PathLike, resume: bool) -> Iterator[RunPlace]:
    """The place of a run: a directory that is locked, or an address, with what is there if the run goes on.

    Raises UserError if it cannot be written or read, or another process of this machine is at the directory.
    """
    expanded = expand(directory)
    if isinstance(expanded, Path):
        files = RunDirectory(expanded)
        if files.holds_run:
            raise UserError(f"{directory} holds a simulation; expected another --output, a directory of its own")
        # one process locks it for all
        with files.locked() if is_first() else contextlib.nullcontext():
            yield RunPlace(os.fspath(directory), files)
        return
    with tempfile.TemporaryDirectory(prefix="ocean_gcm-") as scratch:
        place = RunPlace(expanded, RunDirectory(Path(scratch)), expanded.rstrip("/"))
        if resume:
            place.fetch()
        yield place
        place.publish()
