"""The smallest run: its configuration, and what it means that two runs are the same."""

import numpy as np
import xarray as xr

from ocean_gcm.data import restart

TREE = {
    "name": "tiny",
    "precision": "float64",
    "grid": {"geometry": "sphere", "nx": 6, "ny": 5, "x": [0, 60], "y": [-50, 50], "periodic_x": True}
    | {"levels": {"thickness": [100, 300, 600]}},
    "bathymetry": {"kind": "flat", "depth": 1000},
    "initial": {"kind": "linear"},
    "surface": {"wind_stress": {"kind": "acc", "amplitude": 0.1}},
    "dynamics": {"equation_of_state": {"kind": "linear"}, "momentum_advection": "none"},
    "closures": {"drag": {"kind": "bottom_drag", "linear": 1e-3}},
    "time": {"step": "PT6H", "duration": "P10D"},
    "output": {
        "interval": "P2D",
        "restart_interval": "P3D",
        "variables": ["thetao", "uo", "zos"],
        "snapshots": {"interval": "P5D", "variables": ["zos"]},
    },
}


def read(directory, store="output.zarr"):
    with xr.open_zarr(directory / store, chunks=None) as dataset:
        return dataset.load()


def assert_same_run(a, b):
    for store in ("output.zarr", "snapshots.zarr"):
        xr.testing.assert_identical(read(a, store), read(b, store))
    first, second = (restart.load_latest(directory / "restarts") for directory in (a, b))
    assert first.step == second.step and first.metadata["budget"] == second.metadata["budget"]
    for name, array in first.state.items():
        np.testing.assert_array_equal(array, second.state[name], err_msg=name)
