"""How far gradients can be trusted: AD against finite differences, and the growth of gradients, over 1 to 200 days.

    python -m eval.gradients CONFIG [--set key=value ...] [--days 200] [--spin-up 360] [--output docs/results]

From a spun-up state in float64.  By direction (smooth random initial temperature and wind stress, the eddy diffusivity,
all closure parameters at once) and horizon, the derivative of a smooth functional of the sea surface is computed in
reverse mode, in forward mode and by centred finite differences of several steps.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

import ocean_gcm as og
from eval import gradients_page
from eval.gradients_chain import Run, along, directions, inner, steps_per_day
from ocean_gcm.errors import UserError, exit_code

LEADS = (1, 2, 5, 10, 20, 40, 80, 120, 160, 200)
STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
"""Sizes of finite differences, in directions (see `gradients_chain.directions`)."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Derivatives of the loss along one direction after one lead.

    Attributes:
      lead: days; reverse, forward: by AD; differences: centred differences by step.
      growth: norm of the temperature's change along the direction, relative to day 1.
    """

    direction: str
    lead: int
    reverse: float
    forward: float
    differences: dict[float, float]
    growth: float

    @property
    def best_step(self) -> float:
        """The step whose difference comes nearest to forward mode: larger ones see curvature, smaller ones rounding."""
        return min(self.differences, key=lambda h: abs(self.differences[h] - self.forward))

    @property
    def difference(self) -> float:
        return self.differences[self.best_step]

    def error(self, value: float, step: float | None = None) -> float:
        """Of a derivative, relative to finite differences."""
        true = self.difference if step is None else self.differences[step]
        return abs(value - true) / max(abs(true), 1e-300)

    @property
    def reverse_error(self) -> float:
        return self.error(self.reverse)

    @property
    def forward_error(self) -> float:
        return self.error(self.forward)

    @property
    def modes_error(self) -> float:
        """Reverse against forward mode."""
        return abs(self.reverse - self.forward) / max(abs(self.forward), 1e-300)


@dataclasses.dataclass(frozen=True)
class Study:
    """All results for one configuration.

    Attributes:
      norms: by lead the L2 norm of the gradient with respect to initial temperature, K-1.
      seconds: CPU seconds per model day of forward, tangent and adjoint.
    """

    name: str
    command: str
    model: str
    spin_up: int
    seed: int
    time_step: float
    closures: dict[str, str]
    comparisons: list[Comparison]
    norms: dict[int, float]
    seconds: dict[str, float]

    def horizon(self, tolerance: float = 1e-3) -> int:
        """Longest lead (days) up to which all directions agree with finite differences; 0 if none does."""
        reached = 0
        for lead in sorted({c.lead for c in self.comparisons}):
            if any(not c.reverse_error <= tolerance for c in self.comparisons if c.lead == lead):
                break
            reached = lead
        return reached


def spun_up(model, days: int):
    """The state after `days` days."""
    state = model.initial_state()
    if days:
        state, _ = model.advance(state, steps=days * steps_per_day(model))
    # the measurement begins a new run: model time goes on, so that the season fits the state
    return state


def measure(model, days: int, spin_up: int, seed: int, *, name: str, command: str, steps: Sequence[float] = STEPS):
    """The study of a model (float64), up to a horizon of `days`."""
    leads = [lead for lead in LEADS if lead <= days] or [days]
    run = Run(model, spun_up(model, spin_up))
    clock = _Clock()
    with clock("forward", 1):
        jax.block_until_ready(list(run.days(run.controls, 1)))
    with clock("forward", max(leads)):
        past = list(run.days(run.controls, max(leads)))
        jax.block_until_ready(past[-1])
    ways = directions(run, seed)
    slopes, growth = {}, {}
    for way, direction in ways.items():
        with clock("tangent", max(leads)):
            slopes[way], growth[way] = run.tangent(past, direction, leads)
        print(f"  forward mode along {way}: {slopes[way][leads[-1]]:.6e} after {leads[-1]} days", flush=True)
    gradients = {}
    for lead in leads:
        with clock("adjoint", lead):
            gradients[lead] = jax.block_until_ready(run.gradient(past, lead))
        print(f"  reverse mode over {lead} days: {clock.last:.1f} s", flush=True)
    del past
    comparisons = []
    for way, direction in ways.items():
        found = {h: _differences(run, direction, h, leads) for h in steps}
        for lead in leads:
            comparisons.append(
                Comparison(
                    direction=way,
                    lead=lead,
                    reverse=inner(gradients[lead], direction),
                    forward=slopes[way][lead],
                    differences={h: values[lead] for h, values in found.items()},
                    growth=growth[way][lead] / max(growth[way][leads[0]], 1e-300),
                )
            )
        last = comparisons[-1]
        print(f"  {way}: relative error {last.reverse_error:.1e} after {last.lead} days", flush=True)
    norms = {lead: float(np.linalg.norm(np.asarray(g["temperature"]).ravel())) for lead, g in gradients.items()}
    kinds = {key: closure.kind for key, closure in model.config.closures.items()}
    return Study(
        name, command, model.config.name, spin_up, seed, model.time_step, kinds, comparisons, norms, clock.per_day()
    )


def _differences(run: Run, direction, step: float, leads: list[int]) -> dict[int, float]:
    up = run.losses(along(run.controls, direction, step), leads)
    down = run.losses(along(run.controls, direction, -step), leads)
    return {lead: (up[lead] - down[lead]) / (2.0 * step) for lead in leads}


class _Clock:
    """CPU seconds by kind of work; the first use of a kind, which compiles, does not count towards the mean."""

    def __init__(self):
        self.times: dict[str, list[tuple[float, int]]] = {}
        self.last = 0.0

    def __call__(self, kind: str, days: int):
        self.kind, self.number = kind, days
        return self

    def __enter__(self):
        self.begun = time.process_time()

    def __exit__(self, *_):
        self.last = time.process_time() - self.begun
        self.times.setdefault(self.kind, []).append((self.last, self.number))

    def per_day(self) -> dict[str, float]:
        found = {}
        for kind, entries in self.times.items():
            entries = entries[1:] or entries
            found[kind] = sum(t for t, _ in entries) / sum(n for _, n in entries)
        return found


def write_csv(path: Path, study: Study) -> None:
    """Columns model, seed, variable, lead, metric, value; lead in days."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "seed", "variable", "lead", "metric", "value"])

        def row(variable, lead, metric, value):
            writer.writerow([study.model, study.seed, variable, f"{lead}d", metric, f"{value:.9g}"])

        for c in study.comparisons:
            row(c.direction, c.lead, "reverse", c.reverse)
            row(c.direction, c.lead, "forward", c.forward)
            row(c.direction, c.lead, "finite_difference", c.difference)
            row(c.direction, c.lead, "finite_difference_step", c.best_step)
            row(c.direction, c.lead, "relative_error_reverse", c.reverse_error)
            row(c.direction, c.lead, "relative_error_forward", c.forward_error)
            row(c.direction, c.lead, "reverse_against_forward", c.modes_error)
            row(c.direction, c.lead, "growth", c.growth)
            for step, value in c.differences.items():
                row(c.direction, c.lead, f"finite_difference_{step:g}", value)
        for lead, value in study.norms.items():
            row("temperature", lead, "gradient_norm", value)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.gradients", description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="configuration, e.g. configs/acc_channel.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override of the configuration")
    parser.add_argument("--days", type=int, default=200, help="longest horizon")
    parser.add_argument("--spin-up", type=int, default=360, help="days before the measurement")
    parser.add_argument("--seed", type=int, default=0, help="seed of the directions")
    parser.add_argument("--steps", type=float, nargs="+", default=list(STEPS), help="sizes of finite differences")
    parser.add_argument("--name", help="name of the page; default: that of the configuration")
    parser.add_argument("--output", type=Path, default=Path("docs/results"), help="folder of page, figure and CSV")
    options = parser.parse_args(arguments)

    def run() -> None:
        config = og.load_config(options.config, overrides=["precision=float64", *options.set])
        if options.days < 1 or options.spin_up < 0 or len(options.steps) < 2:
            raise UserError("--days must be at least 1, --spin-up at least 0, and --steps two or more sizes")
        model = og.build_model(config)
        name = options.name or config.name
        words = ["python -m eval.gradients", options.config.as_posix(), *(f"--set {s}" for s in options.set)]
        words += [f"--days {options.days}", f"--spin-up {options.spin_up}", f"--seed {options.seed}"]
        if options.steps != list(STEPS):
            words.append("--steps " + " ".join(f"{step:g}" for step in options.steps))
        study = measure(
            model, options.days, options.spin_up, options.seed, name=name, command=" ".join(words), steps=options.steps
        )
        options.output.mkdir(parents=True, exist_ok=True)
        write_csv(options.output / f"trust_horizon_{name}.csv", study)
        print(f"wrote {gradients_page.write(study, options.output)}")

    return exit_code(run, "gradients")


if __name__ == "__main__":
    sys.exit(main())
