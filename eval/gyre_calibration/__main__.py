"""python -m eval.gyre_calibration REPORT: docs/results/gyre_calibration.md, from what `eval forecast` wrote."""

from __future__ import annotations

import sys

from eval.forecast.study import page_program
from eval.gyre_calibration.page import write_page

main = page_program("gyre_calibration", __doc__, write_page)

if __name__ == "__main__":
    sys.exit(main())
