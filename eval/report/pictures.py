"""Pictures for a page: SVG whose ink, grid and land follow the light or dark colours of the reader."""

from __future__ import annotations

import base64
import dataclasses
import io
import re

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from PIL import Image

from ocean_gcm.figures import style

# matplotlib draws with colours of its own; these stand for variables of the style sheet that goes into each picture
INK, GRID, LAND, COAST, PAPER = "#010203", "#040506", "#070809", "#0a0b0c", "#0d0e0f"
_VARIABLES = {INK: "--ink", GRID: "--grid", LAND: "--land", COAST: "--coast", PAPER: "--paper"}
_STYLE = (
    "<style>svg{--ink:#1d2430;--grid:#dfe3e8;--land:#d3d6da;--coast:#4a505a;--paper:#f6f7f9;"
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e6e9ee;--grid:#343a45;--land:#454b55;--coast:#b9c0ca;"
    "--paper:#1c2027}}</style>"
)
SETTINGS = {
    **style.SETTINGS,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "axes.grid": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "ocean_gcm",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """An SVG image.

    Attributes:
      name: of its file, without ending.
      title: shown above it.
      description: what one sees, for those who do not.
      svg: the file.
      width, height: in CSS pixels; the page scales it.
    """

    name: str
    title: str
    description: str
    svg: str
    width: int
    height: int

    @property
    def address(self) -> str:
        """The picture as an address that holds it."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.encode()).decode()


def look():
    """The context in which figures are drawn for `picture_of`."""
    return matplotlib.rc_context(SETTINGS)


def new_axes(width: float = 3.6, height: float = 2.5):
    """(figure, axes) in inches; a picture is scaled to the width of its place on the page."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def picture_of(figure: Figure, name: str, title: str, description: str) -> Picture:
    """The finished figure as a picture, without dates or other traces of this run."""
    buffer = io.StringIO()
    with look():
        _settle(figure)
        figure.savefig(buffer, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = text[text.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r"font-family: [^;\"]*; ?", "", text)  # the reader's own, from the style sheet
    text = re.sub(r"data:image/png;base64,([^\"]*)", lambda match: _with_palette(match[1]), text)
    head = text.index(">") + 1
    width, height = (round(size * 96) for size in figure.get_size_inches())
    return Picture(name, title, description, text[:head] + _STYLE + text[head:], width, height)


def _settle(figure: Figure) -> None:
    """Keep the ticks of a first layout: others would not have the room that it made for their labels."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "linear":
                axis.set_major_locator(FixedLocator(axis.get_majorticklocs()))


def _with_palette(encoded: str) -> str:
    """A rasterised part with 256 colours: a third of the size."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    buffer = io.BytesIO()
    image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
