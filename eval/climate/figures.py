"""Pictures of a run's climate."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm

from eval.climate import diagnostics
from eval.climate.evaluation import WITH_EDDIES, Evaluation
from eval.climate.reference import zonal_error
from eval.observations.figures import depth_curves
from eval.report import charts
from eval.report.charts import Curve
from eval.report.pictures import GRID, INK, LAND, Picture, look, new_axes, picture_of
from ocean_gcm import plot
from ocean_gcm.figures import maps, sections, style
from ocean_gcm.metrics import means


def overturning_depth(found: Evaluation) -> list[Picture]:
    """Of the world and the Atlantic, against depth; of the world also with the closures' eddies if these are known."""
    grid, pictures = found.climate.grid, []
    panels = {
        "global": plot.global_overturning(grid, found.climate.fields["v"]),
        "Atlantic": plot.masked_atlantic_overturning(grid, found.climate.fields["v"]),
    }
    if f"global{WITH_EDDIES}" in found.fields:
        values = np.where(np.isfinite(panels["global"]), found.fields[f"global{WITH_EDDIES}"], np.nan)
        panels["global, with eddies"] = values
    latitude, along = plot.northern_coordinate(grid)
    for name, values in panels.items():
        deep = grid.levels.faces > 300.0
        boundaries = style.levels(values[deep], symmetric=True, number=16)
        rows = np.isfinite(values).any(0)
        with look():
            figure, axes = new_axes(4.2, 3.0)
            filled = sections.draw_overturning(axes, latitude, grid.levels.faces, values, boundaries, along=along)
            axes.set_xlim(latitude[rows][0], latitude[rows][-1])
            axes.set_facecolor(LAND)
            _bar(figure, axes, filled, boundaries, "Sv")
            title = f"Overturning against depth, {name}"
            pictures.append(picture_of(figure, _file_name("overturning_depth", name), title, f"{title}, in Sv"))
    return pictures


def overturning_density(found: Evaluation) -> list[Picture]:
    """As `overturning_depth`, against potential density, on a scale that shows deep water."""
    pictures = []
    latitude = found.climate.grid.geometry.y["V"][:, 0]
    scale = np.arange(len(diagnostics.SIGMA2))
    names = {"global_density": "global", "atlantic_density": "Atlantic"}
    names[f"global_density{WITH_EDDIES}"] = "global, with eddies"
    for key, name in names.items():
        if key not in found.fields:
            continue
        values = found.fields[key].copy()
        # beyond the lightest and the densest water of a row nothing flows
        changes = np.abs(np.diff(values, axis=0, prepend=0.0)) > 1e-6
        lighter, denser = changes.cumsum(0) > 0, changes[::-1].cumsum(0)[::-1] > 0
        values[~(lighter & denser)] = np.nan
        rows = np.isfinite(values).any(0)
        boundaries = style.levels(values, symmetric=True, number=16, percentile=1.0)
        with look():
            figure, axes = new_axes(4.2, 3.0)
            norm = style.normalisation(boundaries, style.COLOURS["transport"])
            filled = axes.contourf(
                latitude, scale, values, boundaries, cmap=style.COLOURS["transport"], norm=norm, extend="both"
            )
            axes.contour(latitude, scale, values, [0.0], colors=INK, linewidths=0.6)
            shown = (30, 33, 35, 36, 36.5, 37, 37.5)
            axes.set_yticks(np.interp(shown, diagnostics.SIGMA2, scale), [f"{s:g}" for s in shown])
            axes.set_ylim(scale[-1], scale[2])
            axes.set_xlim(latitude[rows][0], latitude[rows][-1])
            style.label_latitude(axes.xaxis)
            axes.set_ylabel(r"$\sigma_2$ (kg m$^{-3}$)")
            _bar(figure, axes, filled, boundaries, "Sv")
            title = f"Overturning against density, {name}"
            pictures.append(picture_of(figure, _file_name("overturning_density", name), title, f"{title}, in Sv"))
    return pictures


