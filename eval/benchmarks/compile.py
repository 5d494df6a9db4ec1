"""Seconds to compile the step and the gradient of every shipped configuration, on one core: one JSON line each.

    python -m eval.benchmarks.compile --threads 1 [--case global_4deg] [--no-gradient]

The persistent cache is off.  "step" is the time loop that `ocean-gcm simulate` runs, "gradient" the reverse mode
through ten steps.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time

from eval.benchmarks import cases, machine


def measure(config, gradient: bool, clock=time.perf_counter) -> dict:
    import jax
    import jax.numpy as jnp

    from ocean_gcm.build import build_model

    jax.config.update("jax_enable_compilation_cache", False)
    model = build_model(config)
    state, forcing = model.initial_state(), model.forcing

    def seconds(function, *arguments):
        start = clock()
        jax.jit(function).lower(*arguments).compile()
        return clock() - start

    def loss(ocean, model, state):
        start = dataclasses.replace(state, ocean=ocean)
        return jnp.mean(model.unroll(start, forcing, steps=10)[0].ocean.temperature[0])

    result = {"step_compile_seconds": seconds(lambda m, s: m.advance(s, forcing, steps=10), model, state)}
    if gradient:
        result["gradient_compile_seconds"] = seconds(jax.grad(loss), state.ocean, model, state)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", default=cases.shipped(), choices=cases.shipped(), metavar="CASE")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--no-gradient", action="store_true")
    machine.add_threads_argument(parser)
    machine.add_clock_argument(parser)
    arguments = parser.parse_args()
    if len(arguments.case) > 1:
        options = ["--dtype", arguments.dtype, "--clock", arguments.clock] + (
            ["--no-gradient"] if arguments.no_gradient else []
        )
        options += [] if arguments.threads is None else ["--threads", str(arguments.threads)]
        return machine.run_each("eval.benchmarks.compile", [["--case", case, *options] for case in arguments.case])
    threads = machine.use_threads(arguments.threads)
    config = cases.case_config(arguments.case[0], None, arguments.dtype, "config")
    line = {"case": arguments.case[0], "dtype": arguments.dtype}
    line |= measure(config, not arguments.no_gradient, machine.CLOCKS[arguments.clock])
    print(json.dumps(line | {"threads": threads, "clock": arguments.clock}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
