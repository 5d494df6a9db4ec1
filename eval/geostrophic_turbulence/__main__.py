"""The page of forced geostrophic turbulence, of a report of `python -m eval subgrid` and of the trainings.

python -m eval.geostrophic_turbulence report offline=runs/offline_0,runs/offline_1 online=runs/online_0,runs/online_1
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from eval.geostrophic_turbulence.page import write_page
from ocean_gcm.errors import exit_code


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.geostrophic_turbulence", description=__doc__.split("\n")[0])
    parser.add_argument("report", type=Path, help="directory of the report, with subgrid.csv and runs.nc")
    parser.add_argument("trainings", nargs="*", metavar="NAME=RUN,RUN", help="training runs, one for each seed")
    parser.add_argument("--output", type=Path, default=Path("docs/results"), help="folder (default docs/results)")
    options = parser.parse_args(arguments)

    def run() -> None:
        print(f"wrote {write_page(options.report, options.trainings, options.output)}")

    return exit_code(run, "geostrophic_turbulence")


if __name__ == "__main__":
    sys.exit(main())
