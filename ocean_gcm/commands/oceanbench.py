"""The subcommand `oceanbench` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any


def add_oceanbench(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    text = "Forecasts of ten days, made with --grid, in the form that the benchmark OceanBench takes as a challenger."
    parser = commands.add_parser("oceanbench", help="export forecasts for OceanBench", description=text)
    parser.add_argument("forecasts", metavar="FORECASTS", help="store that ocean-gcm forecast wrote")
    parser.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    parser.add_argument("--member", type=int, metavar="N", help="one member (default: the mean of all)")
    parser.add_argument("--overwrite", action="store_true", help="replace the store")
    parser.set_defaults(run=_oceanbench)


def _oceanbench(parsed: argparse.Namespace) -> int:
    from ocean_gcm.forecasts.oceanbench import export_challenger

    made = export_challenger(parsed.forecasts, parsed.output, member=parsed.member, overwrite=parsed.overwrite)
    print(f"{parsed.output}: {made.sizes['first_day_datetime']} starts, {made.sizes['lead_day_index']} days")
    return 0
