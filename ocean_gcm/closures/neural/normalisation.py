"""Means and scales of a network's inputs and outputs: constants that fit the ocean, or statistics of data.

They are not trained: they live in the closure as `Statistic` variables, so that a checkpoint holds them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ocean_gcm.closures.neural import features as inputs
from ocean_gcm.data.paths import expand
from ocean_gcm.data.statistics import FORMAT, require_levels
from ocean_gcm.errors import UserError
from ocean_gcm.validation import suggestion

OUTPUT_SCALES = {"velocity": 1e-7, "temperature": 1e-7, "salinity": 2e-8}
"""Tendencies of order one of a network's outputs: m s-2, K s-1, g kg-1 s-1."""

PARTS = ("mean", "scale", "output_scale")

Numbers = float | Sequence[float]


class Statistic(nnx.Variable):
    """A number of the normalisation; saved with the weights, never trained."""


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Mean and scale by input, scale of the tendency by output.

    Values are numbers or one number per level from the surface down.  What is not named keeps its default.  Vectors,
    tensors and pseudoscalars have a mean of zero, or mirrored water would look different.

    Attributes:
      mean, scale: by name of `features.FEATURES`, in the unit that the input has before normalisation.
      output_scale: by "velocity" (m s-2), "temperature" (K s-1), "salinity" (g kg-1 s-1).
      depth: of the levels that they are of, m; () if that is not known.
      source: where they come from, for messages.
    """

    mean: Mapping[str, Numbers] = dataclasses.field(default_factory=dict)
    scale: Mapping[str, Numbers] = dataclasses.field(default_factory=dict)
    output_scale: Mapping[str, Numbers] = dataclasses.field(default_factory=dict)
    depth: Sequence[float] = ()
    source: str = ""

    def __post_init__(self):
        for part, valid in (("mean", inputs.FEATURES), ("scale", inputs.FEATURES), ("output_scale", OUTPUT_SCALES)):
            for name, value in getattr(self, part).items():
                if name not in valid:
                    raise UserError(f"statistics: {part} contains {name!r}; {suggestion(name, valid)}")
                numbers = np.asarray(value, float)
                if numbers.ndim > 1 or not np.isfinite(numbers).all():
                    raise UserError(f"statistics: {part}.{name} is {value}; expected finite numbers")
                if part != "mean" and (numbers <= 0).any():
                    raise UserError(f"statistics: {part}.{name} is {value}; expected positive numbers")
                if part == "mean" and inputs.FEATURES[name].kind != "scalar" and numbers.any():
                    raise UserError(f"statistics: mean.{name} is {value}; expected 0, the mean of what has a direction")

    @classmethod
    def read(cls, path: str) -> Statistics:
        """From the file of `ocean-gcm statistics`, or any JSON file with the keys mean, scale and output_scale.

        Raises UserError.
        """
        file = Path(expand(path))
        try:
            tree = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"there is no file of statistics {file}") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{file} cannot be read as JSON: {error}") from None
        if not isinstance(tree, dict):
            raise UserError(f"{file} holds a {type(tree).__name__}; expected the keys mean, scale and output_scale")
        depth: Sequence[float] = ()
        if "format" in tree:
            depth, tree = tree.get("depth", ()), _of_a_truth(tree, file)
        for key in tree:
            if key not in PARTS:
                raise UserError(f"{file} contains the key {key!r}; {suggestion(key, PARTS)}")
        return cls(**tree, depth=tuple(depth), source=str(file))

    def require_grid(self, grid) -> None:
        """Raises UserError if they are known to be of other levels than those of `grid`."""
        if self.depth:
            require_levels(np.asarray(self.depth, float), grid, f"the statistics {self.source}")

    def write(self, path: str | Path) -> None:
        """As JSON that `read` reads."""
        tree = {part: dict(getattr(self, part)) for part in PARTS}
        Path(path).write_text(json.dumps(tree, indent=1), encoding="utf-8")


class Normalisation(nnx.Module):
    """(value - mean) / scale by channel, and the scales of the outputs.

    Attributes:
      mean, scale: (channels,) of `features.stack`.
      output_scale: by output, (nz,) each.
    """

    def __init__(self, names: Sequence[str], grid, dtype, statistics: Statistics, random_fields: int = 0):
        statistics.require_grid(grid)
        nz = grid.shape[0]
        mean, scale = [], []
        for name in names:
            feature = inputs.FEATURES[name]
            levels = feature.channels(nz) // feature.number
            standard = grid.levels.thickness if name == "thickness" else feature.scale
            mean.append(np.tile(_by_level(statistics.mean, name, feature.mean, levels), feature.number))
            scale.append(np.tile(_by_level(statistics.scale, name, standard, levels), feature.number))
        mean.append(np.zeros(random_fields))
        scale.append(np.ones(random_fields))
        self.mean = Statistic(jnp.asarray(np.concatenate(mean), dtype))
        self.scale = Statistic(jnp.asarray(np.concatenate(scale), dtype))
        self.output_scale = nnx.Dict(
            {
                name: Statistic(jnp.asarray(_by_level(statistics.output_scale, name, value, nz), dtype))
                for name, value in OUTPUT_SCALES.items()
            }
        )

    def __call__(self, values: jax.Array, wet: jax.Array) -> jax.Array:
        """Normalised channels (channels, ny, nx), zero where dry."""
        mean, scale = self.mean[...][:, None, None], self.scale[...][:, None, None]
        return (values - mean) * (wet / scale)


def _of_a_truth(tree: Mapping, file: Path) -> Mapping:
    """The part for networks of a file of `ocean-gcm statistics`."""
    if tree["format"] != FORMAT:
        raise UserError(f"{file} has the format {tree['format']!r}; expected {FORMAT!r}")
    if not isinstance(tree.get("network"), dict) or not tree["network"]:
        raise UserError(
            f"{file} holds scales of losses but nothing for networks; expected what ocean-gcm statistics writes"
        )
    return tree["network"]


def _by_level(given: Mapping[str, Numbers], name: str, default: Numbers, levels: int) -> np.ndarray:
    value = np.asarray(given.get(name, default), float)
    if value.ndim and value.shape != (levels,):
        raise UserError(
            f"statistics: {name} has {value.size} numbers; expected one, or one for each of {levels} levels"
        )
    return np.broadcast_to(value, (levels,))
