"""python -m eval.gyre_hybrid {forecasts,climates,increments,page} ...: see docs/results/gyre_hybrid.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from eval.gyre_hybrid import climate, forecasts
from eval.gyre_hybrid.increments import write_increments
from eval.gyre_hybrid.page import write_page
from eval.models import model_at
from ocean_gcm.data.truth import open_truth
from ocean_gcm.errors import UserError, exit_code


def labelled(text: str) -> tuple[str, int, str]:
    """name[.seed]=path -> (name, seed, path)."""
    label, _, path = text.partition("=")
    name, _, seed = label.partition(".")
    if not path:
        raise UserError(f"{text!r} is no model; expected NAME=PATH or NAME.SEED=PATH")
    return name, int(seed or 0), path


def rows(table: dict[str, np.ndarray], plan: forecasts.Forecasts, name: str, seed: int) -> pd.DataFrame:
    """One row for each start, lead and variable."""
    found = []
    for variable, scores in table.items():
        for n, start in enumerate(plan.starts):
            for k, lead in enumerate(plan.leads):
                values = dict(zip(forecasts.SCORES, scores[n, k], strict=True))
                head = {"model": name, "seed": seed, "members": plan.members, "start": start, "lead": lead}
                found.append({**head, "variable": variable, **values})
    return pd.DataFrame(found)


def keep(path: Path, table: pd.DataFrame, keys: list[str]) -> None:
    """Write `table` to a CSV file in place of rows of the same keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        old = pd.read_csv(path)
        new = set(map(tuple, table[keys].values.tolist()))
        old = old[[tuple(k) not in new for k in old[keys].values.tolist()]]
        table = pd.concat([old, table])
    table.to_csv(path, index=False, float_format="%.6g")


def run_forecasts(options: argparse.Namespace) -> None:
    first = model_at(labelled(options.models[0])[2])
    truth = open_truth(options.truth, first).in_memory()
    periods = truth.split({"known": tuple(options.known), "test": tuple(options.test)})
    plan = forecasts.Forecasts(np.empty(0, int), members=options.members)
    stride = truth.stride(plan.interval * forecasts.DAY, "interval")
    plan = forecasts.Forecasts(periods["test"].spread(options.starts, plan.records, stride), members=options.members)
    out = Path(options.output) / "forecasts.csv"
    keys = ["model", "seed", "members"]
    if options.members == 1:
        mean = forecasts.mean_state(truth, periods["known"].begin, periods["known"].end)
        for name, state in (("persistence", None), ("climatology", mean)):
            keep(out, rows(forecasts.scores_of_constants(first, truth, plan, state), plan, name, 0), keys)
    for text in options.models:
        name, seed, path = labelled(text)
        table = rows(forecasts.scores_of_model(model_at(path), truth, plan), plan, name, seed)
        keep(out, table, keys)
        brief = table.groupby(["lead", "variable"])[["mean_squared_error"]].mean() ** 0.5
        print(text, brief.unstack().round(4).to_string(header=False), sep="\n", flush=True)


def run_climates(options: argparse.Namespace) -> None:
    first = model_at(labelled(options.models[0])[2])
    truth = open_truth(options.truth, first).in_memory()
    whole = truth.split({"whole": tuple(options.whole)})["whole"]
    reference = climate.of_truth(truth, whole.begin, whole.end)
    middle = (whole.begin + whole.end) // 2
    found = {"truth": [reference]}
    for name, ends in (("first half", (whole.begin, middle)), ("second half", (middle, whole.end))):
        found[f"truth, {name}"] = [climate.of_truth(truth, *ends)]
    start = truth.index(options.start)
    for text in options.models:
        name, seed, path = labelled(text)
        found[f"{name}.{seed}"] = climate.of_model(model_at(path), truth, start, options.years, seed, options.states)
        print(text, [climate.compared(c, reference, first) for c in found[f"{name}.{seed}"]], flush=True)
    table = [
        {"model": label, "state": n, **climate.compared(c, reference, first)}
        for label, climates in found.items()
        for n, c in enumerate(climates)
    ]
    out = Path(options.output)
    keep(out / "climates.csv", pd.DataFrame(table), ["model", "state"])
    save_fields(out / "climates.npz", {label: climates[0] for label, climates in found.items()})


def run_increments(options: argparse.Namespace) -> None:
    number = write_increments(options.truth, model_at(options.model), *options.period, Path(options.output))
    print(f"{options.output} holds {number} records with increments")


def save_fields(path: Path, climates: dict[str, climate.Climate]) -> None:
    """Fields for the figures, beside those that are there."""
    fields = dict(np.load(path)) if path.exists() else {}
    for label, c in climates.items():
        for name in ("sea_level", "eddy_energy", "spectrum", "speeds"):
            fields[f"{label}/{name}"] = getattr(c, name)
    np.savez_compressed(path, **fields)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.gyre_hybrid", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("forecasts", "climates"):
        sub = commands.add_parser(name)
        sub.add_argument("truth", help="coarsened truth")
        sub.add_argument("models", nargs="+", help="NAME[.SEED]=configuration or training run")
        sub.add_argument("--output", required=True, help="directory of the tables")
        if name == "forecasts":
            sub.add_argument("--known", nargs=2, required=True, help="period whose mean is the climatology")
            sub.add_argument("--test", nargs=2, required=True, help="period of the forecasts")
            sub.add_argument("--starts", type=int, default=24)
            sub.add_argument("--members", type=int, default=1)
        else:
            sub.add_argument("--whole", nargs=2, required=True, help="period of the truth's statistics")
            sub.add_argument("--start", required=True, help="date of the state to begin with")
            sub.add_argument("--years", type=int, default=10)
            sub.add_argument("--states", type=int, default=1, help="beginnings, perturbed if more than one")
    lacks = commands.add_parser("increments", help="what a model lacks from record to record, to learn a priori")
    lacks.add_argument("truth", help="coarsened truth")
    lacks.add_argument("model", help="configuration or training run")
    lacks.add_argument("--period", nargs=2, required=True, help="dates of the records")
    lacks.add_argument("--output", required=True, help="Zarr store to write")
    page = commands.add_parser("page", help="table and figures of what the other commands found")
    page.add_argument("tables", help="directory that holds forecasts.csv and climates.csv")
    page.add_argument("--output", default="docs/results")
    options = parser.parse_args(arguments)

    def run() -> None:
        if options.command == "page":
            write_page(Path(options.tables), Path(options.output))
        else:
            own = {"forecasts": run_forecasts, "climates": run_climates, "increments": run_increments}
            own[options.command](options)

    return exit_code(run, "gyre_hybrid")


if __name__ == "__main__":
    sys.exit(main())
