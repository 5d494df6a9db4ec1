"""The subcommand `truth` of `ocean-gcm`.  What needs JAX is imported when it runs."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import add_overrides, add_store_mode
from ocean_gcm.errors import INTERRUPTED, UserError


def add_truth(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    text = "Run a fine model of layers from many seeds, and write what a coarse model would see, to train it with."
    parser = commands.add_parser("truth", help="write trajectories of layers as a coarse truth", description=text)
    parser.add_argument("experiment", metavar="CONFIG", help="YAML file of the fine experiment")
    parser.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    coarse = parser.add_mutually_exclusive_group(required=True)
    coarse.add_argument("--coarse", metavar="CONFIG", help="YAML file of the coarse experiment: its grid and dynamics")
    coarse.add_argument("--grid", type=int, metavar="N", help="or the fine experiment on N points along x")
    parser.add_argument(
        "--dealiasing", metavar="KIND", help="with --grid: that of the coarse model, such as three_halves"
    )
    parser.add_argument(
        "--operator",
        default="cutoff",
        metavar="KIND[:KEY=VALUE,...]",
        help="cutoff, filter, gaussian or diffusion, such as gaussian:width=2 (default cutoff)",
    )
    parser.add_argument("--trajectories", type=int, required=True, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first trajectory (default 0)")
    parser.add_argument("--steps", type=int, default=500, metavar="N", help="time steps of each (default 500)")
    parser.add_argument("--save-every", type=int, default=1, metavar="N", help="steps between records (default 1)")
    parser.add_argument("--spin-up", type=int, default=0, metavar="N", help="steps before the start (default 0)")
    parser.add_argument(
        "--initial",
        metavar="STORE",
        help="start from the last records of this truth or run, of trajectory n for the seed n; not on a finer grid",
    )
    parser.add_argument("--source", action="store_true", help="with the diagnosed subgrid source")
    add_overrides(parser, "of the fine experiment")
    add_store_mode(parser)
    parser.set_defaults(run=_truth)


def _truth(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from ocean_gcm.config import load_config
    from ocean_gcm.progress import piece_report
    from ocean_gcm.quasi_geostrophic.truth import Sampling, coarse_experiment, last_states, write_truth

    sampling = Sampling(
        trajectories=parsed.trajectories,
        seed=parsed.seed,
        steps=parsed.steps,
        save_every=parsed.save_every,
        spin_up=parsed.spin_up,
        source=parsed.source,
    )
    operator = parse_operator(parsed.operator)
    fine = _layers(load_config(parsed.experiment, parsed.overrides))
    if parsed.coarse is None:
        coarse = coarse_experiment(fine, parsed.grid, parsed.dealiasing)
    elif parsed.dealiasing is None:
        coarse = _layers(load_config(parsed.coarse))
    else:
        raise UserError("--dealiasing goes with --grid; a coarse experiment says its own")
    console = Console()
    try:
        with piece_report(console, "trajectories") as progress:
            made = write_truth(
                fine,
                coarse,
                operator,
                sampling,
                parsed.output,
                initial=None if parsed.initial is None else last_states(parsed.initial),
                resume=parsed.resume,
                overwrite=parsed.overwrite,
                progress=lambda done: progress(done, sampling.trajectories),
            )
    except KeyboardInterrupt:
        console.print("stopped; trajectories that are complete stay, --resume goes on with the others", highlight=False)
        return INTERRUPTED
    nz, ny, nx = made["shape"]
    numbers = f"{made['trajectories']} trajectories of {made['records']} records, {nx} x {ny} cells, {nz} layers"
    console.print(f"{parsed.output}: {numbers}", highlight=False, soft_wrap=True)
    return 0


def _layers(config: Any) -> Any:
    from ocean_gcm.dynamics.spectral.config import QUASI_GEOSTROPHIC
    from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment

    if not isinstance(config, LayersExperiment):
        raise UserError(
            f"truth needs the core {QUASI_GEOSTROPHIC}; the configuration {config.name} has dynamics.core = "
            f"{config.dynamics.core}; for the other core see ocean-gcm coarsen"
        )
    return config


def parse_operator(text: str) -> Any:
    """The operator of a text such as "gaussian:width=2".  Raises UserError."""
    from ocean_gcm.quasi_geostrophic.coarsening import OPERATORS
    from ocean_gcm.validation import suggestion, validated

    kind, _, keys = text.partition(":")
    if kind not in OPERATORS:
        raise UserError(f"--operator is {kind!r}; {suggestion(kind, OPERATORS)}")
    pairs = [pair.partition("=") for pair in keys.split(",") if pair]
    keys = {name.strip(): value.strip() for name, _, value in pairs}
    return validated(OPERATORS[kind], keys, f"--operator {text}")
