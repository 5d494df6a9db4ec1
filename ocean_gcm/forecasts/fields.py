"""What is kept of a forecast: CF variables on the model's grid or on another one, all of their levels or some."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np
import xarray as xr

from ocean_gcm.data import derived, output
from ocean_gcm.data.variables import MODEL_FIELDS, TRACER, VARIABLES
from ocean_gcm.encoding.decoder import Decoder
from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.interface import Kept
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean
from ocean_gcm.validation import suggestion

DEFAULT = ("thetao", "so", "uo", "vo", "zos")
_RAW = {cf: model for model, v in MODEL_FIELDS.items() for cf, w in VARIABLES.items() if w is v}
_NEEDED = {
    "wo": ("u", "v"),
    "tos": ("temperature",),
    "sos": ("salinity",),
    "mlotst": ("temperature", "salinity"),
    "msftbarot": ("u",),
}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Pick:
    """Arrays of an ocean by the model's names; a pytree.

    Attributes:
      decoder: to another grid, or None.
      names: the model's names of the fields that are wanted.
    """

    decoder: Decoder | None
    names: tuple[str, ...] = dataclasses.field(metadata={"static": True})

    def __call__(self, ocean: Ocean) -> dict[str, jax.Array]:
        if self.decoder is not None:
            found = self.decoder.fields(ocean)
        else:
            found = {**{name: getattr(ocean, name, None) for name in MODEL_FIELDS}, **ocean.tracers}
        return {name: found[name] for name in self.names}


@dataclasses.dataclass(frozen=True, eq=False)
class OnModelGrid:
    """See `ocean_gcm.forecasts.interface.Kept`; `levels` are those that are kept."""

    model: OceanModel
    names: tuple[str, ...]
    levels: np.ndarray
    layout: xr.Dataset

    @property
    def on_device(self) -> Pick:
        return Pick(None, _raw_names(self.model, self.names))

    def on_host(self, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        grid, config = self.model.grid, self.model.config
        fields = {name: np.asarray(array) for name, array in fields.items()}
        if "wo" in self.names:
            fields = derived.with_vertical_velocity(grid, fields)
        found = output.cf_variables(grid, config, fields, self._converted(fields), self.names)
        return {n: a[..., self.levels, :, :] if "lev" in _level_of(n) else a for n, a in found.items()}

    def _converted(self, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`output.convert` in wet cells only: its polynomials cost more than all else here."""
        if not {"temperature", "salinity"} <= set(fields) or not output.uses_teos10(self.model.config):
            return fields
        wet = self.model.grid.mask.copy()
        if not {"thetao", "so"} & set(self.names):
            wet[1:] = False
        points = {name: fields[name][:, wet] for name in ("temperature", "salinity")}
        converted = dict(fields)
        for name, values in output.convert(points, self.model.config).items():
            converted[name] = np.zeros_like(fields[name])
            converted[name][:, wet] = values
        return converted


