"""Quick-look figures of a run directory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ocean_gcm.data.run_output import Run, open_run
from ocean_gcm.figures import maps, sections, series, style
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics import basins, means, streamfunction, summary, transport
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment
from ocean_gcm.quasi_geostrophic.figures import plot_layers
from ocean_gcm.run_directory import RunDirectory

Fields = dict[str, np.ndarray]
LEVELS = {
    "temperature": style.temperature_levels,
    "salinity": functools.partial(style.levels, percentile=1.0, number=20),
}


def plot_run(directory: str | Path, destination: str | Path | None = None) -> list[Path]:
    """Draw the last record of a run and its time series; return the paths of the PNGs.

    Figures whose variables the output lacks are left out.  They go to `destination`, by default the directory's
    `figures/`.  Raises UserError if the directory is no run directory or has no output yet.
    """
    folder = Path(directory) / "figures" if destination is None else Path(destination)
    place = RunDirectory(Path(directory))
    if place.config.exists():
        config = place.read_config()
        if isinstance(config, LayersExperiment):
            return plot_layers(place, config, folder)
    run = open_run(directory)
    fields = run.fields(-1)
    years = run.years()
    when = f"{run.name}, {_period(run)}"
    paths = []
    with style.look():
        for name, (needed, draw) in FIGURES.items():
            if needed <= set(fields):
                paths.append(draw(folder / f"{name}.png", run.grid, fields, when))
        panels = time_series(run)
        if panels and len(years) > 1:
            paths.append(series.draw_series(folder / "time_series.png", years, panels, run.name))
    return paths


def _period(run: Run) -> str:
    """What the last record stands for, such as "mean of day 150 to 180" or "year 10"."""
    end = run.years()[-1]
    start = run.years(bound=0)[-1]
    unit, factor = ("year", 1.0) if end > 2.0 else ("day", run.days_per_year)
    if start == end:
        return f"{unit} {end * factor:.4g}"
    return f"mean of {unit} {start * factor:.4g} to {end * factor:.4g}"


def draw_scalar_map(
    path: Path, grid: Grid, field: np.ndarray, title: str, label: str, colours, *, symmetric: bool = False
) -> Path:
    """Map of (ny, nx) with a colour bar."""
    frame = maps.frame_of(grid)
    figure, axes = style.new_figure(*maps.map_size(frame))
    wet = np.where(grid.wet, field, np.nan)
    boundaries = style.levels(wet, symmetric=symmetric, number=20 if symmetric else 30, percentile=1.0)
    mesh = maps.draw_map(axes[0, 0], frame, field, boundaries, colours)
    style.colour_bar(mesh, axes[0, 0], label, style.thinned(boundaries))
    axes[0, 0].set_title(title)
    return style.save(figure, path)


def draw_surface_temperature(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    label, colours = "sea surface temperature (°C)", style.COLOURS["temperature"]
    return draw_scalar_map(path, grid, fields["temperature"][0], f"Sea surface temperature: {when}", label, colours)


def draw_surface_salinity(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    label, colours = "sea surface salinity", style.COLOURS["salinity"]
    return draw_scalar_map(path, grid, fields["salinity"][0], f"Sea surface salinity: {when}", label, colours)


def draw_sea_level(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    area = grid.geometry.area["T"] * grid.wet
    anomaly = fields["sea_surface_height"] - means.area_mean(fields["sea_surface_height"], area)
    label, colours = "height above the mean (m)", style.COLOURS["sea_level"]
    return draw_scalar_map(path, grid, anomaly, f"Sea surface height: {when}", label, colours, symmetric=True)


def draw_surface_currents(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    """Speed and direction in the uppermost level."""
    u, v = centred_velocity(grid, fields["u"][0], fields["v"][0])
    frame = maps.frame_of(grid)
    figure, axes = style.new_figure(*maps.map_size(frame))
    speed = np.where(grid.wet, np.hypot(u, v), np.nan)
    boundaries = style.levels(100 * speed, percentile=1.0)
    boundaries = boundaries[boundaries >= 0]
    mesh = maps.draw_map(axes[0, 0], frame, 100 * speed, boundaries, style.COLOURS["speed"])
    maps.draw_arrows(axes[0, 0], frame, u, v)
    style.colour_bar(mesh, axes[0, 0], "speed (cm s$^{-1}$)", style.thinned(boundaries))
    axes[0, 0].set_title(f"Surface currents: {when}")
    return style.save(figure, path)


def draw_barotropic_streamfunction(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    corners = barotropic_at_corners(grid, fields["u"])
    frame = maps.frame_of(grid)
    figure, axes = style.new_figure(*maps.map_size(frame))
    boundaries = style.streamfunction_levels(corners)
    filled = maps.draw_corner_contours(axes[0, 0], frame, corners, boundaries, style.COLOURS["transport"])
    style.colour_bar(filled, axes[0, 0], "transport (Sv), clockwise positive", boundaries[1:-1])
    axes[0, 0].set_title(f"Barotropic streamfunction: {when}")
    return style.save(figure, path)


def draw_overturning(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    """Of the whole domain and, on a globe, of the Atlantic."""
    panels = {"Global overturning" if summary.is_global(grid) else "Overturning": global_overturning(grid, fields["v"])}
    if summary.is_global(grid):
        panels["Atlantic overturning"] = masked_atlantic_overturning(grid, fields["v"])
    figure, axes = style.new_figure(7.2, 2.9 * len(panels) + 0.3, len(panels), 1)
    y, along = northern_coordinate(grid)
    for axis, (name, values) in zip(axes[:, 0], panels.items(), strict=True):
        deep = grid.levels.faces > 300.0
        chosen = values[deep] if deep.sum() > 3 else values  # the wind-driven cells near the surface may be cut
        boundaries = style.levels(chosen, symmetric=True, number=20)
        filled = sections.draw_overturning(axis, y, grid.levels.faces, values, boundaries, along=along)
        style.colour_bar(filled, axis, "Sv", style.thinned(boundaries))
        if name.startswith("Atlantic"):
            axis.set_xlim(y[np.isfinite(values).any(0)][0], y[-1])
        axis.set_title(f"{name}: {when}")
    return style.save(figure, path)


def draw_zonal_means(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    """Means along x of temperature and salinity."""
    figure, axes = style.new_figure(7.2, 5.8, 2, 1, sharex=True)
    edges, along = meridional_edges(grid)
    labels = {"temperature": "temperature (°C)", "salinity": "salinity"}
    for axis, (name, label) in zip(axes[:, 0], labels.items(), strict=True):
        values = means.zonal_mean(fields[name], grid.volume)
        boundaries = LEVELS[name](values)
        mesh = sections.draw_section(
            axis, edges, grid.levels.faces, values, boundaries, style.COLOURS[name], along=along
        )
        style.colour_bar(mesh, axis, label, style.thinned(boundaries))
        axis.set_title(f"Zonal-mean {name}: {when}")
    return style.save(figure, path)


def draw_section(path: Path, grid: Grid, fields: Fields, when: str) -> Path:
    """Temperature along x at 30N, or through the middle of a domain without that latitude."""
    geometry = grid.geometry
    y = geometry.y["T"][:, 0]
    inside = geometry.spherical and y[0] < 30.0 < y[-1]
    row = int(np.argmin(np.abs(y - (30.0 if inside else 0.5 * (y[0] + y[-1])))))
    frame = maps.frame_of(grid)
    values = frame.roll(np.where(grid.mask[:, row], fields["temperature"][:, row], np.nan))
    boundaries = LEVELS["temperature"](values)
    along = "longitude" if geometry.spherical else "x"
    figure, axes = style.new_figure(7.2, 3.0)
    colours = style.COLOURS["temperature"]
    mesh = sections.draw_section(axes[0, 0], frame.x_edges, grid.levels.faces, values, boundaries, colours, along=along)
    style.colour_bar(mesh, axes[0, 0], "temperature (°C)", style.thinned(boundaries))
    place = f"{abs(y[row]):g}°{'N' if y[row] >= 0 else 'S'}" if geometry.spherical else f"y = {y[row] / 1e3:.4g} km"
    axes[0, 0].set_title(f"Temperature at {place}: {when}")
    return style.save(figure, path)


FIGURES: dict[str, tuple[set[str], Callable[[Path, Grid, Fields, str], Path]]] = {
    "sea_surface_temperature": ({"temperature"}, draw_surface_temperature),
    "sea_surface_salinity": ({"salinity"}, draw_surface_salinity),
    "sea_surface_height": ({"sea_surface_height"}, draw_sea_level),
    "surface_currents": ({"u", "v"}, draw_surface_currents),
    "barotropic_streamfunction": ({"u"}, draw_barotropic_streamfunction),
    "overturning": ({"v"}, draw_overturning),
    "zonal_mean": ({"temperature", "salinity"}, draw_zonal_means),
    "section": ({"temperature"}, draw_section),
}


def centred_velocity(grid: Grid, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(ny, nx) means of the velocities on the two faces of each cell, land 0."""
    u, v = np.where(grid.mask_u[0], u, 0.0), np.where(grid.mask_v[0], v, 0.0)
    return 0.5 * (u + np.roll(u, 1, -1)), 0.5 * (v + np.roll(v, 1, -2))


