"""Batches of a truth: complete, in an order that the seed decides, that can be taken up anywhere."""

import sys
from itertools import islice

import jax
import numpy as np
import pytest

from ocean_gcm.data.loader import batches
from ocean_gcm.data.truth import Window
from ocean_gcm.errors import UserError
from ocean_gcm.state import Ocean

RECORDS = 40


class Counting:
    """A truth whose every number is the index of its record."""

    def window(self, start, records, stride=1):
        index = start + stride * np.arange(records)
        field = np.broadcast_to(index[:, None, None], (records, 2, 3)).astype(np.float32)
        ocean = Ocean(field, field, field, field, field, {})
        return Window(ocean, index.astype(np.int32), np.zeros(records, np.int32))


def loader(**options):
    return batches(Counting(), **{"starts": range(RECORDS), "records": 3, "batch_size": 4, "seed": 7, **options})


def starts_of(found):
    return [batch.days[:, 0].tolist() for batch in found]


def test_batches_are_stacked_windows():
    batch = next(loader(stride=2))
    assert isinstance(batch, Window) and batch.ocean.u.shape == (4, 3, 2, 3) and batch.days.shape == (4, 3)
    assert (np.diff(batch.days, axis=1) == 2).all()
    for leaf in jax.tree.leaves(batch.ocean):
        np.testing.assert_array_equal(leaf[..., 0, 0], batch.days)


def test_every_window_once_an_epoch_each_epoch_in_another_order():
    found = np.array(starts_of(loader(epochs=2)))
    first, second = found.ravel()[:RECORDS], found.ravel()[RECORDS:]
    assert sorted(first) == sorted(second) == list(range(RECORDS))
    assert (first != second).any() and (first != np.arange(RECORDS)).any()


def test_order_depends_on_the_seed_and_not_on_threads():
    one = starts_of(islice(loader(threads=1, ahead=1), 15))
    assert one == starts_of(islice(loader(threads=8, ahead=32), 15))
    assert one != starts_of(islice(loader(seed=8), 15))
    assert starts_of(islice(loader(shuffle=False), 2)) == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("done", [0, 3, 12])
def test_taken_up_anywhere_to_the_bit(done):
    """Over the end of an epoch (10 batches)."""
    whole = list(islice(loader(), 25))
    for expected, found in zip(whole[done:], loader(first=done, threads=5), strict=False):
        jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert starts_of(islice(loader(first=done), 2)) == starts_of(whole[done : done + 2])


def test_processes_share_the_windows():
    parts = [np.array(starts_of(loader(part=(n, 2), epochs=1))).ravel().tolist() for n in (0, 1)]
    assert sorted(parts[0] + parts[1]) == list(range(RECORDS)) and not set(parts[0]) & set(parts[1])


def test_too_few_windows():
    with pytest.raises(UserError, match="there are 3 windows of 3 records; expected at least 4, one batch"):
        loader(starts=range(3))
    with pytest.raises(UserError, match="at least 8"):
        loader(starts=range(6), part=(0, 2))


def test_without_grain(monkeypatch):
    monkeypatch.setitem(sys.modules, "grain", None)
    with pytest.raises(UserError, match="need grain; pip install"):
        loader()


def test_what_goes_wrong_while_reading_reaches_the_caller():
    class Broken(Counting):
        def window(self, start, records, stride=1):
            raise UserError("variable thetao of truth.zarr cannot be read")

    with pytest.raises(Exception, match="thetao of truth.zarr cannot be read"):
        next(batches(Broken(), range(8), records=1, batch_size=2))
