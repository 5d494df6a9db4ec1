"""The finite-volume core as a model wants it: see `ocean_gcm.dynamics.interface.Core`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.dynamics.equation_of_state import build_equation_of_state
from ocean_gcm.dynamics.finite_volume import barotropic, core
from ocean_gcm.dynamics.finite_volume.config import DynamicsConfig
from ocean_gcm.dynamics.finite_volume.momentum_advection import VORTICITY_FLUXES
from ocean_gcm.dynamics.finite_volume.surface_fluxes import SurfaceLaw
from ocean_gcm.dynamics.finite_volume.tracer_advection import SCHEMES
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.surface import Surface
from ocean_gcm.grid import metrics
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.topology import Topology, require_parts
from ocean_gcm.state import Diagnostics, Ocean, Stepper


@dataclasses.dataclass(frozen=True, eq=False)
class PrimitiveEquations:
    """Hydrostatic Boussinesq equations on a C-grid.

    Attributes:
      grid: of the whole ocean.
      numerics: resolved choices, of the part of the grid that is stepped.
      parts: number of equal parts of the grid along y and x, each on a device of its own.
    """

    grid: Grid
    numerics: core.Numerics
    parts: tuple[int, int] = (1, 1)

    diagnostics = Diagnostics

    @property
    def time_step(self) -> float:
        return self.numerics.time_step

    @property
    def topology(self) -> Topology:
        """Joins of the grid, or of its parts on different devices."""
        mesh_y, mesh_x = self.parts
        return dataclasses.replace(self.grid.topology, mesh_y=mesh_y, mesh_x=mesh_x)

    def part(self, mesh_y: int, mesh_x: int) -> PrimitiveEquations:
        """The same for the steps of one of `mesh_y` times `mesh_x` equal parts of the grid, inside `jax.shard_map`.

        Raises UserError unless they are equal and as wide as the halo.
        """
        nz, ny, nx = self.numerics.shape
        require_parts((ny, nx), mesh_y, mesh_x, self.numerics.halo)
        numerics = dataclasses.replace(self.numerics, shape=(nz, ny // mesh_y, nx // mesh_x))
        return dataclasses.replace(self, numerics=numerics, parts=(mesh_y, mesh_x))

    def arrays(self, dtype) -> dict[str, jax.Array]:
        return metrics.device_arrays(self.grid, dtype)

    def static(self, arrays: Mapping[str, jax.Array]) -> metrics.Metrics:
        return metrics.padded(arrays, self.topology, self.numerics.halo)

    # ---- fields ----
    def fields(self, given: Mapping[str, np.ndarray], dtype) -> Ocean:
        grid, given = self.grid, dict(given)
        zero = np.zeros(grid.shape)

        def array(name, mask, default=zero):
            return jnp.asarray(np.where(mask, given.pop(name, default), 0.0), dtype)

        return Ocean(
            u=array("u", grid.mask_u),
            v=array("v", grid.mask_v),
            temperature=array("temperature", grid.mask),
            salinity=array("salinity", grid.mask),
            sea_surface_height=array("sea_surface_height", grid.wet, zero[0]),
            tracers={name: jnp.asarray(np.where(grid.mask, a, 0.0), dtype) for name, a in given.items()},
        )

    def cleaned(self, arrays: Mapping[str, jax.Array], fields: Ocean, dtype) -> Ocean:
        """The fields in the type `dtype`, zero on land."""
        wet, wet_u, wet_v = (arrays[f"mask_{place}"] > 0 for place in "tuv")

        def on(mask, array):
            return jnp.where(mask, jnp.asarray(array, dtype), 0)

        return Ocean(
            u=on(wet_u, fields.u),
            v=on(wet_v, fields.v),
            temperature=on(wet, fields.temperature),
            salinity=on(wet, fields.salinity),
            sea_surface_height=on(wet[0], fields.sea_surface_height),
            tracers={name: on(wet, array) for name, array in fields.tracers.items()},
        )

    # ---- the start of the time stepping ----
    def first_stepper(self, fields: Ocean, tendency: Callable[[], Any]) -> Stepper:
        """Past tendencies equal to the present one: the first step is a forward Euler step."""
        exact = jnp.finfo(fields.u.dtype).bits < 64
        rounding = {name: jnp.zeros_like(x) for name, x in core.tracers_of(fields).items()} if exact else {}
        return Stepper(self._history(fields, tendency), rounding)

    def _history(self, fields: Ocean, tendency: Callable[[], Any]):
        n = self.numerics
        past = 0 if n.vorticity_flux is None else len(n.extrapolation) - 1
        traced = isinstance(fields.u, jax.core.Tracer)
        if not traced and not np.any(fields.u) and not np.any(fields.v):
            # at rest no program needs to be compiled
            return ((jnp.zeros_like(fields.u), jnp.zeros_like(fields.v)),) * past
        return (tendency(),) * past if past else ()

    def tendency(self, static: metrics.Metrics, fields: Ocean):
        """Of velocity by its advection, m s-2."""
        return core.advection_tendency(static, self.numerics, core.prepare(static, self.numerics, fields))

    # ---- a step ----
    def prepare(self, static: metrics.Metrics, fields: Ocean) -> core.Prepared:
        return core.prepare(static, self.numerics, fields)

    def columns(self, static: metrics.Metrics, prepared: core.Prepared, surface: Surface, interval: float) -> Columns:
        return core.columns(static, self.numerics, prepared, surface, interval)

    def advance(
        self, static: metrics.Metrics, prepared: core.Prepared, stepper: Stepper, effects: Effects, surface: Surface
    ) -> tuple[Ocean, Stepper, Diagnostics]:
        if effects.potential_vorticity_source is not None:
            raise UserError(
                "a closure asks for a potential_vorticity_source, which the finite-volume core cannot apply; "
                "expected tendencies of velocity and tracers or coefficients"
            )
        return core.advance(static, self.numerics, prepared, stepper, effects, surface)


EXTRAPOLATION = {
    "ab2": lambda epsilon: (1.5 + epsilon, -0.5 - epsilon),
    "ab3": lambda epsilon: (23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0),
}


def build_numerics(
    grid: Grid, dynamics: DynamicsConfig, time_step: float, *, real_freshwater: bool = False, freezing: bool = False
) -> core.Numerics:
    """Resolve the choices of `dynamics` for a grid and a time step (s)."""
    limit = barotropic.gravity_wave_limit(grid, dynamics.gravity)
    number = dynamics.barotropic_substeps or max(1, int(np.ceil(time_step / (dynamics.barotropic_courant * limit))))
    scheme = SCHEMES[dynamics.tracer_advection]
    return core.Numerics(
        shape=grid.shape,
        halo=4 if dynamics.momentum_advection == "weno5" else 3,
        time_step=float(time_step),
        extrapolation=EXTRAPOLATION[dynamics.time_stepper](dynamics.ab2_epsilon),
        vorticity_flux=VORTICITY_FLUXES.get(dynamics.momentum_advection),
        tracer_scheme=scheme,
        equation_of_state=build_equation_of_state(dynamics.equation_of_state, dynamics.reference_density),
        substeps=barotropic.averaging_weights(time_step, number),
        surface=SurfaceLaw(
            real_freshwater,
            freezing,
            dynamics.equation_of_state.kind,
            dynamics.reference_density,
            dynamics.heat_capacity,
        ),
        no_slip=dynamics.slip == "no",
        gravity=dynamics.gravity,
        reference_density=dynamics.reference_density,
    )