def meridional(found: Evaluation) -> list[Picture]:
    """Heat and freshwater transports by basin with the observed values at their latitudes."""
    latitude = found.climate.grid.geometry.y["V"][:, 0]
    basins = {"global": "Global", "atlantic": "Atlantic", "indopacific": "Indo-Pacific"}
    colours = dict(zip(basins, (INK, *charts.COLOURS[:2]), strict=True))
    places = {"26n": 26.5, "24n": 24.0, "30s": -30.0}
    pictures = []
    for kind, unit in (("heat", "PW"), ("freshwater", "Sv")):
        with look():
            figure, axes = new_axes(4.6, 2.9)
            axes.axhline(0.0, color=INK, linewidth=0.6, alpha=0.6)
            for basin, label in basins.items():
                values = found.fields[f"{kind}_{basin}"]
                inside = values != 0
                axes.plot(latitude[inside], values[inside], color=colours[basin], linewidth=1.5, label=label)
                both = found.fields.get(f"{kind}_{basin}{WITH_EDDIES}")
                if both is not None:
                    axes.plot(latitude[inside], both[inside], color=colours[basin], linewidth=1.2, linestyle="--")
            for quantity in found.observed.values:
                name = quantity.name.split("_")
                if quantity.name.startswith(f"{kind}_transport") and name[2] in colours:
                    for known in quantity.observed:
                        axes.errorbar(
                            places[name[3]], known.value, known.uncertainty, color=colours[name[2]], marker="o",
                            markersize=4, capsize=3, linewidth=1.2,
                        )  # fmt: skip
            style.label_latitude(axes.xaxis)
            axes.set_xlim(-80, 80)
            axes.set_ylabel(f"northward {kind} transport ({unit})")
            axes.grid(True, color=GRID)
            axes.legend(loc="best", fontsize=7.5)
            title = f"Northward {kind} transport"
            pictures.append(
                picture_of(figure, f"{kind}_transport", title, f"{title} by basin, in {unit}, observed with error bars")
            )
    return pictures


def barotropic(found: Evaluation) -> Picture:
    grid = found.climate.grid
    corners, frame = plot.barotropic_at_corners(grid, found.climate.fields["u"]), maps.frame_of(grid)
    boundaries = style.streamfunction_levels(corners)
    with look():
        figure, axes = new_axes(4.6, 2.9)
        filled = maps.draw_corner_contours(axes, frame, corners, boundaries, style.COLOURS["transport"])
        axes.set_facecolor(LAND)
        for cells in axes.collections:
            if isinstance(cells, QuadMesh):  # land, drawn above the contours
                cells.set_rasterized(True)
        bar = figure.colorbar(filled, ax=axes, label="Sv, clockwise positive", orientation="horizontal", pad=0.03,
                              aspect=35, fraction=0.06)  # fmt: skip
        bar.set_ticks(style.thinned(boundaries[1:-1], 9))
        title = "Barotropic streamfunction"
        return picture_of(figure, "barotropic_streamfunction", title, f"map of the {title.lower()}, in Sv")


def surface_maps(found: Evaluation) -> list[Picture]:
    """Mixed layers and variability."""
    frame = maps.frame_of(found.climate.grid)
    wanted = {
        "mixed_layer_max": ("Deepest mixed layer", "m", style.COLOURS["depth"], 1.0),
        "sea_level_variability": ("Variability of sea level", "standard deviation (cm)", style.COLOURS["speed"], 100.0),
        "eddy_kinetic_energy": (
            "Kinetic energy of departures from the mean, surface",
            "cm$^2$ s$^{-2}$",
            style.COLOURS["speed"],
            1e4,
        ),
    }
    pictures = []
    for name, (title, label, colours, factor) in wanted.items():
        if name in found.fields:
            values = found.fields[name] * factor
            boundaries = style.levels(values, percentile=2.0, number=12)
            boundaries = np.unique(np.append(0.0, boundaries[boundaries > 0]))
            pictures.append(charts.map_of(name, title, frame, values, boundaries, colours, label))
    return pictures


def errors(found: Evaluation) -> list[Picture]:
    """Surface maps and zonal means of the differences from the reference."""
    if found.reference is None:
        return []
    grid, name = found.climate.grid, found.reference.climatology.name
    edges, along = plot.meridional_edges(grid)
    pictures = []
    for kind, unit in (("temperature", "K"), ("salinity", "1e-3")):
        difference = found.reference.difference[kind]
        boundaries = style.difference_levels(difference[0], percentile=2.0, number=14)
        pictures.append(
            charts.map_of(f"surface_{kind}_error", f"Surface {kind} minus {name}", maps.frame_of(grid), difference[0],
                          boundaries, style.COLOURS["difference"], unit)
        )  # fmt: skip
        zonal = zonal_error(found.climate, difference)
        boundaries = style.difference_levels(zonal, percentile=1.0, number=12)
        pictures.append(
            charts.section_of(f"zonal_{kind}_error", f"Zonal-mean {kind} minus {name}", edges, grid.levels.faces, zonal,
                              boundaries, style.COLOURS["difference"], unit, along)
        )  # fmt: skip
    return pictures


