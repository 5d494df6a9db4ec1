"""python -m eval observations FORECASTS --profiles FILE --output REPORT: see docs/observations.md."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the subcommand."""
    text = (
        "Compare forecasts, runs and climatologies with single observations at their place, depth and time (Class 4)."
    )
    parser = commands.add_parser(
        "observations", help="compare models with profiles, drifters, tracks", description=text
    )
    parser.add_argument(
        "sources", nargs="+", metavar="[NAME=]SOURCE",
        help="forecast store, run directory, series (Zarr, NetCDF) or climatology; the first is judged, all are shown",
    )  # fmt: skip
    for option, what in (
        ("--profiles", "temperature and salinity by depth"),
        ("--drifters", "velocities, surface temperatures"),
        ("--tracks", "sea level along the tracks of satellites"),
    ):
        parser.add_argument(
            option, nargs="+", default=[], metavar="[NAME=]FILE", help=f"{what} (CF discrete sampling geometry)"
        )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="directory of the report")
    parser.add_argument(
        "--climatology", metavar="[NAME=]FILE", help="means of a year, for anomaly correlations and as a baseline"
    )
    parser.add_argument(
        "--repeat-year", metavar="N", help="compare year N of runs ('last' or a number from 1) by season with any year"
    )
    parser.add_argument(
        "--any-year",
        action="store_true",
        help="compare forecasts with the same season of any year",
    )
    parser.add_argument("--layers", metavar="M,M,...", help="edges of the layers of statistics in m")
    parser.add_argument(
        "--draws", type=int, default=500, help="draws for intervals of confidence (default 500; 0: none)"
    )
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="also write the results into a Markdown page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Match, write tables and report."""
    from eval.observations import evaluation, report
    from eval.report.markdown import around, publish
    from ocean_gcm.errors import UserError

    paths = [*options.profiles, *options.drifters, *options.tracks]
    if not paths:
        raise UserError("there are no observations; give --profiles, --drifters or --tracks")
    if options.page is not None:
        around(options.page)
    layers = {} if options.layers is None else {"layers": _layers(options.layers)}
    found = evaluation.evaluate(
        options.sources, paths, climatology=options.climatology, repeat_year=options.repeat_year,
        any_year=options.any_year,
        draws=options.draws, **layers,
    )  # fmt: skip
    evaluation.write(found, options.output)
    publish(report.page(found), options.output, options.page)
    if options.page is not None:
        evaluation.write_csv(found, options.page.with_suffix(".csv"))


def _layers(text: str) -> tuple[float, ...]:
    from ocean_gcm.errors import UserError

    try:
        edges = tuple(float(part) for part in text.split(","))
    except ValueError:
        edges = ()
    if len(edges) < 2 or any(b <= a for a, b in zip(edges, edges[1:], strict=False)):
        raise UserError(f"--layers is {text!r}; expected two or more ascending depths in m such as 0,100,500,2000")
    return edges
