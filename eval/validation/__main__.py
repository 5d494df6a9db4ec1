"""Run flows with known solutions and write what was found.

python -m eval.validation [CASE ...] --output docs/results
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from eval.validation import page
from eval.validation.cases import CASES
from ocean_gcm.errors import exit_code


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval.validation", description="Flows with known solutions")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--output", type=Path, help="folder of the page, its CSV and its figures; default: only print")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]!r}; expected one of {', '.join(CASES)}")
    return exit_code(lambda: run(options.cases or list(CASES), options.output), "validation")


def run(cases: Sequence[str], output: Path | None) -> None:
    """Run `cases`, print what was found and write the page with its figures."""
    jax.config.update("jax_enable_x64", True)
    for name in cases:
        case = CASES[name]
        outcomes = {part: function() for part, function in case.runs.items()}
        new = [row for part, outcome in outcomes.items() for row in page.rows_of(part, outcome)]
        print("\n".join(page.table(new)), flush=True)
        if output is not None:
            case.draw(*outcomes.values(), output / page.NAME / f"{name}.png")
            page.write_page(output, page.update_csv(output / f"{page.NAME}.csv", new))


if __name__ == "__main__":
    sys.exit(main())
