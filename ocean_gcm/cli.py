"""The command `ocean-gcm`.  What needs JAX is imported by the subcommands, so that --help is immediate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ocean_gcm.errors import INTERRUPTED, UserError, exit_code
from ocean_gcm.quasi_geostrophic.truth_command import add_truth


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, 2 after a user's mistake, 130 after an interruption."""

    def run() -> int:
        parsed = _parser().parse_args(arguments)
        return parsed.run(parsed)

    return exit_code(run, "ocean-gcm")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ocean-gcm", description="A differentiable ocean general circulation model.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    simulate = commands.add_parser("simulate", help="run an experiment", description="Run an experiment.")
    simulate.add_argument(
        "experiment", metavar="CONFIG_OR_RUN", help="YAML file, the directory of a run to resume, or of a trained model"
    )
    _add_overrides(simulate)
    length = simulate.add_mutually_exclusive_group()
    length.add_argument("--years", type=float, metavar="N", help="length of the whole run in model years")
    length.add_argument("--duration", metavar="P", help="length of the whole run, ISO-8601 such as P30D")
    simulate.add_argument("--output", metavar="DIR", help="run directory (default runs/<name>)")
    mode = simulate.add_mutually_exclusive_group()
    mode.add_argument("--resume", action="store_true", help="go on from the last restart in the run directory")
    mode.add_argument("--overwrite", action="store_true", help="delete the run that is in the run directory")
    mode.add_argument("--dry-run", action="store_true", help="check everything, build the model, write nothing")
    simulate.add_argument("--no-figures", action="store_true", help="draw no figures at the end")
    simulate.set_defaults(run=_simulate)

    info = commands.add_parser("info", help="show what a configuration amounts to")
    info.add_argument("experiment", metavar="CONFIG", nargs="?", help="YAML file or run directory")
    _add_overrides(info)
    info.add_argument("--schema", action="store_true", help="print the JSON schema of configurations instead")
    info.set_defaults(run=_info)

    plot = commands.add_parser("plot", help="draw maps, sections and time series of a run")
    plot.add_argument("directory", metavar="RUN", help="run directory")
    plot.add_argument("--output", metavar="DIR", help="where the figures go (default RUN/figures)")
    plot.set_defaults(run=_plot)

    _add_forecast(commands)
    _add_oceanbench(commands)
    _add_coarsen(commands)
    add_truth(commands)
    _add_statistics(commands)
    _add_data(commands)
    return parser


def _add_forecast(commands) -> None:
    text = "Ensemble forecasts from states of a data set, written to a Zarr store (init_time, member, lead, ...)."
    parser = commands.add_parser("forecast", help="make ensemble forecasts", description=text)
    parser.add_argument("experiment", metavar="MODEL_OR_CONFIG", help="trained model (directory, gs://) or YAML file")
    parser.add_argument("--initial", required=True, metavar="DATA", help="Zarr, NetCDF, run directory or gs:// address")
    parser.add_argument(
        "--start", required=True, nargs="+", metavar="DATE", help="first start, or all of them: YYYY-MM-DD[THH:MM]"
    )
    parser.add_argument("--every", metavar="P", help="time between starts, ISO-8601 such as P7D")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="number of starts (default 1)")
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
    parser.add_argument("--variables", nargs="+", metavar="NAME", help="CF names (default: thetao so uo vo zos)")
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
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--resume", action="store_true", help="go on with the store that is there")
    mode.add_argument("--overwrite", action="store_true", help="replace the store that is there")
    _add_overrides(parser)
    parser.set_defaults(run=_forecast)


def _add_oceanbench(commands) -> None:
    text = "Forecasts of ten days, made with --grid, in the form that the benchmark OceanBench takes as a challenger."
    parser = commands.add_parser("oceanbench", help="export forecasts for OceanBench", description=text)
    parser.add_argument("forecasts", metavar="FORECASTS", help="store that ocean-gcm forecast wrote")
    parser.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    parser.add_argument("--member", type=int, metavar="N", help="one member (default: the mean of all)")
    parser.add_argument("--overwrite", action="store_true", help="replace the store")
    parser.set_defaults(run=_oceanbench)


