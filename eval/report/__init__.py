"""One static web page per evaluation, the same on a laptop and a phone, in light and in dark, that loads nothing.

    page = Page("The gyre", "What was scored.", {"truth": "truth.zarr"}, [Section("Skill", [gallery, table])])
    page.write(folder)  # folder/index.html and the pictures alone in folder/figures/

`parts` are what a page is made of, `charts` draw curves, histograms and maps as pictures that follow the colours of the
page, `scores` writes tables of scores for machines.
"""

from eval.report.pages import Page
from eval.report.parts import Cell, Gallery, Legend, Section, Slider, Table, Text
from eval.report.pictures import Picture

__all__ = ["Cell", "Gallery", "Legend", "Page", "Picture", "Section", "Slider", "Table", "Text"]
