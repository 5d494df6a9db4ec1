"""Checkpoints of a training: written by a thread, complete or not there, only the latest ones kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import jax
from jax.experimental import multihost_utils

from ocean_gcm.data import restart
from ocean_gcm.errors import UserError
from train.step import Carry


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a training carries besides its arrays.

    Attributes:
      iteration: iterations done; order of the data, noise and learning rate follow from it.
      rate_factor: what returns to a checkpoint have made of the learning rate.
      returns: their number.
      hash: of the configurations of the training and of the model.
      seconds: spent so far.
    """

    iteration: int
    rate_factor: float
    returns: int
    hash: str
    seconds: float


class Checkpoints:
    """The checkpoints in a directory; a context manager that waits for the last one.

    Arrays are copied at once, and written while the training goes on.
    """

    def __init__(self, directory: Path, keep: int):
        self.directory, self._keep = Path(directory), keep
        self._pool = ThreadPoolExecutor(1, "checkpoints")
        self._writing: Future | None = None

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *exception) -> None:
        try:
            if exception[0] is None:
                self.wait()
        finally:
            self._pool.shutdown(wait=True)

    def save(self, carry: Carry, progress: Progress) -> None:
        """Begin to write a checkpoint.  Raises UserError if the one before could not be written."""
        self.wait()
        if jax.process_index() > 0:
            return
        metadata = dataclasses.asdict(progress)
        arrays = restart.named_arrays(carry)
        self._writing = self._pool.submit(
            restart.save, self.directory, restart.Restart(progress.iteration, arrays, {}, metadata), self._keep
        )

    def wait(self) -> None:
        """Until nothing is being written.  Raises UserError if it could not be."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def latest(self, like: Carry, warn: Callable[[str], None]) -> tuple[Carry, Progress] | None:
        """The latest checkpoint that can be read, as a `Carry` like `like`; None if there is none.

        Raises UserError if it does not fit, or none of several can be read.
        """
        self.wait()
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("checkpoint written")
        found = restart.load_latest(self.directory, warn)
        if found is None:
            return None
        meta = {name: value for name, value in found.metadata.items() if name != "step"}
        try:
            progress = Progress(**meta)
        except TypeError:
            raise UserError(f"{found.path} is no checkpoint of a training, or one of another version") from None
        return restart.into(like, found.state), progress
