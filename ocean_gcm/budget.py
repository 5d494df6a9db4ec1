"""Volume, heat and salt: what the ocean holds against what the surface gave, in float64 on the host."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics.budget import relative_residual, residual, total_content, total_volume

QUANTITIES = ("volume", "heat", "salt")


def contents(grid: Grid, state: Any) -> dict[str, tuple[float, float]]:
    """(content, sum of magnitudes) of volume in m3, heat in degC m3 and salt in g kg-1 m3.

    Layers follow the sea surface (z*).  What rounding has cut off the tracers and the stepper keeps, counts.
    """
    ocean, area = state.ocean, grid.geometry.area["T"]
    height = np.asarray(ocean.sea_surface_height, float)
    volume = float(total_volume(height, grid.thickness, area))
    out = {"volume": (volume, volume)}
    kept = getattr(getattr(state, "stepper", None), "rounding", {})
    for quantity, name in (("heat", "temperature"), ("salt", "salinity")):
        tracer = np.asarray(getattr(ocean, name), float)
        if name in kept:
            tracer = tracer + np.asarray(kept[name], float)
        out[quantity] = tuple(float(total_content(x, height, grid.thickness, area)) for x in (tracer, np.abs(tracer)))
    return out


@dataclasses.dataclass
class Budget:
    """Running account since the start of the run.

    Attributes:
      start: contents at the start, as from `contents`, without magnitudes.
      inputs: sums of what the surface gave, same units.
      largest_courant: of all steps.
    """

    start: dict[str, float]
    inputs: dict[str, float] = dataclasses.field(default_factory=lambda: dict.fromkeys(QUANTITIES, 0.0))
    largest_courant: float = 0.0

    @classmethod
    def begin(cls, grid: Grid, state: Any) -> Budget:
        return cls({name: content for name, (content, _) in contents(grid, state).items()})

    def add(self, diagnostics: Any) -> None:
        """Account for the summed diagnostics of an interval."""
        for name in QUANTITIES:
            self.inputs[name] += float(getattr(diagnostics, f"{name}_input"))
        self.largest_courant = max(self.largest_courant, float(diagnostics.courant))

    def close(self, grid: Grid, state: Any, dynamics: Any) -> dict[str, dict]:
        """For each quantity start, end, change, input, residual (m3, J, kg) and the relative residual.

        The relative residual is |change - input| over the sum of the magnitudes of the content.
        `dynamics`: the section of the configuration, for density and heat capacity.
        """
        reference_density, heat_capacity = dynamics.reference_density, dynamics.heat_capacity
        units = {"volume": ("m3", 1.0), "heat": ("J", reference_density * heat_capacity)}
        units["salt"] = ("kg", reference_density * 1e-3)
        out = {}
        for name, (end, magnitude) in contents(grid, state).items():
            unit, scale = units[name]
            change = end - self.start[name]
            gained = self.inputs[name]
            out[name] = {
                "unit": unit,
                "start": self.start[name] * scale,
                "end": end * scale,
                "change": change * scale,
                "input": gained * scale,
                "residual": residual(self.start[name], end, gained) * scale,
                "relative_residual": abs(relative_residual(self.start[name], end, gained, magnitude or 1.0)),
            }
        return out
