"""Stores at gs:// addresses, behind real HTTP: slow, busy and broken connections change nothing that is written."""

import types

import fsspec
import numpy as np
import pytest
import storage
import xarray as xr
from published import recipe, regular, series

from ocean_gcm.data import opening
from ocean_gcm.data.prepare import prepare
from ocean_gcm.errors import UserError

RECORDS = 6


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """(address of a store, faults, bucket): a series in a bucket of an emulator, clients that wait for nothing."""
    data, here = series(RECORDS), tmp_path_factory.mktemp("store") / "series.zarr"
    chunks = {n: {"chunks": [2 if d == "time" else s for d, s in v.sizes.items()]} for n, v in data.data_vars.items()}
    data.to_zarr(here, encoding=chunks, zarr_format=3)
    with pytest.MonkeyPatch.context() as patch, storage.emulator(patch) as (bucket, faults):
        import gcsfs.retry  # only now: it keeps the address that it finds when it is imported

        # pauses of gcsfs are random numbers and powers of two
        patch.setattr(gcsfs.retry, "random", types.SimpleNamespace(random=lambda: -1e9))
        patch.setattr(opening, "_FIRST_WAIT", 0.01)
        fsspec.filesystem("gs").put(str(here), f"{bucket}/series.zarr", recursive=True)
        yield f"{bucket}/series.zarr", faults, bucket


@pytest.fixture
def settings(cloud):
    """The recipe, two records at a time."""
    return recipe(cloud[0], regular(20), memory=1.0, timeout=0.6, retries=4)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What comes of the same series in a file."""
    directory = tmp_path_factory.mktemp("local")
    series(RECORDS).to_netcdf(directory / "series.nc")
    prepare(recipe(directory / "series.nc", regular(20)), directory / "local.zarr")
    return read(directory / "local.zarr")


def read(path):
    with xr.open_zarr(path, chunks=None) as dataset:
        return dataset.load()


def assert_same(found, expected):
    for name in ("thetao", "so", "uo", "vo", "zos", "time"):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("fault", ["503", "cut", "half", "slow"])
def test_faults_on_the_way_change_nothing(cloud, settings, expected, tmp_path, fault):
    _, faults, _ = cloud
    before, faults.waiting = faults.hit, [None, fault] * (2 if fault == "slow" else 8)
    prepare(settings, tmp_path / "out.zarr")
    assert faults.hit > before
    faults.waiting = []
    assert_same(read(tmp_path / "out.zarr"), expected)


def test_an_outage_leaves_whole_blocks_and_the_same_command_goes_on(cloud, settings, expected, tmp_path):
    _, faults, _ = cloud
    done, said = [], []

    def break_down(records, total):
        done.append(records)
        if 4 <= records < total:
            faults.waiting = ["503"] * 10_000

    with pytest.raises(UserError, match="could not be read.*4 time.*the same command goes on"):
        prepare(settings, tmp_path / "out.zarr", progress=break_down, say=said.append)
    faults.waiting = []
    assert done[-1] and not (tmp_path / "out.zarr").exists()
    assert said == [f"stopped after {done[-1]} of {RECORDS} records; the same command goes on from there"]
    made = prepare(settings, tmp_path / "out.zarr")
    assert made["records"] == RECORDS and made["block"] == 2 and made["resumed"] == 2
    assert_same(read(tmp_path / "out.zarr"), expected)
    assert [path.name for path in tmp_path.iterdir()] == ["out.zarr"]


def test_an_address_without_a_store(cloud, tmp_path):
    _, _, bucket = cloud
    with pytest.raises(UserError, match="cannot be read as a Zarr store"):
        prepare(recipe(f"{bucket}/nothing.zarr", regular(20), retries=0), tmp_path / "out.zarr")
    with pytest.raises(UserError, match="NetCDF file at an address"):
        prepare(recipe(f"{bucket}/series.nc", regular(20)), tmp_path / "out.zarr")


def test_only_what_may_pass_is_tried_again():
    waits, left = [], [OSError("reset"), TimeoutError(), "there"]

    def read():
        item = left.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    assert opening.persistently(read, 2, "it", wait=waits.append) == "there"
    assert len(waits) == 2 and waits[1] == 2 * waits[0]
    left[:] = [FileNotFoundError("gone"), "there"]
    with pytest.raises(FileNotFoundError):
        opening.persistently(read, 2, "it", wait=waits.append)
    assert len(waits) == 2
