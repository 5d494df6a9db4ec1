"""Where data lie: environment variables in the paths of a configuration."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ocean_gcm.errors import UserError

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def expand(path: str | os.PathLike) -> Path | str:
    """`path` with `$NAME`, `${NAME}` and `~` replaced; a URL such as gs://bucket/store stays a string.

    Raises UserError if a variable is not set.
    """
    text = os.fspath(path)

    def value(match: re.Match) -> str:
        name = match[1] or match[2]
        if not os.environ.get(name):
            raise UserError(
                f"the path {text!r} needs the environment variable {name}, which is not set; "
                f"expected the file or directory that it stands for, for instance export {name}=/path/to/it"
            )
        return os.environ[name]

    expanded = _VARIABLE.sub(value, text)
    return expanded if "://" in expanded else Path(expanded).expanduser()


def store_of(path: str | os.PathLike) -> Path | str:
    """`expand`; of the directory of a run its output.zarr."""
    where = expand(path)
    return where / "output.zarr" if isinstance(where, Path) and (where / "config.yaml").exists() else where
