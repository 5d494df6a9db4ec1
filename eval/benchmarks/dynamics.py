"""Speed of the model: one JSON line per case, size and number type.

    python -m eval.benchmarks.dynamics --case acc_channel --size 60x84x40 --dtype float64 --threads 1

`cell_steps_per_second` counts all cells of the box, wet or dry, and the steps of a whole time loop in one compiled
program (median of the repetitions).  `bandwidth_fraction` is the traffic that cannot be avoided, state and static
fields read once and the state written once per step, by the time of a step and the measured triad bandwidth.
`program_bytes` is what the compiled time loop holds: arguments, results and work arrays.  With --gradient the lines
also hold the time of a reverse-mode gradient of the mean surface temperature with respect to the initial state.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import time

from eval.benchmarks import bandwidth, cases, machine


def default_steps(cells: int) -> int:
    """A square number of steps of about two seconds on one core: each call pays once for its work arrays' pages."""
    return max(3, math.isqrt(min(400, int(1e7 / cells)))) ** 2


def _timed(function, repetitions: int, clock) -> tuple[float, object]:
    import jax

    seconds, result = [], None
    for _ in range(repetitions):
        start = clock()
        result = jax.block_until_ready(function())
        seconds.append(clock() - start)
    return statistics.median(seconds), result


def _compiled(clock, function, *arguments):
    """Compiled function and the seconds that tracing and compiling took."""
    start = clock()
    compiled = function.lower(*arguments).compile()
    return compiled, clock() - start


def _program_bytes(compiled) -> int:
    memory = compiled.memory_analysis()
    total = memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
    return int(total - memory.alias_size_in_bytes)


def _array_bytes(tree) -> int:
    import jax

    return sum(x.nbytes for x in jax.tree.leaves(tree) if hasattr(x, "nbytes"))


def measure(config, steps: int, repetitions: int, gradient: bool, clock=time.perf_counter) -> dict:
    """Times of `steps` steps of the configuration's model."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from ocean_gcm.build import build_model

    model = build_model(config)
    state, forcing = model.initial_state(), model.forcing
    run = jax.jit(lambda m, s, f: m.unroll(s, f, steps=steps)[0])
    forward, compile_seconds = _compiled(clock, run, model, state, forcing)
    state = jax.block_until_ready(forward(model, state, forcing))  # a flow, not the state of rest
    loop_seconds, after = _timed(lambda: forward(model, state, forcing), repetitions, clock)
    nz, ny, nx = model.grid.shape
    cells, step_seconds = nx * ny * nz, loop_seconds / steps
    simulated_years = model.time_step / config.time.seconds_per_year
    compulsory = 2 * _array_bytes(state.ocean) + 2 * _array_bytes(state.stepper) + _array_bytes(model.grid_arrays)
    rate = bandwidth.triad_bytes_per_second(clock)
    result = {
        "nx": nx,
        "ny": ny,
        "nz": nz,
        "dtype": config.precision,
        "time_step_seconds": model.time_step,
        "barotropic_substeps": len(model.core.numerics.substeps.primary),
        "steps": steps,
        "seconds_per_step": step_seconds,
        "cell_steps_per_second": cells / step_seconds,
        "simulated_years_per_day": simulated_years * 86400.0 / step_seconds,
        "compile_seconds": compile_seconds,
        "peak_memory_bytes": machine.peak_memory_bytes(),
        "program_bytes": _program_bytes(forward),
        "program_bytes_per_cell": _program_bytes(forward) / cells,
        "triad_bytes_per_second": rate,
        "bandwidth_fraction": compulsory / step_seconds / rate,
        "finite": bool(np.isfinite(np.asarray(after.ocean.temperature)).all()),
    }
    if gradient:

        def loss(ocean, model, state, forcing):
            start = dataclasses.replace(state, ocean=ocean)
            return jnp.mean(model.unroll(start, forcing, steps=steps)[0].ocean.temperature[0])

        reverse, seconds = _compiled(clock, jax.jit(jax.grad(loss)), state.ocean, model, state, forcing)
        both, _ = _timed(lambda: reverse(state.ocean, model, state, forcing), repetitions, clock)
        result |= {
            "gradient_seconds_per_step": both / steps,
            "gradient_ratio": both / loop_seconds,
            "gradient_compile_seconds": seconds,
            "gradient_program_bytes": _program_bytes(reverse),
        }
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", default=["acc_channel"], choices=cases.shipped(), metavar="CASE")
    parser.add_argument("--size", nargs="+", default=[None], metavar="NXxNYxNZ", help="default: the configuration's")
    parser.add_argument("--dtype", nargs="+", default=["float32"], choices=["float32", "float64"])
    parser.add_argument("--step", help='ISO 8601, or "config"; default: the longest stable one (eval.benchmarks.cases)')
    parser.add_argument("--steps", type=int, help="steps per repetition; default: about two seconds")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--gradient", action="store_true", help="also time a reverse-mode gradient")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override the configuration")
    machine.add_threads_argument(parser)
    machine.add_clock_argument(parser)
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    combinations = [(c, s, d) for c in arguments.case for s in arguments.size for d in arguments.dtype]
    if len(combinations) > 1:
        return machine.run_each("eval.benchmarks.dynamics", [_command(arguments, *one) for one in combinations])
    threads = machine.use_threads(arguments.threads)
    case, size, dtype = combinations[0]
    from ocean_gcm.errors import UserError

    try:
        config = cases.case_config(case, size, dtype, arguments.step, arguments.set)
    except (UserError, ValueError) as error:
        raise SystemExit(str(error)) from None
    nx, ny, nz = config.grid.nx, config.grid.ny, len(config.grid.levels.build().thickness)
    steps = arguments.steps or default_steps(nx * ny * nz)
    clock = machine.CLOCKS[arguments.clock]
    line = {"case": case, **measure(config, steps, arguments.repetitions, arguments.gradient, clock)}
    print(json.dumps(line | {"threads": threads, "clock": arguments.clock}), flush=True)
    return 0


def _command(arguments, case: str, size: str | None, dtype: str) -> list[str]:
    command = ["--case", case, "--dtype", dtype, "--repetitions", str(arguments.repetitions)]
    for name in ("step", "steps", "threads", "clock"):
        if (value := getattr(arguments, name)) is not None:
            command += [f"--{name}", str(value)]
    command += ["--size", size] if size else []
    command += ["--gradient"] if arguments.gradient else []
    return command + [part for one in arguments.set for part in ("--set", one)]


if __name__ == "__main__":
    raise SystemExit(main())
