"""Curves with bands, histograms, diagrams and maps as pictures for a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.ticker import MaxNLocator

from eval.report.parts import Legend
from eval.report.pictures import COAST, GRID, INK, LAND, Picture, look, new_axes, picture_of
from ocean_gcm.figures import maps, style

# told apart by those who do not see red or green as others do, on light and on dark
COLOURS = ("#2f86d1", "#e08a1e", "#2fa37c", "#c2559d", "#8a7bd8", "#b0583a", "#7d8792", "#b5a11c")
DASHES = {"solid": "-", "dashed": "--", "dotted": ":"}


@dataclasses.dataclass(frozen=True)
class Look:
    """Colour and dashes ("solid", "dashed", "dotted") of a line."""

    colour: str
    dashes: str = "solid"


@dataclasses.dataclass(frozen=True)
class Curve:
    """Values along x with a band of confidence.

    Attributes:
      x, y: (n,).
      low, high: (n,) ends of the band, or None.
    """

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None


def looks(names: Sequence[str], dashed: Sequence[str] = ()) -> dict[str, Look]:
    """A look for each name, in order; those of `dashed` (baselines) get dashes."""
    return {
        name: Look(COLOURS[n % len(COLOURS)], "dashed" if name in dashed else "solid") for n, name in enumerate(names)
    }


def legend(of: Mapping[str, Look]) -> Legend:
    """The legend of curves drawn with these looks."""
    return Legend([(name, one.colour, one.dashes) for name, one in of.items()])


def curves(
    name: str,
    title: str,
    of: Mapping[str, Curve],
    by: Mapping[str, Look],
    x_label: str,
    y_label: str,
    *,
    reference: float | None = None,
    band: tuple[float, float] | None = None,
    from_zero: bool = False,
    logarithmic: bool = False,
    downward: bool = False,
) -> Picture:
    """Curves by name with their bands.

    Args:
      name, title: of the picture.
      of, by: curves and their looks.
      x_label, y_label: with units.
      reference: a level that is drawn as a thin line, such as 1 of a ratio.
      band: two levels, the goal between them is shaded.
      from_zero: whether the y axis begins at 0.
      logarithmic: both axes.
      downward: swap the axes, x grows downwards (depth).
    """
    with look():
        figure, axes = new_axes()
        for key, curve in of.items():
            colour, dashes = by[key].colour, DASHES[by[key].dashes]
            marker = "o" if len(curve.x) == 1 else None
            x, y = (curve.y, curve.x) if downward else (curve.x, curve.y)
            axes.plot(x, y, color=colour, linestyle=dashes, linewidth=1.6, marker=marker, markersize=4)
            if curve.low is not None:
                fill = axes.fill_betweenx if downward else axes.fill_between
                fill(curve.x, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
        line, shade = (axes.axvline, axes.axvspan) if downward else (axes.axhline, axes.axhspan)
        if reference is not None:
            line(reference, color=INK, linewidth=0.7, alpha=0.6)
        if band is not None:
            shade(*band, color=INK, alpha=0.07, linewidth=0)
        axes.grid(True, color=GRID)
        axes.set_axisbelow(True)
        if logarithmic:
            axes.set_xscale("log")
            axes.set_yscale("log")
        if from_zero:
            (axes.set_xlim if downward else axes.set_ylim)(0)
        if downward:
            axes.invert_yaxis()
        axes.set_xlabel(y_label if downward else x_label)
        axes.set_ylabel(x_label if downward else y_label)
        return picture_of(figure, name, title, f"{title}: {y_label} against {x_label} of {', '.join(of)}")


def rank_histogram(
    name: str, title: str, shares: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str = COLOURS[0]
) -> Picture:
    """Shares (M + 1,) of each rank of the truth times M + 1, with intervals of confidence; flat is 1."""
    number = len(shares)
    rank = np.arange(number)
    with look():
        figure, axes = new_axes()
        axes.bar(rank, shares * number, width=1.0 if number > 20 else 0.85, color=colour, alpha=0.65, linewidth=0)
        axes.vlines(rank, low * number, high * number, color=INK, linewidth=0.9)
        axes.axhline(1.0, color=INK, linewidth=0.8, linestyle="--")
        axes.set_xlim(-0.6, number - 0.4)
        axes.set_ylim(0, max(1.6, 1.05 * number * float(max(np.nanmax(high), np.nanmax(shares)))))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("rank of the truth among the members")
        axes.set_ylabel("share, flat = 1")
        return picture_of(figure, name, title, f"{title}: rank histogram of {number - 1} members, flat if reliable")


def reliability(name: str, title: str, of: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], by) -> Picture:
    """Frequency of an event by its forecast probability; the diagonal is reliable.

    of: by model (probability, frequency, share of forecasts) of each bin, NaN in empty ones; sizes show the shares.
    """
    with look():
        figure, axes = new_axes(3.6, 3.0)
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--", alpha=0.7)
        for key, (probability, frequency, share) in of.items():
            axes.plot(probability, frequency, color=by[key].colour, linewidth=1.4, linestyle=DASHES[by[key].dashes])
            axes.scatter(probability, frequency, s=4 + 60 * np.nan_to_num(share) ** 0.5, color=by[key].colour)
        axes.grid(True, color=GRID)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("forecast probability")
        axes.set_ylabel("observed frequency")
        return picture_of(figure, name, title, f"{title}: reliability diagram of {', '.join(of)}")


def map_of(
    name: str, title: str, frame: maps.MapFrame, field: np.ndarray, boundaries: np.ndarray, colours, label: str
) -> Picture:
    """Cells of (ny, nx) filled with colours, land and its outline; `label` is "quantity (unit)"."""
    values = np.ma.masked_invalid(np.where(frame.wet, frame.roll(field), np.nan))
    wide, high = np.ptp(frame.x_edges), np.ptp(frame.y_edges)
    ratio = high / wide if 0.2 < high / wide < 4 else 0.6
    with look():
        figure, axes = new_axes(4.2, float(np.clip(4.2 * 0.85 * ratio + 0.9, 2.2, 4.4)))
        mesh = axes.pcolormesh(
            frame.x_edges, frame.y_edges, values, cmap=colours, norm=style.normalisation(boundaries, colours),
            rasterized=True,
        )  # fmt: skip
        maps.finish(axes, frame)
        axes.set_facecolor(LAND)
        for lines in axes.collections:
            if isinstance(lines, LineCollection):
                lines.set_color(COAST)
        axes.spines[["top", "right"]].set_visible(True)
        bar = figure.colorbar(mesh, ax=axes, label=label, orientation="horizontal", pad=0.03, aspect=35, fraction=0.06)
        bar.set_ticks(style.thinned(boundaries, 7))
        bar.outline.set_linewidth(0.5)
        return picture_of(figure, name, title, f"map of {title}, {label}")


def points(
    name: str, title: str, frame: maps.MapFrame, lon: np.ndarray, lat: np.ndarray, values: np.ndarray,
    boundaries: np.ndarray, colours, label: str, size: float = 4.0,
) -> Picture:  # fmt: skip
    """Coloured points at longitudes and latitudes (x and y in km on a plane) above the land of a map."""
    west = frame.x_edges[0]
    x = (np.asarray(lon) - west) % 360.0 + west if frame.spherical else np.asarray(lon)
    ratio = np.ptp(frame.y_edges) / np.ptp(frame.x_edges)
    with look():
        figure, axes = new_axes(4.2, float(np.clip(4.2 * 0.85 * ratio + 0.9, 2.2, 4.4)))
        axes.add_collection(PolyCollection(_land_strips(frame), facecolors=LAND, edgecolors=LAND, linewidths=0.2))
        drawn = axes.scatter(
            x, lat, s=size, c=values, cmap=colours, norm=style.normalisation(boundaries, colours), linewidths=0,
            rasterized=True, zorder=5,
        )  # fmt: skip
        maps.finish(axes, frame)
        axes.set_facecolor("none")
        for lines in axes.collections:
            if isinstance(lines, LineCollection):
                lines.set_color(COAST)
        bar = figure.colorbar(drawn, ax=axes, label=label, orientation="horizontal", pad=0.03, aspect=35, fraction=0.06)
        bar.set_ticks(style.thinned(boundaries, 7))
        return picture_of(figure, name, title, f"map of {title} at {len(x)} places, {label}")


def _land_strips(frame: maps.MapFrame) -> list[list[tuple[float, float]]]:
    """Rectangles around neighbouring dry cells of each row: vectors, whose colour the reader's page can set."""
    strips = []
    for row, wet in enumerate(frame.wet):
        south, north = frame.y_edges[row : row + 2]
        sides = np.flatnonzero(np.diff(np.concatenate([[True], wet, [True]])))
        for west, east in frame.x_edges[sides.reshape(-1, 2)]:
            strips.append([(west, south), (east, south), (east, north), (west, north)])
    return strips


