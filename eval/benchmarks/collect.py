"""JSON lines of the benchmarks -> docs/results/speed.csv and the tables of speed.md (printed).

python -m eval.benchmarks.collect lines.jsonl ... --output docs/results/speed.csv
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

COLUMNS = ("model", "seed", "variable", "lead", "metric", "value")
LABELS = ("case", "nx", "ny", "nz", "dtype", "threads", "clock", "veros", "jax", "finite")


def rows(line: dict) -> list[dict]:
    """One row per number: variable is case, size, number type and threads; lead the time step."""
    model = "veros" if line["case"].startswith("veros") else "ocean_gcm"
    size = f"_{line['nx']}x{line['ny']}x{line['nz']}" if "nx" in line else ""
    variable = f"{line['case']}{size}_{line['dtype']}_{line['threads']}_{line['clock']}"
    lead = f"{line['time_step_seconds']:g}s" if "time_step_seconds" in line else ""
    numbers = {key: value for key, value in line.items() if key not in LABELS}
    common = {"model": model, "seed": "", "variable": variable, "lead": lead}
    return [{**common, "metric": key, "value": value} for key, value in numbers.items()]


def table(lines: list[dict]) -> str:
    """Markdown: one row per measured loop."""
    columns = {
        "case": lambda r: r["case"],
        "cells": lambda r: f"{r['nx']}x{r['ny']}x{r['nz']}",
        "type": lambda r: r["dtype"],
        "threads": lambda r: r["threads"],
        "step (s)": lambda r: f"{r['time_step_seconds']:g}",
        "ms per step": lambda r: f"{1e3 * r['seconds_per_step']:.3g}",
        "M cell-steps/s": lambda r: f"{r['cell_steps_per_second'] / 1e6:.2f}",
        "years per day": lambda r: f"{r['simulated_years_per_day']:,.0f}",
        "compile (s)": lambda r: f"{r['compile_seconds']:.0f}",
        "program (bytes/cell)": lambda r: f"{r['program_bytes_per_cell']:.0f}" if "program_bytes_per_cell" in r else "",
        "bandwidth": lambda r: f"{r['bandwidth_fraction']:.3f}" if "bandwidth_fraction" in r else "",
    }
    body = ["| " + " | ".join(str(cell(line)) for cell in columns.values()) + " |" for line in lines]
    return "\n".join(["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns), *body])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [json.loads(text) for file in arguments.files for text in file.read_text().splitlines() if text[:1] == "{"]
    with arguments.output.open("w", newline="") as target:
        writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for line in lines for row in rows(line))
    print(table([line for line in lines if "seconds_per_step" in line]))


if __name__ == "__main__":
    main()
