"""What a network sees: named inputs at cell centres, made of `Columns`, and how each turns with the grid.

Every input is a stack of channels: one per level for fields of the water column, one for those of the surface, twice
that for vectors and strain.  Channels are zero on land and below the sea floor.  A flux that does not act is a flux of
zero, so the surface inputs need not exist in the experiment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Literal

import jax
import jax.numpy as jnp

from ocean_gcm.closures.interface import Columns
from ocean_gcm.errors import UserError
from ocean_gcm.grid.field import Field
from ocean_gcm.validation import suggestion

Kind = Literal["scalar", "pseudoscalar", "vector", "tensor"]
"""How a quantity turns: a tensor is the symmetric traceless (tension, shear), a pseudoscalar has the sign of f."""

SMALL = 1e-8
"""s-2; squared frequencies are seen as asinh(x / SMALL), which is linear below and logarithmic above."""

STEEP = 1e-3
"""Slopes are seen as asinh(slope / STEEP)."""


@dataclasses.dataclass(frozen=True)
class Feature:
    """One named input.

    Attributes:
      fields: from columns to fields at T (c, w or s): one, or two for vectors and tensors.
      kind: see `Kind`.
      level: "c", "w" or "s": which mask holds; "c" and "w" have one channel per level.
      mean, scale: defaults of the normalisation (value - mean) / scale, in the unit of the field.
      number: fields that `fields` gives.
    """

    fields: Callable[[Columns], tuple[Field, ...]]
    kind: Kind
    level: str
    mean: float
    scale: float
    number: int = 1

    def channels(self, nz: int) -> int:
        return self.number * (1 if self.level == "s" else nz)


def _asinh(unit):
    return lambda x: jnp.arcsinh(x * (1.0 / unit))


def _gradient(field: Field, static) -> tuple[Field, Field]:
    """Means of the differences over wet faces, a coast counts as zero."""
    wet_u, wet_v = (static.mask_u, static.mask_v) if field.level == "c" else _surface_masks(static)
    along_x = field.diff_x() * static.inv_dx_u * wet_u
    along_y = field.diff_y() * static.inv_dy_v * wet_v
    return along_x.mean_x(), along_y.mean_y()


def _surface_masks(static):
    return static.surface_mask_u, static.surface_mask_v


def _zero(columns: Columns) -> Field:
    return columns.static.surface_mask_t * 0.0


def _stress(columns: Columns):
    if "stress_x" not in columns.surface and "stress_y" not in columns.surface:
        return _zero(columns), _zero(columns)
    x, y = columns.surface.get("stress_x"), columns.surface.get("stress_y")
    wet_u, wet_v = _surface_masks(columns.static)
    return (
        _zero(columns) if x is None else (x * wet_u).mean_x(),
        _zero(columns) if y is None else (y * wet_v).mean_y(),
    )


def _flux(name: str):
    return lambda c: (c.surface.get(name, _zero(c)),)


def _restoring(target: str, tracer: str):
    """Target less the uppermost value: what restoring acts on."""

    def fields(columns: Columns):
        if target not in columns.surface:
            return (_zero(columns),)
        top = columns.tracers[tracer].map(lambda a: a[0]).at(level="s")
        return (columns.surface[target] - top,)

    return fields


def _season(columns: Columns):
    angle = 2.0 * jnp.pi * columns.year_fraction
    ones = columns.static.surface_mask_t
    return ones * jnp.sin(angle), ones * jnp.cos(angle)


def _slopes(columns: Columns):
    seen = lambda s: jnp.arcsinh(jnp.clip(s, -1.0, 1.0) * (1.0 / STEEP))  # noqa: E731
    return columns.slope_x.map(seen).mean_x(), columns.slope_y.map(seen).mean_y()


def _tracer(name: str):
    return lambda c: (c.tracers[name],)


FEATURES: dict[str, Feature] = {
    "velocity": Feature(lambda c: (c.u.mean_x(), c.v.mean_y()), "vector", "c", 0.0, 0.1, 2),
    "temperature": Feature(_tracer("temperature"), "scalar", "c", 8.0, 8.0),
    "salinity": Feature(_tracer("salinity"), "scalar", "c", 34.8, 0.5),
    "stratification": Feature(lambda c: (c.buoyancy_frequency_squared.map(_asinh(SMALL)),), "scalar", "w", 5.0, 2.5),
    "shear_squared": Feature(lambda c: (c.shear_squared.map(_asinh(SMALL)),), "scalar", "w", 2.0, 2.5),
    "vorticity": Feature(lambda c: (c.vorticity.mean_x().mean_y(),), "pseudoscalar", "c", 0.0, 5e-6),
    "divergence": Feature(lambda c: (c.divergence,), "scalar", "c", 0.0, 1e-6),
    "strain": Feature(lambda c: (c.strain[0], c.strain[1].mean_x().mean_y()), "tensor", "c", 0.0, 5e-6, 2),
    "slope": Feature(_slopes, "vector", "w", 0.0, 1.0, 2),
    "temperature_gradient": Feature(
        lambda c: _gradient(c.tracers["temperature"], c.static), "vector", "c", 0.0, 1e-5, 2
    ),
    "salinity_gradient": Feature(lambda c: _gradient(c.tracers["salinity"], c.static), "vector", "c", 0.0, 1e-6, 2),
    "sea_surface_height": Feature(lambda c: (c.sea_surface_height,), "scalar", "s", 0.0, 0.5),
    "sea_surface_gradient": Feature(lambda c: _gradient(c.sea_surface_height, c.static), "vector", "s", 0.0, 1e-6, 2),
    "stress": Feature(_stress, "vector", "s", 0.0, 0.1, 2),
    "heat_flux": Feature(_flux("heat_flux"), "scalar", "s", 0.0, 100.0),
    "freshwater_flux": Feature(_flux("freshwater_flux"), "scalar", "s", 0.0, 3e-5),
    "temperature_restoring": Feature(_restoring("sst", "temperature"), "scalar", "s", 0.0, 2.0),
    "salinity_restoring": Feature(_restoring("sss", "salinity"), "scalar", "s", 0.0, 0.5),
    "coriolis": Feature(lambda c: (c.static.coriolis_t,), "pseudoscalar", "s", 0.0, 1e-4),
    "column_depth": Feature(lambda c: (c.static.depth_t,), "scalar", "s", 2000.0, 2000.0),
    "thickness": Feature(lambda c: (c.thickness,), "scalar", "c", 0.0, 100.0),
    "mask": Feature(lambda c: (c.static.mask_t,), "scalar", "c", 0.0, 1.0),
    "season": Feature(_season, "scalar", "s", 0.0, 1.0, 2),
}
"""All inputs by name.  Units: m, s, degC, g kg-1, N m-2, W m-2, kg m-2 s-1; stratification and slopes without unit."""

DEFAULT_FEATURES = (
    "velocity",
    "temperature",
    "salinity",
    "stratification",
    "shear_squared",
    "sea_surface_height",
    "stress",
    "coriolis",
    "thickness",
    "mask",
)


@dataclasses.dataclass(frozen=True)
class Block:
    """Channels that turn together: `levels` scalars, or `levels` pairs stored one component after the other."""

    kind: Kind
    levels: int

    @property
    def channels(self) -> int:
        return self.levels * (2 if self.kind in ("vector", "tensor") else 1)


def require_features(names: Sequence[str], known: Collection[str] = FEATURES) -> None:
    """UserError for an unknown or repeated name, or for none at all."""
    if not names:
        raise UserError("features is empty; expected at least one name")
    for name in names:
        if name not in known:
            raise UserError(f"features contains {name!r}; {suggestion(name, known)}")
        if names.count(name) > 1:
            raise UserError(f"features contains {name!r} twice")


def blocks(names: Sequence[str], nz: int, random_fields: int = 0) -> tuple[Block, ...]:
    """How the channels of `stack` turn, in its order."""
    result = []
    for name in names:
        feature = FEATURES[name]
        pair = feature.kind in ("vector", "tensor")
        levels = feature.channels(nz) // (2 if pair else 1)
        result.append(Block(feature.kind, levels))
    return (*result, *([Block("scalar", random_fields)] if random_fields else []))


def interior_shape(columns: Columns) -> tuple[int, int]:
    """(ny, nx) of the (local) grid."""
    ny, nx = columns.static.area_t.data.shape
    return ny - 2 * columns.static.halo, nx - 2 * columns.static.halo


def stack(columns: Columns, names: Sequence[str], random: Field | None = None) -> tuple[jax.Array, jax.Array]:
    """Channels before normalisation and their masks, (channels, ny, nx) each, on the interior.

    Args:
      random: (n, y, x) at T/s, further surface fields, zero on land.
    """
    ny, nx = interior_shape(columns)
    static = columns.static
    masks = {"c": static.mask_t, "w": static.mask_w, "s": static.surface_mask_t}
    values, wet = [], []
    for name in names:
        feature = FEATURES[name]
        for field in feature.fields(columns):
            value, mask = field.interior(ny, nx), masks[feature.level].interior(ny, nx)
            values.append(value if value.ndim == 3 else value[None])
            wet.append(mask if mask.ndim == 3 else mask[None])
    if random is not None:
        values.append(random.interior(ny, nx))
        wet.append(jnp.broadcast_to(masks["s"].interior(ny, nx), values[-1].shape))
    return jnp.concatenate(values), jnp.concatenate(wet)
