"""Memory and time of `ocean-gcm data prepare` on a synthetic series larger than its blocks.

python -m eval.benchmarks.prepare_data --records 40 --resolution 0.25 --levels 10

Prints one JSON line: size of the series, what a recipe allows, the peak of resident memory above that of the process
before, seconds per record.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr

from ocean_gcm.data.plan import plan
from ocean_gcm.data.prepare import peak_bytes, prepare
from ocean_gcm.data.recipe import recipe_from_dict


def series(records: int, resolution: float, levels: int) -> xr.Dataset:
    """Temperature and salinity, a day and a level a chunk, a continent, daily."""
    lon = np.arange(0.5 * resolution, 360.0, resolution)
    lat = np.arange(-90 + 0.5 * resolution, 90.0, resolution)
    depth = np.linspace(5.0, 5000.0, levels)
    field = 20 * np.cos(np.deg2rad(lat))[:, None] + np.sin(np.deg2rad(4 * lon))
    field[:, (lon > 60) & (lon < 100)] = np.nan
    shape, chunks = (records, levels, *field.shape), (1, 1, *field.shape)
    axes = ("time", "depth", "lat", "lon")
    level = da.from_array(field.astype(np.float32))[None, None]
    fields = {
        name: (axes, da.broadcast_to(level + offset, shape).rechunk(chunks), {"units": units})
        for name, offset, units in (("thetao", 0.0, "degC"), ("so", 20.0, "1e-3"))
    }
    coordinates = {
        "time": ("time", np.arange(records, dtype=float), {"units": "days since 2001-01-01", "calendar": "noleap"}),
        "depth": ("depth", depth, {"units": "m", "positive": "down"}),
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    return xr.Dataset(fields, coordinates)


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Peak:
    """The largest resident memory while it is open."""

    def __enter__(self):
        self.before = self.highest = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.highest = max(self.highest, resident())

    def __exit__(self, *exception) -> None:
        self._over.set()
        self._thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=40)
    parser.add_argument("--resolution", type=float, default=0.25, help="of the series in degrees")
    parser.add_argument("--levels", type=int, default=10)
    parser.add_argument("--memory", type=float, default=256.0, help="what the recipe allows, MB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "series.zarr"
        data = series(options.records, options.resolution, options.levels)
        data.to_zarr(path, zarr_format=3, consolidated=False)
        recipe = recipe_from_dict(
            {
                "name": "synthetic",
                "sources": [{"path": str(path), "variables": {"thetao": "thetao", "so": "so"}}],
                "target": {"kind": "model", "config": "configs/global_4deg.yaml"},
                "memory": options.memory,
            }
        )
        bound = peak_bytes(plan(recipe))
        first = recipe.model_copy(update={"time": recipe.time.model_copy(update={"end": "2001-01-01"})})
        prepare(first, Path(directory) / "first.zarr")  # compiled, libraries loaded
        begin = time.perf_counter()
        with Peak() as peak:
            made = prepare(recipe, Path(directory) / "out.zarr")
        seconds = time.perf_counter() - begin
    print(
        json.dumps(
            {
                "benchmark": "prepare_data",
                "series_mb": round(data.nbytes / 1e6),
                "records": options.records,
                "block": made["block"],
                "memory_mb": options.memory,
                "bound_mb": round(bound / 1e6),
                "peak_mb": round((peak.highest - peak.before) / 1e6),
                "resident_mb": round(peak.highest / 1e6),
                "seconds_per_record": round(seconds / options.records, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
