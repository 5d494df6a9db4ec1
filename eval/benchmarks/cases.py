"""The shipped configurations at other resolutions, each at its longest stable step."""

from __future__ import annotations

from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[2] / "configs"

# steps that divide a day, s
NICE_STEPS = (
    *(43200, 28800, 21600, 14400, 10800, 8640, 7200, 5400, 4800, 4320, 3600, 2880, 2400, 2160, 1800, 1440, 1200, 900),
    *(720, 600, 480, 450, 400, 360, 300, 240, 225, 200, 180, 150, 120, 100, 90, 60, 50, 45, 40, 30, 20, 15, 12, 10),
    *(8, 6, 5, 4, 3, 2, 1),
)
SAFETY = 0.8


def shipped() -> list[str]:
    """Names of the configurations that need no data."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml") if "observed" not in path.stem)


def parse_size(text: str) -> tuple[int, int, int]:
    """(nx, ny, nz) from "60x84x40".  Raises ValueError for anything else."""
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError(f"size {text!r}: expected NXxNYxNZ, as in 60x84x40")
    return tuple(int(part) for part in parts)


def refined_levels(faces, number: int) -> list[float]:
    """Thicknesses of `number` layers (m) that follow the depths `faces` (m) of the given levels as a smooth curve."""
    import numpy as np
    from scipy.interpolate import PchipInterpolator

    curve = PchipInterpolator(np.linspace(0.0, 1.0, len(faces)), faces)
    return [float(h) for h in np.diff(curve(np.linspace(0.0, 1.0, number + 1)))]


def longest_step(config) -> float:
    """The longest of `NICE_STEPS` within all limits of linear theory that the model does not treat otherwise, s.

    The limits are those of `ocean-gcm info`: internal waves of 3 m/s and currents of 2 m/s at the smallest spacing, and
    explicit friction.  Four fifths of the shortest limit, because linear theory knows each process alone (the
    circumpolar channel at 2 degrees runs for years at 8 h and fails at 12 h, where theory allows 12.3 h).
    """
    from ocean_gcm.grid.build import build_grid_from_config
    from ocean_gcm.info import step_limits

    grid = build_grid_from_config(config.grid, config.bathymetry)
    limit = min(limit.seconds for limit in step_limits(grid, config) if limit.handled is None)
    return float(next(step for step in NICE_STEPS if step <= SAFETY * limit))


def case_config(case: str, size: str | None, dtype: str, step: str | None, overrides=()):
    """Configuration of a case: `size` as NXxNYxNZ or None, `step` an ISO duration, "config" or None for the longest."""
    from ocean_gcm.config import load_config

    path = CONFIGS / f"{case}.yaml"
    overrides = [f"precision={dtype}", *overrides]
    if size is not None:
        nx, ny, nz = parse_size(size)
        overrides += [f"grid.nx={nx}", f"grid.ny={ny}"]
        levels = load_config(path, overrides).grid.levels.build()
        if nz != len(levels.thickness):
            overrides.append(f"grid.levels={{thickness: {refined_levels(levels.faces, nz)}}}")
    if step == "config":
        return load_config(path, overrides)
    if step is None:
        step = f"PT{longest_step(load_config(path, overrides)):.0f}S"
    return load_config(path, [*overrides, f"time.step={step}", f"time.duration={step}", *_one_interval(step)])


def _one_interval(step: str) -> list[str]:
    """Nothing is written, but the configuration wants its intervals to be whole steps."""
    return [f"output.interval={step}", f"output.restart_interval={step}"]
