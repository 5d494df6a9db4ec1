"""Means, spreads and quantiles of the members of a forecast, computed while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ocean_gcm.errors import UserError


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Which statistics of the members are kept.

    Attributes:
      mean, spread: whether the mean and the standard deviation (over M - 1) are.
      quantiles: ascending, between 0 and 1.
    """

    mean: bool = False
    spread: bool = False
    quantiles: tuple[float, ...] = ()

    @property
    def any(self) -> bool:
        return self.mean or self.spread or bool(self.quantiles)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What follows the names of the variables: thetao_mean, thetao_std, thetao_quantile."""
        chosen = (("mean", self.mean), ("std", self.spread), ("quantile", bool(self.quantiles)))
        return tuple(name for name, wanted in chosen if wanted)

    def of(self, members: np.ndarray, finite: np.ndarray) -> dict[str, np.ndarray]:
        """By suffix, of an array (member, ...); members that are not `finite` do not count.

        Without members that count, and for the spread with one alone, the result is NaN; land stays NaN.
        """
        good = members[finite]
        shape, dtype = members.shape[1:], members.dtype
        found = {}
        nothing = np.full(shape, np.nan, dtype)
        if self.mean:
            found["mean"] = good.mean(0, dtype=np.float64).astype(dtype) if len(good) else nothing
        if self.spread:
            found["std"] = good.std(0, ddof=1, dtype=np.float64).astype(dtype) if len(good) > 1 else nothing
        if self.quantiles:
            found["quantile"] = np.full((len(self.quantiles), *shape), np.nan, dtype)
            if len(good):
                wet = np.isfinite(good).all(0)
                found["quantile"][:, wet] = np.quantile(good[:, wet], self.quantiles, axis=0)
        return found


CELL_METHODS = {"mean": "member: mean", "std": "member: standard_deviation", "quantile": "member: quantile"}


def parse_statistics(words: Sequence[str | float]) -> Statistics:
    """From words: "mean", "std", and numbers between 0 and 1 for quantiles.  Raises UserError for others."""
    quantiles, named = set(), set()
    for word in words:
        if word in ("mean", "std"):
            named.add(word)
            continue
        try:
            quantiles.add(float(word))
        except ValueError:
            raise UserError(f"--statistics contains {word!r}; expected mean, std or quantiles such as 0.05") from None
    if any(not 0 <= q <= 1 for q in quantiles):
        raise UserError(f"--statistics contains the quantiles {sorted(quantiles)}; expected numbers from 0 to 1")
    return Statistics("mean" in named, "std" in named, tuple(sorted(quantiles)))
