"""The page of an evaluation: what is in it, that it loads nothing, and how it looks in a browser."""

import base64
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from forecast_stores import forecasts, truth
from PIL import Image

from eval.__main__ import main
from eval.report import Cell, Page, Section, Table, Text
from eval.report.scores import as_dataset, write_scores
from ocean_gcm.errors import UserError

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VOID = {"meta", "link", "img", "input", "br"}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """One variable, two ensembles, two leads and one baseline."""
    folder = tmp_path_factory.mktemp("report")
    of = truth(days=120)[["zos"]]
    of.to_zarr(folder / "truth.zarr", consolidated=False)
    for name, spread in (("hybrid", 1.0), ("physics", 0.6)):
        made = forecasts(truth(days=120), range(60, 110, 10), 4, leads=(1, 4), spread=spread)[["zos"]]
        made.to_zarr(folder / f"{name}.zarr", consolidated=False)
    arguments = ["forecast", f"hybrid={folder}/hybrid.zarr", "--truth", f"{folder}/truth.zarr", "--draws", "50"]
    baselines = f"persistence,physics={folder}/physics.zarr"
    assert main([*arguments, "--baselines", baselines, "--regions", "all", "--output", f"{folder}/report"]) == 0
    return folder / "report"


class Outline(HTMLParser):
    """Checks that elements close, and keeps what they refer to."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.addresses, self.identifiers, self.images = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.addresses += [attrs[name] for name in ("src", "href") if name in attrs]
        self.identifiers += [attrs["id"]] if "id" in attrs else []
        self.images += [attrs] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page):
    found = Outline()
    found.feed(page)
    assert not found.open
    return found


def test_the_page_is_whole_and_loads_nothing(report):
    text = (report / "index.html").read_text()
    found = outline(text)
    assert {"table", "figure", "nav", "h1", "output"} <= set(found.tags)
    for address in found.addresses:
        assert address.startswith(("#", "data:"))
        assert not address.startswith("#") or address[1:] in found.identifiers
    assert not re.search(r"@import|url\(|https?://", text)
    assert len(set(found.identifiers)) == len(found.identifiers)
    assert all(image["alt"] and image["src"].startswith("data:image/svg+xml;base64,") for image in found.images)
    for image in found.images:
        svg = base64.b64decode(image["src"].split(",")[1]).decode()
        assert "prefers-color-scheme:dark" in svg and "var(--ink)" in svg and "<script" not in svg
        assert not re.search(r'(href|src)="http', svg) and "/tmp" not in svg
    for part in ("Scorecard", "Reliability", "Maps", "physics", "persistence", "truth.zarr"):
        assert part in text
    assert str(report.parent) not in text  # names of files, not where they lie here
    assert len(list((report / "figures").glob("*.svg"))) == len({image["src"] for image in found.images})


def test_scores_for_machines(report):
    table = pd.read_csv(report / "scores.csv")
    assert list(table.columns[:6]) == ["model", "seed", "variable", "lead", "metric", "value"]
    assert set(table.model) == {"hybrid", "physics", "persistence"} and set(table.lead) == {1.0, 4.0}
    assert (table.low <= table.value).all() and (table.value <= table.high).all()
    with xr.open_dataset(report / "scores.nc") as dataset:
        row = table[(table.model == "physics") & (table.metric == "crps") & (table.lead == 4.0)].iloc[0]
        chosen = dataset.sel(model="physics", lead=4.0, depth="all")
        np.testing.assert_allclose(float(chosen.crps), row.value, rtol=1e-5)
        np.testing.assert_allclose(float(chosen.crps_high), row.high, rtol=1e-5)
        assert dataset.attrs["variable"] == "zos" and dataset.attrs["truth"] == "truth.zarr"


def test_texts_are_escaped(tmp_path):
    parts = [Text("`a<b` & c\n\nnext"), Table(["<i>", "b"], [["x", Cell("1 < 2", "best")], ["y", "2"]], "a & b")]
    page = Page("<script>", "s & t", {"k": "<v>"}, [Section("One", parts), Section("One", [], folded=True)])
    text = page.write(tmp_path).read_text()
    assert outline(text).tags.count("script") == 1
    assert "<code>a&lt;b</code> &amp; c</p><p>next</p>" in text and '<td class="best">1 &lt; 2</td>' in text
    assert 'id="one"' in text and 'id="one-1"' in text
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="the report .*file/x could not be written"):
        page.write(tmp_path / "file" / "x")


def test_a_report_takes_the_place_of_its_own_files_alone(tmp_path):
    (tmp_path / "figures").mkdir()
    mine = [tmp_path / "figures" / name for name in ("map.png", "sketch.svg")]
    for path in mine:
        path.write_text("mine")
    page = Page("a", "b", {}, [])
    page.write(tmp_path)
    assert all(path.exists() for path in mine)
    (tmp_path / "figures" / "of_the_older_report.svg").write_text("<svg/>")
    page.write(tmp_path)
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["map.png"]


def test_a_place_that_is_no_folder_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main(["forecast", "none.zarr", "--truth", "none.zarr", "--output", str(place)]) == 2
        assert f"--output is {place}; expected a directory that can be written" in capsys.readouterr().err


def test_rows_that_are_there_twice_are_refused():
    row = {"model": "a", "seed": 0, "variable": "v", "region": "all", "depth": "all", "lead": 1, "metric": "m"}
    table = pd.DataFrame([row, row]).assign(value=1.0, low=np.nan, high=np.nan)
    with pytest.raises(ValueError, match="two rows of m"):
        as_dataset(table)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    table = pd.DataFrame([{"model": "a", "variable": "v", "metric": "m", "value": 1.0}])
    with pytest.raises(UserError, match="could not be written"):
        write_scores(tmp_path / "file", table)
    write_scores(tmp_path / "scores", table)
    assert float(xr.open_dataset(tmp_path / "scores" / "scores.nc").m.squeeze()) == 1.0


@pytest.fixture(scope="module")
def browser():
    for name in (os.environ.get("OCEAN_GCM_BROWSER"), *BROWSERS):
        if name and shutil.which(name):
            return shutil.which(name)
    pytest.skip("no Chromium here; OCEAN_GCM_BROWSER names one")


def run(browser, folder, *arguments):
    """The standard output; errors of the page's script fail."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    command += [f"--user-data-dir={folder}/profile", "--virtual-time-budget=3000", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr, done.stderr[-2000:]
    return done.stdout


