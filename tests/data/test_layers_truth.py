"""Truths of layers: windows within trajectories, periods of whole ones, and what is refused."""

import numpy as np
import pytest
import xarray as xr
from layers_model import TREE, build

from ocean_gcm.data.layers_truth import open_layers_truth
from ocean_gcm.data.truth import Period
from ocean_gcm.errors import UserError

DIMENSIONS = ("trajectory", "time", "layer", "y", "x")


@pytest.fixture(scope="module")
def model():
    return build()


def dataset(model, trajectories=3, records=5, step=3600.0):
    shape = (trajectories, records, *model.grid.shape)
    numbers = np.arange(trajectories * records, dtype=float).reshape(trajectories, records, 1, 1, 1)
    return xr.Dataset(
        {"pv": (DIMENSIONS, np.broadcast_to(numbers, shape)), "pv_subgrid_source": (DIMENSIONS, np.zeros(shape))},
        {"time": ("time", step * np.arange(records), {"units": "s"})}
        | {name: (name, getattr(model.grid, name)) for name in "yx"},
    )


@pytest.fixture
def opened(model, tmp_path):
    def make(data):
        data.to_netcdf(tmp_path / "truth.nc")
        return open_layers_truth(tmp_path / "truth.nc", model)

    return make


@pytest.mark.parametrize("read", [lambda t: t, lambda t: t.in_memory()], ids=["lazy", "in memory"])
def test_windows_stay_within_a_trajectory(model, opened, read):
    truth = read(opened(dataset(model)))
    assert len(truth) == 15 and truth.interval == 3600
    starts = truth.starts(Period(0, 15), 2, 2)
    np.testing.assert_array_equal(starts, [0, 1, 2, 5, 6, 7, 10, 11, 12])
    window = truth.with_increments("k").windows(starts[[1, 5]], 2, 2)
    np.testing.assert_array_equal(window.ocean.potential_vorticity[..., 0, 0, 0], [[1, 3], [7, 9]])
    np.testing.assert_array_equal(window.seconds, [[3600, 10800], [7200, 14400]])
    assert window.increments["potential_vorticity"].shape == (2, 2, *model.grid.shape)
    with pytest.raises(UserError, match="does not lie in one of the 3 trajectories"):
        truth.window(4, 2)
    with pytest.raises(UserError, match="needs 6 records of one trajectory"):
        truth.starts(Period(0, 15), 6)


def test_periods_are_whole_trajectories(model, opened):
    parts = {"train": (0.0, 0.7), "validation": (0.7, 1.0)}
    assert opened(dataset(model)).split(parts) == {"train": Period(0, 10), "validation": Period(10, 15)}
    single = opened(dataset(model, trajectories=1, records=10))
    assert single.split(parts) == {"train": Period(0, 7), "validation": Period(7, 10)}
    with pytest.raises(UserError, match="expected shares of the truth"):
        single.split({"train": ("0001-01-01", 1.0)})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: d.rename(pv="q"), "has no variable pv; it holds"),
        (lambda d: d.isel(x=slice(8)), "has a grid of"),
        (lambda d: d.assign_coords(x=d.x * 2), "other cells along x"),
        (lambda d: d.isel(time=[0, 1, 3]), "not evenly spaced"),
        (lambda d: d.assign_coords(time=d.time + 0.5), "expected whole seconds"),
        (lambda d: d.transpose("time", ...), "has the dimensions"),
        (lambda d: d.assign(pv=d.pv.assign_attrs(cell_methods="time: mean")), "holds means"),
    ],
)
def test_what_does_not_fit(model, opened, spoil, words):
    with pytest.raises(UserError, match=words):
        opened(spoil(dataset(model)))


def test_numbers_that_are_none(model, opened):
    data = dataset(model)
    data["pv"] = data.pv.where(data.trajectory != 1)
    with pytest.raises(UserError, match="pv of .* is not finite in trajectory 1"):
        opened(data).window(6, 2)


def test_without_a_source(model, opened):
    truth = opened(dataset(model).drop_vars("pv_subgrid_source"))
    with pytest.raises(UserError, match="mode = tendency needs a truth with pv_subgrid_source"):
        truth.with_increments("mode = tendency")


def test_output_of_a_run_is_a_truth(model, tmp_path):
    from ocean_gcm.config import config_from_dict
    from ocean_gcm.simulate import simulate

    tree = {**TREE, "time": {**TREE["time"], "duration": "PT4H"}, "output": {"interval": "PT1H"}}
    simulate(config_from_dict(tree), tmp_path / "run")
    truth = open_layers_truth(tmp_path / "run", model)
    assert truth.trajectories == 1 and truth.interval == 3600 and len(truth) >= 4