def _add_coarsen(commands) -> None:
    text = "Conservative means of a fine run on the grid of a coarse model, as the truth to train it with."
    coarsen = commands.add_parser("coarsen", help="turn a fine run into a coarse truth", description=text)
    coarsen.add_argument("run_data", metavar="RUN", help="run directory, or a Zarr or NetCDF of the form of its output")
    coarsen.add_argument("--factor", type=int, required=True, metavar="N", help="cells of a block along x and along y")
    coarsen.add_argument("--levels", type=int, default=1, metavar="N", help="layers that become one (default 1)")
    coarsen.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    coarsen.add_argument(
        "--variables", nargs="+", metavar="NAME", help="CF names to write (default: those of the run that exist)"
    )
    coarsen.add_argument(
        "--config", metavar="CONFIG", help="configuration of the coarse model, which must have the grid of the blocks"
    )
    coarsen.add_argument(
        "--wet-fraction", type=float, default=0.5, metavar="F", help="least water of a wet block (default 0.5)"
    )
    coarsen.add_argument("--overwrite", action="store_true", help="replace the store")
    coarsen.set_defaults(run=_coarsen)


def _add_statistics(commands) -> None:
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
        help="shares of the records or dates YYYY-MM-DD: what is learned from (default 0.0 0.8)",
    )
    statistics.add_argument("--variables", nargs="+", metavar="NAME", help="the model's names (default: all that vary)")
    _add_overrides(statistics)
    statistics.set_defaults(run=_statistics)


def _add_data(commands) -> None:
    data = commands.add_parser("data", help="published data by recipes", description="Published data by recipes.")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    prepare = actions.add_parser("prepare", help="read, check and regrid data, write them to one Zarr store")
    prepare.add_argument("recipe", metavar="RECIPE", help="YAML file, see configs/data")
    prepare.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    prepare.add_argument("--overwrite", action="store_true", help="replace the store, and begin anew")
    _add_overrides(prepare)
    prepare.set_defaults(run=_prepare)
    check = actions.add_parser("check", help="open and check the data of a recipe, read one record, write nothing")
    check.add_argument("recipe", metavar="RECIPE", help="YAML file, see configs/data")
    _add_overrides(check)
    check.set_defaults(run=_check)


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="for example grid.nx=60"
    )


def _load(experiment: str, overrides: Sequence[str]):
    """(configuration, run directory or None) of a file or of a run directory."""
    from ocean_gcm.config import load_config
    from ocean_gcm.run_directory import RunDirectory
    from ocean_gcm.weights import find, load_model_config

    path = Path(experiment)
    if (path.is_dir() and find(path)) or "://" in experiment:
        # a trained model: the run gets a directory of its own
        return load_model_config(experiment, overrides), None
    if not path.is_dir():
        return load_config(path, overrides), None
    run = RunDirectory(path)
    if not run.config.exists():
        raise UserError(f"{path} is a directory without config.yaml; expected a YAML file or the directory of a run")
    return load_config(run.config, overrides), path


def _load_ocean(experiment: str, overrides: Sequence[str], what: str):
    """The configuration of a file or run directory, which must be one with the finite-volume core."""
    from ocean_gcm.config import require_ocean

    return require_ocean(_load(experiment, overrides)[0], what)


def _length(config, years: float | None) -> str | None:
    """The duration for --years, in the model's calendar."""
    from ocean_gcm.clock import duration_text

    if years is None:
        return None
    if not 0 < years < 1e5:
        raise UserError(f"--years is {years:g}; expected a positive number below 100000")
    seconds = round(years * config.time.seconds_per_year)
    return duration_text(seconds, config.time.calendar)


def _simulate(parsed: argparse.Namespace) -> int:
    overrides = list(parsed.overrides)
    if parsed.duration is not None:
        overrides.append(f"time.duration={parsed.duration}")
    config, directory = _load(parsed.experiment, overrides)
    if (duration := _length(config, parsed.years)) is not None:
        config, directory = _load(parsed.experiment, [*overrides, f"time.duration={duration}"])
    directory = parsed.output or directory
    if parsed.dry_run:
        return _dry_run(config)
    from ocean_gcm.simulate import simulate

    outcome = simulate(
        config, directory, resume=parsed.resume, overwrite=parsed.overwrite, figures=not parsed.no_figures
    )
    return INTERRUPTED if outcome.interrupted else 0


