"""`python -m eval.data_samples`: reads every real sample through the library and writes the table of what was found.

docs/results/data_samples.md, .csv and .png.  Needs OCEAN_GCM_DATA.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from pathlib import Path

import matplotlib

from eval.data_samples import others
from eval.data_samples.page import page, picture
from eval.data_samples.samples import GRIDDED
from ocean_gcm.data.prepare import prepare
from ocean_gcm.data.recipe import recipe_from_dict
from ocean_gcm.data.survey import Found, survey
from ocean_gcm.errors import UserError

_PICTURED = (
    ("WOA18, in-situ temperature", "thetao"),
    ("ECCO v4 sea level", "zos"),
    ("GLORYS12, north-east Atlantic", "thetao"),
    ("GODAS and ERSST anomalies", "zos"),
)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.data_samples", description=__doc__)
    parser.add_argument("--output", default="docs/results", metavar="DIR", help="where page, table and picture go")
    output = Path(parser.parse_args(arguments).output)
    matplotlib.use("Agg")
    try:
        found = read_all()
        drawn = prepared_fields()
    except UserError as error:
        print(f"eval.data_samples: {error}", file=sys.stderr)
        return 2
    output.mkdir(parents=True, exist_ok=True)
    write_csv(found, output / "data_samples.csv")
    picture(drawn, output / "data_samples.png")
    (output / "data_samples.md").write_text(page(found))
    print(output / "data_samples.md")
    return 0


def read_all() -> dict[str, tuple[str, tuple[Found, ...]]]:
    """Target (in words) and variables of each sample.  Raises UserError for one that cannot be read."""
    if not os.environ.get("OCEAN_GCM_DATA"):
        raise UserError("OCEAN_GCM_DATA is not set; expected the directory of the samples")
    directory, found = Path(os.environ["OCEAN_GCM_DATA"]), {}
    for sample in GRIDDED:
        print(sample.title, flush=True)
        made = survey(recipe_from_dict(sample.recipe(), sample.title))
        found[sample.title] = (f"{made.target}, {made.records} record(s)", made.variables)
    for read in (others.profiles, others.indices, others.sea_floor):
        found |= {title: ("as it is", rows) for title, rows in read(directory).items()}
    return found


def prepared_fields() -> dict[str, object]:
    """The uppermost level of the first record of some samples, as `ocean-gcm data prepare` writes them."""
    import xarray as xr

    fields = {}
    with tempfile.TemporaryDirectory() as directory:
        for title, name in _PICTURED:
            sample = next(sample for sample in GRIDDED if sample.title == title)
            store = Path(directory) / f"{title}.zarr"
            prepare(recipe_from_dict(sample.recipe(), title), store)
            with xr.open_zarr(store, chunks=None, decode_times=False) as dataset:
                array = dataset[name].isel(time=0)
                levels = [d for d in array.dims if d in ("lev", "depth")]
                fields[title] = array.isel({d: 0 for d in levels}).load()
    return fields


def write_csv(found, path: Path) -> None:
    """One number a row, in the form of all tables of results."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("model", "seed", "variable", "lead", "metric", "value", "unit"))
        for title, (_, variables) in found.items():
            for v in variables:
                unit = v.units.rsplit(" to ", 1)[-1]
                for metric in ("lowest", "mean", "highest", "water", "filled"):
                    value = getattr(v, metric)
                    shown = unit if metric in ("lowest", "mean", "highest") else "1"
                    if value == value:
                        rows.writerow((title, 0, v.name, "", metric, f"{value:.6g}", shown))


if __name__ == "__main__":
    sys.exit(main())
