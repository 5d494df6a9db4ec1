"""What a gradient costs: its memory over the number of steps, and its time against the forward run of the same steps.

    python -m eval.gradient_cost [CONFIG ...] [--memory 10 32 100 320 1000] [--time 24 100] [--output docs/results]

Memory is what the compiled program asks for beside its arguments (`memory_analysis`), nothing is run for it.  Time is
CPU time of one process, medians of runs in turn.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp

import ocean_gcm as og
from ocean_gcm.errors import exit_code

DEFAULT = ("configs/acc_channel.yaml", "configs/global_4deg.yaml")


@dataclasses.dataclass(frozen=True)
class Program:
    """A compiled forward run or gradient.

    Attributes:
      memory_bytes: temporaries of the program; compile_seconds: CPU time.
    """

    run: object
    memory_bytes: int
    compile_seconds: float


def compile_program(model, state, steps: int, *, gradient: bool) -> Program:
    """The mean square of the surface temperature after `steps` steps, or its gradient to the initial temperature."""

    def loss(temperature, model, state):
        start = dataclasses.replace(state, ocean=dataclasses.replace(state.ocean, temperature=temperature))
        return jnp.mean(model.unroll(start, steps=steps)[0].ocean.temperature[0] ** 2)

    begun = time.process_time()
    function = jax.grad(loss) if gradient else loss
    compiled = jax.jit(function).lower(state.ocean.temperature, model, state).compile()
    seconds = time.process_time() - begun
    return Program(compiled, compiled.memory_analysis().temp_size_in_bytes, seconds)


def cpu_seconds(programs: Sequence[Program], model, state, repetitions: int) -> list[float]:
    """Median CPU seconds of each program; the programs take turns, so that all see the same machine."""
    times = [[] for _ in programs]
    for repetition in range(repetitions + 1):
        for mine, program in zip(times, programs, strict=True):
            begun = time.process_time()
            jax.block_until_ready(program.run(state.ocean.temperature, model, state))
            if repetition:
                mine.append(time.process_time() - begun)
    return [statistics.median(mine) for mine in times]


def measure(path: str, overrides, memory: Sequence[int], timed: Sequence[int], repetitions: int) -> list[dict]:
    """Rows of results for one configuration."""
    config = og.load_config(path, overrides=overrides)
    model = og.build_model(config)
    state, _ = model.advance(model.initial_state(), steps=20 * model.blueprint.physics_steps)
    cells = int(model.grid.mask.size)
    rows = []
    for steps in sorted({*memory, *timed}):
        gradient = compile_program(model, state, steps, gradient=True)
        row = dict(
            model=config.name,
            dtype=config.precision,
            cells=cells,
            steps=steps,
            memory_bytes=gradient.memory_bytes,
            words_per_cell=gradient.memory_bytes / cells / jnp.dtype(model.dtype).itemsize,
            compile_seconds=gradient.compile_seconds,
        )
        if steps in timed:
            forward = compile_program(model, state, steps, gradient=False)
            seconds = cpu_seconds((forward, gradient), model, state, repetitions)
            row |= dict(forward_seconds=seconds[0], gradient_seconds=seconds[1], ratio=seconds[1] / seconds[0])
            row |= dict(forward_memory_bytes=forward.memory_bytes)
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def write_csv(path: Path, rows: Sequence[dict]) -> None:
    """Columns model, seed, variable, lead, metric, value; lead in steps."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "seed", "variable", "lead", "metric", "value"])
        for row in rows:
            for metric in ("memory_bytes", "words_per_cell", "compile_seconds", "forward_seconds", "gradient_seconds",
                           "ratio"):  # fmt: skip
                if metric in row:
                    writer.writerow([row["model"], 0, row["dtype"], row["steps"], metric, f"{row[metric]:.6g}"])


def page(rows: Sequence[dict], command: str) -> str:
    lines = [
        "# Cost of gradients",
        "",
        "Question: how much memory and time does the gradient of a run of N steps take?",
        "",
        "```",
        command,
        "```",
        "",
        "The default rollout keeps the state of every step as long as these take 256 MB; beyond, the first states of",
        "about sqrt(N) chunks and, one chunk at a time, those of its sqrt(N) steps.  The inside of a step is computed",
        "again.",
        "",
        "## Memory",
        "",
        "Temporaries of the compiled program; what the reverse of a single step needs is a constant part of them.",
        "",
        "| model | precision | N | MB | words per cell | kept states |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        kept = kept_states(row["steps"], row["cells"], 4 if row["dtype"] == "float32" else 8)
        lines.append(
            f"| {row['model']} | {row['dtype']} | {row['steps']} | {row['memory_bytes'] / 1e6:.1f} |"
            f" {row['words_per_cell']:.0f} | {kept} |"
        )
    lines += [
        "",
        "## Time",
        "",
        "CPU seconds on one core, forward run and gradient in turn, medians.  Goal: at most 4 times the forward run.",
        "",
        "| model | precision | N | forward (s) | gradient (s) | ratio | compile (s) |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if "ratio" in row:
            lines.append(
                f"| {row['model']} | {row['dtype']} | {row['steps']} | {row['forward_seconds']:.3g} |"
                f" {row['gradient_seconds']:.3g} | {row['ratio']:.2f} | {row['compile_seconds']:.0f} |"
            )
    return "\n".join([*lines, "", "The numbers are in `gradients.csv`.", ""])


def kept_states(steps: int, cells: int, itemsize: int) -> int:
    """States that the reverse pass of `ocean_gcm.rollout.repeat` keeps, of about ten fields each."""
    import math

    from ocean_gcm.rollout import ONE_LEVEL, STATE_BYTES

    if steps <= max(ONE_LEVEL, STATE_BYTES // (10 * cells * itemsize)):
        return steps
    chunk = math.isqrt(steps)
    return steps // chunk + chunk


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.gradient_cost", description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="*", default=list(DEFAULT), help="configurations")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override of configurations")
    parser.add_argument("--memory", type=int, nargs="*", default=[10, 32, 100, 320, 1000], help="steps, memory only")
    parser.add_argument("--time", type=int, nargs="*", default=[24, 100], help="steps to run as well")
    parser.add_argument("--repetitions", type=int, default=5, help="runs of each program")
    parser.add_argument("--output", type=Path, help="folder of gradients.md and gradients.csv; default: print only")
    options = parser.parse_args(arguments)

    def run() -> None:
        rows = []
        for path in options.configs:
            rows += measure(path, options.set, options.memory, options.time, options.repetitions)
        if options.output is not None:
            options.output.mkdir(parents=True, exist_ok=True)
            command = " ".join(["python -m eval.gradient_cost", *(f"--set {s}" for s in options.set)])
            write_csv(options.output / "gradients.csv", rows)
            (options.output / "gradients.md").write_text(page(rows, command))
            print(f"wrote {options.output / 'gradients.md'}")

    return exit_code(run, "gradient_cost")


if __name__ == "__main__":
    sys.exit(main())
