"""python -m eval.qg_stochastic REPORT: docs/results/qg_stochastic.md from what `python -m eval forecast` wrote."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from eval.qg_stochastic.page import write_page
from ocean_gcm.errors import exit_code


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.qg_stochastic", description=__doc__)
    parser.add_argument("report", type=Path, help="directory of the report, with scores.csv and ranks.csv")
    parser.add_argument("--output", type=Path, default=Path("docs/results"))
    options = parser.parse_args(arguments)
    return exit_code(lambda: print(f"wrote {write_page(options.report, options.output)}"), "qg_stochastic")


if __name__ == "__main__":
    sys.exit(main())
