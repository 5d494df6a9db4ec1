"""Figures of the page on the observed 4-degree ocean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocean_gcm import plot
from ocean_gcm.figures import maps, sections, series, style
from ocean_gcm.metrics import means

if TYPE_CHECKING:
    from eval.global_4deg import Study

Fields = dict[str, np.ndarray]


def draw_all(study: Study, values: Fields, final: Fields, folder: Path) -> dict[str, Path]:
    """All figures by caption; `values` are the yearly series, `final` the mean fields at the end."""
    with style.look():
        return _draw_all(study, values, final, folder)


def _draw_all(study: Study, values: Fields, final: Fields, folder: Path) -> dict[str, Path]:
    grid = study.run.grid
    when = study.period
    surface = {
        "sst": ("Sea surface temperature", "temperature", study.sst, "°C", "K"),
        "sss": ("Sea surface salinity", "salinity", study.sss, "", ""),
    }
    images = {}
    for name, (title, field, target, unit, difference_unit) in surface.items():
        caption = f"{title}, {when}, and its difference from the annual mean of the restoring climatology"
        units = unit, difference_unit
        images[caption] = draw_with_error(folder / f"{name}.png", grid, final[field][0], target, title, field, units)
    images[f"Sea surface height, {when}"] = plot.draw_sea_level(folder / "ssh.png", grid, final, when)
    images[f"Barotropic streamfunction, {when}; clockwise circulation is positive"] = (
        plot.draw_barotropic_streamfunction(folder / "barotropic_streamfunction.png", grid, final, when)
    )
    images[f"Overturning by the resolved flow, {when}; positive cells turn clockwise with north to the right"] = (
        plot.draw_overturning(folder / "overturning.png", grid, final, when)
    )
    for field, unit, difference_unit in (("temperature", "°C", "K"), ("salinity", "", "")):
        caption = f"Zonal-mean {field}, {when}, and its differences from Levitus and from WOA18 where these have data"
        path = folder / f"zonal_mean_{field}.png"
        images[caption] = draw_zonal_errors(path, study, final[field], field, (unit, difference_unit))
    images["Yearly means; grey: the range asked for"] = draw_yearly(folder / "time_series.png", study.years, values)
    return images


def draw_picture(path: Path, study: Study, final: Fields) -> Path:
    """One picture of the whole: surface temperature, barotropic streamfunction, Atlantic overturning, zonal means."""
    grid = study.run.grid
    frame = maps.frame_of(grid)
    with style.look():
        figure, axes = style.new_figure(11.0, 5.5, 2, 2, height_ratios=[0.8, 1.0])
        (left, right), (lower_left, lower_right) = axes
        sst = np.where(grid.wet, final["temperature"][0], np.nan)
        boundaries = style.levels(sst, percentile=1.0, number=30)
        mesh = maps.draw_map(left, frame, sst, boundaries, style.COLOURS["temperature"])
        style.colour_bar(mesh, left, "°C", style.thinned(boundaries))
        left.set_title("Sea surface temperature")
        corners = plot.barotropic_at_corners(grid, final["u"])
        boundaries = style.streamfunction_levels(corners)
        filled = maps.draw_corner_contours(right, frame, corners, boundaries, style.COLOURS["transport"])
        style.colour_bar(filled, right, "Sv", style.thinned(boundaries[1:-1], 16))
        right.set_title("Barotropic streamfunction")
        values = plot.masked_atlantic_overturning(grid, final["v"])
        boundaries = style.levels(values[grid.levels.faces > 300.0], symmetric=True, number=20)
        y, along = plot.northern_coordinate(grid)
        filled = sections.draw_overturning(lower_left, y, grid.levels.faces, values, boundaries, along=along)
        lower_left.set_xlim(y[np.isfinite(values).any(0)][0], y[-1])
        style.colour_bar(filled, lower_left, "Sv", style.thinned(boundaries))
        lower_left.set_title("Atlantic overturning")
        edges, along = plot.meridional_edges(grid)
        values = means.zonal_mean(final["temperature"], grid.volume)
        boundaries = plot.LEVELS["temperature"](values)
        palette = style.COLOURS["temperature"]
        mesh = sections.draw_section(lower_right, edges, grid.levels.faces, values, boundaries, palette, along=along)
        style.colour_bar(mesh, lower_right, "°C", style.thinned(boundaries))
        lower_right.set_title("Zonal-mean temperature")
        return style.save(figure, path)


def _label(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text


def draw_with_error(path: Path, grid, field, target, title: str, colours: str, units: tuple[str, str]) -> Path:
    """Map of a field and of its difference from `target`, one above the other."""
    frame = maps.frame_of(grid)
    width, height = maps.map_size(frame)
    figure, axes = style.new_figure(width, 2 * height, 2, 1, sharex=True)
    observed = np.where(np.isfinite(target), target, np.nan)
    difference = np.where(grid.wet, field - observed, np.nan)
    parts = (
        (
            field,
            style.levels(observed, percentile=1.0, number=30),
            style.COLOURS[colours],
            title,
            _label("model", units[0]),
        ),
        (
            difference,
            style.difference_levels(difference, percentile=2.0, number=18),
            style.COLOURS["difference"],
            f"difference from the climatology, RMSE {_rmse(difference, grid):.2f}{' ' + units[1] if units[1] else ''}",
            _label("model minus climatology", units[1]),
        ),
    )
    for axis, (values, boundaries, palette, heading, label) in zip(axes[:, 0], parts, strict=True):
        mesh = maps.draw_map(axis, frame, values, boundaries, palette)
        style.colour_bar(mesh, axis, label, style.thinned(boundaries))
        axis.set_title(heading)
    return style.save(figure, path)


def _rmse(difference: np.ndarray, grid) -> float:
    known = np.isfinite(difference)
    return float(means.root_mean_square(np.where(known, difference, 0.0), grid.geometry.area["T"] * known))


def draw_zonal_errors(path: Path, study: Study, field: np.ndarray, name: str, units: tuple[str, str]) -> Path:
    """Zonal mean of the model above its differences from the two climatologies."""
    grid = study.run.grid
    edges, along = plot.meridional_edges(grid)
    panels = [(f"Zonal-mean {name}", means.zonal_mean(field, grid.volume), style.COLOURS[name], _label(name, units[0]))]
    for climatology in (study.levitus, study.woa18):
        observed = getattr(climatology, name)
        known = np.isfinite(observed)
        difference = means.zonal_mean(np.where(known, field - observed, 0.0), grid.volume * known)
        title = f"difference from {climatology.name}"
        panels.append((title, difference, style.COLOURS["difference"], _label("model minus observed", units[1])))
    errors = np.concatenate([values.ravel() for _, values, *_ in panels[1:]])
    shared = style.difference_levels(errors, number=14)
    figure, axes = style.new_figure(7.2, 8.2, 3, 1, sharex=True)
    for index, (axis, (title, values, palette, label)) in enumerate(zip(axes[:, 0], panels, strict=True)):
        boundaries = shared if index else plot.LEVELS[name](values)
        mesh = sections.draw_section(axis, edges, grid.levels.faces, values, boundaries, palette, along=along)
        style.colour_bar(mesh, axis, label, style.thinned(boundaries))
        axis.set_title(title)
    return style.save(figure, path)


def draw_yearly(path: Path, years: np.ndarray, values: Fields) -> Path:
    labels = {
        "drake": "Drake Passage transport (Sv)",
        "amoc_max": "Atlantic overturning, maximum (Sv)",
        "amoc_26n": "Atlantic overturning at 26.5°N (Sv)",
        "drift": "volume-mean temperature minus Levitus (K)",
        "sst_bias": "mean SST minus climatology (K)",
        "sst_rmse": "SST RMSE against climatology (K)",
        "salinity": "volume-mean salinity",
        "kinetic_energy": "kinetic energy (m$^2$ s$^{-2}$)",
    }
    ranges = {
        labels["drake"]: (90, 180),
        labels["amoc_max"]: (10, 25),
        labels["amoc_26n"]: (10, 25),
        labels["drift"]: (-0.5, 0.5),
        labels["sst_bias"]: (-0.5, 0.5),
    }
    panels = {label: values[name] for name, label in labels.items()}
    return series.draw_series(path, years, panels, "Yearly means", ranges)
