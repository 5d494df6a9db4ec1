"""Sections as Markdown: tables, pictures beside the page, and what a person wrote stays."""

import pytest

from eval.report import Cell, Gallery, Picture, Section, Table, Text
from eval.report.markdown import BEGIN, END, around, write_markdown
from ocean_gcm.errors import UserError


def sections(number):
    picture = Picture(f"curve_{number}", "A curve", "what one sees", "<svg></svg>", 10, 10)
    table = Table(["name", "value"], [["a|b", Cell(str(number), "best")]], "in K")
    return [Section("Results", [Text("Words."), table, Gallery([picture], "Below.")])]


def test_a_new_page(tmp_path):
    write_markdown(tmp_path / "page.md", "Title", sections(1))
    text = (tmp_path / "page.md").read_text()
    assert text.startswith("# Title\n") and BEGIN in text and END in text
    assert "## Results\n\nWords.\n\nin K\n\n| name | value |\n|---|---|\n| a\\|b | 1 |\n" in text
    assert "![A curve](page/curve_1.svg)" in text and "*Below.*" in text
    assert (tmp_path / "page" / "curve_1.svg").read_text() == "<svg></svg>"


def test_what_a_person_wrote_stays(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Mine\n\nWhy.\n\n{BEGIN}\nold\n{END}\n\nWhat failed.\n")
    write_markdown(page, "Title", sections(1))
    write_markdown(page, "Title", sections(2))
    text = page.read_text()
    assert text.startswith("# Mine\n\nWhy.") and text.endswith("What failed.\n") and "old" not in text
    assert text.count("A curve") == 1 and not (tmp_path / "page" / "curve_1.svg").exists()


def test_a_page_without_a_place_is_not_touched(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Mine\n")
    for write in (lambda: around(page), lambda: write_markdown(page, "Title", sections(1))):
        with pytest.raises(UserError, match="has no lines"):
            write()
    assert page.read_text() == "# Mine\n"
