"""Checkpoints of a training: written by orbax in the background, complete or not there, only the latest ones kept.

A checkpoint is a directory (here or at a gs:// address) named after its iteration: the arrays of a `Carry` by their
path, and beside them as JSON the format, `Progress`, the configuration, and a checksum of every array, because a
flipped bit in the data is read without complaint.  The only module that knows of orbax's checkpointers.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import v1 as ocp

from ocean_gcm.data.restart import named_leaves, quiet, reason, require_fit
from ocean_gcm.errors import UserError
from ocean_gcm.yaml_tree import tree_differences
from train.step import Carry

FORMAT = "ocean_gcm training 2"
_OLDER = "ocean_gcm training 1"
_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a training carries besides its arrays.

    Attributes:
      iteration: iterations done; order of the data, noise and learning rate follow from it.
      rate_factor: what returns to a checkpoint have made of the learning rate.
      returns: their number.
      seconds: spent so far.
    """

    iteration: int
    rate_factor: float
    returns: int
    seconds: float


class Damaged(UserError):
    """A checkpoint that is not complete or not as it was written."""


class Checkpoints:
    """The checkpoints in a directory; a context manager that waits for the last one.

    Arrays are copied at once, and written while the training goes on.  With several processes all of them make the same
    calls, on a directory that all of them see.
    """

    def __init__(self, directory: str | os.PathLike, keep: int, configuration: Mapping[str, Any]):
        """
        Args:
          directory: path or gs:// address; it is made if it is not there.
          keep: number of the latest checkpoints that stay.
          configuration: JSON-like; what decides the numbers of the training (`train.setup.Setup.configuration`).

        Raises UserError if the directory cannot be made or read.
        """
        self.directory, self._configuration = _absolute(directory), json.loads(json.dumps(configuration))
        self._names = ocp.path.step.standard_name_format(step_format_fixed_length=_DIGITS)
        latest = ocp.training.preservation_policies.LatestN(keep)
        try:
            with quiet():
                self._orbax = ocp.training.Checkpointer(
                    self.directory,
                    preservation_policy=latest,
                    step_name_format=self._names,
                    cleanup_tmp_directories=True,
                )
        except Exception as error:  # orbax, tensorstore and file systems raise many kinds
            raise UserError(f"the checkpoints {directory} cannot be opened: {reason(error)}") from error

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *exception) -> None:
        try:
            if exception[0] is None:
                self.wait()
        finally:
            with quiet():
                self._orbax.close()

    @property
    def iterations(self) -> list[int]:
        """Of the checkpoints that are not being written, ascending."""
        # the list of orbax's own object fails as a whole where the metadata of one checkpoint are lost
        return sorted(found.step for found in self._names.find_all(self.directory))

    def save(self, carry: Carry, progress: Progress) -> None:
        """Begin to write a checkpoint.  Raises UserError if the one before could not be written."""
        self.wait()
        arrays = named_leaves(carry)
        content = {
            "format": FORMAT,
            "progress": dataclasses.asdict(progress),
            "configuration": self._configuration,
            "arrays": {name: _described(array) for name, array in arrays.items()},
        }
        sealed = content | {"seal": _seal(content)}
        try:
            with quiet():
                # not forced, orbax may decide to skip it; what lies there could not be read
                self._orbax.save_async(progress.iteration, arrays, force=True, overwrite=True, custom_metadata=sealed)
        except Exception as error:
            raise self._unwritten(error) from error

    def wait(self) -> None:
        """Until nothing is being written.  Raises UserError if it could not be."""
        try:
            with quiet():
                self._orbax.wait()
        except Exception as error:
            raise self._unwritten(error) from error

    def latest(self, like: Carry, warn: Callable[[str], None]) -> tuple[Carry, Progress] | None:
        """The latest checkpoint that can be read, its arrays where those of `like` are; None if there is none.

        `warn` gets a sentence for each one that had to be passed over.  Raises UserError if one is of another format,
        configuration or grid, or none of several can be read.
        """
        self.wait()
        problems = []
        for step in reversed(self.iterations):
            problem, found = None, None
            try:
                found = self._load(step, like)
            except Damaged as error:
                problem = str(error)
            if _all_processes(found is not None):
                return found
            problems.append(problem or f"another process cannot read the checkpoint {self._path(step)}")
            warn(f"{problems[-1]}; taking the one before")
        if problems:
            raise UserError(f"none of the {len(problems)} checkpoints in {self.directory} can be read: {problems[0]}")
        return None

    def _load(self, step: int, like: Carry) -> tuple[Carry, Progress]:
        """Raises Damaged, or UserError for what does not fit."""
        path = self._path(step)
        content = self._attempt(path, lambda: ocp.metadata(path).custom_metadata) or {}
        self._require_own(content, path)
        leaves, stored = named_leaves(like), content["arrays"]
        found = {n: jax.ShapeDtypeStruct(array["shape"], jnp.dtype(array["dtype"])) for n, array in stored.items()}
        require_fit(leaves, found, f"the checkpoint {path}")
        places = {n: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding) for n, leaf in leaves.items()}
        arrays = self._attempt(path, lambda: ocp.load(path, places))
        for name, array in arrays.items():
            if (now := _checksum(array)) is not None and stored[name]["checksum"] not in (None, now):
                raise Damaged(f"the checkpoint {path} is damaged: {name!r} is not what was written")
        values = [arrays[name] for name in leaves]
        return jax.tree.unflatten(jax.tree.structure(like), values), Progress(**content["progress"])

    def _require_own(self, content: Mapping[str, Any], path: str) -> None:
        """Raises Damaged, or UserError unless the checkpoint is of this format and of this training."""
        if not content:
            raise Damaged(f"the checkpoint {path} is not complete")
        found = content.get("format", _OLDER if "iteration" in content else None)
        if isinstance(found, str) and found != FORMAT:
            raise UserError(
                f"the checkpoint {path} has the format {found!r}; expected {FORMAT!r}: go on with the version of "
                "ocean_gcm that wrote it, or begin anew"
            )
        if content.get("seal") != _seal({k: v for k, v in content.items() if k != "seal"}):
            raise Damaged(f"the checkpoint {path} is damaged: its metadata are not what was written")
        there = content["configuration"]
        if there.get("grid") != self._configuration.get("grid"):
            raise UserError(
                f"the checkpoint {path} is of a grid of {there.get('grid')} cells, the model has "
                f"{self._configuration.get('grid')}; resume a training with its own grid, or choose another --output"
            )
        if changed := tree_differences(there, self._configuration):
            more = f" and {len(changed) - 1} further keys" if len(changed) > 1 else ""
            raise UserError(
                f"the checkpoint {path} is of another configuration ({changed[0]}{more}); resume a training with its "
                "own, or choose another --output"
            )

    def _attempt(self, path: str, read: Callable[[], Any]) -> Any:
        try:
            with quiet():
                return read()
        except Exception as error:
            raise Damaged(f"the checkpoint {path} is damaged or not complete: {reason(error)}") from error

    def _path(self, step: int) -> str:
        return f"{self.directory}/{step:0{_DIGITS}d}"

    def _unwritten(self, error: BaseException) -> UserError:
        return UserError(f"a checkpoint in {self.directory} could not be written: {reason(error)}")


def _absolute(directory: str | os.PathLike) -> str:
    text = os.fspath(directory).rstrip("/")
    return text if "://" in text else os.path.abspath(text)


def _described(array: jax.Array) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": array.dtype.name, "checksum": _checksum(array)}


def _checksum(array: jax.Array) -> int | None:
    """Of the whole array, whatever devices it lies on; None where no process has all of it."""
    if array.is_fully_addressable:
        values = np.asarray(array)
    elif array.is_fully_replicated:
        values = np.asarray(array.addressable_data(0))
    else:
        return None
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


def _seal(content: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True).encode())


def _all_processes(here: bool) -> bool:
    """Whether `here` is true in all processes: they must take the same checkpoint."""
    if jax.process_count() == 1:
        return here
    return bool(np.all(multihost_utils.process_allgather(np.asarray(here))))
