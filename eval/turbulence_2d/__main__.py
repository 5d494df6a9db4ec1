"""Decaying two-dimensional turbulence: rollouts of closures beside a truth of 256 x 256, as in the published benchmark.

    python -m eval.turbulence_2d scores test.zarr --baselines online=runs/online --output runs/tables
    python -m eval.turbulence_2d page runs/tables

The first writes an .npz for each model into the folder of tables, the second the page, its figure and its CSV.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path

import ocean_gcm as og
from eval.models import model_at
from eval.turbulence_2d.page import TRUTH, write_page
from eval.turbulence_2d.rollouts import HORIZONS, Found, of_truth, roll
from ocean_gcm.config import load_config
from ocean_gcm.data.layers_truth import open_layers_truth
from ocean_gcm.errors import UserError, exit_code
from ocean_gcm.model import OceanModel

CONFIG = Path(__file__).parents[2] / "configs" / "turbulence_2d_64.yaml"
CLOSURES = {
    "none": "",
    "smagorinsky": "{subgrid: {kind: smagorinsky}}",
    "dynamic_smagorinsky": "{subgrid: {kind: dynamic_smagorinsky}}",
    "leith": "{subgrid: {kind: leith}}",
}
"""Closures without anything learned, by name, with the coefficients of their configurations."""


def baselines(config: Path = CONFIG) -> dict[str, Callable[[], OceanModel]]:
    """Classical models by name: as published, and with full dealiasing ("name.three_halves")."""
    found = {}
    for suffix, dealiasing in (("", ()), (".three_halves", ("dynamics.dealiasing=three_halves",))):
        for name, closures in CLOSURES.items():
            settings = [*dealiasing, *([f"closures={closures}"] if closures else [])]
            found[name + suffix] = lambda s=settings: og.build_model(load_config(config, s))
    return found


def named(texts: list[str]) -> dict[str, Callable[[], OceanModel]]:
    """NAME=PATH of a configuration or a training run.  Raises UserError."""
    found = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not name or not path:
            raise UserError(f"{text!r} is no model; expected NAME=PATH of a configuration or a training run")
        found[name] = functools.partial(model_at, path)
    return found


def run_scores(options: argparse.Namespace) -> None:
    models = {**(baselines() if options.baselines else {}), **named(options.models)}
    if not models:
        raise UserError("there are no models; expected NAME=PATH or --baselines")
    models = {name: build() for name, build in models.items()}
    first = next(iter(models.values()))
    truth = open_layers_truth(str(options.truth), first).in_memory()
    begin, end = options.trajectories or (0, truth.trajectories)
    if not 0 <= begin < end <= truth.trajectories:
        raise UserError(f"--trajectories is {begin} {end}; expected a part of 0 {truth.trajectories}")
    chosen = range(begin, end)
    of_truth(first, truth, chosen).save(options.output / f"{TRUTH}.npz")
    print("model".ljust(34), *(f"{n} steps".rjust(11) for n in HORIZONS))
    for name, model in models.items():
        found = roll(model, truth, chosen)
        found.save(options.output / f"{name}.npz")
        print(name.ljust(34), *(f"{found.until(n).mean():11.4g}" for n in HORIZONS), flush=True)


def run_page(options: argparse.Namespace) -> None:
    paths = sorted(options.tables.glob("*.npz"))
    if not any(path.stem == TRUTH for path in paths):
        raise UserError(f"{options.tables} has no {TRUTH}.npz; expected a folder that the command scores wrote")
    write_page({path.stem: Found.load(path) for path in paths}, options.output)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.turbulence_2d", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    scores = commands.add_parser("scores", help="rollouts beside a truth")
    scores.add_argument("truth", type=Path, help="store of ocean-gcm truth")
    scores.add_argument("models", nargs="*", help="NAME=configuration or training run")
    scores.add_argument("--baselines", action="store_true", help="and the closures without anything learned")
    scores.add_argument("--trajectories", type=int, nargs=2, metavar=("FIRST", "END"), help="a part of the truth")
    scores.add_argument("--output", type=Path, required=True, help="folder of the tables")
    page = commands.add_parser("page", help="page, figure and CSV of what scores found")
    page.add_argument("tables", type=Path, help="folder that scores wrote")
    page.add_argument("--output", type=Path, default=Path("docs/results"), help="folder (default docs/results)")
    options = parser.parse_args(arguments)
    run = {"scores": run_scores, "page": run_page}[options.command]
    return exit_code(lambda: run(options), "turbulence_2d")


if __name__ == "__main__":
    sys.exit(main())
