"""A part of the fine run again, with records as near as calls of the physics: what single intervals learn from."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

import ocean_gcm as og
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.coarsen import coarsen
from ocean_gcm.data.series import open_series
from ocean_gcm.simulate import simulate


def write_fast_truth(run: str, date: str, days: int, interval: str, config: str, output: str) -> None:
    """Go on from the record of `run` at `date` for `days` with a record each `interval`; coarsen it to `output`.

    Raises UserError for what `simulate` and `coarsen` refuse.
    """
    series = open_series(run)
    coarse = og.load_config(config)
    record = int(np.argmax([str(d)[:10] >= date for d in series.dataset["time"].values]))
    fields = {name: a[0] for name, a in series.fields(slice(record, record + 1), series.available).items()}

    def build(settings):
        model = og.build_model(settings)
        blueprint = dataclasses.replace(model.blueprint, initial={**model.blueprint.initial, **fields})
        return og.OceanModel(blueprint, dict(model.closures))

    start = str(series.dataset["time"].values[record])[:10]
    tree = series.config.model_dump(mode="json")
    tree["time"].update(start=start, duration=f"P{days}D")
    tree["output"].update(interval=interval, restart_interval=f"P{days}D")
    tree["provenance"] = None
    fine = config_from_dict(tree)
    with tempfile.TemporaryDirectory(dir=Path(output).parent) as directory:
        simulate(fine, Path(directory) / "fine", build=build, figures=False)
        factor = fine.grid.nx // coarse.grid.nx
        coarsen(Path(directory) / "fine", output, factor, config=coarse, overwrite=True)