def _forecast(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    import ocean_gcm
    from ocean_gcm.forecasts.run import forecast

    forcing = _dated(parsed)
    model = ocean_gcm.build_model(_load_ocean(parsed.experiment, parsed.overrides, "a forecast"))
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


def _oceanbench(parsed: argparse.Namespace) -> int:
    from ocean_gcm.forecasts.oceanbench import export_challenger

    made = export_challenger(parsed.forecasts, parsed.output, member=parsed.member, overwrite=parsed.overwrite)
    print(f"{parsed.output}: {made.sizes['first_day_datetime']} starts, {made.sizes['lead_day_index']} days")
    return 0


def _dry_run(config) -> int:
    import ocean_gcm
    from ocean_gcm.info import describe

    ocean_gcm.build_model(config).initial_state()
    facts = describe(config)
    shape = facts["shape"]
    print(
        f"{config.name}: {shape['nx']} x {shape['ny']} x {shape['nz']} cells, {facts['wet_cells']:,} wet, "
        f"{facts['steps']:,} steps of {config.time.step}; nothing was written"
    )
    step = config.time.step
    for limit in facts["limits"]:
        if limit.handled is None and limit.seconds < config.time.step_seconds:
            print(f"warning: time.step = {step} exceeds the estimated limit of {limit.name}: {limit.seconds:.0f} s")
    return 0


def _info(parsed: argparse.Namespace) -> int:
    if parsed.schema:
        import json

        from ocean_gcm.config import Config

        print(json.dumps(Config.model_json_schema(), indent=2))
        return 0
    if parsed.experiment is None:
        raise UserError("info needs a configuration, for instance ocean-gcm info configs/global_4deg.yaml")
    from rich.console import Console

    from ocean_gcm.info import show

    config, _ = _load(parsed.experiment, parsed.overrides)
    show(config, Console())
    return 0


def _plot(parsed: argparse.Namespace) -> int:
    from ocean_gcm.plot import plot_run

    for path in plot_run(parsed.directory, parsed.output):
        print(path)
    return 0


def _coarsen(parsed: argparse.Namespace) -> int:
    from rich.progress import Progress

    from ocean_gcm.data.coarsen import coarsen

    config = None if parsed.config is None else _load_ocean(parsed.config, [], "coarsen")
    with Progress(transient=True) as bar:
        task = bar.add_task("coarsening", total=None)
        made = coarsen(
            parsed.run_data,
            parsed.output,
            parsed.factor,
            layers=parsed.levels,
            wet_fraction=parsed.wet_fraction,
            variables=parsed.variables,
            config=config,
            overwrite=parsed.overwrite,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    nz, ny, nx = made["shape"]
    print(f"{parsed.output}: {made['records']} records of {nx} x {ny} x {nz} cells")
    if made["lost_volume"] > 0:
        print(f"{100 * made['lost_volume']:.2g}% of the volume of the run lies in land of the coarse grid and is lost")
    return 0


def _statistics(parsed: argparse.Namespace) -> int:
    from ocean_gcm.clock import duration_seconds
    from ocean_gcm.truth_statistics import measure_truth, table

    if not parsed.output.endswith(".json"):
        raise UserError(f"--output is {parsed.output!r}; expected a file that ends in .json")
    config = _load_ocean(parsed.experiment, parsed.overrides, "statistics")
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


def _prepare(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from ocean_gcm.data.prepare import prepare
    from ocean_gcm.data.recipe import load_recipe
    from ocean_gcm.progress import PieceReport

    console = Console()
    recipe = load_recipe(parsed.recipe, parsed.overrides)
    report: list[PieceReport] = []

    def progress(done: int, total: int) -> None:
        if not report:
            report.append(PieceReport(console, total, f"records of {recipe.name}", done).__enter__())
        report[0].update(done)

    try:
        made = prepare(recipe, parsed.output, overwrite=parsed.overwrite, progress=progress, say=console.print)
    finally:
        for display in report:
            display.__exit__()
    print(f"{parsed.output}: {made['records']} records")
    return 0


def _check(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from ocean_gcm.data.recipe import load_recipe
    from ocean_gcm.data.survey import show, survey

    show(survey(load_recipe(parsed.recipe, parsed.overrides)), Console())
    return 0


def _moment(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main())
