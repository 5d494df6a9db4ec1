"""The command `python -m eval`.  What takes long to import is imported by the subcommands, so that --help is immediate.

Each evaluation is a package with a module `command`, whose `add` gives its subcommand; `run` of the parsed options does
the work and may return an exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from eval.calibration import command as calibration
from eval.climate import command as climate
from eval.forecast import command as forecast
from eval.observations import command as observations
from eval.subgrid import command as subgrid
from ocean_gcm.errors import UserError, exit_code

EVALUATIONS = (forecast, calibration, observations, climate, subgrid)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, 2 after a user's mistake, 130 after an interruption."""
    parser = argparse.ArgumentParser(prog="python -m eval", description="Scores of forecasts and simulations.")
    parser.set_defaults(to_file=False)
    commands = parser.add_subparsers(required=True, metavar="EVALUATION")
    for evaluation in EVALUATIONS:
        evaluation.add(commands)
    options = parser.parse_args(arguments)

    def run() -> int | None:
        _require_folder(options.output.parent if options.to_file else options.output)
        return options.run(options)

    return exit_code(run, "eval")


def _require_folder(folder: Path) -> None:
    """A report that cannot be written shows before the work, not after it.  Raises UserError."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UserError(f"--output is {folder}; expected a directory that can be written")


if __name__ == "__main__":
    sys.exit(main())
