"""What an ensemble forecast costs from the initial states to the store on the disk: wall and processor time.

    python -m eval.benchmarks.forecast configs/global_4deg.yaml --members 50 --lead P15D

The same forecast is made twice in one process, first with all that has to be compiled.  One JSON line, with the load of
the machine before and after: on a busy one processor time tells more than wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from eval.benchmarks.machine import add_threads_argument, peak_memory_bytes, use_threads


def write_start(model, path: Path, days: float) -> str:
    """One state of the model, `days` after its own beginning; returns its date."""
    import numpy as np

    from ocean_gcm.data import output

    steps = max(1, round(days * 86400 / model.time_step))
    state, _ = model.advance(model.initial_state(), steps=steps)
    fields = {name: array[None] for name, array in output.fields_of(state.ocean).items()}
    dataset = output.dataset_from_fields(model.grid, model.config, fields, np.array([steps * model.time_step]))
    dataset.to_zarr(path)
    return f"{dataset.time.values[0]:%Y-%m-%dT%H:%M}"


def measure(model, initial: Path, start: str, output: Path, options) -> dict:
    """Seconds of wall and processor time of one forecast, and megabytes written."""
    import ocean_gcm as og

    wall, cpu = time.perf_counter(), time.process_time()
    made = og.forecast(
        model, initial, output, start=start, members=options.members, lead=options.lead, save=options.save,
        grid=options.grid, statistics=options.statistics, keep_members=not options.no_members,
    )  # fmt: skip
    finite = int(made["finite_members"].isel(lead=-1).sum())
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    return {
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "written_megabytes": round(size / 1e6, 1),
        "finite_members": finite,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--lead", default="P15D")
    parser.add_argument("--save", default="P1D")
    parser.add_argument("--grid", help="as that of ocean-gcm forecast")
    parser.add_argument("--statistics", nargs="+", default=[])
    parser.add_argument("--no-members", action="store_true")
    parser.add_argument("--spinup", type=float, default=10.0, metavar="DAYS", help="age of the initial state")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    add_threads_argument(parser)
    options = parser.parse_args(arguments)
    threads = use_threads(options.threads)

    import jax

    from ocean_gcm.build import build_model
    from ocean_gcm.clock import duration_seconds
    from ocean_gcm.config import load_config

    config = load_config(options.config, options.set)
    model = build_model(config)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as directory:
        initial = Path(directory) / "initial.zarr"
        start = write_start(model, initial, options.spinup)
        first, second = (measure(model, initial, start, Path(directory) / f"{n}.zarr", options) for n in (1, 2))
    days = duration_seconds(options.lead, config.time.calendar) / 86400
    result = {
        "case": config.name,
        "device": jax.devices()[0].device_kind,
        "devices": jax.device_count(),
        "threads": threads,
        "members": options.members,
        "lead_days": days,
        "first": first,
        "second": second,
        "cpu_seconds_per_member_day": round(second["cpu_seconds"] / options.members / days, 4),
        "load_before": round(before, 1),
        "load_after": round(os.getloadavg()[0], 1),
        "peak_memory_bytes": peak_memory_bytes(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
