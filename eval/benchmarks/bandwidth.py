"""Memory bandwidth of the machine by a triad: `python -m eval.benchmarks.bandwidth [--threads 1|2]`."""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time

from eval.benchmarks import machine

ARRAY_BYTES = 128 * 2**20  # far beyond any cache
SWEEPS = 8


def triad_bytes_per_second(clock=time.perf_counter, repetitions: int = 5) -> float:
    """Median rate of x <- y + s x over arrays that no cache holds: two words read and one written per element.

    The counting of STREAM (McCalpin 1995), so what a write reads first is not counted.
    """
    import jax
    import jax.numpy as jnp

    @functools.partial(jax.jit, donate_argnums=0)
    def sweep(x, y, sweeps):
        """The number is an argument: XLA unrolls a short loop that it knows and makes one sweep of it."""
        return jax.lax.fori_loop(0, sweeps, lambda _, x: y + 0.5 * x, x)

    x = jnp.zeros(ARRAY_BYTES // 4, jnp.float32)
    y = jnp.ones_like(x)
    x = jax.block_until_ready(sweep(x, y, SWEEPS))
    seconds = []
    for _ in range(repetitions):
        start = clock()
        x = jax.block_until_ready(sweep(x, y, SWEEPS))
        seconds.append(clock() - start)
    return 3 * ARRAY_BYTES * SWEEPS / statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    machine.add_threads_argument(parser)
    machine.add_clock_argument(parser)
    arguments = parser.parse_args()
    threads = machine.use_threads(arguments.threads)
    print(
        json.dumps(
            {"threads": threads, "triad_bytes_per_second": triad_bytes_per_second(machine.CLOCKS[arguments.clock])}
        )
    )


if __name__ == "__main__":
    main()
