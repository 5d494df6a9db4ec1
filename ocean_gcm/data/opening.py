"""Files and stores of a recipe, opened lazily: NetCDF by pattern, Zarr here or at gs:// addresses."""

from __future__ import annotations

import asyncio
import glob
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import xarray as xr

from ocean_gcm.data.paths import expand
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.data.recipe import Recipe, SourceRecipe
from ocean_gcm.errors import UserError

_FIRST_WAIT = 1.0  # s, doubled after each failure
_LONGEST_WAIT = 60.0
_T = TypeVar("_T")


def open_all(source: SourceRecipe, recipe: Recipe) -> list[tuple[str, xr.Dataset]]:
    """The data sets of a source, lazily, times not decoded, and what messages call them.

    Raises UserError if a pattern fits no file, and for what is missing, cannot be read or cannot be reached.
    """
    patterns = (source.path,) if isinstance(source.path, str) else source.path
    if not patterns:
        raise UserError("a source of the recipe has no path; expected files, a store or an address")
    found = []
    for pattern in patterns:
        where = str(expand(pattern))
        if "://" in where:
            found.append((where.rstrip("/").rsplit("/", 1)[-1], _open_address(where, source, recipe)))
            continue
        names = sorted(glob.glob(where)) if glob.has_magic(where) else [where]
        if not names:
            raise UserError(f"no file fits {pattern!r}; expected NetCDF files or a Zarr store there")
        found += [(name.rstrip("/").rsplit("/", 1)[-1], open_dataset(name)) for name in names]
    return found


def _open_address(address: str, source: SourceRecipe, recipe: Recipe) -> xr.Dataset:
    if address.endswith((".nc", ".nc4")):
        raise UserError(
            f"{address} is a NetCDF file at an address, which cannot be read in pieces; expected a Zarr store, or a "
            "copy of the file here"
        )

    def opened() -> xr.Dataset:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return xr.open_dataset(
                address,
                engine="zarr",
                decode_times=False,
                chunks=None,
                storage_options=storage_options(address, source.credentials, recipe.timeout),
            )

    try:
        return persistently(opened, recipe.retries, address)
    except UserError:
        raise
    except Exception as error:  # every layer between raises its own
        raise UserError(f"{address} cannot be read as a Zarr store: {_reason(error)}") from error


def storage_options(address: str, credentials: str, timeout: float) -> dict[str, Any]:
    """For fsspec: credentials, and how long to wait for an answer; `credentials` is "anonymous" or "default"."""
    if not address.startswith(("gs://", "gcs://")):
        return {}
    import aiohttp

    options: dict[str, Any] = {"session_kwargs": {"timeout": aiohttp.ClientTimeout(total=timeout)}}
    return {**options, "token": "anon"} if credentials == "anonymous" else options


def persistently(read: Callable[[], _T], retries: int, what: str, wait: Callable[[float], None] = time.sleep) -> _T:
    """What `read` returns, tried again after failures of the connection (or of the disk), each time after a longer
    pause.

    Raises UserError after `retries` further failures; other errors at once.
    """
    for attempt in range(retries + 1):
        try:
            return read()
        except Exception as error:
            if not _may_pass(error):
                raise
            if attempt == retries:
                raise UserError(
                    f"{what} could not be read, also when tried again {retries} time(s): {_reason(error)}; what was "
                    "prepared is kept, and the same command goes on from there"
                ) from error
        wait(min(_FIRST_WAIT * 2**attempt, _LONGEST_WAIT))
    raise AssertionError("unreachable: the loop returns or raises")


def _may_pass(error: BaseException) -> bool:
    """Whether a failure is one of the connection or of the service, which may pass."""
    import aiohttp

    if isinstance(error, UserError | FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError):
        return False
    if isinstance(error, OSError | aiohttp.ClientError | asyncio.TimeoutError | TimeoutError | EOFError):
        return True
    code = getattr(error, "code", None)  # gcsfs.retry.HttpError
    return str(code).isdigit() and (int(code) == 429 or int(code) >= 500)


def _reason(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
