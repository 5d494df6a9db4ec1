"""What the surface fields do to the uppermost cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ocean_gcm.forcing.freezing import freezing_temperature
from ocean_gcm.forcing.surface import Surface

FRESH_WATER_DENSITY = 1000.0  # kg m-3
VIRTUAL_SALT_REFERENCE = 35.0  # g kg-1, constant so that fluxes without a net leave the ocean's salt unchanged


@dataclasses.dataclass(frozen=True)
class TracerFlux:
    """Fluxes into the ocean, (ny, nx), tracer times m s-1.

    Attributes:
      into_cell: what changes the concentration of the uppermost cell, h dT/dt.
      total: what changes the content, including that of the water which comes in.
    """

    into_cell: jax.Array
    total: jax.Array


@dataclasses.dataclass(frozen=True)
class SurfaceLaw:
    """Choices about the surface, resolved when the model is built."""

    real_freshwater: bool
    freezing: bool
    equation_of_state: str
    reference_density: float
    heat_capacity: float

    def volume_source(self, surface: Surface, area: jax.Array) -> jax.Array | None:
        """Water that joins the ocean, m s-1, or None."""
        if surface.freshwater_flux is None or not self.real_freshwater:
            return None
        return surface.freshwater_flux * (1.0 / FRESH_WATER_DENSITY) * jnp.ones_like(area)

    def tracer_fluxes(
        self, surface: Surface, top: Mapping[str, jax.Array], source: jax.Array | None
    ) -> dict[str, TracerFlux]:
        """Fluxes of each tracer (by name) for the uppermost cells' values `top`.

        Rain and rivers come at the temperature of the sea surface and carry nothing else.
        """
        heat = _add(
            None if surface.heat_flux is None else surface.heat_flux / (self.reference_density * self.heat_capacity),
            _restoring(surface.sst, surface.sst_piston_velocity, top["temperature"]),
        )
        salt = _restoring(surface.sss, surface.sss_piston_velocity, top["salinity"])
        if surface.freshwater_flux is not None and not self.real_freshwater:
            salt = _add(salt, surface.freshwater_flux * (-VIRTUAL_SALT_REFERENCE / FRESH_WATER_DENSITY))
        fluxes = {}
        for name, value in top.items():
            flux = {"temperature": heat, "salinity": salt}.get(name)
            if flux is None and source is None:
                continue
            flux = jnp.zeros_like(value) if flux is None else flux
            if source is None:
                fluxes[name] = TracerFlux(flux, flux)
            elif name == "temperature":
                fluxes[name] = TracerFlux(flux, flux + source * value)
            else:
                fluxes[name] = TracerFlux(flux - source * value, flux)
        return fluxes

    def limit_freezing(self, tracers: dict[str, jax.Array]) -> tuple[dict[str, jax.Array], jax.Array | None]:
        """Raise surface water below its freezing point to it; returns the warming in K.

        The heat stands for what growing ice would release.
        """
        if not self.freezing:
            return tracers, None
        temperature = tracers["temperature"]
        freezing = freezing_temperature(tracers["salinity"][0], self.equation_of_state)
        warming = jnp.maximum(freezing - temperature[0], 0.0)
        return {**tracers, "temperature": temperature.at[0].add(warming)}, warming


def _restoring(target, piston_velocity, value):
    return None if target is None else piston_velocity * (target - value)


def _add(a, b):
    if a is None or b is None:
        return b if a is None else a
    return a + b
