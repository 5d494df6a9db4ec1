"""What a benchmark may use of the machine, and what it has used."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def add_threads_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, help="cores to run on (default: all that this process may use)")


def add_clock_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--clock",
        choices=list(CLOCKS),
        default="wall",
        help="cpu: processor time of the process, which on one thread leaves out what other programs take",
    )


def use_threads(number: int | None) -> int:
    """Pin this process to `number` cores, the last ones it may use; returns how many it has.

    Call it before JAX is imported: JAX sizes its pool of threads by the cores that it sees.
    """
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    if "jax" in sys.modules:
        raise RuntimeError("use_threads must be called before jax is imported")
    available = sorted(os.sched_getaffinity(0))
    if number is None:
        return len(available)
    if not 1 <= number <= len(available):
        raise SystemExit(f"--threads {number}: expected 1 to {len(available)}, the cores that this process may use")
    os.sched_setaffinity(0, available[-number:])
    return number


def peak_memory_bytes() -> int:
    """Most memory in use so far: of the accelerator, or of this process where there is none."""
    import jax

    statistics = jax.local_devices()[0].memory_stats() or {}
    return int(statistics.get("peak_bytes_in_use", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def run_each(module: str, combinations: list[list[str]]) -> int:
    """Run a benchmark in a process of its own per combination of arguments; returns the first failure's code."""
    code = 0
    for arguments in combinations:
        code = subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode or code
    return code