def profiles_of_error(found: Evaluation) -> list[Picture]:
    """Root mean square error by level."""
    if found.reference is None:
        return []
    grid, pictures = found.climate.grid, []
    by = charts.looks(["rmse", "bias"])
    for kind, unit in (("temperature", "K"), ("salinity", "1e-3")):
        difference = found.reference.difference[kind]
        known = np.isfinite(difference)
        filled, weights = np.where(known, difference, 0.0), grid.volume * known
        of = {
            "rmse": Curve(grid.levels.centres, means.root_mean_square(filled, weights, (-2, -1))),
            "bias": Curve(grid.levels.centres, means.level_mean(filled, weights)),
        }
        title = f"{kind.capitalize()}: error by depth"
        pictures.append(depth_curves(f"{kind}_error_by_depth", title, of, by, f"{unit}; blue: RMSE, orange: bias", 0.0))
    return pictures


def census(found: Evaluation) -> list[Picture]:
    """Volumes by temperature and salinity."""
    pictures = []
    temperature, salinity = diagnostics.CLASSES
    names = {"census": "model"}
    if found.reference is not None:
        names["census_reference"] = found.reference.climatology.name
    largest = max(found.fields[name].max() for name in names)
    for name, label in names.items():
        values = np.ma.masked_less_equal(found.fields[name], 0.0)
        with look():
            figure, axes = new_axes(3.6, 3.2)
            mesh = axes.pcolormesh(salinity, temperature, values, norm=LogNorm(largest * 1e-5, largest),
                                   cmap=style.COLOURS["depth"], rasterized=True)  # fmt: skip
            axes.set_xlabel("salinity")
            axes.set_ylabel("potential temperature (°C)")
            axes.set_xlim(33, 37.5)
            axes.grid(True, color=GRID)
            figure.colorbar(mesh, ax=axes, label="m$^3$", orientation="horizontal", pad=0.03, aspect=35, fraction=0.06)
            title = f"Census of water masses, {label}"
            pictures.append(picture_of(figure, name, title, f"{title}: volume by temperature and salinity"))
    return pictures


def time_series(found: Evaluation) -> list[Picture]:
    """Yearly means since the start, with the observed range of what is observed."""
    from eval.climate.evaluation import yearly

    wanted = {
        "amoc_26n": ("Atlantic overturning at 26.5N", "Sv"),
        "drake_passage": ("Drake Passage transport", "Sv"),
        "heat_content": ("Heat content since the first record", "ZJ"),
        "tosga": ("Sea surface temperature, mean", "°C"),
        "thetaoga": ("Temperature of the whole ocean, mean", "°C"),
        "soga": ("Salinity of the whole ocean, mean", "1e-3"),
    }
    ranges = {"amoc_26n": "amoc_26n", "drake_passage": "drake"}
    pictures = []
    for name, (title, unit) in wanted.items():
        values = yearly(found.climate, found.series[name]) if name in found.series else []
        if len(values) > 1:
            year, value = np.array(values).T
            quantity = found.observed.of(ranges.get(name, ""))
            band = None
            if quantity is not None and quantity.observed:
                band = (
                    min(known.value - known.uncertainty for known in quantity.observed),
                    max(known.value + known.uncertainty for known in quantity.observed),
                )
            by = charts.looks([name])
            of = {name: Curve(year, value)}
            pictures.append(charts.curves(f"series_{name}", title, of, by, "year", unit, band=band))
    return pictures


def _file_name(*words: str) -> str:
    return "_".join(words).lower().replace(", ", "_").replace(" ", "_")


def _bar(figure, axes, mappable, boundaries, label: str) -> None:
    bar = figure.colorbar(mappable, ax=axes, label=label, orientation="horizontal", pad=0.03, aspect=35, fraction=0.06)
    bar.set_ticks(style.thinned(boundaries, 9))
    bar.outline.set_linewidth(0.5)
