"""python -m eval.global_4deg_hybrid physics=RUN hybrid=RUN: see docs/results/global_4deg_hybrid.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from eval.global_4deg_hybrid import figures, scores
from eval.global_4deg_hybrid.page import write_page
from eval.observations.readers import read_observations
from eval.reference_climatology import read_climatology
from ocean_gcm.data.paths import expand
from ocean_gcm.data.run_output import Run, open_run
from ocean_gcm.errors import UserError, exit_code
from ocean_gcm.yaml_tree import read_tree

PROFILES = {"WOD 2001": "wod2001_profiles.nc", "Argo": "argo_profiles.nc"}


def budget_rows(run: Run) -> list[dict]:
    """What the closing table says of conservation."""
    budgets = run.summary.get("budgets") or {}
    end = f"{run.years(bound=1)[-1]:g}y"
    head = {"lead": end, "against": "", "region": "all", "metric": "relative_residual"}
    return [
        {**head, "variable": f"{name}_budget", "value": budget["relative_residual"]} for name, budget in budgets.items()
    ]


def evaluate(runs: dict[str, Path], trained: dict[str, Path], data: Path, output: Path) -> None:
    """Write table, figures and page below `output`.

    Args:
      runs: free runs by model, physics and hybrid among them.
      trained: training runs of the hybrids among them.

    Raises UserError for runs and files that do not fit.
    """
    opened = {name: open_run(path) for name, path in runs.items()}
    grid = opened["physics"].grid
    levitus = read_climatology("Levitus", data / "global_4deg.nc", grid, "theta_annual", "salt_annual")
    woa18 = read_climatology("WOA18", data / "woa18_annual_5deg.nc", grid, "thetao", "so")
    profiles = [read_observations(data / file, label) for label, file in PROFILES.items()]
    held_out = [region for path in trained.values() for region in read_tree(path / "training.yaml")["held_out"]]
    rows, last_years, series = [], {}, {}
    for name, run in opened.items():
        last = int(run.years(bound=1)[-1] + 1e-6)
        found = scores.climate_rows(run, levitus, woa18, held_out) + budget_rows(run)
        for number in (1, last):
            year = scores.year_of(run, number)
            found += scores.profile_rows(year.records, year.times, grid, profiles, f"{number}y")
        last_years[name], series[name] = year.mean["temperature"], scores.rmse_series(run, levitus)
        rows += [{"model": name, **row} for row in found]
        if name in trained:
            rows += scores.forecast_rows(trained[name] / "validation.jsonl", name)
    fields, times = scores.monthly_climatology(data / "global_4deg.nc", grid)
    rows += [{"model": "levitus", **row} for row in scores.profile_rows(fields, times, grid, profiles, "")]
    output.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows).assign(seed=0)
    columns = ["model", "seed", "variable", "lead", "metric", "value", "against", "region"]
    table[columns].to_csv(output / "global_4deg_hybrid.csv", index=False, float_format="%.6g")
    folder = output / "global_4deg_hybrid"
    figures.draw_years(folder / "years.png", series)
    shown = {name: last_years[name] for name in ("physics", "hybrid")}
    figures.draw_errors(folder / "errors.png", grid, shown, levitus, 2, f"year {last}")
    print(f"wrote {write_page(table, output, last)}")


def named(texts: list[str]) -> dict[str, Path]:
    """NAME=PATH -> by name."""
    return {name: Path(path) for name, _, path in (text.partition("=") for text in texts)}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.global_4deg_hybrid", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN", help="run directories with means, physics and hybrid")
    parser.add_argument("--trained", nargs="+", required=True, metavar="NAME=RUN", help="training runs of the hybrids")
    parser.add_argument("--data", default="${OCEAN_GCM_DATA}", help="directory of climatologies and profiles")
    parser.add_argument("--output", type=Path, default=Path("docs/results"))
    options = parser.parse_args(arguments)

    def run() -> None:
        runs, trained = named(options.runs), named(options.trained)
        if not {"physics", "hybrid"} <= set(runs) or not set(trained) < set(runs):
            raise UserError(
                f"the runs are {', '.join(runs)}, the trained ones {', '.join(trained)}; expected physics and hybrid "
                "among the runs, and trained ones that are among them"
            )
        evaluate(runs, trained, expand(options.data), options.output)

    return exit_code(run, "global_4deg_hybrid")


if __name__ == "__main__":
    sys.exit(main())