LOOKS = {"laptop": (1366, 900, 1), "phone": (390, 844, 1), "dark": (1366, 900, 0)}


@pytest.mark.parametrize("name", LOOKS)
def test_screenshots(browser, report, tmp_path, name):
    """On a laptop, a phone, and in dark: paper and ink as asked for, and pictures on it."""
    width, height, scheme = LOOKS[name]
    run(
        browser, tmp_path, f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={scheme}",
        f"--screenshot={tmp_path}/page.png", (report / "index.html").as_uri(),
    )  # fmt: skip
    image = np.asarray(Image.open(tmp_path / "page.png").convert("RGB")).astype(int)
    assert image.shape == (height, width, 3)
    paper = image[2, 2]
    assert paper.max() < 40 if name == "dark" else paper.min() > 240
    differs = np.abs(image - paper).max(-1)
    assert (differs > 120).mean() > 0.005  # there is ink
    assert (differs[:, -3:] < 30).all()  # and nothing is cut off at the side


def test_slider_and_width(browser, report, tmp_path):
    """The slider shows one frame at a time; on a phone nothing but wide tables needs to be moved sideways."""
    probe = """<script>
      const slider = document.querySelector(".slider"), range = slider.querySelector("input");
      const seen = () => [...slider.querySelectorAll(".frame")].map((f) => f.offsetHeight > 0 ? 1 : 0).join("");
      const before = seen() + slider.querySelector("output").textContent;
      range.value = 1; range.dispatchEvent(new Event("input"));
      const broken = [...document.images].filter((i) => i.naturalWidth === 0).length;
      document.title = [before, seen() + slider.querySelector("output").textContent,
        document.documentElement.scrollWidth <= window.innerWidth, broken].join("|");
    </script></body>"""
    (tmp_path / "probe.html").write_text((report / "index.html").read_text().replace("</body>", probe))
    dom = run(browser, tmp_path, "--window-size=390,844", "--dump-dom", (tmp_path / "probe.html").as_uri())
    assert re.search("<title>(.*?)</title>", dom)[1] == "10day 1|01day 4|true|0"
