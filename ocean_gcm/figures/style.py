"""One look for all figures: sizes, colours, scales, axis labels, saving."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cmocean
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

LAND = "0.80"
COAST = "0.35"
SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "savefig.dpi": 120,
}
COLOURS = {
    "temperature": cmocean.cm.thermal,
    "salinity": cmocean.cm.haline,
    "sea_level": cmocean.cm.balance,
    "speed": cmocean.cm.speed,
    "difference": cmocean.cm.balance,
    "transport": cmocean.cm.balance,
    "depth": cmocean.cm.deep,
}


def look():
    """The context in which figures are drawn: settings of matplotlib, restored afterwards."""
    return matplotlib.rc_context(SETTINGS)


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **keywords):
    """(figure, array of axes (rows, columns)); sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **keywords)


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG with a palette of 256 colours (a third of the size) and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=SETTINGS["savefig.dpi"])
    buffer.seek(0)
    image = Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    return path


def levels(values: np.ndarray, *, number: int = 16, symmetric: bool = False, percentile: float = 0.5) -> np.ndarray:
    """Round contour levels that cover all but `percentile` percent of the finite values at either end."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.linspace(-1, 1, 9) if symmetric else np.linspace(0, 1, 11)
    low, high = np.percentile(finite, [percentile, 100 - percentile])
    if symmetric:
        high = max(abs(low), abs(high))
        low = -high
    if high - low <= 1e-6 * max(abs(high), abs(low), 1e-12):
        middle = 0.5 * (low + high)
        margin = max(abs(middle) * 1e-3, 1e-9)
        low, high = middle - margin, middle + margin
    return MaxNLocator(number, steps=[1, 2, 2.5, 5, 10], symmetric=symmetric).tick_values(low, high)


def difference_levels(values: np.ndarray, *, number: int = 12, percentile: float = 1.0) -> np.ndarray:
    """Symmetric levels without zero: differences smaller than the first one are left white."""
    boundaries = levels(values, symmetric=True, number=number, percentile=percentile)
    return boundaries[np.abs(boundaries) > 1e-9 * np.ptp(boundaries)]


def temperature_levels(values: np.ndarray) -> np.ndarray:
    """Every degree below 4 degC and every second above for an ocean from pole to equator, else `levels`."""
    finite = values[np.isfinite(values)]
    if finite.size == 0 or np.ptp(finite) < 15.0 or finite.min() > 4.0:
        return levels(values, percentile=1.0, number=20)
    low, high = np.floor(np.percentile(finite, 0.5)), np.percentile(finite, 99.5)
    return np.concatenate([np.arange(min(low, 3.0), 4.0), np.arange(4.0, high + 2.0, 2.0)])


def streamfunction_levels(values: np.ndarray) -> np.ndarray:
    """Symmetric about zero and denser near it, so that gyres show beside a circumpolar current."""
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
    scale = 10.0 ** np.ceil(np.log10(max(largest, 1e-9) / 300.0))
    steps = scale * np.array([5, 10, 15, 20, 30, 40, 60, 80, 100, 120, 150, 200, 250, 300])
    positive = steps[: int(np.searchsorted(steps, largest)) + 1]
    return np.concatenate([-positive[::-1], [0.0], positive])


def normalisation(boundaries: np.ndarray, colours) -> BoundaryNorm:
    """Colours by interval; a scale that begins at zero has no colour for less."""
    return BoundaryNorm(boundaries, colours.N, extend="max" if boundaries[0] == 0 else "both")


def label_longitude(axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: _degrees((value + 180) % 360 - 180, "E", "W")))


def label_latitude(axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: _degrees(value, "N", "S")))


def _degrees(value: float, positive: str, negative: str) -> str:
    if abs(value) < 1e-9 or abs(abs(value) - 180) < 1e-9:
        return f"{abs(value):g}°"
    return f"{abs(value):g}°{positive if value > 0 else negative}"


def colour_bar(mappable, axes: Axes | Sequence[Axes], label: str, ticks=None):
    """A slim colour bar with a label "quantity (unit)"."""
    first = axes if isinstance(axes, Axes) else list(axes)[0]
    bar = first.figure.colorbar(mappable, ax=axes, label=label, pad=0.02, aspect=28, fraction=0.05)
    bar.outline.set_linewidth(0.5)
    if ticks is not None:
        bar.set_ticks(ticks)
    return bar


def thinned(boundaries: np.ndarray, most: int = 9) -> np.ndarray:
    """About `most` of the levels, evenly spaced; through zero, or symmetric about it, where the levels are."""
    if len(boundaries) > most and np.allclose(boundaries, -boundaries[::-1]) and len(boundaries) % 2 == 0:
        positive = boundaries[len(boundaries) // 2 :]
        positive = positive[:: int(np.ceil(len(positive) / (most // 2)))]
        return np.concatenate([-positive[::-1], positive])
    steps = np.diff(boundaries)
    if np.ptp(steps) > 1e-9 * steps.max() and not np.allclose(boundaries, -boundaries[::-1]):
        # uneven scales are whole numbers, denser near zero
        return boundaries[np.isclose(boundaries % (2 * steps.max()), 0.0)]
    stride = max(1, int(np.ceil(len(boundaries) / most)))
    zero = np.flatnonzero(np.abs(boundaries) < 1e-12 * max(np.ptp(boundaries), 1e-300))
    return boundaries[(zero[0] % stride if len(zero) else 0) :: stride]
