"""The subcommand `statistics` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import add_overrides, load
from ocean_gcm.errors import UserError


def add_statistics(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    text = "Means and scales of a truth by variable and level: of losses, and of the inputs and outputs of networks."
    statistics = commands.add_parser("statistics", help="measure the scales of a truth", description=text)
    statistics.add_argument("experiment", metavar="CONFIG", help="configuration of the model, whose grid the truth has")
    statistics.add_argument("truth", metavar="TRUTH", help="Zarr store, NetCDF file or run directory with snapshots")
    statistics.add_argument("--output", required=True, metavar="FILE", help="file to write, .json")
    statistics.add_argument(
        "--lead", metavar="P", help="time over which changes are taken, such as P1D (default: between two records)"
    )
    statistics.add_argument(
        "--period",
        nargs=2,
        default=("0.0", "0.8"),
        metavar=("BEGIN", "END"),
        help="shares of records (of layers trajectories) or dates YYYY-MM-DD: what is learned from (default 0.0 0.8)",
    )
    statistics.add_argument("--variables", nargs="+", metavar="NAME", help="the model's names (default: all that vary)")
    add_overrides(statistics)
    statistics.set_defaults(run=_statistics)


def _statistics(parsed: argparse.Namespace) -> int:
    from ocean_gcm.clock import duration_seconds
    from ocean_gcm.truth_statistics import measure_truth, table

    if not parsed.output.endswith(".json"):
        raise UserError(f"--output is {parsed.output!r}; expected a file that ends in .json")
    config, _ = load(parsed.experiment, parsed.overrides)
    statistics = measure_truth(
        config,
        parsed.truth,
        lead=None if parsed.lead is None else duration_seconds(parsed.lead, config.time.calendar),
        period=tuple(_moment(text) for text in parsed.period),
        variables=parsed.variables,
        say=print,
    )
    statistics.write(parsed.output)
    print(f"{'uppermost level':20}{'mean':>12}{'spread':>12}{'of change':>12}")
    for name, *numbers in table(statistics):
        print(f"{name:20}" + "".join(f"{number:>12}" for number in numbers))
    return 0


def _moment(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
