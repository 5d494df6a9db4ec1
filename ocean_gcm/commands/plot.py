"""The subcommand `plot` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any


def add_plot(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    plot = commands.add_parser("plot", help="draw maps, sections and time series of a run")
    plot.add_argument("directory", metavar="RUN", help="run directory")
    plot.add_argument("--output", metavar="DIR", help="where the figures go (default RUN/figures)")
    plot.set_defaults(run=_plot)


def _plot(parsed: argparse.Namespace) -> int:
    from ocean_gcm.plot import plot_run

    for path in plot_run(parsed.directory, parsed.output):
        print(path)
    return 0
