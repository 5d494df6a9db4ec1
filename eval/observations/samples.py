"""Single observations: one place, moment and depth each, with the values of one or more variables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ocean_gcm.metrics import basins

SECONDS_PER_YEAR = 365.25 * 86400.0
LAYERS = (
    0.0,
    10.0,
    30.0,
    50.0,
    100.0,
    150.0,
    200.0,
    300.0,
    400.0,
    500.0,
    700.0,
    1000.0,
    1500.0,
    2000.0,
    3000.0,
    6500.0,
)
"""Edges in m of the layers that statistics are taken over."""
TROPICS = 20.0
"""Degrees of latitude between which an ocean counts as tropical."""


@dataclasses.dataclass(frozen=True)
class Observations:
    """Values at points.

    Attributes:
      label: what messages and tables call them.
      lon, lat: (n,) degrees; longitudes in [0, 360).
      time: (n,) datetime64[s].
      depth: (n,) m, positive down; 0 at the surface.
      values: by variable (`readers.VARIABLES`), (n,) NaN where missing.
    """

    label: str
    lon: np.ndarray
    lat: np.ndarray
    time: np.ndarray
    depth: np.ndarray
    values: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.lon)

    def at(self, chosen) -> Observations:
        """The observations of an index or mask."""
        values = {name: array[chosen] for name, array in self.values.items()}
        return Observations(self.label, *(a[chosen] for a in (self.lon, self.lat, self.time, self.depth)), values)

    @property
    def period(self) -> str:
        first, last = (str(moment)[:10] for moment in (self.time.min(), self.time.max()))
        return f"{first} to {last}"

    @property
    def year_fraction(self) -> np.ndarray:
        """(n,) time of the year in [0, 1)."""
        return year_fraction(self.time)


def year_fraction(time: np.ndarray) -> np.ndarray:
    """Time of the year in [0, 1) of datetime64 values."""
    start = time.astype("datetime64[Y]").astype("datetime64[s]")
    elapsed = (time.astype("datetime64[s]") - start) / np.timedelta64(1, "s")
    return np.minimum(elapsed / SECONDS_PER_YEAR, 1 - 1e-9)


def layer_of(depth: np.ndarray, edges: Sequence[float] = LAYERS) -> np.ndarray:
    """(n,) index of the layer with edges[k] <= depth < edges[k + 1]; -1 outside of all."""
    index = np.searchsorted(edges, depth, side="right") - 1
    return np.where((index >= 0) & (index < len(edges) - 1), index, -1)


def layer_names(edges: Sequence[float] = LAYERS) -> list[str]:
    return [f"{upper:g}-{lower:g} m" for upper, lower in zip(edges[:-1], edges[1:], strict=True)]


def regions(lon: np.ndarray, lat: np.ndarray) -> dict[str, np.ndarray]:
    """Masks (n,) by name: the whole ocean, and the basins as GODAE's intercomparison parts them (Ryan et al. 2015).

    The tropical part of an ocean lies between 20S and 20N; everything south of 34S is the Southern Ocean.
    """
    code = basins.basins(lon, lat)
    masks = {"all": np.ones(len(lon), bool)}
    for name, basin in (("Atlantic", basins.ATLANTIC), ("Pacific", basins.PACIFIC)):
        here = code == basin
        masks[f"North {name}"] = here & (lat > TROPICS)
        masks[f"Tropical {name}"] = here & (np.abs(lat) <= TROPICS)
        masks[f"South {name}"] = here & (lat < -TROPICS)
    masks["Indian Ocean"] = code == basins.INDIAN
    masks["Southern Ocean"] = code == basins.SOUTHERN
    masks["Arctic Ocean"] = code == basins.ARCTIC
    masks["Mediterranean Sea"] = code == basins.MEDITERRANEAN
    return masks
