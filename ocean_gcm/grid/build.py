"""The grid section of a configuration, and the grid built from it."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pydantic

from ocean_gcm.grid import bathymetry, geometry, levels
from ocean_gcm.grid.grid import Grid, build_grid
from ocean_gcm.grid.topology import Topology
from ocean_gcm.section import Section


class LevelsConfig(Section):
    """Thicknesses one by one, or a number of layers whose thickness grows geometrically from the surface down."""

    thickness: tuple[Annotated[float, pydantic.Field(gt=0)], ...] | None = pydantic.Field(
        None, min_length=1, description="thickness of each layer from the surface down in m"
    )
    number: int | None = pydantic.Field(None, ge=1, description="number of layers")
    depth: float | None = pydantic.Field(None, gt=0, description="depth of the lowest face in m")
    surface_thickness: float | None = pydantic.Field(
        None, gt=0, description="thickness of the uppermost layer in m; null makes all layers equally thick"
    )

    @pydantic.model_validator(mode="after")
    def _one_form(self):
        generated = {"number": self.number, "depth": self.depth}
        if self.thickness is not None:
            given = [name for name, value in generated.items() if value is not None]
            if given or self.surface_thickness is not None:
                raise ValueError(f"give either thickness or number and depth, found thickness and {given}")
            return self
        missing = [name for name, value in generated.items() if value is None]
        if missing:
            raise ValueError(f"{' and '.join(missing)} missing; expected thickness, or number and depth")
        if self.surface_thickness is not None and self.surface_thickness > self.depth / self.number * (1 + 1e-9):
            raise ValueError(
                f"surface_thickness = {self.surface_thickness:g} m exceeds the mean thickness depth / number = "
                f"{self.depth / self.number:g} m"
            )
        return self

    def build(self) -> levels.Levels:
        if self.thickness is not None:
            return levels.Levels(np.asarray(self.thickness, float))
        if self.surface_thickness is None:
            return levels.Levels(np.full(self.number, self.depth / self.number))
        return levels.stretched(self.number, self.depth, self.surface_thickness)


class MercatorStretching(Section):
    """Rows equally spaced in the Mercator projection: cells keep their shape towards the poles."""

    kind: Literal["mercator"]


class TanhStretching(Section):
    """Rows `factor` times finer around `centre` than far from it."""

    kind: Literal["tanh"]
    centre: float = pydantic.Field(0.0, description="y of the finest rows in degrees or m")
    width: float = pydantic.Field(gt=0, description="half width of the refined band in degrees or m")
    factor: float = pydantic.Field(2.0, ge=1, le=20, description="coarsest over finest spacing")


Stretching = Annotated[MercatorStretching | TanhStretching, pydantic.Field(discriminator="kind")]


class GridConfig(Section):
    """Horizontal and vertical grid."""

    geometry: Literal["sphere", "plane"] = pydantic.Field(description="sphere (degrees) or plane (m)")
    nx: int = pydantic.Field(ge=1, description="cells along x")
    ny: int = pydantic.Field(ge=1, description="cells along y")
    x: tuple[float, float] = pydantic.Field(description="western and eastern side in degrees or m")
    y: tuple[float, float] = pydantic.Field(description="southern and northern side in degrees or m")
    y_stretching: Stretching | None = pydantic.Field(None, description="refinement of the rows; null: equal rows")
    periodic_x: bool = pydantic.Field(False, description="the eastern side continues at the western one")
    periodic_y: bool = pydantic.Field(False, description="the northern side continues at the southern one (plane)")
    radius: float = pydantic.Field(6371000.0, gt=0, description="radius of the sphere in m")
    rotation_rate: float = pydantic.Field(7.292115e-5, description="angular speed of the sphere in s-1")
    f0: float = pydantic.Field(0.0, description="Coriolis parameter at y = 0 of a plane in s-1")
    beta: float = pydantic.Field(0.0, description="its change with y in m-1 s-1")
    levels: LevelsConfig = pydantic.Field(description="vertical levels")
    partial_cells: bool = pydantic.Field(True, description="bottom cells follow the depth; otherwise whole layers")
    minimum_cell_fraction: float = pydantic.Field(
        0.2, gt=0, le=1, description="smallest fraction of its layer that a partial cell keeps"
    )

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        for name in ("x", "y"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"{name} = [{low:g}, {high:g}] must increase")
        if self.geometry == "plane":
            if isinstance(self.y_stretching, MercatorStretching):
                raise ValueError("y_stretching.kind = mercator needs geometry = sphere, found plane")
            return self
        if self.y[0] < -90 or self.y[1] > 90:
            raise ValueError(f"y = [{self.y[0]:g}, {self.y[1]:g}] must lie between -90 and 90 degrees")
        if isinstance(self.y_stretching, MercatorStretching) and max(map(abs, self.y)) >= 90:
            raise ValueError("y_stretching.kind = mercator needs a domain without poles")
        if self.x[1] - self.x[0] > 360 + 1e-9:
            raise ValueError(f"x = [{self.x[0]:g}, {self.x[1]:g}] spans more than 360 degrees")
        if self.periodic_y:
            raise ValueError("periodic_y = true needs geometry = plane, found sphere")
        for name in ("f0", "beta"):
            if getattr(self, name) != 0.0:
                raise ValueError(f"{name} belongs to geometry = plane, found sphere (which has rotation_rate)")
        return self


def y_edges(config: GridConfig) -> np.ndarray:
    """(ny + 1,) southern sides of the rows and the northern side of the last, in degrees or m."""
    south, north = config.y
    fraction = np.linspace(0.0, 1.0, config.ny + 1)
    stretching = config.y_stretching
    if stretching is None:
        return south + fraction * (north - south)
    if isinstance(stretching, MercatorStretching):
        low, high = np.arcsinh(np.tan(np.radians(config.y)))
        edges = np.degrees(np.arctan(np.sinh(low + fraction * (high - low))))
    else:
        # rows per unit of y: 1 + (factor - 1) sech2((y - centre) / width)
        y = np.linspace(south, north, 20001)
        excess = (stretching.factor - 1.0) * stretching.width
        rows = y + excess * np.tanh((y - stretching.centre) / stretching.width)
        edges = np.interp(rows[0] + fraction * (rows[-1] - rows[0]), rows, y)
    edges[[0, -1]] = south, north
    return edges


def build_geometry(config: GridConfig) -> geometry.Geometry:
    """Horizontal geometry of `config`."""
    topology = Topology(periodic_x=config.periodic_x, periodic_y=config.periodic_y)
    x = np.linspace(*config.x, config.nx + 1)
    if config.geometry == "plane":
        return geometry.plane(x, y_edges(config), topology, f0=config.f0, beta=config.beta)
    return geometry.sphere(x, y_edges(config), topology, radius=config.radius, rotation_rate=config.rotation_rate)


def build_grid_from_config(config: GridConfig, bathymetry_config: bathymetry.BathymetryConfig) -> Grid:
    """The masked three-dimensional grid.

    Raises UserError where the bathymetry is unusable.
    """
    horizontal = build_geometry(config)
    return build_grid(
        horizontal,
        config.levels.build(),
        bathymetry.depth(bathymetry_config, horizontal),
        partial_cells=config.partial_cells,
        minimum_fraction=config.minimum_cell_fraction,
        minimum_levels=min(2, len(config.levels.build().thickness)),
    )
