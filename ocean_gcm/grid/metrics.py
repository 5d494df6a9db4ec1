"""The grid on the device: static arrays without halo, and the same as padded `Field`s for use in a step."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.stored import stored, stored_derivatives
from ocean_gcm.grid.topology import Topology
from ocean_gcm.grid.wet import over_wet

_LEVELS = {2: "s", 3: "c"}


def device_arrays(grid: Grid, dtype) -> dict[str, jax.Array]:
    """Arrays of the grid without halo, by name, (ny, nx) or (nz, ny, nx).

    The last letter of a name is the place (t, u, v, f); `mask_w` lies at T/w.  Units: m, m2, s-1.
    """
    geometry = grid.geometry
    arrays = {}
    for place in "tuvf":
        arrays[f"dx_{place}"] = geometry.dx[place.upper()]
        arrays[f"dy_{place}"] = geometry.dy[place.upper()]
        arrays[f"area_{place}"] = geometry.area[place.upper()]
        arrays[f"coriolis_{place}"] = geometry.coriolis[place.upper()]
    arrays["thickness_t"], arrays["thickness_u"], arrays["thickness_v"] = (
        grid.thickness,
        grid.thickness_u,
        grid.thickness_v,
    )
    arrays["mask_t"], arrays["mask_u"], arrays["mask_v"], arrays["mask_f"] = (
        grid.mask,
        grid.mask_u,
        grid.mask_v,
        grid.mask_f,
    )
    above = np.concatenate([np.zeros_like(grid.mask[:1]), grid.mask[:-1]])
    arrays["mask_w"] = grid.mask & above
    return {name: jnp.asarray(np.asarray(a, float), dtype) for name, a in arrays.items()}


@dataclasses.dataclass(frozen=True)
class Metrics:
    """Static fields with halo; reciprocals are stored where the step would divide.

    dx_*, dy_*, area_*, coriolis_*: by place.  thickness_* (at rest), mask_*: 3-D; mask_w at T/w is 1 on faces between
    two wet cells.  depth_t, depth_u, depth_v: column depth at rest; inv_depth_* its reciprocal, 0 on land.
    surface_mask_t, _u, _v: (y, x).
    """

    halo: int
    topology: Topology
    fields: dict[str, Field]
    _never: jax.Array = dataclasses.field(init=False, repr=False)
    """A comparison that is false, which the compiler cannot know: made once, used at hundreds of places."""

    def __post_init__(self):
        object.__setattr__(self, "_never", self.fields["area_t"].data[0, 0] < 0)

    def materialize(self, tree):
        """The same fields or arrays, computed once and stored, see `stored`."""
        return stored(tree, self._never)

    def materialize_cotangents(self, tree):
        """The same fields or arrays, whose derivatives, not they themselves, are computed once and stored.

        The reverse of reading neighbours is a sum over neighbours, for each of which XLA on CPU would compute the
        derivative of what was read again.
        """
        return stored_derivatives(tree, self._never)

    def __getattr__(self, name: str) -> Field:
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(name) from None


def padded(arrays: dict[str, jax.Array], topology: Topology, halo: int) -> Metrics:
    """Metrics with halo from `device_arrays` (of this device's part of the grid).

    Geometry is continued beyond walls, masks and thickness are zero there.
    """
    fields = {}
    for name, array in arrays.items():
        fill = "zero" if name.startswith(("mask", "thickness")) else "edge"
        place = name.rsplit("_", 1)[1]
        level = "w" if place == "w" else _LEVELS[array.ndim]
        place = "T" if place == "w" else place.upper()
        fields[name] = Field(topology.pad(array, halo, fill), place, level, -halo, -halo)
    for place in "tuvf":
        for kind in ("dx", "dy", "area"):
            fields[f"inv_{kind}_{place}"] = fields[f"{kind}_{place}"].map(lambda a: 1.0 / a)
    for place in "tuv":
        thickness = fields[f"thickness_{place}"]
        depth = thickness.map(lambda h: jnp.sum(h, 0)).at(level="s")
        fields[f"depth_{place}"] = depth
        fields[f"inv_depth_{place}"] = depth.map(over_wet)
        fields[f"surface_mask_{place}"] = fields[f"mask_{place}"].map(lambda m: m[0]).at(level="s")
    return Metrics(halo, topology, fields)
