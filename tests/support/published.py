"""Published data in small: series on grids of their own, recipes for them, and a model to prepare them for."""

import copy

import numpy as np
import xarray as xr
import yaml
from encoding_cases import SMALL, analysis

from ocean_gcm.data.recipe import recipe_from_dict

NAMES = ("thetao", "so", "uo", "vo", "zos")


def series(records=6, start="2011-02-25", **grid) -> xr.Dataset:
    """Daily records of the analysis of `encoding_cases`, warmer and saltier from one to the next."""
    first = analysis(**grid)
    days = xr.DataArray(np.arange(records, dtype=float), dims="time")
    data = xr.Dataset({name: (first[name] + 0.01 * days).transpose("time", ...) for name in first.data_vars})
    for name, variable in first.data_vars.items():
        data[name].attrs = dict(variable.attrs)
    data["time"] = ("time", days.values, {"units": f"days since {start}", "calendar": "gregorian"})
    return data


def model_file(directory) -> str:
    """The configuration of a small ocean."""
    path = directory / "small.yaml"
    path.write_text(yaml.safe_dump(copy.deepcopy(SMALL)))
    return str(path)


def recipe(path, target, **changes):
    """A recipe for all variables of `path`; `changes` of its keys."""
    tree = {
        "name": "small series",
        "sources": [{"path": str(path), "variables": {name: name for name in NAMES}}],
        "target": target,
    }
    return recipe_from_dict({**tree, **changes})


def regular(resolution=10, **more):
    return {"kind": "lonlat", "resolution": resolution, "latitude": [-60, 60], **more}
