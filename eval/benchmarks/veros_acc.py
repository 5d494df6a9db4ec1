"""Speed of Veros on its ACC set-up, with the JSON keys of `eval.benchmarks.dynamics`.  Runs in an environment of Veros:

    python -m venv veros_env && veros_env/bin/pip install "veros[jax]"
    veros_env/bin/python -m eval.benchmarks.veros_acc --size 60x84x40 --dtype float64 --threads 1

"synchronous" steps momentum and tracers with the same step, "asynchronous" (the set-up's default) advances tracers nine
times as far as momentum in every iteration, or less where Veros refuses that; this distorts all that is not steady
(Bryan 1984).  Simulated time is that of the tracers, as Veros counts it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics

from eval.benchmarks import machine
from eval.benchmarks.cases import parse_size, refined_levels

CELL_DEGREES, EAST, SOUTH, NORTH = 2.0, 60.0, -42.0, 42.0
MOMENTUM_STEP, TRACER_STEP = 4800.0, 43200.0  # s, of the set-up at 2 degrees; both shrink with the cells
SECONDS_PER_YEAR = 360 * 86400.0  # that of configs/acc_channel.yaml
ISONEUTRAL_DIFFUSIVITY, LARGEST_SLOPE, RADIUS = 1000.0, 0.01, 6370e3  # m2 s-1, 1, m; of the set-up
SETUP_THICKNESS = tuple(h / 2.5 for h in (50, 70, 100, 140, 190, 240, 290, 340, 390, 440, 490, 540, 590, 640, 690))


def layers(number: int) -> list[float]:
    """Thicknesses in m from the surface down."""
    import numpy as np

    if number == len(SETUP_THICKNESS):
        return list(SETUP_THICKNESS)
    return refined_levels(np.concatenate([[0.0], np.cumsum(SETUP_THICKNESS)]), number)


def steps_of(size: tuple[int, int, int], mode: str) -> tuple[float, float]:
    """(momentum, tracer) step in s.

    Veros refuses tracer steps for which its largest neutral slope exceeds dx dz / (4 dt K); of thin layers that is less
    than nine momentum steps.
    """
    import numpy as np

    nx, ny, nz = size
    momentum = MOMENTUM_STEP * (EAST / nx) / CELL_DEGREES
    if mode == "synchronous":
        return momentum, momentum
    northernmost = np.cos(np.radians(NORTH - 0.5 * (NORTH - SOUTH) / ny))
    dx = RADIUS * np.radians(EAST / nx) * northernmost
    limit = dx * min(layers(nz)) / (4 * ISONEUTRAL_DIFFUSIVITY * LARGEST_SLOPE)
    return momentum, momentum * min(round(TRACER_STEP / MOMENTUM_STEP), int(limit / momentum))


def build(size: tuple[int, int, int], momentum_step: float, tracer_step: float):
    """Veros' ACC set-up on a grid of (nx, ny, nz) cells over the same domain."""
    from veros import veros_routine
    from veros.core.operators import at, update
    from veros.core.operators import numpy as npx
    from veros.setups.acc.acc import ACCSetup

    nx, ny, nz = size
    dx, dy = EAST / nx, (NORTH - SOUTH) / ny
    thickness = layers(nz)

    class Refined(ACCSetup):
        @veros_routine
        def set_parameter(self, state):
            super().set_parameter(state)
            settings = state.settings
            settings.nx, settings.ny, settings.nz = size
            settings.dt_mom, settings.dt_tracer = momentum_step, tracer_step
            # the first faces, such that the outer edges stay where they are at 2 degrees
            settings.x_origin, settings.y_origin = -CELL_DEGREES + dx, SOUTH + dy

        @veros_routine
        def set_grid(self, state):
            vs = state.variables
            vs.dxt = update(vs.dxt, at[...], dx)
            vs.dyt = update(vs.dyt, at[...], dy)
            vs.dzt = update(vs.dzt, at[...], npx.array(thickness[::-1]))

        @veros_routine
        def set_topography(self, state):
            """The wall is four degrees wide at any resolution."""
            vs = state.variables
            x, y = npx.meshgrid(vs.xt, vs.yt, indexing="ij")
            vs.kbot = npx.logical_or(x > CELL_DEGREES, y < -20).astype("int")

        @veros_routine
        def set_diagnostics(self, state):
            """No output: the benchmark times the model."""

    return Refined()


def measure(size: tuple[int, int, int], dtype: str, mode: str, steps: int, repetitions: int, clock) -> dict:
    start = clock()
    from veros import runtime_settings

    runtime_settings.backend = "jax"
    runtime_settings.device = "cpu"
    runtime_settings.float_type = dtype
    runtime_settings.loglevel = "error"
    import jax

    nx, ny, nz = size
    momentum_step, tracer_step = steps_of(size, mode)
    model = build(size, momentum_step, tracer_step)
    model.setup()

    def run():
        for _ in range(steps):
            model.step(model.state)
        jax.block_until_ready(model.state.variables.temp)

    run()
    startup = clock() - start
    seconds = []
    for _ in range(repetitions):
        begin = clock()
        run()
        seconds.append(clock() - begin)
    per_step = statistics.median(seconds) / steps
    return {
        "case": f"veros_acc_{mode}",
        "nx": nx,
        "ny": ny,
        "nz": nz,
        "dtype": dtype,
        "time_step_seconds": tracer_step,
        "momentum_step_seconds": momentum_step,
        "steps": steps,
        "seconds_per_step": per_step,
        "cell_steps_per_second": nx * ny * nz / per_step,
        "simulated_years_per_day": tracer_step / SECONDS_PER_YEAR * 86400.0 / per_step,
        "compile_seconds": startup,
        "peak_memory_bytes": machine.peak_memory_bytes(),
        "veros": importlib.metadata.version("veros"),
        "jax": jax.__version__,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs="+", default=["30x42x15"], metavar="NXxNYxNZ")
    parser.add_argument("--dtype", nargs="+", default=["float64"], choices=["float32", "float64"])
    parser.add_argument("--mode", nargs="+", default=["synchronous"], choices=["synchronous", "asynchronous"])
    parser.add_argument("--steps", type=int, default=5, help="steps per repetition")
    parser.add_argument("--repetitions", type=int, default=5)
    machine.add_threads_argument(parser)
    machine.add_clock_argument(parser)
    arguments = parser.parse_args()
    combinations = [(s, d, m) for s in arguments.size for d in arguments.dtype for m in arguments.mode]
    if len(combinations) > 1:
        common = [
            "--steps",
            str(arguments.steps),
            "--repetitions",
            str(arguments.repetitions),
            "--clock",
            arguments.clock,
        ]
        common += [] if arguments.threads is None else ["--threads", str(arguments.threads)]
        return machine.run_each(
            "eval.benchmarks.veros_acc",
            [["--size", s, "--dtype", d, "--mode", m, *common] for s, d, m in combinations],
        )
    threads = machine.use_threads(arguments.threads)
    size, dtype, mode = combinations[0]
    line = measure(
        parse_size(size), dtype, mode, arguments.steps, arguments.repetitions, machine.CLOCKS[arguments.clock]
    )
    print(json.dumps(line | {"threads": threads, "clock": arguments.clock}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
