"""The one interface of everything that is not resolved, be it a formula or a network.

    effects, memory = closure(columns, memory, key)

`Columns` is what a closure may look at, `Effects` what it may do.  Both hold `Field`s whose windows include as much
of the halo as their stencils left; effects of several closures add up.  A closure knows no core by name.  Cores of
layers offer `LayerColumns`, plain arrays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import jax_datetime as jdt

from ocean_gcm.grid.field import Field


@dataclasses.dataclass(frozen=True)
class Columns:
    """What the core offers to closures, with halo.  c/w are centre and upper-face levels.

    Attributes:
      u, v: velocity (U/c, V/c), m s-1.
      tracers: temperature, salinity and further tracers by name (T/c).
      thickness, thickness_u, thickness_v: (T/c, U/c, V/c) m, 0 where dry.
      depth: depth of the centres below the surface (T/c), m.
      buoyancy_frequency_squared: (T/w) s-2, locally referenced, 0 at the surface and at dry faces.
      shear_squared: (T/w) s-2, |du/dz|^2 averaged to cell centres.
      slope_x, slope_y: neutral slopes dz/dx at (U/w) and dz/dy at (V/w), bounded by large numbers only, 0 where dry.
      vorticity: relative vertical vorticity (F/c), s-1, 0 at walls.
      divergence: horizontal divergence (T/c), s-1.
      strain: tension du/dx - dv/dy at (T/c) and shear dv/dx + du/dy at (F/c), s-1.
      sea_surface_height: (T/s) m.
      static: metrics and masks by name, see `ocean_gcm.grid.metrics`.
      surface: the surface fields of this step by name (T/s, stresses U/s and V/s).
      year_fraction: time of year in [0, 1), 0-d array.
      interval: seconds until closures are called again, a number.
    """

    u: Field
    v: Field
    tracers: Mapping[str, Field]
    thickness: Field
    thickness_u: Field
    thickness_v: Field
    depth: Field
    buoyancy_frequency_squared: Field
    shear_squared: Field
    slope_x: Field
    slope_y: Field
    vorticity: Field
    divergence: Field
    strain: tuple[Field, Field]
    sea_surface_height: Field
    static: Any
    surface: Mapping[str, Field]
    year_fraction: Any
    interval: float


@dataclasses.dataclass(frozen=True)
class LayerColumns:
    """What a core of layers in a periodic box offers to closures, on points; all without the background.

    Attributes:
      potential_vorticity, vorticity: (nz, ny, nx) q and nabla^2 psi, s-1.
      streamfunction: (nz, ny, nx) m2 s-1.
      u, v: (nz, ny, nx) m s-1.
      psi_hat: (nz, ny, nk) Fourier coefficients of the streamfunction.
      grid: its lengths and transforms, see `ocean_gcm.dynamics.spectral.grid`.
      k, l: (1, nk) and (ny, 1) wavenumbers, m-1.
      resolved: (ny, nk) 1 where the state may have energy.
      interval: seconds until closures are called again, a number.
    """

    potential_vorticity: jax.Array
    vorticity: jax.Array
    streamfunction: jax.Array
    u: jax.Array
    v: jax.Array
    psi_hat: jax.Array
    grid: Any
    k: jax.Array
    l: jax.Array  # noqa: E741
    resolved: jax.Array
    interval: float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Effects:
    """What closures may ask the core to apply; None means nothing.  Windows must cover the interior.

    Attributes:
      u_tendency, v_tendency: (U/c, V/c) m s-2.
      tracer_tendencies: by name (T/c), unit of the tracer per second.
      tracer_fluxes: by name, through the faces along x and y and upward (U/c, V/c, T/w), unit of the tracer times
        m3 s-1, each may be None; what leaves a cell enters its neighbour.  Those along x and y are zero at coasts and
        want a halo of 1, the upward one is zero at the surface and at the sea floor.
      vertical_viscosity, vertical_diffusivity: (T/w) m2 s-1, applied implicitly.
      harmonic_viscosity: (T/c or T/s, F/c or F/s) m2 s-1; wants a halo of 1.
      biharmonic_viscosity: (T, F) m4 s-1; positive; wants a halo of 1.
      bottom_drag: (T/s) m s-1, the velocity scale of the drag on the lowest cell; wants a halo of 1.
      eddy_streamfunction: (U/w, V/w) m2 s-1; the bolus transport per unit width of all layers below that face,
        applied to all tracers; zero at the surface and at the sea floor; wants a halo of 1.
      isoneutral_diffusion: coefficients of the rotated diffusion, all with a halo of 1 where possible: K at U and V
        (U/c, V/c), K S at (U/w, V/w), K |S|^2 at (T/w).
      potential_vorticity_source: (nz, ny, nx) array of a core of layers, s-2; all others are of the other core.
    """

    u_tendency: Field | None = None
    v_tendency: Field | None = None
    tracer_tendencies: Mapping[str, Field] | None = None
    tracer_fluxes: Mapping[str, tuple[Field | None, Field | None, Field | None]] | None = None
    vertical_viscosity: Field | None = None
    vertical_diffusivity: Field | None = None
    harmonic_viscosity: tuple[Field, Field] | None = None
    biharmonic_viscosity: tuple[Field, Field] | None = None
    bottom_drag: Field | None = None
    eddy_streamfunction: tuple[Field, Field] | None = None
    isoneutral_diffusion: tuple[Field, Field, Field, Field, Field] | None = None
    potential_vorticity_source: jax.Array | None = None

    def __add__(self, other: Effects) -> Effects:
        return Effects(
            **{f.name: _add(getattr(self, f.name), getattr(other, f.name)) for f in dataclasses.fields(Effects)}
        )


def _add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, tuple):
        return tuple(_add(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Mapping):
        return {name: _add(a.get(name), b.get(name)) for name in {**a, **b}}
    return a + b


class Closure(Protocol):
    """A parameterisation.  Its trainable numbers are `nnx.Param`s."""

    def initial_memory(self, shape: tuple[int, int, int], dtype, key: jax.Array) -> Any:
        """Memory at the start for a grid of (nz, ny, nx), its random part drawn with `key`; () if there is none."""

    def __call__(self, columns: Columns | LayerColumns, memory: Any, key) -> tuple[Effects, Any]:
        """Effects and the new memory."""


@runtime_checkable
class Redrawn(Protocol):
    """A closure whose memory is random in part, so that members of an ensemble can have their own."""

    def redraw(self, memory: Any, key: jax.Array) -> Any:
        """The memory with its random part drawn anew from its stationary distribution."""


@runtime_checkable
class Timed(Protocol):
    """A closure that acts by the time since the model's start, which its memory counts."""

    def memory_at(self, time: jdt.Timedelta, interval: float) -> Any:
        """The memory at model time `time`, in calls of `interval` seconds each."""
