"""The same sections as Markdown, for pages of documentation."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.report.pages import Page
from eval.report.parts import Cell, Gallery, Legend, Part, Section, Table, Text
from eval.report.pictures import Picture
from ocean_gcm.errors import UserError

BEGIN, END = "<!-- begin: made by python -m eval -->", "<!-- end -->"


def write_markdown(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the sections to a page, and their pictures into the folder of the same name beside it.

    Of a page that exists only what stands between the lines `BEGIN` and `END` is replaced: what a person wrote stays.
    Raises UserError as `around` does, and if the page cannot be written.
    """
    head, tail = around(path) or ([f"# {title}", ""], [])
    folder = path.with_suffix("")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        body = [line for section in sections for line in _section(section, folder)]
        path.write_text("\n".join([*head, BEGIN, "", *body, END, *tail]) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"the page {path} could not be written: {error.strerror or error}") from error


def filled(template: Path, parts: Mapping[str, Sequence[str]]) -> str:
    """The text of a template, the lines of each part in the place of its comment `<!-- NAME -->`."""
    text = template.read_text(encoding="utf-8")
    for name, lines in parts.items():
        text = text.replace(f"<!-- {name} -->", "\n".join(lines))
    return text


def publish(page: Page, folder: Path, markdown: Path | None) -> None:
    """Write the page into `folder`, its sections into the Markdown page if there is one, and say so.

    Raises UserError as `Page.write` and `write_markdown` do.
    """
    path = page.write(folder)
    if markdown is not None:
        write_markdown(markdown, page.title, page.sections)
    print(page.summary)
    print(f"wrote {path}")


def around(path: Path) -> tuple[list[str], list[str]] | None:
    """The lines before and behind the results on a page that exists, else None.

    To be called before long work: raises UserError for a page without the lines `BEGIN` and `END`.
    """
    if not path.exists():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    if BEGIN not in lines or END not in lines:
        raise UserError(f"{path} has no lines {BEGIN!r} and {END!r} between which the results go")
    return lines[: lines.index(BEGIN)], lines[lines.index(END) + 1 :]


def _section(section: Section, folder: Path) -> list[str]:
    lines = [f"## {section.title}", ""]
    for part in section.parts:
        lines += [*_part(part, folder), ""]
    return lines


def _part(part: Part, folder: Path) -> list[str]:
    if isinstance(part, Text):
        return [part.text.strip()]
    if isinstance(part, Table):
        rows = [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in part.rows]
        caption = [part.caption, ""] if part.caption else []
        return [*caption, _row(part.columns), "|---" * len(part.columns) + "|", *map(_row, rows)]
    if isinstance(part, Legend):
        return [" · ".join(f"{name} ({colour}, {dashes})" for name, colour, dashes in part.entries)]
    pictures = part.pictures if isinstance(part, Gallery) else part.all_pictures
    lines = [line for picture in pictures for line in (_image(picture, folder), "")]
    if isinstance(part, Gallery) and part.legend is not None:
        lines.insert(0, "Colours: " + ", ".join(f"{name} {_swatch(c)}" for name, c, _ in part.legend.entries) + ".\n")
    return [*lines, f"*{part.caption}*"] if part.caption else lines[:-1]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _swatch(colour: str) -> str:
    return f'<span style="color:{colour}">■</span>'


def _image(picture: Picture, folder: Path) -> str:
    (folder / f"{picture.name}.svg").write_text(picture.svg, encoding="utf-8")
    return f"![{picture.title}]({folder.name}/{picture.name}.svg)"
