"""python -m eval climate RUN --reference CLIMATOLOGY --output REPORT: see docs/diagnostics.md."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the subcommand."""
    text = "Diagnose the climate of a long run beside observed values, and write a report to open in a browser."
    parser = commands.add_parser("climate", help="diagnose the climate of a run", description=text)
    parser.add_argument("run_data", metavar="RUN", type=Path, help="directory of a global `ocean-gcm simulate`")
    parser.add_argument(
        "--reference", nargs="+", default=[], metavar="[NAME=]FILE",
        help="climatologies of temperature and salinity (NetCDF or Zarr); the first is drawn",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="directory of the report")
    parser.add_argument("--last", type=float, default=10.0, metavar="YEARS", help="years of the mean (default 10)")
    parser.add_argument(
        "--eddies", action="store_true", help="also transports by the closures' eddies (builds the model of the run)"
    )
    parser.add_argument("--model", default="physics", help="what tables call the run (default physics)")
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="also write the results into a Markdown page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Diagnose, write tables and report."""
    from eval.climate import evaluation, report
    from eval.report.markdown import around, publish
    from ocean_gcm.errors import UserError

    if not options.last > 0:
        raise UserError(f"--last is {options.last:g}; expected a positive number of years")
    if options.page is not None:
        around(options.page)
    found = evaluation.evaluate(options.run_data, options.reference, options.last, options.eddies)
    evaluation.write(found, options.output, options.model)
    publish(report.page(found), options.output, options.page)
