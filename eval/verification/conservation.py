"""Volume, heat and salt of a global ocean against what the surface gave."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import ocean_gcm as og
from eval.verification.finding import Finding
from ocean_gcm.budget import Budget

CONFIG = Path(__file__).parents[2] / "configs" / "global_4deg.yaml"
LARGEST_RESIDUAL = {"float64": 1e-12, "float32": 1e-6}


def residuals(
    precision: str, years: int, config: Path = CONFIG, overrides: tuple[str, ...] = ()
) -> list[dict[str, tuple[float, float]]]:
    """(relative residual, relative change) of volume, heat and salt at the end of each year."""
    model = og.build_model(og.load_config(config, overrides=[f"precision={precision}", *overrides]))
    dynamics = model.config.dynamics
    state = model.initial_state()
    budget = Budget.begin(model.grid, state)
    per_year, found = round(365 * 86400 / model.time_step), []
    for _ in range(years):
        for steps in np.diff(np.linspace(0, per_year, 13).astype(int)):
            state, report = model.advance(state, steps=int(steps))
            budget.add(report.diagnostics)
        closed = budget.close(model.grid, state, dynamics)
        found.append({k: (v["relative_residual"], v["change"] / abs(v["start"])) for k, v in closed.items()})
    return found


def of_years(precision: str, years: int = 10) -> list[Finding]:
    """Largest residual of the ends of all years, of the shipped configuration."""
    found = residuals(precision, years)
    bound = LARGEST_RESIDUAL[precision]
    findings = []
    for name in ("volume", "heat", "salt"):
        worst = max(year[name][0] for year in found)
        findings.append(Finding(precision, f"{name}: largest residual in {years} years", "1", worst, at_most=bound))
        findings.append(Finding(precision, f"{name}: change in {years} years", "1", found[-1][name][1]))
    return findings
