"""python -m eval.gyre_forecast REPORT: docs/results/gyre_forecast.md from what `python -m eval forecast` wrote."""

from __future__ import annotations

import sys

from eval.forecast.study import page_program
from eval.gyre_forecast.page import write_page

main = page_program("gyre_forecast", __doc__, write_page)

if __name__ == "__main__":
    sys.exit(main())
