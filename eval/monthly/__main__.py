"""python -m eval.monthly --output runs/monthly: see docs/results/monthly.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from eval.monthly import figures, scoring, study
from eval.monthly.page import write_page
from ocean_gcm.data.paths import expand
from ocean_gcm.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.monthly", description=__doc__)
    parser.add_argument("--data", default="${OCEAN_GCM_DATA}", help="directory of the series")
    parser.add_argument(
        "--output", type=Path, required=True, help="directory of what is kept; a second run goes on there"
    )
    parser.add_argument(
        "--results", type=Path, default=Path("docs/results"), help="directory of page, table and figures"
    )
    options = parser.parse_args(arguments)
    try:
        found = study.run(
            study.Plan(Path(expand(options.data)), options.output, say=lambda text: print(text, flush=True))
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write(found, options.results)
    return 0


def write(found: dict, results: Path) -> None:
    """Table, figures and page."""
    reference = found["scores"]["damped"]
    table = pd.concat([scoring.rows(name, scores, reference) for name, scores in found["scores"].items()])
    results.mkdir(parents=True, exist_ok=True)
    table.to_csv(results / "monthly.csv", index=False, float_format="%.5g")
    figures.draw_all(found, table, results / "monthly")
    print(f"wrote {write_page(table, found, results)}")


if __name__ == "__main__":
    sys.exit(main())