def section_of(
    name: str,
    title: str,
    x_edges,
    depth_faces,
    field: np.ndarray,
    boundaries: np.ndarray,
    colours,
    label: str,
    along: str,
) -> Picture:
    """Cells of a section (nz, n) with depth downwards; `along` is latitude, longitude, x or y."""
    from ocean_gcm.figures.sections import draw_section

    with look():
        figure, axes = new_axes(4.2, 3.0)
        mesh = draw_section(axes, x_edges, depth_faces, field, boundaries, colours, along=along, lines=False)
        mesh.set_rasterized(True)
        axes.set_facecolor(LAND)
        bar = figure.colorbar(mesh, ax=axes, label=label, orientation="horizontal", pad=0.03, aspect=35, fraction=0.06)
        bar.set_ticks(style.thinned(boundaries, 7))
        return picture_of(figure, name, title, f"section of {title}, {label}")


def frame_of_edges(x_edges: np.ndarray, y_edges: np.ndarray, wet: np.ndarray, *, spherical: bool) -> maps.MapFrame:
    """A frame for data that have no grid of a model: edges in degrees, or in m on a plane."""
    scale = 1.0 if spherical else 1e-3
    return maps.MapFrame(np.asarray(x_edges) * scale, np.asarray(y_edges) * scale, 0, np.asarray(wet), spherical)


def shared_levels(fields: Sequence[np.ndarray], *, symmetric: bool = False) -> np.ndarray:
    """Boundaries of colours for several maps that are to be compared."""
    values = np.concatenate([np.ravel(field) for field in fields])
    return style.levels(values, number=11, symmetric=symmetric, percentile=1.0)
