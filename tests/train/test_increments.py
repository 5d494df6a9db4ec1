"""What a model lacks of a truth is little where the truth is its own, and brings it there where it is not."""

import numpy as np
import pytest
import xarray as xr

from eval.gyre_hybrid.increments import write_increments
from ocean_gcm.build import build_model
from ocean_gcm.data.truth import INCREMENT
from ocean_gcm.errors import UserError
from train.simulated_truth import make_truth, twin_config

PERIOD = ("0001-01-06", "0001-01-10")


def test_increments_of_a_twin(training, tmp_path):
    """The truth has twice the drag of the model: what the model lacks there slows currents, and its twin lacks less."""
    config, _ = training()
    model, twin = build_model(config.model), twin_config(config)
    truth = str(make_truth(config.truth.simulate, twin, model, tmp_path / "truth.zarr"))
    for name, of in (("model", model), ("twin", build_model(twin))):
        assert write_increments(truth, of, *PERIOD, tmp_path / f"{name}.zarr") == 3
    found, own = (xr.open_zarr(tmp_path / f"{name}.zarr") for name in ("model", "twin"))
    lacked, less = (np.nan_to_num(store[INCREMENT.format("u")].values) for store in (found, own))
    assert np.abs(less).max() < 0.1 * np.abs(lacked).max()
    assert (lacked[:, -1] * np.nan_to_num(found.uo.values[:, -1])).sum() < 0
    with pytest.raises(UserError, match="model.zarr exists; expected a new store"):
        write_increments(truth, model, *PERIOD, tmp_path / "model.zarr")
