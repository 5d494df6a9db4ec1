"""python -m eval forecast FORECASTS --truth TRUTH --output REPORT: see docs/evaluation.md."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the subcommand."""
    text = "Score ensemble forecasts against a truth, beside baselines, and write a report to open in a browser."
    parser = commands.add_parser("forecast", help="score forecasts against a truth", description=text)
    parser.add_argument("forecasts", nargs="+", metavar="[NAME=]STORE", help="forecast stores of `ocean-gcm forecast`")
    parser.add_argument("--truth", required=True, help="Zarr store, NetCDF file or run directory on the same grid")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="directory of the report")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Score, write tables and report."""
    from eval.forecast.evaluation import evaluate

    evaluate(options)
