"""The subcommand `forecast` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import add_overrides, add_store_mode, load
from ocean_gcm.errors import INTERRUPTED, UserError


def add_forecast(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    text = "Ensemble forecasts from states of a data set, written to a Zarr store (init_time, member, lead, ...)."
    parser = commands.add_parser("forecast", help="make ensemble forecasts", description=text)
    parser.add_argument("experiment", metavar="MODEL_OR_CONFIG", help="trained model (directory, gs://) or YAML file")
    parser.add_argument("--initial", required=True, metavar="DATA", help="Zarr, NetCDF, run directory or gs:// address")
    parser.add_argument(
        "--start",
        required=True,
        nargs="+",
        metavar="DATE",
        help="first start, or all of them: YYYY-MM-DD[THH:MM], or time since the model's start such as P30D",
    )
    parser.add_argument("--every", metavar="P", help="time between starts, ISO-8601 such as P7D")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="number of starts (default 1)")
    parser.add_argument(
        "--trajectories",
        nargs="+",
        type=int,
        metavar="N",
        help="of a truth of layers: those to start from (default all)",
    )
    parser.add_argument("--lead", default="P15D", metavar="P", help="length of the forecasts (default P15D)")
    parser.add_argument("--save", default="P1D", metavar="P", help="time between saved leads (default P1D)")
    parser.add_argument("--with-start", action="store_true", help="save the initial states, too, as lead 0")
    parser.add_argument("--members", type=int, default=1, metavar="N", help="members of each forecast (default 1)")
    parser.add_argument(
        "--perturb",
        choices=("initial", "noise"),
        help="how members differ: initial states and noise, or noise alone (default: initial for several members)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="of all that is random (default: the configuration's)")
    parser.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    parser.add_argument(
        "--variables",
        nargs="+",
        metavar="NAME",
        help="names of a run's output (default: thetao so uo vo zos; of layers pv psi uo vo)",
    )
    parser.add_argument("--levels", nargs="+", type=int, metavar="K", help="levels to keep, 0 is the uppermost")
    parser.add_argument("--depth", type=float, metavar="M", help="keep levels down to this depth in m")
    parser.add_argument("--grid", metavar="GRID", help="other grid: a spacing such as 1deg, a YAML file, or a data set")
    parser.add_argument(
        "--statistics", nargs="+", default=[], metavar="S", help="of the members: mean, std, quantiles such as 0.05"
    )
    parser.add_argument("--no-members", action="store_true", help="keep the statistics only")
    parser.add_argument("--encode", action="store_true", help="take the initial data for an analysis on another grid")
    parser.add_argument("--forcing", metavar="ZARR", help="dated records of the surface, on the model's grid")
    parser.add_argument(
        "--forcing-mode",
        choices=("window", "persisted"),
        help="records of the time of the forecast (default), or anomalies at its start, added to the repeating year",
    )
    parser.add_argument("--forcing-memory", metavar="P", help="persisted: time in which anomalies fall to 1/e")
    parser.add_argument("--forcing-average", metavar="P", help="persisted: anomalies are means over this time before")
    parser.add_argument(
        "--forcing-fields", nargs="+", metavar="F", help="some of wind_stress heat_flux freshwater sst sss"
    )
    parser.add_argument("--chunk", type=int, metavar="N", help="most members in one call (default: what memory holds)")
    add_store_mode(parser)
    add_overrides(parser)
    parser.set_defaults(run=_forecast)


def _forecast(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    import ocean_gcm
    from ocean_gcm.forecasts.run import forecast

    forcing = _dated(parsed)
    model = ocean_gcm.build_model(load(parsed.experiment, parsed.overrides)[0])
    console = Console()
    try:
        made = forecast(
            model,
            parsed.initial,
            parsed.output,
            start=parsed.start,
            every=parsed.every,
            count=parsed.count,
            lead=parsed.lead,
            save=parsed.save,
            with_start=parsed.with_start,
            trajectories=parsed.trajectories,
            members=parsed.members,
            perturb=parsed.perturb,
            seed=parsed.seed,
            variables=parsed.variables,
            levels=parsed.levels,
            depth=parsed.depth,
            grid=parsed.grid,
            statistics=parsed.statistics,
            keep_members=not parsed.no_members,
            encode=parsed.encode,
            forcing=forcing,
            chunk=parsed.chunk,
            resume=parsed.resume,
            overwrite=parsed.overwrite,
            address=parsed.experiment,
            console=console,
        )
    except KeyboardInterrupt:
        console.print("stopped; forecasts that are complete stay, --resume goes on with the others", highlight=False)
        return INTERRUPTED
    lost = int((parsed.members - made["finite_members"].isel(lead=-1)).sum())
    note = f"; {lost} members became not finite" if lost else ""
    numbers = f"{made.sizes['init_time']} starts, {parsed.members} members, {made.sizes['lead']} leads"
    console.print(f"{parsed.output}: {numbers}{note}", highlight=False, soft_wrap=True)
    return 0


def _dated(parsed: argparse.Namespace) -> dict | None:
    """The section `forcing` that the options amount to."""
    given = {"path": parsed.forcing, "mode": parsed.forcing_mode, "fields": parsed.forcing_fields}
    given |= {"memory": parsed.forcing_memory, "average": parsed.forcing_average}
    given = {key: value for key, value in given.items() if value is not None}
    if given and parsed.forcing is None:
        raise UserError(f"--forcing-{next(iter(given))} needs --forcing, a store of dated records")
    return given or None
