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
from ocean_gcm.errors import UserError
from ocean_gcm.validation import suggestion

OUTPUT_SCALES = {"velocity": 1e-7, "temperature": 1e-7, "salinity": 2e-8}
"""Tendencies of order one of a network's outputs: m s-2, K s-1, g kg-1 s-1."""

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
    """

    mean: Mapping[str, Numbers] = dataclasses.field(default_factory=dict)
    scale: Mapping[str, Numbers] = dataclasses.field(default_factory=dict)
    output_scale: Mapping[str, Numbers] = dataclasses.field(default_factory=dict)

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
        """From a JSON file with the keys mean, scale and output_scale.  Raises UserError."""
        file = Path(expand(path))
        try:
            tree = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"there is no file of statistics {file}") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{file} cannot be read as JSON: {error}") from None
        if not isinstance(tree, dict):
            raise UserError(f"{file} holds a {type(tree).__name__}; expected the keys mean, scale and output_scale")
        for key in tree:
            if key not in (valid := [f.name for f in dataclasses.fields(cls)]):
                raise UserError(f"{file} contains the key {key!r}; {suggestion(key, valid)}")
        return cls(**tree)

    def write(self, path: str | Path) -> None:
        """As JSON that `read` reads."""
        Path(path).write_text(json.dumps(dataclasses.asdict(self), indent=1), encoding="utf-8")


class Normalisation(nnx.Module):
    """(value - mean) / scale by channel, and the scales of the outputs.

    Attributes:
      mean, scale: (channels,) of `features.stack`.
      output_scale: by output, (nz,) each.
    """

    def __init__(self, names: Sequence[str], grid, dtype, statistics: Statistics, random_fields: int = 0):
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


def _by_level(given: Mapping[str, Numbers], name: str, default: Numbers, levels: int) -> np.ndarray:
    value = np.asarray(given.get(name, default), float)
    if value.ndim and value.shape != (levels,):
        raise UserError(
            f"statistics: {name} has {value.size} numbers; expected one, or one for each of {levels} levels"
        )
    return np.broadcast_to(value, (levels,))
