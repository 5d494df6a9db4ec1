"""What a report is made of; each part knows its HTML."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Mapping, Sequence

from eval.report.pictures import Picture


def escaped(text: str) -> str:
    """Text for HTML; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


@dataclasses.dataclass(frozen=True)
class Text:
    """Paragraphs, parted by empty lines."""

    text: str

    def html(self, identifier: str) -> str:
        paragraphs = [part for part in re.split(r"\n\s*\n", self.text.strip()) if part]
        return "".join(f"<p>{escaped(' '.join(part.split()))}</p>" for part in paragraphs)


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table; `mark` is "best", "good" or "bad"."""

    text: str
    mark: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of texts below column titles; the first column names the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""

    def html(self, identifier: str) -> str:
        caption = f"<caption>{escaped(self.caption)}</caption>" if self.caption else ""
        head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in self.columns)
        body = "".join(f"<tr>{self._row(row)}</tr>" for row in self.rows)
        return (
            f'<div class="wide" tabindex="0"><table>{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    @staticmethod
    def _row(row: Sequence[str | Cell]) -> str:
        first, *rest = (cell if isinstance(cell, Cell) else Cell(cell) for cell in row)
        cells = (
            f'<td class="{c.mark}">{escaped(c.text)}</td>' if c.mark else f"<td>{escaped(c.text)}</td>" for c in rest
        )
        return f'<th scope="row">{escaped(first.text)}</th>' + "".join(cells)


@dataclasses.dataclass(frozen=True)
class Legend:
    """Names of lines by their colour (CSS) and dashes ("solid", "dashed", "dotted")."""

    entries: Sequence[tuple[str, str, str]]

    def html(self, identifier: str) -> str:
        items = (
            f'<li><i style="border-top:3px {dashes} {colour}"></i>{escaped(name)}</li>'
            for name, colour, dashes in self.entries
        )
        return f'<ul class="legend">{"".join(items)}</ul>'


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Pictures side by side, as many as fit."""

    pictures: Sequence[Picture]
    caption: str = ""
    legend: Legend | None = None

    def html(self, identifier: str) -> str:
        legend = self.legend.html(identifier) if self.legend else ""
        caption = f'<p class="caption">{escaped(self.caption)}</p>' if self.caption else ""
        return f'{legend}<div class="gallery">{"".join(map(figure, self.pictures))}</div>{caption}'

    @property
    def all_pictures(self) -> list[Picture]:
        return list(self.pictures)


@dataclasses.dataclass(frozen=True)
class Slider:
    """Pictures of which one frame is seen at a time; a slider and a button go through the frames.

    Attributes:
      frames: label of a frame, such as "day 5" -> its pictures.
      quantity: what the slider changes, such as "lead".
    """

    frames: Mapping[str, Sequence[Picture]]
    quantity: str
    caption: str = ""

    def html(self, identifier: str) -> str:
        labels = list(self.frames)
        shown = (
            f'<div class="gallery frame" data-label="{html.escape(label)}"{"" if n == 0 else " hidden"}>'
            f"{''.join(map(figure, pictures))}</div>"
            for n, (label, pictures) in enumerate(self.frames.items())
        )
        caption = f'<p class="caption">{escaped(self.caption)}</p>' if self.caption else ""
        return (
            f'<div class="slider" id="{identifier}"><div class="control">'
            f'<button type="button" aria-label="play">▶</button>'
            f'<label>{escaped(self.quantity)} <input type="range" min="0" max="{len(labels) - 1}" value="0" step="1" '
            f'aria-valuetext="{html.escape(labels[0])}"></label> <output>{escaped(labels[0])}</output></div>'
            f"{''.join(shown)}{caption}</div>"
        )

    @property
    def all_pictures(self) -> list[Picture]:
        return [picture for pictures in self.frames.values() for picture in pictures]


def figure(picture: Picture) -> str:
    """The picture with its title, embedded."""
    title = f"<figcaption>{escaped(picture.title)}</figcaption>" if picture.title else ""
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<figure>{title}<img src="{picture.address}" alt="{html.escape(picture.description)}" {size}></figure>'


Part = Text | Table | Legend | Gallery | Slider


@dataclasses.dataclass(frozen=True)
class Section:
    """A title and what stands below it; with `folded` it opens on a click."""

    title: str
    parts: Sequence[Part]
    folded: bool = False

    def html(self, identifier: str) -> str:
        inside = "".join(part.html(f"{identifier}-{n}") for n, part in enumerate(self.parts))
        if self.folded:
            return (
                f'<section id="{identifier}"><details><summary><h2>{escaped(self.title)}</h2></summary>{inside}'
                "</details></section>"
            )
        return f'<section id="{identifier}"><h2>{escaped(self.title)}</h2>{inside}</section>'
