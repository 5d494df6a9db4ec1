r"""Quasi-geostrophic potential vorticity of N layers in a doubly periodic box, and its step.

    dq_i/dt + J(psi_i, q_i + b_i) + U_i d(q_i + b_i)/dx + Q_y,i d psi_i/dx
        = -delta_iN r nabla^2 psi_N - lambda q_i + sources,       q = nabla^2 psi + S psi.

One file beside this one for each: grid, stratification (S, Q_y), inversion, advection, topography (b), dissipation,
stepping.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.dynamics.spectral import advection, dissipation, inversion, stepping, stratification, topography
from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.state import Layers, LayersDiagnostics, LayersStepper


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Operators:
    """Static arrays of the steps, on the device.

    Attributes:
      k, l: (1, nk) and (ny, 1) wavenumbers, m-1.
      inversion: (N, N, ny, nk) from q to psi, m2.
      flow: (N, 1, 1) background velocity U, m s-1.
      gradient: (N, 1, 1) Q_y, m-1 s-1.
      rate: (ny, nk) implicit damping lambda, s-1.
      keep: (ny, nk) factor of the coefficients after each step: dealiasing and filter.
      resolved: (ny, nk) 1 where the state may have energy.
      advected: (ny, nk) 1 where the core's explicit tendencies act.
      drag: (N, ny, nk) r kappa^2 in the lowest layer, 0 elsewhere, m-2 s-1.
      floor: (ny, nx) topographic vorticity of the lowest layer, s-1, or None.
    """

    k: jax.Array
    l: jax.Array  # noqa: E741
    inversion: jax.Array
    flow: jax.Array
    gradient: jax.Array
    rate: jax.Array
    keep: jax.Array
    resolved: jax.Array
    advected: jax.Array
    drag: jax.Array | None
    floor: jax.Array | None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Prepared:
    """A state and what follows from it: coefficients of q and psi, and q, u, v on points."""

    q_hat: jax.Array
    psi_hat: jax.Array
    q: jax.Array
    u: jax.Array
    v: jax.Array


@dataclasses.dataclass(frozen=True, eq=False)
class QuasiGeostrophy:
    """The dynamical core: see `ocean_gcm.dynamics.interface.Core`.

    Attributes:
      grid: the box.
      config: equations and schemes.
      time_step: s.
    """

    grid: PeriodicGrid
    config: QuasiGeostrophicConfig
    time_step: float

    diagnostics = LayersDiagnostics

    @functools.cached_property
    def stretching(self) -> np.ndarray:
        """(N, N) S, m-2."""
        return stratification.stretching_matrix(self.config.layers, self.config.f0)

    @functools.cached_property
    def flow(self) -> np.ndarray:
        """(N,) background velocity U, m s-1."""
        return np.asarray(self.config.zonal_flow or (0.0,) * self.grid.shape[0])

    @functools.cached_property
    def gradient(self) -> np.ndarray:
        """(N,) Q_y, m-1 s-1."""
        return stratification.pv_gradient(self.stretching, self.flow, self.config.beta)

    @functools.cached_property
    def thickness(self) -> np.ndarray:
        """(N,) H, m."""
        return np.asarray(self.config.layers.thickness)

    def part(self, mesh_y: int, mesh_x: int) -> QuasiGeostrophy:
        """The whole, which is the only part.  Raises UserError for another one."""
        if mesh_y * mesh_x > 1:
            raise UserError(
                f"mesh.y and mesh.x are {mesh_y} and {mesh_x}; expected 1 and 1 with the core quasi_geostrophic: its "
                "Fourier transforms need the whole plane on each device (mesh.batch and mesh.ensemble share forecasts)"
            )
        return self

    # ---- static arrays ----
    def arrays(self, dtype) -> dict[str, jax.Array]:
        """`Operators` by name, on the device."""
        grid, config = self.grid, self.config
        resolved = advection.kept_wavenumbers(grid, config.dealiasing)
        keep = resolved * (1.0 if config.filter is None else dissipation.exponential_filter(grid, config.filter))
        rate = dissipation.damping_rate(grid, config.viscosity, config.hyperviscosity, config.hyperviscosity_order)
        found = {
            "k": grid.k,
            "l": grid.l,
            "inversion": inversion.inversion_matrices(grid, self.stretching),
            "flow": self.flow[:, None, None],
            "gradient": self.gradient[:, None, None],
            # what is not resolved is not damped: its rate could overflow
            "rate": np.where(resolved, rate, 0.0),
            "keep": keep,
            "resolved": resolved,
            "advected": advection.advected_wavenumbers(grid, config.dealiasing),
        }
        if config.bottom_drag:
            lowest = np.arange(grid.shape[0]) == grid.shape[0] - 1
            found["drag"] = config.bottom_drag * lowest[:, None, None] * grid.kappa_squared
        if config.topography is not None:
            heights = config.topography.heights(grid)
            found["floor"] = topography.topographic_vorticity(grid, heights, config.f0, self.thickness[-1])
        return {name: jnp.asarray(array, dtype) for name, array in found.items()}

    def static(self, arrays: Mapping[str, jax.Array]) -> Operators:
        return Operators(**{f.name: arrays.get(f.name) for f in dataclasses.fields(Operators)})

    # ---- fields ----
    def fields(self, given: Mapping[str, np.ndarray], dtype) -> Layers:
        """Fields of host arrays by name.  Raises UserError for another name or shape."""
        for name, array in given.items():
            if name != "potential_vorticity" or np.shape(array) != self.grid.shape:
                raise UserError(
                    f"initial field {name} of shape {np.shape(array)}; expected potential_vorticity of shape "
                    f"{self.grid.shape}"
                )
        resolved = advection.kept_wavenumbers(self.grid, self.config.dealiasing)
        q = np.asarray(given.get("potential_vorticity", np.zeros(self.grid.shape)), float)
        q = np.fft.irfft2(np.fft.rfft2(q) * resolved, s=self.grid.shape[1:])
        return Layers(jnp.asarray(q, dtype))

    def cleaned(self, arrays: Mapping[str, jax.Array], fields: Layers, dtype) -> Layers:
        """The fields in the model's type, without what the grid does not resolve."""
        q = jnp.asarray(fields.potential_vorticity, dtype)
        return Layers(self.grid.to_physical(self.grid.to_spectral(q) * arrays["resolved"]))

    def first_stepper(self, fields: Layers, tendency) -> LayersStepper:
        """No steps taken yet; the schemes of Runge-Kutta type need no memory."""
        if self.config.time_stepper in stepping.RUNGE_KUTTA:
            return LayersStepper((), None)
        q = fields.potential_vorticity
        zero = jnp.zeros((2, *q.shape[:-1], q.shape[-1] // 2 + 1), q.dtype)
        return LayersStepper((zero,) * stepping.PAST, jnp.zeros((), q.dtype))

    def tendency(self, static: Operators, fields: Layers) -> None:
        """What a first step needs to know of the past: nothing."""

    # ---- a step ----
    def prepare(self, static: Operators, fields: Layers) -> Prepared:
        q = fields.potential_vorticity
        return self._prepared(static, self.grid.to_spectral(q), q)

    def _prepared(self, static: Operators, q_hat, q) -> Prepared:
        psi = inversion.apply_layers(static.inversion, q_hat)
        u, v = self.grid.to_physical(jnp.stack(inversion.velocity(static.k, static.l, psi)))
        return Prepared(q_hat, psi, q, u, v)

    def columns(self, static: Operators, prepared: Prepared, surface: Any, interval: float) -> LayerColumns:
        p = prepared
        relative = -(static.k**2 + static.l**2) * p.psi_hat
        return LayerColumns(
            potential_vorticity=p.q,
            streamfunction=self.grid.to_physical(p.psi_hat),
            vorticity=self.grid.to_physical(relative),
            u=p.u,
            v=p.v,
            psi_hat=p.psi_hat,
            grid=self.grid,
            k=static.k,
            l=static.l,
            resolved=static.resolved,
            interval=interval,
        )

    def advance(
        self, static: Operators, prepared: Prepared, stepper: LayersStepper, effects: Effects, surface: Any
    ) -> tuple[Layers, LayersStepper, LayersDiagnostics]:
        """The fields one time step later."""
        source = self._source(static, effects)
        name, dt = self.config.time_stepper, self.time_step
        if name in stepping.RUNGE_KUTTA:
            explicit = functools.partial(self._explicit, static, source)
            q_hat = stepping.runge_kutta(name, explicit, static.rate, dt, prepared.q_hat)
        else:
            now = self._tendency(static, prepared, source)
            past = tuple(jax.lax.complex(h[0], h[1]) for h in stepper.history)
            q_hat = stepping.adams_bashforth(prepared.q_hat, now, past, stepper.taken, static.rate, dt)
            history = (jnp.stack([now.real, now.imag]), stepper.history[0])
            stepper = LayersStepper(history, jnp.minimum(stepper.taken + 1.0, 2.0))
        q = self.grid.to_physical(q_hat * static.keep)
        return Layers(q), stepper, LayersDiagnostics(self._courant(static, prepared))

    def rate_of_change(self, static: Operators, q_hat: jax.Array) -> jax.Array:
        """Coefficients of dq/dt by the core alone, filter and closures left out, of those of q."""
        return self._explicit(static, None, q_hat) - static.rate * q_hat

    def _source(self, static: Operators, effects: Effects) -> jax.Array | None:
        """Coefficients of what closures add to dq/dt."""
        for field in dataclasses.fields(effects):
            if field.name != "potential_vorticity_source" and getattr(effects, field.name) is not None:
                raise UserError(
                    f"a closure asks for {field.name}, which the quasi-geostrophic core cannot apply; "
                    "expected a potential_vorticity_source"
                )
        source = effects.potential_vorticity_source
        return None if source is None else self.grid.to_spectral(source) * static.resolved

    def _explicit(self, static: Operators, source, q_hat) -> jax.Array:
        """F of the equation dq/dt = F(q) - lambda q."""
        if self.config.dealiasing == "three_halves":
            return self._tendency(static, self._spectral_only(static, q_hat), source)
        return self._tendency(static, self._prepared(static, q_hat, self.grid.to_physical(q_hat)), source)

    def _spectral_only(self, static: Operators, q_hat) -> Prepared:
        """Where products are taken on finer points, values on the own ones are not needed."""
        return Prepared(q_hat, inversion.apply_layers(static.inversion, q_hat), None, None, None)

    def _tendency(self, static: Operators, p: Prepared, source) -> jax.Array:
        change = self._advection(static, p) - 1j * static.k * static.gradient * p.psi_hat
        if static.drag is not None:
            change = change + static.drag * p.psi_hat
        if self.config.dealiasing != "none":
            # aliases beyond what is resolved would come back in the next stage
            change = change * static.advected
        return change if source is None else change + source

    def _advection(self, static: Operators, p: Prepared) -> jax.Array:
        """Coefficients of what the flow U + u makes of q + b."""
        grid, shape = self.grid, self.grid.shape[1:]
        to_points, from_points, q, u, v = grid.to_physical, grid.to_spectral, p.q, p.u, p.v
        if self.config.dealiasing == "three_halves":
            to_points = functools.partial(advection.to_fine, shape=shape)
            from_points = functools.partial(advection.from_fine, shape=shape)
            q, (u, v) = None, to_points(static.resolved * jnp.stack(inversion.velocity(static.k, static.l, p.psi_hat)))
        u = u + static.flow
        q_hat = p.q_hat * static.resolved
        if static.floor is not None:
            q_hat = q_hat.at[-1].add(grid.to_spectral(static.floor) * static.resolved)
        if self.config.advection == "convective":
            q_x, q_y = to_points(1j * jnp.stack([static.k * q_hat, static.l * q_hat]))
            return -from_points(u * q_x + v * q_y)
        if q is None or static.floor is not None:
            q = to_points(q_hat)
        flux_x, flux_y = from_points(jnp.stack([u * q, v * q]))
        return -advection.flux_divergence(static.k, static.l, flux_x, flux_y)

    def _courant(self, static: Operators, p: Prepared) -> jax.Array:
        dy, dx = self.grid.spacing
        return self.time_step * jnp.maximum(jnp.abs(p.u + static.flow).max() / dx, jnp.abs(p.v).max() / dy)
