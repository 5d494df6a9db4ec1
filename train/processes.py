"""Several processes that train together: how they find each other, and what one of them does for all."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from ocean_gcm.errors import UserError

Result = TypeVar("Result")

_ENVIRONMENT = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
_PATIENCE = 24 * 3600
"""Seconds that processes wait for what one of them does for all, such as simulating a truth."""


def join() -> None:
    """Become one of the processes of a training; before anything else of JAX.

    Their number and places come from JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID where these are set,
    and else from Slurm, Open MPI, the TPU pod or Kubernetes (`jax.distributed.initialize`).

    Raises UserError if the environment does not say, or the others do not come.
    """
    given = [os.environ.get(name) for name in _ENVIRONMENT]
    if any(given[1:]) and not all(given):
        missing = next(name for name, value in zip(_ENVIRONMENT, given, strict=True) if not value)
        raise UserError(f"{missing} is not set; expected all of {', '.join(_ENVIRONMENT)}, or none of the last two")
    try:
        if all(given):
            # said in full, so that a scheduler around it is not asked for its own view
            jax.distributed.initialize(given[0], int(given[1]), int(given[2]), cluster_detection_method="deactivate")
        else:
            jax.distributed.initialize()
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"the processes could not join: {' '.join(str(error).split())[:300]}; expected a cluster that JAX "
            f"knows, or {', '.join(_ENVIRONMENT)}"
        ) from error


def is_first() -> bool:
    """Whether this process writes what is written once."""
    return jax.process_index() == 0


def first_alone(name: str, work: Callable[[], Result]) -> Result | None:
    """What `work` gives in the first process, None in the others, which wait until it is done.

    name: of this occasion; each name may be used once.  Raises what `work` raises, in the others UserError.
    """
    if jax.process_count() == 1:
        return work()
    result = failure = None
    if is_first():
        try:
            result = work()
        except Exception as error:  # told to the others first, who would wait for ever
            failure = error
    failed = _told_by_first(name, failure is not None)
    if failure is not None:
        raise failure
    if failed:
        raise UserError("the first process stopped, and says why")
    return result


def compiled_by_all(name: str, function: Any, *arguments: Any) -> None:
    """Compile a function of `jax.jit` for these arguments, in all processes before any of them calls it.

    The devices of a process that is ready would wait for those of one that still compiles, but not for long.  name: of
    this occasion; each name may be used once.
    """
    if jax.process_count() > 1:
        function.lower(*arguments).compile()
        _all_here(name)


def _told_by_first(name: str, value: bool) -> bool:
    _all_here(name)
    return bool(multihost_utils.broadcast_one_to_all(np.int32(value)))


def _all_here(name: str) -> None:
    """Wait for all processes."""
    from orbax.checkpoint import multihost

    # a barrier of the coordination service may last; collectives of devices give up after seconds or minutes
    barrier = multihost.get_barrier_sync_fn(processes=set(range(jax.process_count())))
    barrier(key=f"ocean_gcm {name}", timeout_ms=_PATIENCE * 1000)
