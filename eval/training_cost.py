"""Memory and time of a hybrid's gradient by length of the rollout and number of members; cost of its physics.

    python -m eval.training_cost [--steps 60 240] [--members 1 2] [--output docs/results]

The 4-degree ocean with a column network of default size.  Memory is what the compiled program asks for beside its
arguments (`memory_analysis`); times are CPU seconds of this process.  One JSON line per program.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp

import ocean_gcm as og
from ocean_gcm.closures.trainable import split

NETWORK = {"kind": "neural_tendencies", "network": {"architecture": "column"}}


def build(path: str, closures: bool):
    """The model of a configuration, with the network or without."""
    return og.build_model(og.load_config(path, [f"closures.network={json.dumps(NETWORK)}"] if closures else []))


def cpu_seconds(run, repetitions: int) -> float:
    """Median CPU seconds; the first run does not count."""
    times = []
    for _ in range(repetitions + 1):
        begun = time.process_time()
        jax.block_until_ready(run())
        times.append(time.process_time() - begun)
    return statistics.median(times[1:])


def cost_of_physics(path: str, steps: int) -> dict:
    """CPU seconds of `steps` steps with and without the network."""
    found = {}
    for name, closures in (("core", False), ("hybrid", True)):
        model = build(path, closures)
        state = model.initial_state()
        found[f"{name}_seconds"] = cpu_seconds(lambda m=model, s=state: m.advance(s, steps=steps), 5)
    found["learned_share_percent"] = 100 * (found["hybrid_seconds"] / found["core_seconds"] - 1)
    return {"model": Path(path).stem, "steps": steps, **found}


def cost_of_gradient(model, steps: int, members: int, repetitions: int) -> dict:
    """Of the mean square of the surface temperature of an ensemble after `steps`, with respect to the weights."""
    numbers, rebuild = split(model, ["closures.network.tower.**"])
    states = model.ensemble(model.initial_state(), members=members)

    def loss(numbers, states):
        ends, _ = rebuild(numbers).unroll_ensemble(states, steps=steps)
        return jnp.mean(ends.ocean.temperature[:, 0] ** 2)

    begun = time.process_time()
    gradient = jax.jit(jax.grad(loss)).lower(numbers, states).compile()
    compile_seconds = time.process_time() - begun
    row = {"model": model.config.name, "steps": steps, "members": members, "compile_seconds": compile_seconds}
    row["memory_bytes"] = gradient.memory_analysis().temp_size_in_bytes
    row["gradient_seconds"] = cpu_seconds(lambda: gradient(numbers, states), repetitions)
    return row


def page(rows: list[dict], physics: list[dict]) -> str:
    lines = [
        "# Cost of training",
        "",
        "Question: what does a gradient through a rollout of a hybrid ocean cost, and what its learned physics?",
        "",
        "```",
        "python -m eval.training_cost --output docs/results",
        "```",
        "",
        "`global_4deg` (90 × 40 × 15 cells) with a column network of default size; CPU seconds, medians.",
        "",
        "| steps | members | memory (MB) | gradient (s) | compile (s) |",
        "|---|---|---|---|---|",
    ]
    for r in rows:
        cells = (f"{r['memory_bytes'] / 1e6:.0f}", f"{r['gradient_seconds']:.1f}", f"{r['compile_seconds']:.0f}")
        lines.append(f"| {r['steps']} | {r['members']} | " + " | ".join(cells) + " |")
    lines += ["", "| learned physics | core (s) | hybrid (s) | more |", "|---|---|---|---|"]
    for r in physics:
        cells = (f"{r['core_seconds']:.2f}", f"{r['hybrid_seconds']:.2f}", f"{r['learned_share_percent']:+.0f} %")
        lines.append(f"| {r['model']}, {r['steps']} steps | " + " | ".join(cells) + " |")
    lines += ["", "Goals: 240 steps within 8 GB; learned physics at most +100 %.  Numbers: `training_cost.csv`.", ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m eval.training_cost", description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[60, 240])
    parser.add_argument("--members", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    model = build("configs/global_4deg.yaml", True)
    rows, physics = [], []
    for path in ("configs/global_4deg.yaml", "configs/double_gyre.yaml"):
        physics.append(cost_of_physics(path, 100))
        print(json.dumps(physics[-1]), flush=True)
    for steps in options.steps:
        for members in options.members:
            rows.append(cost_of_gradient(model, steps, members, options.repetitions))
            print(json.dumps(rows[-1]), flush=True)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "training_cost.md").write_text(page(rows, physics))
        with (options.output / "training_cost.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["model", "seed", "variable", "lead", "metric", "value"])
            for row in (*rows, *physics):
                for metric in (k for k in row if k not in ("model", "steps", "members")):
                    head = (row["model"], 0, f"members={row.get('members', 1)}", row["steps"])
                    writer.writerow([*head, metric, f"{row[metric]:.6g}"])


if __name__ == "__main__":
    main()
