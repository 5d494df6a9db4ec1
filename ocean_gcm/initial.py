"""The state at the start: analytic stratifications, flows in balance, and files."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pydantic
from pydantic import Field

from ocean_gcm.climatology import zonal
from ocean_gcm.dynamics.equation_of_state import EquationOfStateConfig, build_equation_of_state
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section

Interval = tuple[float, float]


class UniformInitial(Section):
    """Rest, the same water everywhere."""

    kind: Literal["uniform"]
    temperature: float = Field(10.0, description="degC")
    salinity: float = Field(35.0, ge=0, description="g kg-1")


class LinearInitial(Section):
    """Rest, temperature and salinity linear in depth."""

    kind: Literal["linear"]
    surface_temperature: float = Field(20.0, description="temperature at the surface in degC")
    temperature_gradient: float = Field(0.01, description="fall of the temperature with depth in K m-1")
    surface_salinity: float = Field(35.0, ge=0, description="salinity at the surface in g kg-1")
    salinity_gradient: float = Field(0.0, description="rise of the salinity with depth in g kg-1 m-1")


class ExponentialInitial(Section):
    """Rest, a thermocline: the temperature decays from its surface value to the abyssal one."""

    kind: Literal["exponential"]
    surface_temperature: float = Field(25.0, description="temperature at the surface in degC")
    abyssal_temperature: float = Field(2.0, description="temperature far below the thermocline in degC")
    scale: float = Field(800.0, gt=0, description="depth over which the difference falls to 1/e, in m")
    salinity: float = Field(35.0, ge=0, description="g kg-1")


class ZonalInitial(Section):
    """Rest, an Earth-like temperature and salinity that depend on latitude and depth; needs a sphere."""

    kind: Literal["zonal"]


class AccInitial(Section):
    """Rest, temperature (1 - depth/scale) times its surface value (the idealised ACC set-up)."""

    kind: Literal["acc"]
    surface_temperature: float = Field(15.0, description="temperature at the surface in degC")
    scale: float = Field(1804.0, gt=0, description="depth at which the temperature is 0 degC, in m")
    salinity: float = Field(35.0, ge=0, description="g kg-1")


class ChannelInitial(Section):
    """A zonal front on a linear stratification, with its thermal wind and a perturbation that breaks the symmetry."""

    kind: Literal["channel"]
    surface_temperature: float = Field(20.0, description="temperature at the surface, in the middle, in degC")
    temperature_gradient: float = Field(0.008, description="fall of the temperature with depth in K m-1")
    front_difference: float = Field(4.0, description="southern minus northern temperature at the surface in K")
    front_width: float | None = Field(
        None, gt=0, description="width of the front in degrees or m; null spreads it evenly from wall to wall (Eady)"
    )
    front_scale: float | None = Field(
        None, gt=0, description="depth over which the front falls to 1/e in m; null: the same front at all depths"
    )
    salinity: float = Field(35.0, ge=0, description="g kg-1")
    perturbation: float = Field(0.01, ge=0, description="amplitude of the temperature perturbation in K")
    wave_numbers: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 2, 3, 4, 5, 6), description="numbers of waves along x in the perturbation (1)"
    )
    balanced: bool = Field(True, description="start with the thermal wind, at rest at the bottom; otherwise at rest")


class LockExchangeInitial(Section):
    """Rest, cold water west of a lock and warm water east of it."""

    kind: Literal["lock_exchange"]
    west_temperature: float = Field(5.0, description="degC")
    east_temperature: float = Field(30.0, description="degC")
    lock: float | None = Field(None, description="x of the lock in degrees or m; null: the middle of the domain")
    salinity: float = Field(35.0, ge=0, description="g kg-1")


class FileInitial(Section):
    """Rest, temperature and salinity from a file on any grid."""

    kind: Literal["file"]
    path: str = Field(description="NetCDF or Zarr; $NAME stands for environment variables")
    temperature: str = Field(description="name of the temperature, in degC or K in the file")
    salinity: str = Field(description="name of the salinity, in g kg-1 or practical in the file")
    record: Annotated[int, Field(ge=0)] | Literal["mean"] = Field(
        "mean", description="record of the time axis, from 0 (a number), or the mean of all"
    )
    missing: Literal["error", "nearest"] = Field(
        "error", description="wet points without a value in the file: refuse them, or take the nearest value"
    )


InitialConfig = Annotated[
    UniformInitial
    | LinearInitial
    | ExponentialInitial
    | ZonalInitial
    | AccInitial
    | ChannelInitial
    | LockExchangeInitial
    | FileInitial,
    Field(discriminator="kind"),
]


class UniformTracer(Section):
    """The same concentration everywhere."""

    kind: Literal["uniform"] = "uniform"
    value: float = Field(1.0, description="concentration (1)")


class BoxTracer(Section):
    """One concentration inside a box, another outside."""

    kind: Literal["box"]
    value: float = Field(1.0, description="concentration inside (1)")
    background: float = Field(0.0, description="concentration outside (1)")
    x: Interval | None = Field(None, description="western and eastern side in degrees or m; null: all")
    y: Interval | None = Field(None, description="southern and northern side in degrees or m; null: all")
    depth: Interval | None = Field(None, description="upper and lower side in m; null: all")


TracerConfig = Annotated[UniformTracer | BoxTracer, Field(discriminator="kind")]


def initial_fields(
    config: pydantic.BaseModel,
    grid: Grid,
    equation_of_state: EquationOfStateConfig,
    *,
    gravity: float = 9.81,
    reference_density: float = 1026.0,
) -> dict[str, np.ndarray]:
    """Host arrays (float64) by the names of `state.Ocean`, 0 on land: temperature and salinity (nz, ny, nx) always; u
    (at U) and sea_surface_height (ny, nx) where the state is not at rest.  m s-1, m, degC, g kg-1.

    `gravity` (m s-2) and `reference_density` (kg m-3) enter the thermal wind.  Raises UserError for kinds that the grid
    does not allow, and for what is wrong with a file.
    """
    if isinstance(config, FileInitial):
        from ocean_gcm.data import climatology  # files are opened only by those who ask for one

        return climatology.read_tracers(
            config.path,
            grid,
            temperature=config.temperature,
            salinity=config.salinity,
            record=config.record,
            equation_of_state=equation_of_state.kind,
            missing=config.missing,
        )
    if isinstance(config, ChannelInitial):
        eos = build_equation_of_state(equation_of_state, reference_density)
        return _channel(config, grid, eos, gravity, reference_density)
    if isinstance(config, ZonalInitial):
        temperature, salinity = _zonal(grid, equation_of_state.kind)
    else:
        temperature, salinity = _stratification(config, grid)
    return _on_wet_cells(grid, temperature, salinity)


def tracer_field(config: UniformTracer | BoxTracer, grid: Grid) -> np.ndarray:
    """(nz, ny, nx) initial concentration of a passive tracer, 0 on land."""
    if isinstance(config, UniformTracer):
        return np.where(grid.mask, config.value, 0.0)
    inside = grid.mask.copy()
    coordinates = {"x": grid.geometry.x["T"], "y": grid.geometry.y["T"], "depth": grid.centre_depth}
    for name, values in coordinates.items():
        sides = getattr(config, name)
        if sides is not None:
            inside &= (values >= sides[0]) & (values <= sides[1])
    if not inside.any():
        raise UserError("a tracer of kind box has no wet cell inside its box; expected sides within the domain")
    return np.where(inside, config.value, np.where(grid.mask, config.background, 0.0))


def _on_wet_cells(grid: Grid, temperature, salinity) -> dict[str, np.ndarray]:
    return {"temperature": np.where(grid.mask, temperature, 0.0), "salinity": np.where(grid.mask, salinity, 0.0)}


def _stratification(config, grid: Grid):
    """(temperature, salinity) of the kinds that are at rest and know no latitude; they broadcast to (nz, ny, nx)."""
    depth = grid.centre_depth
    if isinstance(config, UniformInitial):
        return config.temperature, config.salinity
    if isinstance(config, LinearInitial):
        return (
            config.surface_temperature - config.temperature_gradient * depth,
            config.surface_salinity + config.salinity_gradient * depth,
        )
    if isinstance(config, ExponentialInitial):
        difference = config.surface_temperature - config.abyssal_temperature
        return config.abyssal_temperature + difference * np.exp(-depth / config.scale), config.salinity
    if isinstance(config, AccInitial):
        return config.surface_temperature * (1.0 - depth / config.scale), config.salinity
    x = grid.geometry.x["T"]
    lock = 0.5 * (x.min() + x.max()) if config.lock is None else config.lock
    return np.where(x < lock, config.west_temperature, config.east_temperature), config.salinity


def _zonal(grid: Grid, equation_of_state: str):
    if not grid.geometry.spherical:
        raise UserError("initial.kind is 'zonal', which needs latitudes; expected grid.geometry sphere, found plane")
    from ocean_gcm.data.climatology import to_model_kinds

    latitude = grid.geometry.y["T"]
    return to_model_kinds(
        zonal.temperature(latitude, grid.centre_depth), zonal.salinity(latitude, grid.centre_depth), equation_of_state
    )


def _channel(
    config: ChannelInitial, grid: Grid, equation_of_state, gravity: float, reference_density: float
) -> dict[str, np.ndarray]:
    y, depth = grid.geometry.y["T"], grid.centre_depth
    south = y[0, 0] - (grid.geometry.y["V"][0, 0] - y[0, 0])
    across = (y - south) / (grid.geometry.y["V"][-1, 0] - south)  # 0 to 1 from wall to wall
    if config.front_width is None:
        front = config.front_difference * (0.5 - across)
    else:
        middle = 0.5 * (south + grid.geometry.y["V"][-1, 0])
        front = -0.5 * config.front_difference * np.tanh(2.0 * (y - middle) / config.front_width)
    below = 1.0 if config.front_scale is None else np.exp(-depth / config.front_scale)
    temperature = config.surface_temperature - config.temperature_gradient * depth + front * below
    fields = {}
    if config.balanced:
        salinity = np.full_like(temperature, config.salinity)
        fields = thermal_wind(grid, temperature, salinity, equation_of_state, gravity, reference_density)
    phase = np.arange(grid.shape[2]) / grid.shape[2]
    # fixed phases, spread by the golden ratio, so that the waves do not add up in one place
    waves = [np.cos(2.0 * np.pi * (n * phase + 0.618034 * k)) for k, n in enumerate(config.wave_numbers)]
    noise = config.perturbation * np.sum(waves, 0) / max(len(waves), 1) * np.sin(np.pi * across)
    return {**fields, **_on_wet_cells(grid, temperature + noise, config.salinity)}


def thermal_wind(
    grid: Grid, temperature, salinity, equation_of_state, gravity: float, reference_density: float
) -> dict[str, np.ndarray]:
    """Zonal flow in geostrophic balance with a stratification that does not vary along x, at rest at the sea floor.

    Returns u (nz, ny, nx) in m s-1 at U and sea_surface_height (ny, nx) in m, of zero mean.  Raises UserError where the
    Coriolis parameter vanishes.
    """
    f = grid.geometry.coriolis["U"]
    if (np.abs(f) < 1e-9).any():
        raise UserError("initial.balanced needs rotation everywhere; the Coriolis parameter is 0 in the domain")
    if grid.shape[1] < 2:
        raise UserError(f"initial.balanced needs grid.ny of at least 2, found {grid.shape[1]}")
    density = np.asarray(equation_of_state.density_anomaly(temperature, salinity, grid.centre_depth), float)
    # from centre to centre, as the model integrates
    steps = 0.25 * (density[1:] + density[:-1]) * (grid.thickness[1:] + grid.thickness[:-1])
    first = 0.5 * density[:1] * grid.thickness[:1]
    pressure = gravity * np.concatenate([first, first + np.cumsum(steps, 0)])
    bottom = np.maximum(grid.bottom_level, 0)[None]
    at_floor = np.take_along_axis(pressure + 0.5 * gravity * density * grid.thickness, bottom, 0)[0]
    height = -np.where(grid.wet, at_floor, 0.0) / (reference_density * gravity)
    height = np.where(grid.wet, height - height[grid.wet].mean(), 0.0)
    total = pressure + reference_density * gravity * height
    metres = np.concatenate([[0.0], np.cumsum(grid.geometry.dy["V"][:-1, 0])])
    u = -np.gradient(total, metres, axis=1) / (reference_density * f)
    return {"u": np.where(grid.mask_u, u, 0.0), "sea_surface_height": height}
