"""A training of layers on the smallest grid: a truth of a fine run, its subgrid source, and what learns from it."""

import numpy as np
import xarray as xr
import yaml
from layers_model import TREE

import ocean_gcm as og
from ocean_gcm.config import config_from_dict

MODEL = {
    **TREE,
    "precision": "float32",
    "forcing": {},
    "dynamics": {**TREE["dynamics"], "time_stepper": "crank_nicolson_rk2", "dealiasing": "two_thirds"},
    "closures": {
        "subgrid": {
            "kind": "neural_source",
            "features": ["potential_vorticity", "velocity"],
            "network": {"architecture": "convolution", "width": 4, "depth": 3},
        }
    },
}
TRAINING = {
    "name": "layers",
    "model": {"base": "model.yaml"},
    "truth": {"path": "truth.zarr"},
    "periods": {"train": [0.0, 0.67], "validation": [0.67, 1.0]},
    "trainable": {"closures.subgrid.**": "auto"},
    "loss": {"terms": {"error": {"kind": "squared_error"}}, "variables": {"potential_vorticity": 1.0}},
    "optimizer": {"average_decay": 0.9},
    "stages": [{"steps": 4, "save_every": 2, "iterations": 4, "learning_rate": 0.01, "batch": 2}],
    "checkpoints": {"every": 2, "keep": 2},
}


def write_truth(path, trajectories=3, records=6):
    """States of the model without its closure but with a friction, an hour apart, and that friction as the source."""
    tree = {**MODEL, "closures": {"friction": {"kind": "hyperviscosity", "time": 3 * 3600.0, "order": 1}}}
    model = og.build_model(config_from_dict(tree))
    q, source = [], []
    from ocean_gcm.quasi_geostrophic.tendencies import closures_source

    for seed in range(trajectories):
        first = config_from_dict({**tree, "seed": seed}).initial.potential_vorticity(model.grid, seed)
        state = model.initial_state(fields={"potential_vorticity": first})
        _, saved = model.unroll(state, steps=2 * records, save_every=2)
        states = saved.states.ocean
        q.append(np.asarray(states.potential_vorticity))
        each = [type(states)(field) for field in states.potential_vorticity]
        source.append([np.asarray(closures_source(model, one, state.time, state.key)) for one in each])
    dims = ("trajectory", "time", "layer", "y", "x")
    grid = model.grid
    xr.Dataset(
        {"pv": (dims, np.stack(q), {"units": "s-1"}), "pv_subgrid_source": (dims, np.array(source), {"units": "s-2"})},
        {"time": ("time", 7200.0 * np.arange(records), {"units": "s"}), "y": ("y", grid.y), "x": ("x", grid.x)},
    ).to_zarr(path)


def write(directory):
    """The model's configuration and the truth in a directory."""
    (directory / "model.yaml").write_text(yaml.safe_dump(MODEL))
    write_truth(directory / "truth.zarr")
