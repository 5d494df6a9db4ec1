"""Conservative coarsening of a C-grid by whole blocks of cells and whole layers.

With blocks B of f x f columns and groups of layers, V the volume, A the area and h the thickness of fine cells:

    tracer          C_B = sum_B V C / sum_B V
    sea level       eta_B = sum_B A eta / sum_B A                              (wet columns)
    eastern face    u_B = sum u h_u dy_u / (h_u dy_u)_B                        (fine faces that lie on the coarse one)
    northern face   v_B = sum v h_v dx_v / (h_v dx_v)_B

so that the divergence of the coarse transports is the sum of that of the fine ones (the mimetic restriction of e.g.
Adcroft and Marshall 1998).  Everything is float64 numpy on the host.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from ocean_gcm.grid import bathymetry
from ocean_gcm.grid.geometry import Geometry
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.levels import Levels

_SMALLEST_BASIN = 2  # cells; that of a configuration that says nothing else


def block_sum(array: np.ndarray, factor: int) -> np.ndarray:
    """(..., ny, nx) -> (..., ny/factor, nx/factor): sums over blocks of columns."""
    *rest, ny, nx = array.shape
    return array.reshape(*rest, ny // factor, factor, nx // factor, factor).sum((-3, -1))


def east_sum(array: np.ndarray, factor: int) -> np.ndarray:
    """Sums over the eastern faces (..., ny, nx) that lie on the eastern face of each block."""
    on_faces = array[..., factor - 1 :: factor]
    *rest, ny, nx = on_faces.shape
    return on_faces.reshape(*rest, ny // factor, factor, nx).sum(-2)


def north_sum(array: np.ndarray, factor: int) -> np.ndarray:
    """Sums over the northern faces (..., ny, nx) that lie on the northern face of each block."""
    on_faces = array[..., factor - 1 :: factor, :]
    *rest, ny, nx = on_faces.shape
    return on_faces.reshape(*rest, ny, nx // factor, factor).sum(-1)


def layer_sum(array: np.ndarray, layers: int) -> np.ndarray:
    """(..., nz, ny, nx) -> (..., nz/layers, ny, nx): sums over groups of layers."""
    *rest, nz, ny, nx = array.shape
    return array.reshape(*rest, nz // layers, layers, ny, nx).sum(-3)


def coarse_grid(fine: Grid, geometry: Geometry, factor: int, layers: int = 1, wet_fraction: float = 0.5) -> Grid:
    """The grid of the blocks.

    A cell is wet where at least `wet_fraction` of its area is; basins of one cell become land.  Its thickness is the
    volume of its water over the area of the water, and that of the whole layer above the lowest cell of a column, so
    that a model can have the same grid from the depth alone.

    Args:
      fine: the grid to coarsen.
      geometry: horizontal geometry of the blocks.
      factor, layers: cells of a block along x and y, and layers that become one; they divide the sizes of `fine`.
      wet_fraction: 0 to 1.
    """
    levels = Levels(fine.levels.thickness.reshape(-1, layers).sum(1))
    merged = layer_sum(fine.thickness, layers)
    area = fine.geometry.area["T"]
    wet_area = block_sum(area * (merged > 0), factor)
    volume = block_sum(area * merged, factor)
    wet = (wet_area > 0) & (wet_area >= wet_fraction * block_sum(area, factor) * (1 - 1e-12))
    topology = geometry.topology
    labels, sizes = bathymetry.basins(wet[0], topology.periodic_x, topology.periodic_y)
    wet &= sizes[labels] >= _SMALLEST_BASIN
    full = np.broadcast_to(levels.thickness[:, None, None], wet.shape)
    below = np.concatenate([wet[1:], np.zeros_like(wet[:1])])
    mean = np.minimum(volume / np.where(wet_area > 0, wet_area, 1.0), full)
    mean = np.where(np.isclose(mean, full, rtol=1e-12), full, mean)
    return Grid(geometry, levels, np.where(wet, np.where(below, full, mean), 0.0))


@dataclasses.dataclass(frozen=True, eq=False)
class Coarsening:
    """Takes fields of the grid `fine` to the grid `coarse`, whose cells are blocks of `factor` x `factor` columns and
    of `layers` layers.  Fields have any leading axes, land is 0; results have the type of what they are made from.
    """

    fine: Grid
    coarse: Grid
    factor: int
    layers: int = 1

    def __call__(self, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Fields by the model's names: u, v, sea_surface_height, and tracers (temperature, salinity, any other).

        With the sea surface height among them, tracers are weighted with the volumes under it (z*), otherwise with
        those at rest.
        """
        height = fields.get("sea_surface_height")
        own = {"u": self.u, "v": self.v, "sea_surface_height": self.sea_surface_height}
        return {name: own[name](array) if name in own else self.tracer(array, height) for name, array in fields.items()}

    def tracer(self, tracer: np.ndarray, sea_surface_height: np.ndarray | None = None) -> np.ndarray:
        """Volume-weighted mean over the wet cells of each block: (..., nz, ny, nx) at T."""
        volume = self.fine.volume
        if sea_surface_height is not None:
            depth = np.where(self.fine.wet, self.fine.depth, 1.0)
            stretching = 1.0 + np.where(self.fine.wet, sea_surface_height, 0.0) / depth
            volume = volume * stretching[..., None, :, :]
        weight = self._block(volume)
        content = self._block(volume * np.where(self.fine.mask, tracer, 0.0))
        mean = content / np.where(weight > 0, weight, 1.0)
        return np.where(self.coarse.mask, mean, 0.0).astype(tracer.dtype)

    def sea_surface_height(self, height: np.ndarray) -> np.ndarray:
        """Area-weighted mean over the wet columns of each block: (..., ny, nx) at T."""
        area = self.fine.geometry.area["T"] * self.fine.wet
        weight = block_sum(area, self.factor)
        mean = block_sum(np.where(self.fine.wet, height, 0.0) * area, self.factor) / np.where(weight > 0, weight, 1.0)
        return np.where(self.coarse.wet, mean, 0.0).astype(height.dtype)

    def u(self, u: np.ndarray) -> np.ndarray:
        """Transport through the coarse eastern faces over their area at rest: (..., nz, ny, nx) at U."""
        length = self.fine.geometry.dy["U"]
        flux = east_sum(layer_sum(self.fine.thickness_u * length * np.asarray(u, float), self.layers), self.factor)
        return _over(flux, self.coarse.thickness_u * self.coarse.geometry.dy["U"]).astype(u.dtype)

    def v(self, v: np.ndarray) -> np.ndarray:
        """Transport through the coarse northern faces over their area at rest: (..., nz, ny, nx) at V."""
        length = self.fine.geometry.dx["V"]
        flux = north_sum(layer_sum(self.fine.thickness_v * length * np.asarray(v, float), self.layers), self.factor)
        return _over(flux, self.coarse.thickness_v * self.coarse.geometry.dx["V"]).astype(v.dtype)

    def lost_fraction(self) -> float:
        """Part of the fine volume that lies in land of the coarse grid."""
        volume = self._block(self.fine.volume)
        return float(volume[~self.coarse.mask].sum() / volume.sum())

    def _block(self, array: np.ndarray) -> np.ndarray:
        return block_sum(layer_sum(array, self.layers), self.factor)


def _over(flux: np.ndarray, area: np.ndarray) -> np.ndarray:
    return np.where(area > 0, flux / np.where(area > 0, area, 1.0), 0.0)
