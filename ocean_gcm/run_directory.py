"""The directory of one run: its parts, who may write to it, and what is already there."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocean_gcm.config import Config, load_config
from ocean_gcm.errors import UserError
from ocean_gcm.exclusive import exclusive

_PACKAGES = ("ocean_gcm", "jax", "jaxlib", "flax", "numpy", "orbax-checkpoint", "zarr", "xarray")


@dataclasses.dataclass(frozen=True)
class RunDirectory:
    """config.yaml, output.zarr, snapshots.zarr, restarts/, figures/ and summary.json below `path`."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def output(self) -> Path:
        return self.path / "output.zarr"

    @property
    def snapshots(self) -> Path:
        return self.path / "snapshots.zarr"

    @property
    def restarts(self) -> Path:
        return self.path / "restarts"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def holds_run(self) -> bool:
        return any(part.exists() for part in (self.config, self.output, self.restarts, self.summary))

    @property
    def holds_training(self) -> bool:
        return (self.path / "training.yaml").exists()

    def read_config(self) -> Config:
        """The configuration that the run was started with.  Raises UserError if it is missing or not readable."""
        if not self.config.exists():
            raise UserError(
                f"{self.path} holds no config.yaml, so it is no run that could go on; --overwrite begins anew"
            )
        return load_config(self.config)

    def read_summary(self) -> dict[str, Any] | None:
        """The closing summary, or None if the run did not get that far."""
        try:
            return json.loads(self.summary.read_text())
        except (OSError, ValueError):
            return None

    def clear(self) -> None:
        """Delete the parts of a run; other files stay.  Raises UserError if that is not allowed."""
        for part in (self.summary, self.restarts, self.output, self.snapshots, self.figures, self.config):
            try:
                if part.is_dir():
                    shutil.rmtree(part)
                else:
                    part.unlink(missing_ok=True)
            except OSError as error:
                raise UserError(f"{part} could not be deleted: {error.strerror or error}") from error

    def write_config(self, config: Config) -> None:
        resolved = config.model_copy(update={"provenance": provenance()})
        self.write_text(self.config, resolved.to_yaml())

    def write_summary(self, summary: dict[str, Any]) -> None:
        self.write_text(self.summary, json.dumps(summary, indent=2, allow_nan=False) + "\n")

    def write_text(self, path: Path, text: str) -> None:
        """Replace a file atomically.  Raises UserError if that fails."""
        draft = path.with_name(f".{path.name}.part")
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise UserError(f"{path} could not be written: {error.strerror or error}") from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Create the directory and keep other simulations out of it.

        Raises UserError if it cannot be written or another process is at it.  See `ocean_gcm.exclusive`.
        """
        with exclusive(self.path / ".lock", f"the run directory {self.path}"):
            yield


def provenance() -> dict[str, str]:
    """Versions of what the numbers depend on, and the commit of the code where it is a checkout."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    commit = _git_commit()
    return {**versions, "commit": commit} if commit else versions


def _git_commit() -> str | None:
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", os.fspath(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
