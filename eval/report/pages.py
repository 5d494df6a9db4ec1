"""A whole page and its files."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from eval.report.parts import Gallery, Section, Slider, escaped
from ocean_gcm.errors import UserError

FIGURES = "figures"


@dataclasses.dataclass(frozen=True)
class Page:
    """A report.

    Attributes:
      title: of the page.
      summary: one paragraph below the title.
      facts: what was evaluated, by name: "truth" -> "truth.zarr".
      sections: in order; each gets an entry in the list of contents.
    """

    title: str
    summary: str
    facts: Mapping[str, str]
    sections: Sequence[Section]

    def html(self) -> str:
        """The document: style, script and pictures are inside."""
        identifiers = _identifiers([section.title for section in self.sections])
        contents = "".join(
            f'<li><a href="#{identifier}">{escaped(section.title)}</a></li>'
            for identifier, section in zip(identifiers, self.sections, strict=True)
        )
        facts = "".join(f"<div><dt>{escaped(n)}</dt><dd>{escaped(v)}</dd></div>" for n, v in self.facts.items())
        body = "".join(s.html(i) for i, s in zip(identifiers, self.sections, strict=True))
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><meta name="generator" content="ocean_gcm">'
            f'<link rel="icon" href="data:,"><title>{html.escape(self.title)}</title>'
            f"<style>{_resource('page.css')}</style></head>\n<body><header><h1>{escaped(self.title)}</h1>"
            f'<p class="summary">{escaped(self.summary)}</p><dl>{facts}</dl></header>'
            f'<nav aria-label="contents"><ul>{contents}</ul></nav>\n<main>{body}</main>\n'
            f"<script>{_resource('page.js')}</script></body></html>\n"
        )

    def write(self, folder: Path) -> Path:
        """Write index.html and figures/*.svg into `folder`, in place of an older report; returns the page's path.

        Other files in the folder stay.

        Raises UserError if the folder cannot be written.
        """
        try:
            if (folder / "index.html").exists():
                for picture in (folder / FIGURES).glob("*.svg"):
                    picture.unlink()
            (folder / FIGURES).mkdir(parents=True, exist_ok=True)
            for section in self.sections:
                for part in section.parts:
                    if isinstance(part, Gallery | Slider):
                        for picture in part.all_pictures:
                            (folder / FIGURES / f"{picture.name}.svg").write_text(picture.svg, encoding="utf-8")
            (folder / "index.html").write_text(self.html(), encoding="utf-8")
        except OSError as error:
            raise UserError(f"the report {folder} could not be written: {error.strerror or error}") from error
        return folder / "index.html"


def _identifiers(titles: Sequence[str]) -> list[str]:
    """Of sections: words of the title, numbered where two are alike."""
    found: list[str] = []
    for title in titles:
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        found.append(name if name not in found else f"{name}-{len(found)}")
    return found


def _resource(name: str) -> str:
    return files("eval.report").joinpath(name).read_text(encoding="utf-8")
