"""`ocean-gcm data prepare`: published data as one Zarr that a model can start from and be scored against.

Records go through in blocks.  The store grows under a hidden name beside the wanted one and gets that only when it is
complete; a preparation that was stopped goes on from the last whole block.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ocean_gcm import __version__
from ocean_gcm.data.gridded import LEVELS_AT_A_TIME, WORKERS
from ocean_gcm.data.plan import Plan, Way, plan
from ocean_gcm.data.recipe import Recipe
from ocean_gcm.data.series import CONFIGURATION
from ocean_gcm.data.targets import ModelTarget
from ocean_gcm.data.time_axis import bounds_of
from ocean_gcm.data.zarr_store import GrowingStore
from ocean_gcm.errors import UserError
from ocean_gcm.exclusive import exclusive
from ocean_gcm.run_directory import provenance

_MOST_RECORDS = 64
_COPIES = 8  # of the records of a block, in double precision, while they are worked on


def prepare(
    recipe: Recipe,
    output: str | Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Write what a recipe says to the Zarr store `output`.  Memory does not grow with the number of records.

    Args:
      recipe: sources, times, target.
      output: a directory here; it appears when it is complete.
      overwrite: replace what lies there, and begin anew.
      progress: called with the number of records done and that of all.
      say: called with sentences for the user.

    Returns {"records", "resumed" (records that an earlier preparation had left), "block" (records at a time)}.

    Raises UserError for whatever does not fit, a store that exists, one that cannot be written,
    and one that another process is writing.
    """
    if "://" in str(output):
        raise UserError(
            f"the output is {str(output)!r}; expected a directory here (copy the store when it is complete)"
        )
    output = Path(output)
    draft = output.with_name(f".{output.name}.part")
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists; --overwrite replaces it")
    planned = plan(recipe)
    way = Way.of(planned)
    block = block_records(planned)
    identity = _identity(planned, block)
    with exclusive(output.with_name(f".{output.name}.lock"), f"the output {output}", say=say):
        try:
            if overwrite:
                shutil.rmtree(draft, ignore_errors=True)
            store, resumed = _resumed(draft, identity, block)
            if resumed:
                say(f"{resumed} of {len(planned)} records are there already")
            _append_blocks(way, store, draft, identity, block, progress, say)
            if output.exists():
                shutil.rmtree(output)
            draft.rename(output)
        except OSError as error:
            raise UserError(f"{output} could not be written: {error.strerror or error}") from error
    return {"records": len(planned), "resumed": resumed, "block": block}


def block_records(planned: Plan) -> int:
    """Records at a time: as many as fit into half of the memory of the recipe, whole chunks of the sources."""
    record = sum(
        8 * _COPIES * max(v.array.shape[1], 1) * int(np.prod(planned.maps[name].cover.shape))
        for name, v in planned.variables.items()
    )
    fitting = int(np.clip(0.5e6 * planned.recipe.memory // record, 1, _MOST_RECORDS))
    stored = max(max(variable.array.chunks[0]) for variable in planned.variables.values())
    block = max(fitting // stored, 1) * stored if stored <= fitting else fitting
    return min(block, len(planned))


def peak_bytes(planned: Plan) -> int:
    """What a block holds at most, about: for each worker a chunk of a source and a level that is worked on, and the
    records of the block."""
    reading = max(
        v.array.dtype.itemsize * int(np.prod([max(sizes) for sizes in v.array.chunks]))
        + 8 * LEVELS_AT_A_TIME * int(np.prod(v.array.shape[2:]))
        for v in planned.variables.values()
    )
    records = sum(
        8 * _COPIES * v.array.shape[1] * int(np.prod(planned.maps[name].cover.shape))
        for name, v in planned.variables.items()
    )
    return WORKERS * reading + block_records(planned) * records


def _resumed(draft: Path, identity: Mapping[str, Any], block: int) -> tuple[GrowingStore | None, int]:
    """The store that an earlier preparation left, and its records; the last block of it may be half written."""
    if not draft.exists():
        return None, 0
    store = GrowingStore.open(draft, identity)
    kept = max((store.records - 1) // block, 0) * block
    store.truncate(kept)
    return store, kept


def _append_blocks(
    way: Way, store: GrowingStore | None, draft: Path, identity: Mapping[str, Any], block: int, progress, say
) -> None:
    planned = way.plan
    begin = 0 if store is None else store.records
    bounds = bounds_of(planned.axis.dates) if planned.recipe.record_kind == "mean" else None
    progress(begin, len(planned))
    try:
        for first in range(begin, len(planned), block):
            records = slice(first, min(first + block, len(planned)))
            found = planned.target.dataset(
                way.fields(records), planned.axis.dates[records], None if bounds is None else bounds[records]
            )
            if store is None:
                template = planned.target.static().merge(found, combine_attrs="override")
                store = GrowingStore.create(draft, template, {**_attributes(planned), **identity}, "float32")
            store.append(found)
            progress(store.records, len(planned))
    except (KeyboardInterrupt, UserError):
        if store is not None and store.records:
            say(f"stopped after {store.records} of {len(planned)} records; the same command goes on from there")
        raise


def _identity(planned: Plan, block: int) -> dict[str, Any]:
    """What must be the same for a preparation to go on."""
    sources = [(name, v.array.shape, str(v.units)) for name, v in planned.variables.items()]
    text = f"{planned.recipe.science()}{sources}{[str(date) for date in planned.axis.dates]}"
    found = {"recipe_hash": hashlib.sha256(text.encode()).hexdigest()[:16], "block_records": block}
    if isinstance(planned.target, ModelTarget):
        found["configuration_hash"] = planned.target.config.hash
    return found


def _attributes(planned: Plan) -> dict[str, Any]:
    """What the store says about where its numbers come from."""
    recipe = planned.recipe
    found = {
        "title": recipe.name,
        "comment": recipe.description,
        "references": recipe.references,
        "record_kind": recipe.record_kind,
        "recipe": recipe.to_yaml(),
        "history": f"conservative means on {planned.target.describe()}, ocean-gcm data prepare",
        "ocean_gcm_version": __version__,
        "ocean_gcm_commit": provenance().get("commit", "unknown"),
    }
    if isinstance(planned.target, ModelTarget):
        found[CONFIGURATION] = planned.target.config.to_yaml()
    return found
