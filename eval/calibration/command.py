"""python -m eval calibration HINDCASTS --truth TRUTH --output FILE.nc: see docs/forecasts.md."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the subcommand."""
    text = "Learn from hindcasts how far apart members should be; `ocean-gcm calibrate` brings forecasts to that."
    parser = commands.add_parser("calibration", help="learn to calibrate ensembles", description=text)
    parser.add_argument("hindcasts", metavar="HINDCASTS", help="forecast store of `ocean-gcm forecast`, with members")
    parser.add_argument("--truth", required=True, help="Zarr store, NetCDF file or run directory on the same grid")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.nc", help="the calibration")
    parser.add_argument("--variables", nargs="+", default=(), metavar="NAME", help="default: all that both sides have")
    parser.add_argument("--leads", nargs="+", type=float, default=(), metavar="DAYS", help="default: all above zero")
    parser.add_argument(
        "--neighbours", type=int, default=1, metavar="N", help="cells on each side that count, too (default 1)"
    )
    parser.add_argument("--partial", action="store_true", help="leave out start dates that the truth does not cover")
    parser.set_defaults(run=run, to_file=True)


def run(options: argparse.Namespace) -> None:
    """Learn and write."""
    from eval.calibration.learning import learn_calibrations, summary

    found = learn_calibrations(
        options.hindcasts, options.truth, variables=options.variables, leads=options.leads,
        neighbours=options.neighbours, partial=options.partial,
    )  # fmt: skip
    found.write(options.output)
    print(summary(found))
    print(f"wrote {options.output}")
