"""A store that grows: complete after each record, and seamless after being cut back."""

import errno

import numpy as np
import pytest
import xarray as xr
import zarr

from ocean_gcm.data.zarr_store import GrowingStore
from ocean_gcm.errors import UserError

ATTRIBUTES = {"configuration_hash": "a"}


def records(first, number=1):
    days = np.arange(first, first + number, dtype=float)
    data = days[:, None, None] * np.ones((number, 3, 4))
    time = xr.DataArray(days, dims="time", attrs={"units": "days since 0001-01-01", "calendar": "noleap"})
    dataset = xr.Dataset({"thetao": (("time", "y", "x"), data), "total": ("time", days)}, {"time": time})
    return xr.decode_cf(dataset, decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)).load()


@pytest.fixture
def store(tmp_path):
    return GrowingStore.create(tmp_path / "output.zarr", records(0), ATTRIBUTES, "float32")


def read(store):
    return xr.open_zarr(store.path, consolidated=True, chunks=None)


def test_a_new_store_is_empty_and_readable(store):
    # xarray cannot decode dates that are not there
    assert xr.open_zarr(store.path, decode_times=False).sizes["time"] == 0


def test_what_is_appended_is_read_back(store):
    for day in range(70):  # more than a chunk
        store.append(records(day))
    dataset = read(store)
    np.testing.assert_array_equal(dataset.total, np.arange(70))
    np.testing.assert_array_equal(dataset.thetao[:, 1, 2], np.arange(70))
    assert dataset.thetao.dtype == "float32" and str(dataset.time.values[-1]) == "0001-03-11 00:00:00"


def test_a_store_cut_back_and_continued_is_the_same(store, tmp_path):
    whole = GrowingStore.create(tmp_path / "whole.zarr", records(0), ATTRIBUTES, "float32")
    for day in range(8):
        whole.append(records(day))
        store.append(records(day))
    store = GrowingStore.open(store.path, ATTRIBUTES)
    store.truncate(3)
    assert read(store).sizes["time"] == 3
    for day in range(3, 8):
        store.append(records(day))
    xr.testing.assert_identical(read(store), read(whole))


@pytest.mark.parametrize("moment", range(6))
def test_a_kill_within_an_append_loses_no_record(store, monkeypatch, moment):
    for day in range(3):
        store.append(records(day))
    calls = []

    def dying(name):
        original = getattr(zarr.Array, name)

        def method(self, *arguments):
            calls.append(name)
            if len(calls) > moment:
                raise RuntimeError("killed")
            return original(self, *arguments)

        monkeypatch.setattr(zarr.Array, name, method)

    for name in ("resize", "__setitem__"):
        dying(name)
    with pytest.raises(RuntimeError):
        store.append(records(3))
    monkeypatch.undo()
    np.testing.assert_array_equal(read(store).total, np.arange(3))
    again = GrowingStore.open(store.path, ATTRIBUTES)
    again.truncate(3)
    again.append(records(3))
    np.testing.assert_array_equal(read(again).thetao[:, 0, 0], np.arange(4))


def test_other_configuration_missing_records_and_damage_are_named(store, tmp_path):
    with pytest.raises(UserError, match="another configuration.*'a'.*'b'"):
        GrowingStore.open(store.path, {"configuration_hash": "b"})
    with pytest.raises(UserError, match="holds 0 records"):
        store.truncate(1)
    with pytest.raises(UserError, match="missing"):
        GrowingStore.open(tmp_path / "nothing.zarr", ATTRIBUTES)
    (store.path / "zarr.json").write_text('{"zarr_')
    with pytest.raises(UserError, match="damaged"):
        GrowingStore.open(store.path, ATTRIBUTES)


def test_full_disk_is_named(store, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    store.append(records(0))
    monkeypatch.setattr(zarr.Array, "__setitem__", full)
    with pytest.raises(UserError, match="output.zarr could not be written: No space left on device"):
        store.append(records(1))
    assert read(store).sizes["time"] == 1


def test_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be written"):
        GrowingStore.create(tmp_path / "file" / "output.zarr", records(0), ATTRIBUTES, "float32")
