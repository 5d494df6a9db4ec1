"""Batches of windows of a truth in a random order that can be taken up anywhere, read ahead by threads (Grain)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from ocean_gcm.data.truth import Truth, Window
from ocean_gcm.errors import UserError


@dataclasses.dataclass(frozen=True)
class _Windows:
    """What Grain draws from: the windows that begin at `starts`."""

    truth: Truth
    starts: np.ndarray
    records: int
    stride: int

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, item: int) -> Window:
        return self.truth.window(int(self.starts[item]), self.records, self.stride)


def batches(
    truth: Truth,
    starts: Sequence[int],
    *,
    records: int,
    batch_size: int,
    stride: int = 1,
    seed: int = 0,
    first: int = 0,
    epochs: int | None = None,
    shuffle: bool = True,
    part: tuple[int, int] = (0, 1),
    threads: int = 2,
    ahead: int = 8,
) -> Iterator[Window]:
    """Batches (batch_size, records, ...) of windows; every window once an epoch, each epoch in another order.

    Batch n is a pure function of `seed` and n: threads do not change it, and there is nothing to save for a
    training that is taken up again.  Windows that do not fill a last batch of all epochs are left out.

    Args:
      truth: where to read.
      starts: first records of the windows, for instance of `Period.starts`.
      records, stride: states of a window and their distance in records.
      first: number of the batch to begin with.
      epochs: how often to go through all windows; None without end.
      shuffle: False keeps the order of `starts`.
      part: (index, number) of the process among those that share a batch: it gets every `number`-th window, and
        `batch_size` is that of one process.
      threads, ahead: how many read, and how many windows at most are read ahead.

    Raises UserError if there are fewer windows than a batch needs, and if Grain is not installed.
    """
    try:
        import grain
    except ImportError:
        raise UserError("batches of a truth need grain; pip install 'ocean_gcm[train]'") from None
    index, number = part
    if len(starts) < batch_size * number:
        raise UserError(
            f"there are {len(starts)} windows of {records} records; expected at least {batch_size * number}, one batch"
        )
    windows = grain.MapDataset.source(_Windows(truth, np.asarray(starts, int), records, stride)).seed(seed)
    if shuffle:
        windows = windows.shuffle()
    windows = windows.repeat(epochs)
    windows = windows[index::number] if number > 1 else windows
    reading = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
    remaining = windows.batch(batch_size, drop_remainder=True)[first:]
    return iter(remaining.to_iter_dataset(reading))
