"""Mean and variance of a long series in one pass, in float64 on the host."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Moments:
    """Weighted mean and sum of squared deviations by level of what was added so far.

    Pieces are joined as in Chan, Golub and LeVeque (1983): no difference of large sums, however long the series.

    Attributes:
      weight: (nz,) sum of the weights.
      mean: (nz,) in the unit of the field, 0 where there is no weight.
      square: (nz,) sum of weight times squared deviation from the mean.
    """

    weight: np.ndarray
    mean: np.ndarray
    square: np.ndarray

    @classmethod
    def empty(cls, levels: int) -> Moments:
        return cls(*(np.zeros(levels) for _ in range(3)))

    @classmethod
    def of(cls, field: np.ndarray, weights: np.ndarray) -> Moments:
        """Of (time, nz, ny, nx); weights (nz, ny, nx), zero on land.  NaN counts as missing, with no weight."""
        field = np.asarray(field, float)
        present = np.isfinite(field) & (weights > 0)
        share = np.where(present, weights, 0.0)
        field = np.where(present, field, 0.0)
        axes = (0, 2, 3)
        total = share.sum(axes)
        nonzero = np.where(total > 0, total, 1.0)
        mean = (share * field).sum(axes) / nonzero
        deviation = field - mean[:, None, None]
        # what round-off left in the mean is taken off, so that a constant has no variance
        rest = (share * deviation).sum(axes) / nonzero
        square = (share * deviation**2).sum(axes) - total * rest**2
        return cls(total, mean + rest, np.maximum(square, 0.0))

    def __add__(self, other: Moments) -> Moments:
        weight = self.weight + other.weight
        share = other.weight / np.where(weight > 0, weight, 1.0)
        difference = other.mean - self.mean
        square = self.square + other.square + difference**2 * self.weight * share
        return Moments(weight, self.mean + share * difference, square)

    @property
    def variance(self) -> np.ndarray:
        """(nz,) mean squared deviation, NaN where there is no weight."""
        empty = self.weight == 0
        return np.where(empty, np.nan, self.square / np.where(empty, 1.0, self.weight))