def barotropic_at_corners(grid: Grid, u: np.ndarray) -> np.ndarray:
    """(ny + 1, nx + 1) Sv at all corners, those of the southern and western sides included."""
    dy = grid.geometry.dy["U"]
    inner = streamfunction.barotropic_streamfunction(u, grid.thickness_u, dy)
    whole = transport.zonal_transport(u, grid.thickness_u, dy)
    corners = np.concatenate([whole[None], inner], 0)
    west = corners[:, -1:] if grid.topology.periodic_x else np.zeros_like(corners[:, :1])
    return np.concatenate([west, corners], 1)


def global_overturning(grid: Grid, v: np.ndarray) -> np.ndarray:
    """(nz + 1, ny) Sv, NaN below the deepest floor of each row."""
    values = streamfunction.overturning_streamfunction(v, grid.thickness_v, grid.geometry.dx["V"])
    return _below_floor_missing(values, grid.mask_v.any(-1))


def masked_atlantic_overturning(grid: Grid, v: np.ndarray) -> np.ndarray:
    """(nz + 1, ny) Sv, NaN below the floor and outside of the basin."""
    mask = basins.atlantic_mask(grid.geometry.x["T"], grid.geometry.y["T"], grid.wet)
    faces = basins.northern_faces(mask) & grid.mask_v
    return _below_floor_missing(summary.atlantic_overturning(grid, v), faces.any(-1))


