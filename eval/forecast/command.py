"""python -m eval forecast FORECASTS --truth TRUTH --output REPORT: see docs/evaluation.md."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the subcommand."""
    text = "Score ensemble forecasts against a truth, beside baselines, and write a report to open in a browser."
    parser = commands.add_parser("forecast", help="score forecasts against a truth", description=text)
    parser.add_argument("forecasts", metavar="[NAME=]STORE", help="forecast store of `ocean-gcm forecast`")
    parser.add_argument("--truth", required=True, help="Zarr store, NetCDF file or run directory on the same grid")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="directory of the report")
    parser.add_argument(
        "--baselines",
        default="persistence,climatology,damped",
        help="of persistence, climatology, damped, and other forecast stores NAME=STORE, parted by commas",
    )
    parser.add_argument(
        "--climatology",
        nargs=2,
        metavar=("BEGIN", "END"),
        help="period of the truth that climatology and damping know, YYYY-MM-DD (default: all before the first start)",
    )
    parser.add_argument("--harmonics", type=int, help="of the annual cycle (default: 2 if the period has three years)")
    parser.add_argument("--variables", nargs="+", default=(), metavar="NAME", help="default: all that both sides have")
    parser.add_argument(
        "--derived",
        nargs="+",
        default=[],
        metavar="NAME",
        help="ugos, vgos (geostrophic, from zos), mlotst (from T, S)",
    )
    parser.add_argument("--leads", nargs="+", type=float, default=(), metavar="DAYS", help="default: all above zero")
    parser.add_argument(
        "--regions",
        nargs="+",
        default=(),
        metavar="NAME",
        help="all, interior, tropics, north, south, a basin, or NAME=west,east,south,north (default: all of them)",
    )
    parser.add_argument("--partial", action="store_true", help="leave out start dates that the truth does not cover")
    parser.add_argument("--confidence", type=float, default=0.9, help="level of the intervals (default 0.9)")
    parser.add_argument("--draws", type=int, default=1000, help="resamples of the start dates (default 1000)")
    parser.add_argument(
        "--block", type=int, default=1, help="neighbouring start dates that are drawn together, if forecasts overlap"
    )
    parser.add_argument("--no-extremes", action="store_true", help="score no events of extremes")
    parser.add_argument("--no-flow", action="store_true", help="follow no drifters and form no spectra")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Score, write tables and report."""
    from eval.forecast.program import evaluate

    print(f"wrote {evaluate(options)}")
