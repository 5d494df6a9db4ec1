"""Restarts: the whole state by name of its arrays, written atomically with orbax."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.errors import UserError

_FORMAT = 1
_SEAL = "checksums.json"


@dataclasses.dataclass(frozen=True)
class Restart:
    """What is needed to go on as if nothing had happened.

    Attributes:
      step: steps since the start of the run.
      state: arrays of the model's state by name.
      host: arrays that the simulation itself carries, by name.
      metadata: JSON-like; numbers keep all their digits.
      path: where it was read from.
    """

    step: int
    state: Mapping[str, np.ndarray]
    host: Mapping[str, np.ndarray]
    metadata: Mapping[str, Any]
    path: Path | None = None


def named_leaves(state: Any) -> dict[str, Any]:
    """All leaves of a pytree by their path ("ocean.u"), as they are."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    return {_name(path): leaf for path, leaf in leaves}


def named_arrays(state: Any) -> dict[str, np.ndarray]:
    """Copies of all leaves of a pytree on the host, by their path; random keys as their bits."""
    return {name: np.array(_bits(leaf)) for name, leaf in named_leaves(state).items()}


def require_fit(expected: Mapping[str, Any], found: Mapping[str, Any], label: str) -> None:
    """Raises UserError unless `found` has the names, shapes and types of `expected` (anything with shape and dtype)."""
    if extra := sorted(set(found) - set(expected)):
        raise UserError(f"{label} holds {extra[0]!r}, which this configuration does not have")
    for name, array in expected.items():
        if name not in found:
            raise UserError(f"{label} lacks {name!r}, which this configuration needs")
        if found[name].shape != array.shape or found[name].dtype != array.dtype:
            raise UserError(
                f"{name!r} of {label} has shape {found[name].shape} and type {found[name].dtype}; "
                f"expected {array.shape} and {array.dtype}"
            )


def into(template: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """A pytree like `template` with the leaves `arrays`.

    Raises UserError where an array is missing or has another shape or type.
    """
    leaves = named_leaves(template)
    found = {name: np.asarray(array) for name, array in arrays.items()}
    require_fit({name: _bits(leaf) for name, leaf in leaves.items()}, found, "the restart")
    restored = [_like(leaf, found[name]) for name, leaf in leaves.items()]
    return jax.tree.unflatten(jax.tree.structure(template), restored)


def save(directory: Path, restart: Restart, keep: int = 2) -> Path:
    """Write a restart into `directory` and delete all but the `keep` latest ones.

    It appears under its name only when it is complete.  Raises UserError if it cannot be written.
    """
    from orbax.checkpoint import v1 as ocp

    path = Path(directory).resolve() / f"{restart.step:012d}"
    tree = {"state": dict(restart.state), "host": dict(restart.host), "format": np.asarray(_FORMAT)}
    tree = {name: value for name, value in tree.items() if not isinstance(value, dict) or value}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(path.parent)
        with quiet():
            ocp.save(path, tree, overwrite=True, custom_metadata=dict(restart.metadata, step=restart.step))
        _seal(path)
    except Exception as error:  # orbax and tensorstore raise many kinds
        _remove_unfinished(path.parent)
        raise UserError(f"the restart {path} could not be written: {reason(error)}") from error
    for old in _steps(directory)[:-keep]:
        shutil.rmtree(_path(directory, old), ignore_errors=True)
    return path


def load_latest(directory: Path, warn=lambda sentence: None) -> Restart | None:
    """The latest restart that can be read, or None if there is none at all.

    `warn` gets a sentence for each one that had to be passed over.  Raises UserError if none of several can be read.
    """
    steps = _steps(directory)
    problems = []
    for step in reversed(steps):
        try:
            return load(_path(directory, step))
        except UserError as error:
            problems.append(str(error))
            warn(f"{error}; taking the one before")
    if problems:
        raise UserError(f"none of the {len(problems)} restarts in {directory} can be read: {problems[0]}")
    return None


def load(path: Path) -> Restart:
    """Read one restart.  Raises UserError if it is damaged."""
    from orbax.checkpoint import v1 as ocp

    path = Path(path).resolve()
    _check_seal(path)
    try:
        with quiet():
            tree, metadata = ocp.load(path), ocp.metadata(path).custom_metadata
        if int(tree["format"]) != _FORMAT:
            raise UserError(f"the restart {path} has the format {int(tree['format'])}; expected {_FORMAT}")
        step = int(metadata["step"])
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"the restart {path} is damaged or not complete: {reason(error)}") from error
    return Restart(step, tree["state"], tree.get("host", {}), metadata, path)


def available(directory: Path) -> list[Path]:
    """Paths of the restarts in a directory, oldest first."""
    return [_path(directory, step) for step in _steps(directory)]


def _steps(directory: Path) -> list[int]:
    directory = Path(directory)
    if not directory.is_dir():
        return []
    return sorted(int(p.name) for p in directory.iterdir() if p.name.isdigit() and p.is_dir())


def _path(directory: Path, step: int) -> Path:
    return Path(directory) / f"{step:012d}"


def _seal(path: Path) -> None:
    """The last file of a restart: sizes and checksums of all others.  Without it the restart is not complete."""
    draft = path / f"{_SEAL}.part"
    draft.write_text(json.dumps(_checksums(path)))
    draft.replace(path / _SEAL)


def _check_seal(path: Path) -> None:
    """UserError unless all files are as they were written (reading damaged ones upsets the reader's threads)."""
    try:
        expected = json.loads((path / _SEAL).read_text())
    except (OSError, ValueError):
        raise UserError(f"the restart {path} is not complete") from None
    try:
        found = _checksums(path)
    except OSError as error:
        raise UserError(f"the restart {path} cannot be read: {error.strerror or error}") from error
    for name, sums in expected.items():
        if found.get(name) != sums:
            raise UserError(f"the restart {path} is damaged: the file {name} has changed or is missing")


def _checksums(path: Path) -> dict[str, list[int]]:
    files = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(_SEAL))
    return {os.fspath(p.relative_to(path)): [p.stat().st_size, zlib.crc32(p.read_bytes())] for p in files}


def _remove_unfinished(directory: Path) -> None:
    for path in Path(directory).glob("*orbax-checkpoint-tmp*"):
        shutil.rmtree(path, ignore_errors=True)


def _name(path: tuple) -> str:
    parts = [next(getattr(entry, a) for a in ("name", "key", "idx") if hasattr(entry, a)) for entry in path]
    return ".".join(str(part) for part in parts)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _bits(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else np.asarray(leaf)


def _like(leaf: Any, array: np.ndarray) -> Any:
    if _is_key(leaf):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(leaf))
    return jnp.asarray(array, array.dtype)


def reason(error: BaseException) -> str:
    """The innermost cause, on one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 200 else text[:197] + "..."


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the log of orbax, whose failures reach us as exceptions."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
