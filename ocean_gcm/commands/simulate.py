"""The subcommand `simulate` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import add_overrides, load
from ocean_gcm.errors import INTERRUPTED, UserError


def add_simulate(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    simulate = commands.add_parser("simulate", help="run an experiment", description="Run an experiment.")
    simulate.add_argument(
        "experiment", metavar="CONFIG_OR_RUN", help="YAML file, the directory of a run to resume, or of a trained model"
    )
    add_overrides(simulate)
    length = simulate.add_mutually_exclusive_group()
    length.add_argument("--years", type=float, metavar="N", help="length of the whole run in model years")
    length.add_argument("--duration", metavar="P", help="length of the whole run, ISO-8601 such as P30D")
    simulate.add_argument("--output", metavar="DIR", help="run directory (default runs/<name>)")
    mode = simulate.add_mutually_exclusive_group()
    mode.add_argument("--resume", action="store_true", help="go on from the last restart in the run directory")
    mode.add_argument("--overwrite", action="store_true", help="delete the run that is in the run directory")
    mode.add_argument("--dry-run", action="store_true", help="check everything, build the model, write nothing")
    simulate.add_argument("--no-figures", action="store_true", help="draw no figures at the end")
    simulate.set_defaults(run=_simulate)


def _simulate(parsed: argparse.Namespace) -> int:
    overrides = list(parsed.overrides)
    if parsed.duration is not None:
        overrides.append(f"time.duration={parsed.duration}")
    config, directory = load(parsed.experiment, overrides)
    if (duration := _length(config, parsed.years)) is not None:
        config, directory = load(parsed.experiment, [*overrides, f"time.duration={duration}"])
    directory = parsed.output or directory
    if parsed.dry_run:
        return _dry_run(config)
    from ocean_gcm.simulate import simulate

    outcome = simulate(
        config, directory, resume=parsed.resume, overwrite=parsed.overwrite, figures=not parsed.no_figures
    )
    return INTERRUPTED if outcome.interrupted else 0


def _length(config, years: float | None) -> str | None:
    """The duration for --years, in the model's calendar."""
    from ocean_gcm.clock import duration_text

    if years is None:
        return None
    if not 0 < years < 1e5:
        raise UserError(f"--years is {years:g}; expected a positive number below 100000")
    seconds = round(years * config.time.seconds_per_year)
    return duration_text(seconds, config.time.calendar)


def _dry_run(config) -> int:
    import ocean_gcm
    from ocean_gcm.info import describe

    ocean_gcm.build_model(config).initial_state()
    facts = describe(config)
    shape = facts["shape"]
    print(
        f"{config.name}: {shape['nx']} x {shape['ny']} x {shape['nz']} cells, {facts['wet_cells']:,} wet, "
        f"{facts['steps']:,} steps of {config.time.step}; nothing was written"
    )
    step = config.time.step
    for limit in facts["limits"]:
        if limit.handled is None and limit.seconds < config.time.step_seconds:
            print(f"warning: time.step = {step} exceeds the estimated limit of {limit.name}: {limit.seconds:.0f} s")
    return 0
