"""The page of the benchmark: its tables beside the published numbers, its figure and its CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from eval.report.markdown import filled
from eval.turbulence_2d.figures import draw
from eval.turbulence_2d.rollouts import HORIZONS, Found

TRUTH = "truth"
PUBLISHED = {
    "online": (0.00728, 0.1086, 1.147),
    "offline": (0.00762, 0.1235, 1.360),
    "dynamic_smagorinsky": (0.0780, 0.854, 3.39),
    "none": (0.0778, 0.905, 4.05),
}
"""Errors at `HORIZONS` (Yan 2024), by the name of the model that each is compared with."""
GOAL = (0.0070, 0.095, 0.95)
ORDER = ("none", "smagorinsky", "dynamic_smagorinsky", "leith", "offline", "emulator", "online")
FULL = ".three_halves"
"""End of the names of models whose advection is dealiased in full."""


def write_page(found: Mapping[str, Found], folder: Path) -> Path:
    """Write turbulence_2d.md, .png and .csv into `folder`."""
    models = {name: found[name] for name in ordered(name for name in found if name != TRUTH)}
    draw(folder / "turbulence_2d.png", found[TRUTH], models, PUBLISHED)
    write_table(folder / "turbulence_2d.csv", models)
    parts = {
        "PROTOCOL": error_table({n: f for n, f in models.items() if not n.endswith(FULL)}, PUBLISHED),
        "FULL": error_table({n: f for n, f in models.items() if n.endswith(FULL)}, {}),
        "GAINS": gain_table(models, "none", models),
        "FURTHER": gain_table(models, "offline", ("online", "emulator")),
    }
    text = filled(Path(__file__).with_name("page.md"), parts)
    path = folder / "turbulence_2d.md"
    path.write_text(text, encoding="utf-8")
    return path


def ordered(names: Iterable[str]) -> list[str]:
    """Those of `ORDER` in its order, each dealiasing by itself, others behind."""

    def place(name: str) -> tuple[bool, int, str]:
        bare = name.removesuffix(FULL)
        return name.endswith(FULL), ORDER.index(bare) if bare in ORDER else len(ORDER), name

    return sorted(names, key=place)


def number(value: float, like: float | None = None) -> str:
    """Three significant digits without an exponent, or as many decimals as `like` has then."""
    if not np.isfinite(value):
        return "not finite"
    size = value if like is None else like
    digits = 2 - int(np.floor(np.log10(size))) if size > 0 else 0
    return f"{value:.{max(digits, 0)}f}"


def error_table(models: Mapping[str, Found], published: Mapping[str, tuple[float, ...]]) -> list[str]:
    """Mean over seeds, and their standard deviation as a share of it; published numbers below each."""
    lines = ["| squared error of vorticity until | " + " | ".join(f"{n} steps" for n in HORIZONS) + " |"]
    lines.append("|---|" + "---|" * len(HORIZONS))
    most = max((len(found.errors) for found in models.values()), default=0)
    for name, found in models.items():
        cells, seeds = [_cell(found.until(n)) for n in HORIZONS], len(found.errors)
        lines.append(f"| `{name}`{'' if seeds == most else f', first {seeds} seeds'} | " + " | ".join(cells) + " |")
        if name in published:
            lines.append(f"| published, {name.replace('_', ' ')} | " + " | ".join(map(number, published[name])) + " |")
    lines.append("| goal | " + " | ".join(map(number, GOAL)) + " |")
    return lines


def _cell(errors: np.ndarray) -> str:
    if not np.isfinite(errors).all():
        return f"not finite in {np.count_nonzero(~np.isfinite(errors))} of {len(errors)}"
    share = errors.std(ddof=1) / errors.mean() if len(errors) > 1 else 0.0
    return f"{number(errors.mean())} ± {100 * share:.0f} %"


def gain_table(models: Mapping[str, Found], base: str, names: Iterable[str]) -> list[str]:
    """Error over that of `base` with the same dealiasing and seeds: mean of the ratio, and its standard error."""
    lines = [f"| error over that of `{base}` | " + " | ".join(f"{n} steps" for n in HORIZONS) + " |"]
    lines.append("|---|" + "---|" * len(HORIZONS))
    for name in names:
        other = models.get(base + (FULL if name.endswith(FULL) else ""))
        if other is None or name not in models or models[name] is other:
            continue
        cells = []
        for steps in HORIZONS:
            own = models[name].until(steps)
            ratio = own / other.until(steps)[: len(own)]
            error = ratio.std(ddof=1) / np.sqrt(len(ratio)) if len(ratio) > 1 else 0.0
            finite = np.isfinite(ratio).all()
            cells.append(f"{number(ratio.mean())} ± {number(error, ratio.mean())}" if finite else "not finite")
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return lines


def write_table(path: Path, models: Mapping[str, Found]) -> None:
    """One row for each model, trajectory and horizon."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("model", "seed", "variable", "lead", "metric", "value"))
        for name, found in models.items():
            for steps in HORIZONS:
                for seed, value in enumerate(found.until(steps)):
                    row = (name, seed, "vorticity", f"{steps}_steps", "mean_squared_error", f"{value:.5g}")
                    writer.writerow(row)
