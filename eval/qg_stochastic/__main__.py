"""python -m eval.qg_stochastic REPORT: docs/results/qg_stochastic.md from what `python -m eval forecast` wrote."""

from __future__ import annotations

import sys

from eval.forecast.study import page_program
from eval.qg_stochastic.page import write_page

main = page_program("qg_stochastic", __doc__, write_page)

if __name__ == "__main__":
    sys.exit(main())
