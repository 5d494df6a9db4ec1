"""validation_flows.csv and the page made from it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from eval.validation.cases import CASES
from eval.validation.experiment import Outcome

NAME = "validation_flows"
COLUMNS = ("model", "seed", "variable", "lead", "metric", "value", "unit", "theory", "bound", "seconds")
Row = dict[str, str]


def rows_of(variable: str, outcome: Outcome) -> list[Row]:
    """CSV rows of a run: `model` is its variant, `variable` the case."""
    number = lambda x: "" if x is None else f"{float(x):.6g}"  # noqa: E731
    return [
        dict(
            zip(
                COLUMNS,
                (m.variant, "0", variable, "", m.quantity, number(m.measured), m.unit, number(m.theory),
                 number(m.bound), f"{outcome.seconds:.0f}"),
                strict=True,
            )
        )
        for m in outcome.measurements
    ]  # fmt: skip


def update_csv(path: Path, new: Sequence[Row]) -> list[Row]:
    """Replace the rows of the cases that ran, keep the others; returns all."""
    ran = {row["variable"] for row in new}
    kept = []
    if path.exists():
        with path.open(newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["variable"] not in ran]
    order = [name for case in CASES.values() for name in case.runs]
    rows = sorted([*kept, *new], key=lambda row: order.index(row["variable"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def table(rows: Sequence[Row], summary: bool = False) -> list[str]:
    """Markdown lines; a summary has the command and its cost too."""
    head = ["case", "variant", "quantity", "theory", "measured", "error", "bound", "kept"]
    lines = []
    for row in rows:
        error = "" if not row["theory"] else f"{100 * (float(row['value']) / float(row['theory']) - 1):+.2f}%"
        kept = ""
        if row["bound"]:
            kept = "yes" if abs(float(error[:-1])) <= 100 * float(row["bound"]) else "**no**"
        bound = f"{100 * float(row['bound']):g}%" if row["bound"] else ""
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        theory = f"{float(row['theory']):.4g}{unit}" if row["theory"] else ""
        cells = [row["variable"], row["model"], row["metric"], theory, f"{float(row['value']):.4g}{unit}", error, bound,
                 kept]  # fmt: skip
        lines.append(cells)
    if summary:
        command = {part: f"`python -m eval.validation {name}`" for name, case in CASES.items() for part in case.runs}
        head = [*head, "command", "cost"]
        lines = [
            [*cells, command[row["variable"]], f"{row['seconds']} s"] for cells, row in zip(lines, rows, strict=True)
        ]
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *lines)]


def write_page(folder: Path, rows: Sequence[Row]) -> Path:
    """The page from the CSV's rows; figures lie in `folder`/validation_flows/."""
    lines = [
        "# Flows with known solutions",
        "",
        "Does the whole model, from configuration to time loop, reproduce flows whose solution is known?  In float64 "
        "on the CPU.  `python -m eval.validation --output docs/results` runs everything and writes this page; "
        "`python -m eval.validation NAME` one section.  The same functions are tests in `tests/validation/`.",
        "",
        "## Summary",
        "",
        *table([row for row in rows if row["bound"]], summary=True),
        "",
        "Cost: CPU seconds of all runs of the case on a 2-core machine, compilation included.",
    ]
    for name, case in CASES.items():
        mine = [row for row in rows if row["variable"] in case.runs]
        if not mine:
            continue
        lines += ["", f"## {case.title}", "", f"    python -m eval.validation {name}", "", case.text, ""]
        if len({row["variable"] for row in mine}) == 1:
            mine_lines = [line.split(" | ", 1)[1] for line in table(mine)]
            lines += ["| " + line for line in mine_lines]
        else:
            lines += table(mine)
        lines += ["", f"![{case.caption}]({NAME}/{name}.png)", "", f"*{case.caption}.*"]
        if case.findings:
            lines += ["", case.findings]
    path = folder / f"{NAME}.md"
    path.write_text("\n".join(lines) + "\n")
    return path
