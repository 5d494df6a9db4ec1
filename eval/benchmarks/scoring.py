"""What it costs to score many forecasts of surface fields.

    python -m eval.benchmarks.scoring --starts 20 --members 50 --leads 10 --spacing 1

Writes a synthetic truth (red noise in time, smooth in space) and forecasts of it to a temporary folder, scores them as
`python -m eval forecast` does, and prints one JSON line: forecasts (start dates times members), bytes read, seconds,
and the peak of the resident memory, before scoring and at its end.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

_DECAY = 0.95  # of a day


def smooth(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """(..., ny, nx) noise of unit variance with a correlation of some cells: a coarse noise, repeated."""
    *head, ny, nx = shape
    coarse = random.standard_normal((*head, -(-ny // 6), -(-nx // 6)), np.float32)
    return np.repeat(np.repeat(coarse, 6, -2), 6, -1)[..., :ny, :nx]


def axes(spacing: float) -> dict:
    """Longitudes and latitudes."""
    lon, lat = np.arange(spacing / 2, 360, spacing), np.arange(-90 + spacing / 2, 90, spacing)
    return {
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }


def write_truth(path: Path, days: int, spacing: float, random: np.random.Generator) -> xr.Dataset:
    """Daily sea surface temperature, with two continents."""
    shape = (round(180 / spacing), round(360 / spacing))
    field, values = smooth(random, shape), np.empty((days, *shape), np.float32)
    for n in range(days):
        field = _DECAY * field + (1 - _DECAY**2) ** 0.5 * smooth(random, shape)
        values[n] = field
    values[:, :, : shape[1] // 6] = values[:, :, shape[1] // 2 : 2 * shape[1] // 3] = np.nan
    dates = xr.date_range("2001-01-01", periods=days)
    truth = xr.Dataset({"tos": (("time", "lat", "lon"), values, {"units": "degC"})}, {"time": dates, **axes(spacing)})
    truth.chunk(time=8).to_zarr(path, consolidated=False)
    return truth


def write_forecasts(path: Path, truth: xr.Dataset, starts: np.ndarray, members: int, leads: int, random) -> None:
    """One start date after another: members around the truth, their spread grows with the lead."""
    spread = (1 - _DECAY ** (2 * np.arange(1, leads + 1))) ** 0.5
    for n, start in enumerate(starts):
        future = truth.tos.values[start + 1 : start + 1 + leads]
        noise = smooth(random, (members, *future.shape)) * spread[:, None, None].astype(np.float32)
        part = xr.Dataset(
            {"tos": (("init_time", "member", "lead", "lat", "lon"), (future + noise)[None], {"units": "degC"})},
            {
                "init_time": truth.time.values[[start]],
                "member": np.arange(members),
                "lead": ("lead", np.arange(1.0, leads + 1), {"units": "days"}),
                **{name: truth[name] for name in ("lat", "lon")},
            },
        ).chunk(init_time=1, member=members, lead=1)
        part.to_zarr(path, consolidated=False, **({"mode": "w"} if n == 0 else {"append_dim": "init_time"}))


def peak() -> float:
    """MiB of resident memory, the most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def score(folder: Path) -> dict[str, float]:
    """Seconds and MiB of scoring what lies in the folder."""
    from eval.forecast.evaluation import Settings, evaluate_variable
    from eval.forecast.plan import plan_of
    from eval.forecast.stores import common_variables, open_forecasts, open_truth
    from eval.forecast.tables import Confidence, scores_of

    before, begin, processor = peak(), time.perf_counter(), time.process_time()
    stores, truth = [open_forecasts(str(folder / "forecasts.zarr"), "ensemble")], open_truth(str(folder / "truth.zarr"))
    plan = plan_of(stores, truth)
    places = common_variables(stores, truth, ["tos"])
    found = evaluate_variable("tos", places["tos"], stores, truth, plan, Settings())
    table = scores_of("tos", found, plan, Confidence())
    return {
        "seconds": round(time.perf_counter() - begin, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "peak_mib": round(peak()),
        "peak_before_mib": round(before),
        "rows": len(table),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m eval.benchmarks.scoring", description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--leads", type=int, default=10, help="days")
    parser.add_argument("--spacing", type=float, default=1.0, help="degrees")
    parser.add_argument("--folder", type=Path, help="of the data, written if they are not there (default: temporary)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "forecasts.zarr").exists():
            random = np.random.default_rng(0)
            starts = 200 + 7 * np.arange(options.starts)
            truth = write_truth(folder / "truth.zarr", int(starts[-1]) + options.leads + 1, options.spacing, random)
            write_forecasts(folder / "forecasts.zarr", truth, starts, options.members, options.leads, random)
        cells = round(180 / options.spacing) * round(360 / options.spacing)
        size = options.starts * options.members * options.leads * cells * 4
        head = {"forecasts": options.starts * options.members, "leads": options.leads, "mib": round(size / 2**20)}
        print(json.dumps({"benchmark": "scoring", **head, **score(folder)}))


if __name__ == "__main__":
    main()
