"""python -m eval subgrid RUN|CONFIG ... --truth STORE --output REPORT: see docs/layers.md."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands) -> None:
    """Add the subcommand."""
    text = "Score closures of layers against a truth: their sources (offline), and long runs with them (online)."
    parser = commands.add_parser("subgrid", help="score closures of layers offline and online", description=text)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="[NAME=]RUN|CONFIG",
        help="trained runs, exported models or YAML files of coarse models; NAME=RUN,RUN are two seeds of one training",
    )
    parser.add_argument(
        "--closures", nargs="+", default=[], metavar="KIND",
        help="also the first CONFIG with each of these closures as they are by default, such as leith",
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="of all models: another flow for closures that were trained in one, such as dynamics.beta=1e-11",
    )  # fmt: skip
    parser.add_argument(
        "--truth", required=True, metavar="STORE", help="what `ocean-gcm truth` wrote, not trained with"
    )
    parser.add_argument(
        "--target", metavar="STORE",
        help="compare statistics with those of this truth, which may have more cells (default: the one of --truth)",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="directory of the report")
    parser.add_argument("--steps", type=int, default=10000, metavar="N", help="steps of each run (default 10000)")
    parser.add_argument(
        "--save-every", type=int, default=20, metavar="N", help="steps between the states that count (default 20)"
    )
    parser.add_argument(
        "--starts", type=int, default=2, metavar="N", help="states of the truth to run from (default 2)"
    )
    parser.add_argument(
        "--spin-up",
        type=float,
        default=0.25,
        metavar="SHARE",
        help="share of each run that does not count (default 0.25)",
    )
    parser.add_argument(
        "--offline",
        type=int,
        default=64,
        metavar="N",
        help="states in which sources are compared (default 64, 0: none)",
    )
    parser.add_argument(
        "--held-out", type=int, default=0, metavar="N",
        help="sources are compared in trajectories from N on, those before were trained with (default 0: all)",
    )  # fmt: skip
    parser.add_argument("--without", metavar="NAME", help="the model that similarities refer to, without a closure")
    parser.add_argument("--page", type=Path, metavar="FILE.md", help="also write the results into a Markdown page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the models, write tables and report."""
    from rich.console import Console

    from eval.report.markdown import around, publish
    from eval.report.scores import write_scores
    from eval.subgrid import evaluation, report
    from eval.subgrid.archive import write_runs
    from ocean_gcm.progress import PieceReport

    if options.page is not None:
        around(options.page)
    plan = evaluation.Plan(
        steps=options.steps,
        save_every=options.save_every,
        starts=options.starts,
        spin_up=options.spin_up,
        offline=options.offline,
        held_out=options.held_out,
    )
    models = evaluation.open_models(options.models, options.closures, options.set)
    evaluation.require_reference(options.without, models)
    with PieceReport(Console(), len(models), "models") as display:
        found = evaluation.evaluate(models, options.truth, plan, options.without, display.update, options.target)
    write_scores(options.output, found.scores, "subgrid")
    write_runs(found, options.output)
    publish(report.page(found), options.output, options.page)