def _below_floor_missing(values: np.ndarray, wet: np.ndarray) -> np.ndarray:
    """NaN at depth faces (nz + 1, ny) that touch no wet level (nz, ny)."""
    above = np.concatenate([wet[:1], wet])
    return np.where(above, values, np.nan)


def northern_coordinate(grid: Grid) -> tuple[np.ndarray, str]:
    """(ny,) latitudes (degrees) or distances (km) of the northern faces, and the axis's name."""
    y = grid.geometry.y["V"][:, 0]
    return (y, "latitude") if grid.geometry.spherical else (y / 1e3, "y")


def meridional_edges(grid: Grid) -> tuple[np.ndarray, str]:
    """(ny + 1,) edges of the rows in degrees or km, and the axis's name."""
    edges = maps.frame_of(grid).y_edges
    return edges, "latitude" if grid.geometry.spherical else "y"


def time_series(run: Run) -> dict[str, np.ndarray]:
    """(time,) by label: the numbers that the output holds for each record."""
    labels = {
        "tosga": "sea surface temperature (°C)",
        "thetaoga": "mean temperature (°C)",
        "sosga": "sea surface salinity",
        "soga": "mean salinity",
        "zosga": "mean sea level (m)",
        "kinetic_energy": "kinetic energy (cm$^2$ s$^{-2}$)",
        "drake_passage": "Drake Passage transport (Sv)",
        "amoc_26n": "Atlantic overturning at 26.5°N (Sv)",
        "channel": "zonal transport (Sv)",
        "overturning_max": "largest overturning (Sv)",
        "gyre_max": "largest streamfunction (Sv)",
        "gyre_min": "smallest streamfunction (Sv)",
    }
    chosen = [name for name in labels if name in run.dataset]
    if "drake_passage" in chosen:
        chosen = [name for name in chosen if not name.startswith(("gyre", "overturning"))]
    elif "channel" in chosen:
        chosen = [name for name in chosen if not name.startswith("gyre")]
    factors = {"kinetic_energy": 1e4}
    return {labels[name]: run.dataset[name].values * factors.get(name, 1.0) for name in chosen}
