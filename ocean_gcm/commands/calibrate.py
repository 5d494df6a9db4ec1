"""The subcommand `calibrate` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import add_store_mode
from ocean_gcm.errors import INTERRUPTED


def add_calibrate(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    text = "Members of forecasts as far apart as hindcasts of the same model were wrong (python -m eval calibration)."
    parser = commands.add_parser("calibrate", help="calibrate ensemble forecasts", description=text)
    parser.add_argument("forecasts", metavar="FORECASTS", help="store that ocean-gcm forecast wrote")
    parser.add_argument("--calibration", required=True, metavar="FILE", help="file of python -m eval calibration")
    parser.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    parser.add_argument("--variables", nargs="+", metavar="NAME", help="those to keep (default: all)")
    add_store_mode(parser)
    parser.set_defaults(run=_calibrate)


def _calibrate(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from ocean_gcm.forecasts.calibrate import calibrate_forecasts

    console = Console()
    try:
        made = calibrate_forecasts(
            parsed.forecasts, parsed.calibration, parsed.output, variables=parsed.variables,
            resume=parsed.resume, overwrite=parsed.overwrite, console=console,
        )  # fmt: skip
    except KeyboardInterrupt:
        console.print("stopped; forecasts that are complete stay, --resume goes on with the others", highlight=False)
        return INTERRUPTED
    numbers = f"{made.sizes['init_time']} starts, {made.sizes['member']} members, {made.sizes['lead']} leads"
    console.print(f"{parsed.output}: {numbers}, calibrated", highlight=False, soft_wrap=True)
    return 0
