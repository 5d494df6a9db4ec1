import time

import cftime
import numpy as np
import pytest
import tiny_run
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.output import dataset_from_fields
from ocean_gcm.errors import UserError
from train.data import FIELDS, Truth, Windows, open_truth, read_ahead

DAY = 86400


@pytest.fixture(scope="module")
def model():
    return build_model(config_from_dict(tiny_run.TREE))


@pytest.fixture(scope="module")
def dataset(model):
    """Twelve daily records from day 3 on, whose temperature is the number of the record."""
    shape = (12, *model.grid.shape)
    number = np.arange(12.0)[:, None, None, None]
    fields = {name: np.zeros(shape) for name in ("u", "v", "salinity")} | {"temperature": np.zeros(shape) + number}
    fields["sea_surface_height"] = np.zeros(shape)[:, 0]
    names = ("thetao", "so", "uo", "vo", "zos")
    return dataset_from_fields(model.grid, model.config, fields, (3 + np.arange(12)) * DAY, names=names)


@pytest.fixture(scope="module")
def truth(model, dataset):
    return Truth(dataset, model)


def test_windows_hold_what_follows_their_start(truth, model):
    windows = Windows(truth, 0, 12, 2, 3)
    ocean, clock, future = windows.read(np.array([4, 0]))
    wet = model.grid.mask
    assert [ocean.temperature[k][wet].mean() for k in (0, 1)] == [4.0, 0.0]
    assert [[f[wet].mean() for f in member] for member in future.temperature] == [[6.0, 8.0, 10.0], [2.0, 4.0, 6.0]]
    np.testing.assert_array_equal(clock, [[7, 0], [3, 0]])
    assert all(np.isfinite(getattr(ocean, name)).all() for name in FIELDS)
    assert ocean.sea_surface_height.shape == (2, *model.grid.shape[1:])


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6), st.integers(0, 4), st.integers(1, 2), st.integers(1, 3))
def test_order_is_a_pure_function_within_the_period(seed, iteration, first, stride, saved):
    windows = Windows(Truth.__new__(Truth), first, 12, stride, saved)
    starts = windows.sample(seed, iteration, 5)
    np.testing.assert_array_equal(starts, windows.sample(seed, iteration, 5))
    assert starts.min() >= first and starts.max() + stride * saved < 12


def test_all_starts_come_and_seeds_differ():
    windows = Windows(Truth.__new__(Truth), 0, 12, 1, 2)
    assert {int(s) for i in range(100) for s in windows.sample(0, i, 2)} == set(range(10))
    assert any((windows.sample(0, i, 4) != windows.sample(1, i, 4)).any() for i in range(3))
    np.testing.assert_array_equal(windows.spread(3), [0, 4, 9])
    assert len(windows.spread(50)) == 10


def test_read_ahead_keeps_the_order_and_hands_on_failures():
    def slow_at_first(iteration):
        time.sleep(0.01 * (iteration == 0))
        if iteration == 7:
            raise UserError("no more")
        return iteration

    assert list(read_ahead(slow_at_first, range(6))) == list(range(6))
    with pytest.raises(UserError, match="no more"):
        list(read_ahead(slow_at_first, range(9)))


def test_periods(truth):
    assert truth.records((0.0, 0.5), "train") == (0, 6)
    assert truth.records(("0001-01-05", "0001-01-08"), "train") == (1, 4)
    for period, message in (
        ((0.5, 0.5), "holds 0 of the 12 records"),
        ((0, 1.5), "expected a share"),
        (("1-1-1x", 1.0), "expected a date"),
    ):
        with pytest.raises(UserError, match=message):
            truth.records(period, "train")
    with pytest.raises(UserError, match="a forecast needs 13 records"):
        Windows(truth, 0, 12, 4, 3)
    with pytest.raises(UserError, match="expected a multiple of 86400 s"):
        truth.stride(3, "stages[0].save_every")


def test_what_is_no_truth_is_refused(model, dataset, tmp_path):
    other = [cftime.datetime(1, 1, n + 1, calendar="360_day") for n in range(12)]
    uneven = dataset.time.values[[0, 1, 3]]
    for wrong, message in (
        (dataset.drop_vars("uo"), "has no variable 'uo'"),
        (dataset.isel(lev=slice(2)), "has the dimensions"),
        (dataset.assign_coords(time=other), "has the calendar '360_day'"),
        (dataset.isel(time=[0, 1, 3]).assign_coords(time=uneven), "expected even spacing"),
        (dataset.isel(time=slice(1)), "two or more"),
    ):
        with pytest.raises(UserError, match=message):
            Truth(wrong, model)
    with pytest.raises(UserError, match="there is no such file"):
        open_truth(tmp_path / "none.zarr", model)
    (tmp_path / "empty.nc").write_bytes(b"CDF")
    with pytest.raises(UserError, match="cannot be read"):
        open_truth(tmp_path / "empty.nc", model)


def test_round_trip_through_a_store(model, dataset, truth, tmp_path):
    dataset.to_zarr(tmp_path / "truth.zarr", consolidated=False)
    dataset.to_netcdf(tmp_path / "truth.nc")
    for name in ("truth.zarr", "truth.nc"):
        with pytest.warns() if name == "truth.zarr" else xr.set_options():
            read = open_truth(tmp_path / name, model)
        np.testing.assert_array_equal(read.fields(5).temperature, truth.fields(5).temperature)
        assert (read.seconds == truth.seconds).all()
