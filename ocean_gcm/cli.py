"""The command `ocean-gcm`.  What needs JAX is imported by the subcommands, so that --help is immediate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ocean_gcm import __version__
from ocean_gcm.commands.calibrate import add_calibrate
from ocean_gcm.commands.coarsen import add_coarsen
from ocean_gcm.commands.data import add_data
from ocean_gcm.commands.forecast import add_forecast
from ocean_gcm.commands.info import add_info
from ocean_gcm.commands.oceanbench import add_oceanbench
from ocean_gcm.commands.plot import add_plot
from ocean_gcm.commands.simulate import add_simulate
from ocean_gcm.commands.statistics import add_statistics
from ocean_gcm.commands.truth import add_truth
from ocean_gcm.errors import exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, 2 after a user's mistake, 130 after an interruption."""

    def run() -> int:
        parsed = _parser().parse_args(arguments)
        return parsed.run(parsed)

    return exit_code(run, "ocean-gcm")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ocean-gcm", description="A differentiable ocean general circulation model.")
    parser.add_argument("--version", action="version", version=f"ocean-gcm {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_simulate(commands)
    add_info(commands)
    add_plot(commands)
    add_forecast(commands)
    add_calibrate(commands)
    add_oceanbench(commands)
    add_coarsen(commands)
    add_truth(commands)
    add_statistics(commands)
    add_data(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