@dataclasses.dataclass(frozen=True, eq=False)
class OnTarget:
    """See `ocean_gcm.forecasts.interface.Kept`; velocities lie at the same points as everything else."""

    decoder: Decoder
    names: tuple[str, ...]
    levels: np.ndarray
    layout: xr.Dataset

    @property
    def on_device(self) -> Pick:
        # without the description of the grid, which a program does not need
        bare = dataclasses.replace(self.decoder, boxes=None, axes=None)
        return Pick(bare, _raw_names(self.decoder.model, self.names))

    def on_host(self, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        described = self.decoder.described(fields, ("member",))
        return {name: described[name].values[..., self.levels, :, :] if "depth" in described[name].dims
                else described[name].values for name in self.names}  # fmt: skip


def kept_fields(
    model: OceanModel,
    *,
    variables: Sequence[str] | None = None,
    levels: Sequence[int] | None = None,
    depth: float | None = None,
    decoder: Decoder | None = None,
) -> Kept:
    """What is kept of forecasts of `model`.

    Args:
      variables: CF names; default: thetao, so, uo, vo, zos.
      levels: numbers of the levels from the surface, which is 0; default: all.
      depth: keep the levels whose middle is not deeper, m.
      decoder: to the grid on which the variables are wanted; default: the model's.

    Raises UserError for variables that the model or the grid has not, and for levels that there are not.
    """
    tracers = tuple(model.config.tracers)
    known = (*(DEFAULT if decoder is not None else VARIABLES), *tracers)
    names = require_known(list(DEFAULT if variables is None else variables), known, "--variables")
    if decoder is None:
        chosen = chosen_levels(model.grid.levels.centres, levels, depth)
        return OnModelGrid(model, names, chosen, _own_layout(model, names, chosen))
    chosen = chosen_levels(np.asarray(decoder.axes[0], float), levels, depth)
    return OnTarget(decoder, names, chosen, _target_layout(decoder, names, chosen))


def require_known(names: Sequence[str], known: Sequence[str], option: str) -> tuple[str, ...]:
    """`names`, each once.  Raises UserError for one that is not among `known`, and if there are none."""
    for name in names:
        if name not in known:
            raise UserError(f"{option} contains {name!r}; {suggestion(name, known)}")
    if not names:
        raise UserError(f"{option} is empty; expected some of {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def _level_of(name: str) -> str:
    variable = VARIABLES.get(name, TRACER)
    return ("lev_w" if variable.place == "W" else "lev") if variable.levels else ""


def _raw_names(model: OceanModel, names: Sequence[str]) -> tuple[str, ...]:
    """The model's fields from which the CF variables `names` are made."""
    needed = {raw for name in names for raw in _NEEDED.get(name, (_RAW.get(name, name),))}
    if output.uses_teos10(model.config) and needed & {"temperature", "salinity"}:
        needed |= {"temperature", "salinity"}
    return tuple(sorted(needed))


def chosen_levels(centres: np.ndarray, levels: Sequence[int] | None, depth: float | None) -> np.ndarray:
    """Numbers of the levels at depths `centres` that `--levels` and `--depth` (m) keep.  Raises UserError."""
    number = len(centres)
    chosen = np.arange(number) if levels is None else np.array(sorted(set(levels)), int)
    if levels is not None and (not len(chosen) or chosen[0] < 0 or chosen[-1] >= number):
        raise UserError(f"--levels is {' '.join(map(str, levels))}; expected some of 0 to {number - 1}")
    if depth is not None:
        chosen = chosen[centres[chosen] <= depth]
        if not len(chosen):
            raise UserError(f"--depth is {depth:g} m; expected at least {centres.min():g} m, the uppermost level")
    return chosen


def _own_layout(model: OceanModel, names: tuple[str, ...], levels: np.ndarray) -> xr.Dataset:
    grid, config = model.grid, model.config
    static = output.static_dataset(grid, config).isel(lev=levels, lev_w=levels)
    variables = {}
    for name in names:
        variable = VARIABLES.get(name, TRACER)
        dims = output.dimensions(variable, grid.geometry.spherical)
        empty = np.broadcast_to(np.float32(np.nan), [static.sizes[d] for d in dims])
        variables[name] = (dims, empty, output.attributes(name, config, None))
    return static.merge(xr.Dataset(variables), combine_attrs="override")


def _target_layout(decoder: Decoder, names: tuple[str, ...], levels: np.ndarray) -> xr.Dataset:
    shape = tuple(len(axis) for axis in (decoder.boxes.z, decoder.boxes.y, decoder.boxes.x))
    raw = _raw_names(decoder.model, names)
    empty = {n: np.zeros(shape[1:] if n == "sea_surface_height" else shape, np.float32) for n in raw}
    described = decoder.described(empty, ())[list(names)].isel(depth=levels, missing_dims="ignore")
    config = decoder.model.config
    return described.assign_attrs(
        title=config.name, comment=config.description, experiment=config.name, Conventions="CF-1.10"
    )
